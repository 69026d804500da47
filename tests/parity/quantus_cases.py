"""What is compared with Quantus: maps, masks, a small net and its draws; read by both sides."""

from __future__ import annotations

import functools

import numpy as np

import oracles

Array = np.ndarray
SIZE = (6, 7)
HIDDEN, CLASSES = 5, 2
RADIUS, DRAWS = 0.02, 6
K = 9  # of top-k intersection
SHIFTS = (-4, -1, 2, 5)  # what Quantus makes of 4 steps over a width of 7
BINS = 7
SHIFT = -0.7  # of input invariance
SEED = 0


def maps() -> Array:
    """Return maps (sample, y, x) of positive values, which Quantus asks for here and there."""
    return np.random.default_rng(1).gamma(0.7, size=(5, 9, 11))


def masks() -> Array:
    """Return a mask for each map."""
    return np.random.default_rng(2).random((5, 9, 11)) > 0.6


def pictures() -> Array:
    """Return pictures (sample, y, x) of which every smallest value is 0, as borders are filled."""
    x = np.random.default_rng(3).uniform(0.3, 2, (3, *SIZE))
    x[:, 2, 3] = 0
    return x.astype(np.float32)


@functools.cache
def weights() -> tuple[Array, Array, Array, Array]:
    """Return kernel, bias, kernel, bias of a net with one hidden layer of tanh."""
    rng = np.random.default_rng(4)
    count = int(np.prod(SIZE))
    shapes = [(count, HIDDEN), (HIDDEN,), (HIDDEN, CLASSES), (CLASSES,)]
    return tuple(rng.normal(0, 0.4, shape).astype(np.float32) for shape in shapes)  # type: ignore[return-value]


def fresh() -> list[Array]:
    """Return weights as an initialiser of unit normals, and zeros for biases, draw them."""
    return [
        oracles.draw(SEED, number, 2**29).normal(0, 1, old.shape) * (old.ndim > 1)
        for number, old in enumerate(weights())
    ]


def noisy() -> Array:
    """Return (draw, sample, y, x): pictures with uniform noise as it is documented."""
    x = pictures()
    spans = np.ptp(x.reshape(len(x), -1).astype(np.float64), axis=1)
    return np.array(
        [
            [
                row + oracles.draw(SEED, i, 2**28 + d).uniform(-RADIUS, RADIUS, (*SIZE, 1))[..., 0]
                * spans[i]
                for i, row in enumerate(x)
            ]
            for d in range(DRAWS)
        ]
    ).astype(np.float32)  # fmt: skip


def linear() -> tuple[Array, Array]:
    """Return inputs (sample, feature) of whole numbers, and the weights of a linear score."""
    x = np.random.default_rng(5).integers(1, 9, (4, 12)).astype(np.float32)
    return x, np.array([0, 2, 0, -1, 3, 0, 1, 0, 4, -2, 0, 1], np.float32)


def sparse() -> Array:
    """Return maps of the linear score: some zeros where there is an effect, and beside."""
    x, w = linear()
    found = np.abs(x * w)
    found[0, 1] = found[1, 4] = found[1, 8] = 0
    found[0, 0] = found[2, 2] = found[2, 5] = 3
    return found


def convolution() -> tuple[Array, Array, Array]:
    """Return pictures (sample, y, x), the kernel (y, x, 1, unit) of one convolution, its bias."""
    rng = np.random.default_rng(6)
    shapes = [(3, *SIZE), (3, 3, 1, 4), (4,)]
    return tuple(rng.normal(0, 1, shape).astype(np.float32) for shape in shapes)  # type: ignore[return-value]
