"""Backward rules, slowly and as their papers have them: NumPy in float64, nothing of Kerascope.

Rules of relevance are written for one matrix, as the papers write them; convolutions are unrolled
into matrices.
"""

from __future__ import annotations

import dataclasses

import numpy as np

import oracles
from numpy_net import Act, Conv, Dense, Net, Norm

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
    "excitation_backprop": (("alpha_beta", 1, 0), ("alpha_beta", 1, 0), ("alpha_beta", 1, 0)),
    "deep_taylor": (("z_box",), ("alpha_beta", 1, 0), ("alpha_beta", 1, 0)),
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


def excitation_backprop(net: Net, x: Array, k: int) -> Array:
    """Marginal winning probabilities: what comes of one, going down by x·w⁺ / Σ x·w⁺."""
    found = lrp(net, x, k, composite="excitation_backprop", bias="drop")
    return found / net.scores(x, k).reshape(-1, 1, 1, 1)


def deep_taylor(net: Net, x: Array, k: int) -> Array:
    """zᴮ at the inputs, z⁺ above, no biases."""
    return lrp(net, x, k, composite="deep_taylor", bias="drop")


def attention_lrp(
    x: Array, heads: dict[str, tuple[Array, Array]], R: Array, *, epsilon: float = 1e-6
) -> Array:
    """AttnLRP through one head of one sample (Achtibat et al. 2024): x (token, feature).

    heads: (W, b) of query, key, value and output; R: relevance of the output.
    """

    def dense(x: Array, name: str, R: Array) -> Array:
        W, b = heads[name]
        rows = [matrix_rule(("epsilon",), a, W, b, r, epsilon=epsilon, keep=None)
                for a, r in zip(x, R, strict=True)]  # fmt: skip
        return np.stack(rows)

    q, k, v = (x @ heads[n][0] + heads[n][1] for n in ("query", "key", "value"))
    q = q / np.sqrt(q.shape[-1])
    s = q @ k.T
    A = np.exp(s) / np.exp(s).sum(-1, keepdims=True)
    o = A @ v
    R_o = dense(o, "output", R)
    terms = A[:, :, None] * v[None]  # (i, j, d): equation 13, half to each factor
    shared = terms * (R_o / (2 * o))[:, None]
    R_A, R_v = shared.sum(-1), shared.sum(0)
    R_s = s * (R_A - A * R_A.sum(-1, keepdims=True))  # equation 11
    terms = q[:, None] * k[None]
    shared = terms * (R_s / (2 * s))[:, :, None]
    R_q, R_k = shared.sum(1), shared.sum(0)
    return dense(x, "query", R_q) + dense(x, "key", R_k) + dense(x, "value", R_v)


# --- differences from a reference -------------------------------------------------------------


def deep_lift(
    net: Net, x: Array, k: int, *, baseline: Array | float = 0.0, rule: str = "rescale"
) -> Array:
    """Multipliers by the chain rule (equation 3): linear, rescale (11), RevealCancel (13 to 16)."""
    found = []
    for i, one in enumerate(x):
        start = np.broadcast_to(baseline, x.shape)[i]
        new, old = [one[None]], [start[None].astype(float)]
        for layer in net.layers:
            new.append(layer.forward(new[-1]))
            old.append(layer.forward(old[-1]))
        m = np.zeros_like(new[-1])
        m[:, k] = 1
        signs = None  # multipliers of the positive and of the negative part of the next value
        for n in range(len(net.layers) - 1, -1, -1):
            layer, z, z0 = net.layers[n], new[n], old[n]
            if isinstance(layer, Act):
                before = net.layers[n - 1]
                if rule == "reveal_cancel" and isinstance(before, (Conv, Dense)):
                    signs = _revealed(layer, before, new[n - 1], old[n - 1], z0)
                    continue
                change = z - z0
                slope = (layer.forward(z) - layer.forward(z0)) / np.where(change == 0, 1, change)
                m = m * np.where(change == 0, layer.backward(z, np.ones_like(z)), slope)
            elif signs is not None:
                up, down = (_signed_back(layer, z - z0, m * s, side)
                            for s, side in zip(signs, (1, -1), strict=True))  # fmt: skip
                m, signs = up + down, None
            else:
                m = layer.backward(z, m)
        found.append((m * (one - start))[0])
    return np.stack(found)


def _terms(layer: object, change: Array) -> tuple[Array, Array]:
    """Return (W, W·Δx term by term) of a linear layer, unrolled."""
    W, _ = _matrix(layer, change.shape[1:])
    return W, change.reshape(-1, 1) * W


def _revealed(layer: Act, before: object, x: Array, x0: Array, z0: Array) -> tuple[Array, Array]:
    _, terms = _terms(before, x - x0)
    up = np.maximum(terms, 0).sum(0).reshape(z0.shape)
    down = np.minimum(terms, 0).sum(0).reshape(z0.shape)
    f = layer.forward
    rise = (f(z0 + up) - f(z0) + f(z0 + down + up) - f(z0 + down)) / 2
    fall = (f(z0 + down) - f(z0) + f(z0 + up + down) - f(z0 + up)) / 2
    return rise / np.where(up == 0, 1, up), fall / np.where(down == 0, 1, down)


def _signed_back(layer: object, change: Array, m: Array, side: int) -> Array:
    """Go back through the terms of one sign; halves where nothing changed (section 3.5.1)."""
    W, terms = _terms(layer, change)
    return ((W * ((side * terms > 0) + 0.5 * (terms == 0))) @ m.ravel()).reshape(change.shape)


def deep_shap(net: Net, x: Array, k: int, *, background: Array) -> Array:
    """The mean of DeepLIFT over the background."""
    return sum(deep_lift(net, x, k, baseline=one[None]) for one in background) / len(background)


def _gate(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def _sum_back(R: Array, z: Array, W: Array, x: Array) -> Array:
    """Return x's share of the relevance R of z = … + x·W by the rule zero."""
    return (x[:, None] * W / z * R).sum(axis=1)


def lstm_lrp(x: Array, weights: list[Array], head: Array) -> Array:
    """Return the relevance of (step, feature) for y = h·head of Keras's LSTM, R = h·head.

    Arras et al. 2017, section 3: c_t = f·c_{t−1} + i·g and h = o·tanh(c); gates get none of it.
    """
    W, U, b = (np.asarray(w, np.float64) for w in weights)
    h = c = np.zeros(len(U))
    steps = []
    for one in x:
        i, f, g, o = np.split(one @ W + h @ U + b, 4)
        before, past = h, c
        c = _gate(f) * past + _gate(i) * np.tanh(g)
        h = _gate(o) * np.tanh(c)
        steps.append((before, past, c, _gate(f), _gate(i), g))
    R, relevance = h * head, np.zeros_like(x)
    cell = np.zeros_like(R)
    Wg, Ug = (np.split(w, 4, axis=1)[2] for w in (W, U))
    for t in reversed(range(len(x))):
        before, past, c, f, i, g = steps[t]
        cell = cell + R
        inner = cell * i * np.tanh(g) / c
        cell = cell * f * past / c
        relevance[t] = _sum_back(inner, g, Wg, x[t])
        R = _sum_back(inner, g, Ug, before)
    return relevance


def gru_lrp(x: Array, weights: list[Array], head: Array) -> Array:
    """Return the relevance of (step, feature) for y = h·head of Keras's GRU (reset after).

    h_t = z·h_{t−1} + (1 − z)·tanh(x·W + b + r·(h_{t−1}·U + b′)); gates get none of it.
    """
    W, U, (b, inner_b) = (np.asarray(w, np.float64) for w in weights)
    h = np.zeros(len(U))
    steps = []
    for one in x:
        here, there = np.split(one @ W + b, 3), np.split(h @ U + inner_b, 3)
        z, r = _gate(here[0] + there[0]), _gate(here[1] + there[1])
        new = here[2] + r * there[2]
        before, h = h, z * h + (1 - z) * np.tanh(new)
        steps.append((before, h, z, r, new))
    R, relevance = h * head, np.zeros_like(x)
    Wh, Uh = (np.split(w, 3, axis=1)[2] for w in (W, U))
    for t in reversed(range(len(x))):
        before, h, z, r, new = steps[t]
        inner = R * (1 - z) * np.tanh(new) / h
        R = R * z * before / h
        relevance[t] = _sum_back(inner, new, Wh, x[t])
        R = R + _sum_back(inner * r, new, Uh, before)
    return relevance
