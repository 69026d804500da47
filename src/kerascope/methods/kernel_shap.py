"""Kernel SHAP (Lundberg and Lee 2017) by paired leverage sampling (Musco and Witter 2024)."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import ClassVar

import numpy as np

from kerascope.method import Axiom
from kerascope.methods.shapley_family import Permutations, Plan, ShapleyMap
from kerascope.types import Array

_ENOUGH = 5  # worths per player from which on regression beats permutations
_CANDIDATES = 4  # coalitions of which the best balanced one is taken
_MISSES = 5  # draws of coalitions already taken, after which balance is given up


@dataclasses.dataclass(frozen=True, kw_only=True)
class KernelSHAP(ShapleyMap):
    """Shapley values as the weighted least squares fit of an additive game to sampled coalitions.

    Every coalition is used together with its complement. Sizes get worths in proportion to
    1/√(s(n − s)), between leverage scores (Musco and Witter 2024) and the kernel, which is best
    for few; within a size no coalition is drawn twice, all are equally likely, and players and
    pairs of them are shown about equally often. Weights are kernel over inclusion probability.
    With 2ⁿ − 2 or more `samples` the values are exact; below five per segment, where least squares
    explode, they are means over antithetic permutations.
    """

    name = "kernel_shap"
    title = "Kernel SHAP"
    reference = "lundberg2017unified"
    formula = "φ of min Σ_z π(z)·(y(z) − φ₀ − φ·z)², π the Shapley kernel, Σφ = y(x) − y(x′)"
    use = "Shapley values of segments, words or columns of any model; exact from 2ⁿ − 2 samples on."
    avoid = (
        "With many segments and few samples; where covering parts makes inputs that cannot occur."
    )
    linear = True
    # A fit to a part of the coalitions gives a dummy a little: exact values alone are free of it.
    axioms: ClassVar[frozenset[Axiom]] = ShapleyMap.axioms - {Axiom.DUMMY, Axiom.LOCATION}

    def plan(self, players: int, generator: np.random.Generator) -> Plan:
        """Return pairs of coalitions for a regression, or permutations where they are too few."""
        if self.samples >= min(_ENOUGH * players, 2**players - 2):
            return Regression(players, self.samples, generator)
        plan = Permutations(players, self.samples, generator)
        plan.notes.append(
            f"kernel_shap: samples={self.samples} are fewer than {_ENOUGH} for each of {players} "
            "segments: antithetic permutations took the place of the regression"
        )
        return plan


class Regression:
    """Pairs of a coalition and its complement, and the constrained weighted least squares fit."""

    def __init__(self, players: int, samples: int, generator: np.random.Generator) -> None:
        self.notes: list[str] = []
        self.all, self.drawn = allocate(players, samples // 2)
        size = np.arange(1, len(self.all) + 1)
        # The Shapley kernel (n − 1) / (C(n, s) s (n − s)), summed over all pairs of a size.
        self.kernel = (
            (players - 1) / (size * (players - size)) / np.where(2 * size == players, 2, 1)
        )
        shown = [
            choose(players, int(s), int(m), generator)
            for s, m in zip(size, self.drawn, strict=True)
        ]
        stratum = np.repeat(size - 1, self.drawn)
        # In random order, so that what is done when a run is stopped is a sample of the same kind.
        order = generator.permutation(len(stratum))
        first = np.concatenate([np.zeros((0, players), bool), *shown])[order]
        self.stratum = stratum[order]
        self.coalitions = np.stack([first, ~first], axis=1).reshape(-1, players)

    def values(self, worths: Array, change: Array) -> tuple[Array, Array | None]:
        """Return the fit, whose values sum to `change`, and its standard error.

        The kernel's even part cancels between complements, so half their difference is fitted.
        """
        pairs = len(worths) // 2
        first, stratum = self.coalitions[: 2 * pairs : 2], self.stratum[:pairs]
        players = first.shape[1]
        equal = np.broadcast_to(change / players, (players, len(change)))
        if players == 1 or not pairs:
            return equal, np.zeros(equal.shape) if players == 1 else None
        sign = np.where(first, 0.5, -0.5)
        odd = (worths[: 2 * pairs : 2] - worths[1 : 2 * pairs : 2]) / 2 - sign @ equal
        weight = (self.kernel / np.maximum(self.drawn, 1))[stratum]
        # Values that sum to zero: an orthonormal basis leaves one unknown less than players.
        basis = np.linalg.qr(np.eye(players)[:, 1:] - 1 / players)[0]
        x = (sign @ basis) * np.sqrt(weight)[:, None]
        gram = x.T @ x
        early = 2 * pairs < min(_ENOUGH * players, 2**players - 2)
        if early:  # stopped too early for least squares: hold back what is hardly determined
            gram += np.trace(gram) / len(gram) * players / pairs * np.eye(len(gram))
        fit = np.linalg.solve(gram, x.T)  # (unknown, pair)
        response = odd * np.sqrt(weight)[:, None]
        left = response - x @ (fit @ response)
        # What leaving a pair out leaves of it (HC3).
        left /= np.maximum(1 - np.einsum("ij,ji->i", x, fit), 1e-3)[:, None]
        error = None if early else self._error(basis @ fit, left, stratum)
        return equal + basis @ (fit @ response), error

    def _error(self, fit: Array, left: Array, stratum: Array) -> Array | None:
        """Return the linearised standard error of a stratified sample (Cochran 1977, section 5.3).

        What was drawn of a size is set against all there is of it, so a size that was taken whole
        adds nothing. None where as few pairs as unknowns leave nothing to tell.
        """
        mine = [np.flatnonzero(stratum == s) for s in range(len(self.all))]
        part = [(rows, 1 - len(rows) / there) for rows, there in zip(mine, self.all, strict=True)]
        if any(rest > 0 for _, rest in part) and fit.shape[1] < len(fit):
            return None
        variance = np.zeros((len(fit), left.shape[1]))
        for rows, rest in part:
            if len(rows) == 0 or rest == 0:
                continue
            parts = fit[:, rows, None] * left[rows]
            if len(rows) > 1:
                parts = parts - parts.mean(axis=1, keepdims=True)
            variance += rest * len(rows) / max(1, len(rows) - 1) * (parts**2).sum(axis=1)
        return np.sqrt(variance)


def allocate(players: int, pairs: int) -> tuple[Array, Array]:
    """Share pairs of complements among the sizes 1…n/2 of their smaller coalition.

    Returns how many pairs there are of each size (no more than 2⁵³), and how many to draw.
    """
    sizes = np.arange(1, players // 2 + 1)
    half = np.where(2 * sizes == players, 2, 1)  # a complement of the same size: half the pairs
    there = np.array([min(math.comb(players, int(s)), 2**53) for s in sizes], float) / half
    pairs = int(min(pairs, there.sum()))
    share = 1 / half / np.sqrt(sizes * (players - sizes))
    wanted, whole = np.zeros(len(sizes)), np.zeros(len(sizes), bool)
    while not whole.all():
        wanted = np.where(whole, there, share * (pairs - there[whole].sum()) / share[~whole].sum())
        more = ~whole & (wanted >= there)
        if not more.any():
            break
        whole |= more
    drawn = np.floor(np.where(whole, there, wanted) + 1e-9)
    rest = np.argsort(drawn - wanted, kind="stable")
    drawn[rest[: round(pairs - drawn.sum())]] += 1
    return there, drawn.astype(int)


def choose(players: int, size: int, count: int, generator: np.random.Generator) -> Array:
    """Draw different coalitions of a size, equally likely each: truth values (count, player).

    Of a few candidates with the players that appeared least, the one is taken whose players met
    least. Names of players play no part, so every coalition has the inclusion probability
    count / all. Of half the players, a coalition and its complement are the same.
    """
    half = 2 * size == players
    there = math.comb(players, size) // (2 if half else 1)
    if 2 * count > there:
        rest = range(1, players) if half else range(players)
        every = np.array(list(itertools.combinations(rest, size - half)), int)
        shown = np.zeros((there, players), bool)
        np.put_along_axis(shown, every, True, axis=1)
        shown[:, 0] |= half
        out = {_key(one, half=half) for one in choose(players, size, there - count, generator)}
        return shown[[_key(one, half=half) not in out for one in shown]]
    chosen: dict[bytes, Array] = {}
    met, misses = np.zeros((players, players), int), 0
    while len(chosen) < count:
        lead = met.diagonal() if misses < _MISSES else 0  # balanced ones may be used up
        order = np.argsort(lead + generator.random((_CANDIDATES, players)), axis=1)[:, :size]
        mine = order[met[order[:, :, None], order[:, None]].sum(axis=(1, 2)).argmin()]
        one = np.zeros(players, bool)
        one[mine] = True
        misses += 1
        if chosen.setdefault(_key(one, half=half), one) is one:
            met[np.ix_(mine, mine)] += 1
            misses = 0
    return np.array(list(chosen.values()), bool).reshape(-1, players)


def _key(shown: Array, *, half: bool) -> bytes:
    """Return a name of a coalition, which of half the players its complement shares."""
    return (shown if shown[0] or not half else ~shown).tobytes()
