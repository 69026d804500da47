"""Sums over random masks and their scores, from which a map and its standard error follow."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from kerascope.methods.random_masks import RandomMasks
from kerascope.types import Array

_FOLDS = 20  # parts of the masks that are left out one by one for the standard error
_FLAT = 1e-12  # variance along a component, of the largest, that is rounding
_BYTES = 2**25  # of masks held at once to sum them up


class MaskSums(ABC):
    """What is kept of masks and their scores; its size does not depend on their number.

    count: masks so far; scores: (sample, target), the sum of their scores; squares: of the squares.
    """

    def __init__(self, masks: RandomMasks, samples: int, targets: int) -> None:
        self.masks, self.count = masks, 0
        self.scores = np.zeros((samples, targets))
        self.squares = np.zeros((samples, targets))

    def add(self, scores: Array) -> None:
        """Add the scores (draw, sample, target) of the masks that follow those so far."""
        self._add(self.count + np.arange(len(scores)), scores)
        self.count += len(scores)
        self.scores += scores.sum(axis=0)
        self.squares += np.square(scores).sum(axis=0)

    @abstractmethod
    def _add(self, draws: Array, scores: Array) -> None:
        """Add the scores of draws to the sums."""

    @abstractmethod
    def estimate(self) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return maps (sample, target, *size) by input name, and their standard errors."""


class Regression(MaskSums):
    """Ridge regression of scores on the masks' coordinates; the map is its covariance with a mask.

    The penalty maximises the evidence of equal weights of all components a priori. The standard
    error is the jackknife's over folds, which hold pairs of masks together.
    """

    def __init__(self, masks: RandomMasks, samples: int, targets: int) -> None:
        super().__init__(masks, samples, targets)
        width = masks.components + 1
        self._gram = np.zeros((_FOLDS, width, width))
        self._product = np.zeros((_FOLDS, samples, targets, width))

    def _add(self, draws: Array, scores: Array) -> None:
        rows = np.insert(self.masks.coordinates(draws), 0, 1.0, axis=1)
        for fold in range(_FOLDS):
            mine = draws // 2 % _FOLDS == fold
            self._gram[fold] += rows[mine].T @ rows[mine]
            self._product[fold] += np.einsum("dst,dk->stk", scores[mine], rows[mine])

    def estimate(self) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return the fit's maps; see `MaskSums`."""
        gram, product = self._gram.sum(axis=0), self._product.sum(axis=0)
        full, folds = self._gram[:, 0, 0] > 0, _without_mean(gram, product)
        variances, turn = np.linalg.eigh(folds[0])
        variances = np.maximum(variances, 0)
        # What no mask varied, no fold varies either: few masks leave small systems to solve.
        basis = turn[:, variances > _FLAT * variances.max(initial=0)]
        full &= full.sum() > 1  # one part alone, after an early stop, tells of no error
        left = _without_mean(gram - self._gram[full], product - self._product[full])
        left = basis.T @ left[0] @ basis, left[1] @ basis
        share = (self.count - self._gram[full, 0, 0]) / self.count
        weights = np.zeros(product[..., 1:].shape)
        spread = np.zeros((full.sum(), *weights.shape))
        squares = self.squares - np.square(self.scores) / self.count
        for at in np.ndindex(self.scores.shape):
            along = folds[1][at] @ turn
            penalty = _penalty(variances, along, float(squares[at]), self.count)
            weights[at] = turn @ (along / (variances + penalty))
            ridge = (penalty * share)[:, None, None] * np.eye(basis.shape[1])
            along = np.linalg.solve(left[0] + ridge, left[1][:, *at, :, None])[..., 0]
            spread[:, *at] = along @ basis.T
        maps_of = self._maps(weights)
        if not len(spread):
            return maps_of, {name: np.full(maps.shape, np.inf) for name, maps in maps_of.items()}
        spread -= spread.mean(axis=0)
        errors = {name: np.zeros(maps.shape) for name, maps in maps_of.items()}
        for one in spread:
            for name, maps in self._maps(one).items():
                errors[name] += np.square(maps) * (len(spread) - 1) / len(spread)
        return maps_of, {name: np.sqrt(error) for name, error in errors.items()}

    def _maps(self, weights: Array) -> dict[str, Array]:
        """Return the maps of (sample, target, component) weights of the regression."""
        maps = [[self.masks.spread(w) for w in row] for row in weights]
        return {
            name: np.stack([np.stack([one[name] for one in row]) for row in maps])
            / self.masks.probability
            for name in self.masks.inputs
        }


def _without_mean(gram: Array, product: Array) -> tuple[Array, Array]:
    """Take the column of ones out of sums (…, k, k) and (…, sample, target, k), and the mean."""
    ones, sums = gram[..., :1, :1], gram[..., :1, 1:]
    centred = gram[..., 1:, 1:] - np.swapaxes(sums, -1, -2) * sums / ones
    mean = product[..., :1] * (sums / ones)[..., None, :, :]
    return centred, product[..., 1:] - mean


def _penalty(variances: Array, along: Array, squares: float, count: int) -> float:
    """Return the ridge that maximises the evidence (MacKay 1992, Bayesian interpolation).

    variances: of the Gram matrix along its eigenvectors; along: the product with the scores, there;
    squares: the scores' sum of squares.
    """
    ridges = np.geomspace(1e-8, 1e3, 89) * max(float(variances.mean()), 1e-12)
    fit = (np.square(along) / (variances + ridges[:, None])).sum(axis=1)
    rest = np.maximum(squares - fit, 1e-12 * squares + 1e-30)
    evidence = count * np.log(rest) + np.log1p(variances / ridges[:, None]).sum(axis=1)
    return float(ridges[np.argmin(evidence)])


class Moments(MaskSums):
    """Sums of score^i·mask^j at every position: averages weighted by scores, and their errors."""

    def __init__(self, masks: RandomMasks, samples: int, targets: int, *, centred: bool) -> None:
        super().__init__(masks, samples, targets)
        self.centred = centred
        # By input: for masks and their squares, sums with 1, the scores and their squares.
        self._sums: dict[str, Array] = {}

    def _add(self, draws: Array, scores: Array) -> None:
        flat = scores.reshape(len(scores), -1)
        powers = np.concatenate([np.ones((len(flat), 1)), flat, np.square(flat)], axis=1)
        places = max(int(np.prod(m.size)) for m in self.masks.inputs.values())
        for part in np.array_split(np.arange(len(draws)), -(-len(draws) * places * 4 // _BYTES)):
            for name, masks in self.masks.masks(draws[part]).items():
                rows = masks.astype(np.float32)
                for j in range(2):
                    found = np.tensordot(powers[part].T.astype(np.float32), rows, 1)
                    sums = self._sums.setdefault(name, np.zeros((2, *found.shape)))
                    sums[j] += found
                    rows = np.square(rows)

    def estimate(self) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return the weighted averages; see `MaskSums`."""
        values, errors = {}, {}
        for name, sums in self._sums.items():
            values[name], errors[name] = self._estimate(sums / self.count)
        return values, errors

    def _estimate(self, means: Array) -> tuple[Array, Array]:
        """Return the map and its error from means (power of mask, powers of scores, *size)."""
        size, p = means.shape[2:], self.masks.probability
        shape = (*self.scores.shape, *size)
        cut = self.scores.size + 1
        (one, one2) = means[:, 0]
        (f, f2), (ff, ff2) = (
            [m.reshape(shape) for m in means[:, part]] for part in (slice(1, cut), slice(cut, None))
        )
        if not self.centred:
            return f / p, np.sqrt(np.maximum(ff2 - np.square(f), 0) / self.count) / p
        wide = (..., *(None,) * len(size))
        mean, squares = (self.scores / self.count)[wide], (self.squares / self.count)[wide]
        value = f - mean * one
        # The mean of (score − mean)²·(mask − p)², written out.
        spread = ff2 - 2 * mean * f2 + mean**2 * one2
        spread += -2 * p * (ff - 2 * mean * f + mean**2 * one) + p**2 * (squares - mean**2)
        error = np.sqrt(np.maximum(spread - np.square(value), 0) / self.count)
        return value / p, error / p
