"""Backward rules, slowly and as their papers have them: NumPy in float64, nothing of Kerascope.

Rules of relevance are written for one matrix, as the papers write them; convolutions are unrolled
into matrices.
"""

from __future__ import annotations

import numpy as np

import oracles
from numpy_net import Act, Net

Array = np.ndarray


# --- rectifiers -------------------------------------------------------------------------------


def rectified(net: Net, x: Array, k: int, back: object) -> Array:
    """Go back through a net, with `back(z, g)` for every ReLU."""
    values = [x]
    for layer in net.layers:
        values.append(layer.forward(values[-1]))
    g = np.zeros_like(values[-1])
    g[:, k] = 1
    for layer, z in zip(net.layers[::-1], values[-2::-1], strict=True):
        rectifier = isinstance(layer, Act) and layer.kind == "relu"
        g = back(z, g) if rectifier else layer.backward(z, g)
    return g


def guided_backprop(net: Net, x: Array, k: int) -> Array:
    """R_in = (z > 0)·(R_out > 0)·R_out."""
    return rectified(net, x, k, lambda z, g: (z > 0) * (g > 0) * g)


def deconvnet(net: Net, x: Array, k: int) -> Array:
    """R_in = (R_out > 0)·R_out."""
    return rectified(net, x, k, lambda z, g: (g > 0) * g)


def rect_grad(net: Net, x: Array, k: int, *, share: float) -> Array:
    """R_in = (a·R_out > τ)·R_out; τ is a quantile of a·R_out over the layer."""

    def back(z: Array, g: Array) -> Array:
        score = np.maximum(z, 0) * g
        limits = [np.quantile(one, share) for one in score]
        return np.stack([(s > t) * r for s, t, r in zip(score, limits, g, strict=True)])

    return rectified(net, x, k, back)


def guided_grad_cam(net: Net, x: Array, k: int) -> Array:
    """Guided backpropagation times the positive part of Grad-CAM, enlarged."""
    cam = np.maximum(oracles.grad_cam(net, x, k), 0)
    return guided_backprop(net, x, k) * oracles.enlarged(cam, x.shape[1:3])[..., None]
