"""LIME and Sobol total indices as their papers have them: NumPy, nothing of Kerascope."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np

import oracles
from numpy_net import Net

Array = np.ndarray


def scores(net: Net, picture: Array, k: int, masks: Array, labels: Array, cover: float) -> Array:
    """Return the logits of a picture whose segments are shown to the degrees of (row, segment)."""
    degree = masks.astype(np.float64)[:, labels][..., None]
    return net.scores(degree * picture + (1 - degree) * cover, k)


def nearness(mask: Array, width: float) -> float:
    """Return √exp(−d²/w²), d the cosine distance to all ones; the lime package's image kernel."""
    ones = np.ones(len(mask))
    length = np.linalg.norm(mask) * np.linalg.norm(ones)
    distance = 1 - (mask @ ones / length if length else 0)
    return math.sqrt(math.exp(-(distance**2) / width**2))


def ridge(masks: Array, y: Array, weights: Array, alpha: float) -> tuple[Array, float]:
    """Minimise Σ π (y − b − w·z)² + α‖w‖² (Ribeiro et al. 2016, equation 2) as a plain system."""
    x = np.column_stack([np.ones(len(masks)), masks.astype(np.float64)])
    penalty = alpha * np.diag([0.0] + [1.0] * masks.shape[1])
    solved = np.linalg.solve(x.T @ np.diag(weights) @ x + penalty, x.T @ (weights * y))
    return solved[1:], float(solved[0])


def r_squared(masks: Array, y: Array, weights: Array, w: Array, b: float) -> float:
    """Return 1 − Σ π (y − ŷ)² / Σ π (y − ȳ)², ȳ the weighted mean."""
    mean = np.sum(weights * y) / np.sum(weights)
    left, all_ = np.sum(weights * (y - b - masks @ w) ** 2), np.sum(weights * (y - mean) ** 2)
    return float(1 - left / all_)


def every(players: int) -> Array:
    """Return all 2ⁿ masks."""
    return np.array(list(itertools.product([0, 1], repeat=players)))


def drawn(players: int, samples: int, sample: int, seed: int = 0) -> Array:
    """Return the whole input and independent masks, drawn as Kerascope documents it."""
    draws = oracles.draw(seed, sample, 0).random((samples, players)) < 0.5
    return np.concatenate([np.ones((1, players), int), draws.astype(int)])


def lime(
    net: Net, x: Array, k: int, *, segments: Array, baseline: float, ridge_alpha: float,
    masks: Callable[[int, int], Array], kernel_width: float = 0.25,
) -> Array:  # fmt: skip
    """Return (sample, y, x): every position has its segment's weight; masks(players, sample)."""
    maps = []
    for i, picture in enumerate(x):
        z = masks(int(segments.max()) + 1, i)
        y = scores(net, picture, k, z, segments, baseline)
        near = np.array([nearness(one, kernel_width) for one in z])
        maps.append(ridge(z, y, near, ridge_alpha)[0][segments])
    return np.stack(maps)


def total_indices(worth: Callable[[Array], Array], a: Array, b: Array) -> Array:
    """Jansen's estimator, Σ (f(A) − f(Cᵢ))² / (2 N Var f(A)) (Fel et al. 2021, equation 6)."""
    count, players = a.shape
    of_a = worth(a)
    variance = np.sum((of_a - of_a.mean()) ** 2) / (count - 1)
    found = []
    for i in range(players):
        c = a.copy()
        c[:, i] = b[:, i]
        found.append(np.sum((of_a - worth(c)) ** 2) / (2 * count * variance))
    return np.array(found)


def sobol(net: Net, x: Array, k: int, *, segments: Array, baseline: float, designs: int) -> Array:
    """Return total indices on the map, of places that are drawn independently."""
    players, maps = int(segments.max()) + 1, []
    for i, picture in enumerate(x):
        places = oracles.draw(0, i, 0).random((designs, 2 * players))
        a, b = places[:, :players], places[:, players:]
        worth = lambda m, p=picture: scores(net, p, k, m, segments, baseline)  # noqa: E731
        maps.append(total_indices(worth, a, b)[segments])
    return np.stack(maps)
