"""Shapley and Owen values by enumeration, as their papers have them: NumPy, nothing of Kerascope.

A game is a function from a set of players to a worth. Players are the segments of `labels`; those
that do not take part are covered by `baseline`.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable

import numpy as np

from numpy_net import Net

Array = np.ndarray
# Segments of the net "deep", 8 × 10 pixels: 9 of different sizes; a hierarchy of them; 6 of them.
_ROWS = [[0, 0, 1, 2, 2], [0, 3, 3, 4, 5], [6, 3, 4, 4, 5], [6, 7, 7, 8, 8]]
NINE = np.array(_ROWS).repeat(2, axis=0).repeat(2, axis=1)
TREE = np.array([[0, 3], [1, 2], [4, 5], [9, 6], [7, 8], [10, 11], [12, 13], [14, 15]])
SIX = np.minimum(NINE, 5)
Worth = Callable[[frozenset[int]], float]


def game(net: Net, picture: Array, k: int, labels: Array, baseline: float) -> Worth:
    """Return the logit of class `k` with the segments of a coalition shown."""

    @functools.cache
    def worth(coalition: frozenset[int]) -> float:
        shown = np.isin(labels, list(coalition))[..., None]
        return float(net.scores(np.where(shown, picture, baseline)[None], k)[0])

    return worth


def shapley_values(worth: Worth, players: int) -> list[float]:
    """Σ over S without i of |S|! (n − |S| − 1)! / n! · (v(S ∪ i) − v(S)) (Shapley 1953)."""
    values = []
    for i in range(players):
        others = [j for j in range(players) if j != i]
        total = 0.0
        for size in range(players):
            weight = math.factorial(size) * math.factorial(players - size - 1)
            for rest in itertools.combinations(others, size):
                gain = worth(frozenset({*rest, i})) - worth(frozenset(rest))
                total += weight / math.factorial(players) * gain
        values.append(total)
    return values


def shapley_by_orders(worth: Worth, players: int) -> list[float]:
    """The mean gain over all n! orders in which players join (Castro et al. 2009, section 2)."""
    return _mean_gain(worth, list(itertools.permutations(range(players))))


def owen_values(worth: Worth, children: Array) -> list[float]:
    """The mean gain over all orders in which the members of every block stay together.

    Owen 1977, section 2, for a hierarchy of unions: at every node of the tree either half comes
    first, which makes 2ⁿ⁻¹ orders, all equally likely.
    """
    players = len(children) + 1

    def orders(node: int) -> list[tuple[int, ...]]:
        if node < players:
            return [(node,)]
        left, right = (orders(int(child)) for child in children[node - players])
        return [a + b for a in left for b in right] + [b + a for a in left for b in right]

    return _mean_gain(worth, orders(2 * players - 2))


def _mean_gain(worth: Worth, orders: list[tuple[int, ...]]) -> list[float]:
    values = [0.0] * len(orders[0])
    for order in orders:
        for place, player in enumerate(order):
            before = frozenset(order[:place])
            values[player] += (worth(before | {player}) - worth(before)) / len(orders)
    return values


def ablated(worth: Worth, players: int) -> list[float]:
    """What is lost when one player alone leaves."""
    everybody = frozenset(range(players))
    return [worth(everybody) - worth(everybody - {i}) for i in range(players)]


def _map(
    solve: Callable[[Worth, int], list[float]],
    net: Net,
    x: Array,
    k: int,
    *,
    segments: Array,
    baseline: float,
) -> Array:
    """Return (sample, y, x): every position has its segment's value."""
    players = int(segments.max()) + 1
    return np.stack(
        [np.array(solve(game(net, one, k, segments, baseline), players))[segments] for one in x]
    )


shapley = functools.partial(_map, shapley_values)
feature_ablation = functools.partial(_map, ablated)


def owen(
    net: Net, x: Array, k: int, *, segments: Array, baseline: float, hierarchy: Array
) -> Array:
    """Owen values on the map, from the children of the hierarchy's nodes."""
    return _map(
        lambda worth, _: owen_values(worth, hierarchy),
        net, x, k, segments=segments, baseline=baseline,
    )  # fmt: skip
