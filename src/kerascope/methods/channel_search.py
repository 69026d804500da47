"""Which channels of Score-CAM are worth a pass: their scores from those of similar channels."""

from __future__ import annotations

import itertools

import numpy as np

from kerascope.types import Array

_FIRST = 0.1  # share of the channels that is scored before anything is predicted, at least _LEAST
_LEAST = 32
_ROUND = 8  # channels scored at a time are a multiple of this
_GROWTH = 0.25  # and this share of those scored so far
_LENGTHS = (0.5, 1.0, 2.0, 4.0)  # of the kernel, in median distances between masks
_NOISES = (1e-3, 1e-2, 0.1, 0.3)  # variance of what the masks do not tell, against the kernel's
_CAP = 4.0  # variances of a logit above this say no more than "unknown"


class ChannelSearch:
    """Softmax weights of all channels of one sample and target from the scores of a few.

    A Gaussian process (Matérn 3/2; length and noise of highest likelihood) on the channels' masks
    predicts the scores that are missing. Those are asked for next whose weight, were it one
    standard deviation higher, would move the map most. It ends when neither the last round nor,
    by the process' covariance, all that is missing moves the map by more than `tolerance` of its
    deviation from the map of equal weights. The tolerance was chosen on eight photographs and two
    networks, see benchmarks/fewer_passes/score_cam.py.

    maps: (channel, place). error: the estimate of that share, 0 when all channels are scored.
    """

    def __init__(self, maps: Array, tolerance: float) -> None:
        self.maps, self.tolerance = maps.astype(np.float64), tolerance
        self.known = np.zeros(len(maps), bool)
        self.scores = np.zeros(len(maps))
        self.error = np.inf
        # Rounded, so that equal masks stay equal whatever the batch they were computed in.
        self._masks = np.round(unit(self.maps), 4)
        flat = np.flatnonzero(np.ptp(self.maps, axis=1) == 0)
        self._twins = flat[1:]  # flat maps mask everything: one score serves all
        self._twin = flat[:1]
        self._map: Array | None = None
        self._predicted = np.zeros((2, len(maps)))
        self._scale = 1.0
        self._asked = self._start()

    def ask(self) -> Array:
        """Return the channels whose scores are wanted; none when the map is precise enough."""
        return self._asked

    def tell(self, scores: Array) -> None:
        """Take the scores of the channels asked for, and decide what to ask next."""
        new = self._asked
        if self._map is not None:  # the last prediction was too sure of itself by this factor
            mean, variance = self._predicted[:, new]
            self._scale = max(1.0, float(np.mean(np.square(scores - mean) / variance)))
        self.scores[new], self.known[new] = scores, True
        self.scores[self._twins], self.known[self._twins] = self.scores[self._twin].sum(), True
        self._asked = self._next()

    def weights(self) -> Array:
        """Return the softmax over all channels, of scores known and predicted."""
        return softmax(self.scores)

    def _start(self) -> Array:
        """Return channels far from each other, by farthest-point search from the strongest."""
        live = np.setdiff1d(np.arange(len(self.maps)), self._twins)
        count = min(len(live), _multiple(max(_LEAST, _FIRST * len(self.maps))))
        strongest = int(live[np.argmax(np.round(np.abs(self.maps[live]).sum(axis=1), 3))])
        chosen = [*self._twin.tolist(), strongest]
        far = np.square(self._masks[live] - self._masks[chosen[0]]).sum(axis=1)
        while len(chosen) < count:
            far = np.minimum(
                far, np.square(self._masks[live] - self._masks[chosen[-1]]).sum(axis=1)
            )
            chosen.append(int(live[np.argmax(far)]))
        return np.array(sorted(set(chosen)))

    def _next(self) -> Array:
        missing = np.flatnonzero(~self.known)
        if not len(missing):
            self.error = 0.0
            return missing
        used = np.setdiff1d(np.flatnonzero(self.known), self._twins)
        mean, covariance = predict(self._masks[used], self.scores[used], self._masks[missing])
        variance = np.diag(covariance)
        self.scores[missing] = mean + np.minimum(variance, _CAP) / 2  # the mean of exp(score)
        self._predicted[:, missing] = mean, variance
        weights = self.weights()
        map_ = weights @ self.maps
        apart = self.maps[missing] - map_
        moves = weights[missing, None] * apart
        # Weights are log-normal: their relative covariance is exp(covariance of scores) − 1.
        relative = np.expm1(np.minimum(covariance * self._scale, _CAP))
        unsure = np.sqrt(max(float((relative * (moves @ moves.T)).sum()), 0.0))
        change = np.inf if self._map is None else float(np.linalg.norm(map_ - self._map))
        size = max(float(np.linalg.norm(map_ - self.maps.mean(axis=0))), 1e-30)
        self.error, self._map = max(unsure, change) / size, map_
        if self.error <= self.tolerance:
            return missing[:0]
        promise = mean + np.sqrt(variance) + np.log(np.linalg.norm(apart, axis=1) + 1e-30)
        count = _multiple(max(_ROUND, _GROWTH * len(used)))
        return np.sort(missing[np.argsort(-promise, kind="stable")[:count]])


def _multiple(count: float) -> int:
    return int(-(-count // _ROUND) * _ROUND)


def unit(maps: Array) -> Array:
    """Scale every (row, …) map to 0…1; a flat map has no contrast and becomes 0."""
    flat = maps.reshape(len(maps), -1)
    low = flat.min(axis=1).reshape(-1, *(1,) * (maps.ndim - 1))
    span = flat.max(axis=1).reshape(low.shape) - low
    return np.divide(maps - low, span, out=np.zeros_like(maps), where=span > 0)


def softmax(scores: Array, axis: int = -1) -> Array:
    """Return exp(score) / Σ exp(score) along an axis."""
    exponent = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return exponent / exponent.sum(axis=axis, keepdims=True)


def predict(known: Array, scores: Array, wanted: Array) -> tuple[Array, Array]:
    """Predict scores at `wanted` (point, place) from `scores` at `known`: means and covariance.

    A Gaussian process on standardised scores with an unknown level (Rasmussen and Williams 2006,
    equations 2.23, 2.24 and 5.8), its height set by the likelihood.
    """
    from scipy import linalg

    level, scale = scores.mean(), scores.std() + 1e-9
    y = (scores - level) / scale
    near = _squares(known, known)
    unit_length = float(np.median(near[near > 0])) if (near > 0).any() else 1.0
    best = (np.inf, 0.0, 0.0, 0.0, near, y)
    for length, noise in itertools.product(_LENGTHS, _NOISES):
        lower = linalg.cholesky(
            _kernel(near, unit_length, length) + noise * np.eye(len(y)), lower=True
        )
        solved = linalg.cho_solve((lower, True), y)
        height = max(float(y @ solved) / len(y), 1e-12)
        cost = len(y) * np.log(height) / 2 + np.log(np.diag(lower)).sum()
        best = min(best, (cost, length, noise, height, lower, solved), key=lambda one: one[0])
    _, length, noise, height, lower, solved = best
    across = _kernel(_squares(known, wanted), unit_length, length)
    inner = linalg.solve_triangular(lower, across, lower=True)
    prior = _kernel(_squares(wanted, wanted), unit_length, length) + noise * np.eye(len(wanted))
    return level + scale * (solved @ across), scale**2 * height * (prior - inner.T @ inner)


def _squares(a: Array, b: Array) -> Array:
    """Return (i, j): squared distances between points."""
    product = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1) - 2 * a @ b.T
    return np.maximum(product, 0)


def _kernel(squares: Array, unit_length: float, length: float) -> Array:
    """Return the Matérn 3/2 kernel, and 1 for the unknown level."""
    far = np.sqrt(3 * squares / unit_length) / length
    return 1 + (1 + far) * np.exp(-far)
