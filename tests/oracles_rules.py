"""Backward rules, slowly and as their papers have them: NumPy in float64, nothing of Kerascope.

Rules of relevance are written for one matrix, as the papers write them; convolutions are unrolled
into matrices.
"""

from __future__ import annotations

import dataclasses

import numpy as np

import oracles
from numpy_net import Act, Conv, Net, Norm

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


# --- relevance --------------------------------------------------------------------------------

# composite: rule of the first layer that has weights, of convolutions, of dense layers
COMPOSITES: dict[str, tuple[tuple, tuple, tuple]] = {
    "zero": (("zero",), ("zero",), ("zero",)),
    "epsilon": (("epsilon",), ("epsilon",), ("epsilon",)),
    "epsilon_plus": (("alpha_beta", 1, 0), ("alpha_beta", 1, 0), ("epsilon",)),
    "epsilon_plus_flat": (("flat",), ("alpha_beta", 1, 0), ("epsilon",)),
    "epsilon_alpha2_beta1": (("alpha_beta", 2, 1), ("alpha_beta", 2, 1), ("epsilon",)),
    "epsilon_alpha2_beta1_flat": (("flat",), ("alpha_beta", 2, 1), ("epsilon",)),
    "epsilon_gamma_box": (("z_box",), ("gamma", 0.25), ("epsilon",)),
    "w_square": (("w_square",), ("gamma", 0.5), ("epsilon",)),
}


def _over(messages: Array, denominator: Array, relevance: Array, stabiliser: float) -> Array:
    """Σ_j messages_ij / denominator_j · R_j, the denominator kept away from zero."""
    safe = denominator + stabiliser * np.where(denominator >= 0, 1, -1)
    return messages @ (relevance / safe)


def matrix_rule(
    rule: tuple, x: Array, W: Array, b: Array, R: Array, *, epsilon: float, keep: bool | None
) -> Array:
    """Return R_i of one linear layer z_j = Σ_i x_i·W_ij + b_j, by its rule; `keep` the bias."""
    name, *numbers = rule
    if keep is None:
        keep = name in ("zero", "epsilon", "gamma")
    Z = x[:, None] * W
    z = Z.sum(0) + b
    b = b * keep
    up, down = np.maximum(Z, 0), np.minimum(Z, 0)
    bu, bd = np.maximum(b, 0), np.minimum(b, 0)
    if name in ("zero", "epsilon"):
        return _over(Z, Z.sum(0) + b, R, epsilon if name == "epsilon" else 1e-15)
    if name == "alpha_beta":
        alpha, beta = numbers
        first = _over(up, up.sum(0) + bu, R, 1e-6)
        return alpha * first - beta * _over(down, down.sum(0) + bd, R, 1e-6)
    if name == "gamma":
        (gamma,) = numbers
        above, below = Z + gamma * up, Z + gamma * down
        return _over(above, above.sum(0) + b + gamma * bu, R * (z > 0), 1e-6) + _over(
            below, below.sum(0) + b + gamma * bd, R * (z < 0), 1e-6
        )
    if name == "z_box":
        Z = Z - x.min() * np.maximum(W, 0) - x.max() * np.minimum(W, 0)
        return _over(Z, Z.sum(0), R, 1e-6)
    if name == "flat":
        ones = (W != 0).astype(float)  # the zeros of an unrolled kernel are no weights
        return _over(ones, ones.sum(0), R, 1e-6)
    assert name == "w_square"
    return _over(W**2, (W**2).sum(0) + b**2, R, 1e-6)


def _merged(net: Net) -> list[object]:
    """Return the layers with every batch normalisation folded into the layer before it."""
    layers: list[object] = []
    for layer in net.layers:
        if isinstance(layer, Norm):
            before = layers[-1]
            layers[-1] = dataclasses.replace(
                before,
                kernel=before.kernel * layer.scale,
                bias=before.bias * layer.scale + layer.bias,
            )
        else:
            layers.append(layer)
    return layers


def _matrix(layer: object, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Return W and b of a linear layer for inputs of a shape, unrolled."""
    size = int(np.prod(shape))
    zero = layer.forward(np.zeros((1, *shape))).ravel()
    outputs = layer.forward(np.eye(size).reshape(size, *shape)).reshape(size, -1)
    return outputs - zero, zero


def lrp(
    net: Net, x: Array, k: int, *, composite: str, bias: str = "auto", epsilon: float = 1e-6
) -> Array:
    """Share the logit out, layer by layer, one sample at a time, with matrices."""
    keep = {"auto": None, "keep": True, "drop": False}[bias]
    layers, found = _merged(net), []
    first = next(layer for layer in layers if hasattr(layer, "kernel"))
    for one in x:
        values = [one[None]]
        for layer in layers:
            values.append(layer.forward(values[-1]))
        R = np.zeros(values[-1].size)
        R[k] = values[-1][0, k]
        for layer, value in zip(layers[::-1], values[-2::-1], strict=True):
            if isinstance(layer, Act):
                continue
            W, b = _matrix(layer, value.shape[1:])
            rules = COMPOSITES[composite]
            rule = rules[1] if isinstance(layer, Conv) else rules[2]
            rule = rules[0] if layer is first else rule
            if not hasattr(layer, "kernel"):
                rule = ("zero",)
            R = matrix_rule(rule, value.ravel(), W, b, R, epsilon=epsilon, keep=keep)
        found.append(R.reshape(one.shape))
    return np.stack(found)
