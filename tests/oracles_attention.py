"""A three-layer transformer in NumPy, and what the papers on attention make of it, word by word.

Gradients are central differences in float64: nothing here knows of automatic differentiation.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray
TOKENS, WIDTH, HEADS, SIZE, CLASSES = 6, 4, 2, 3, 3
_STEP = 1e-5


def softmax(logits: Array) -> Array:
    """Return the softmax over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@dataclasses.dataclass(frozen=True)
class Block:
    """One block: tokens + attention(norm(tokens)), then + MLP(norm(tokens))."""

    weights: dict[str, Array]

    def attention(self, z: Array) -> Array:
        """Return the attention weights (head, query, key)."""
        w = self.weights
        y = norm(z, w["gamma1"], w["beta1"])
        q = np.einsum("td,dhs->hts", y, w["wq"]) + w["bq"][:, None]
        k = np.einsum("td,dhs->hts", y, w["wk"]) + w["bk"][:, None]
        return softmax(np.einsum("hqs,hks->hqk", q, k) / np.sqrt(SIZE))

    def forward(self, z: Array, attention: Array | None = None) -> Array:
        """Return the tokens behind the block, for its own or for given attention weights."""
        w = self.weights
        a = self.attention(z) if attention is None else attention
        v = np.einsum("td,dhs->hts", norm(z, w["gamma1"], w["beta1"]), w["wv"]) + w["bv"][:, None]
        z = z + np.einsum("hqk,hks,hsd->qd", a, v, w["wo"]) + w["bo"]
        hidden = np.tanh(norm(z, w["gamma2"], w["beta2"]) @ w["w1"] + w["b1"])
        return z + hidden @ w["w2"] + w["b2"]


def norm(z: Array, gamma: Array, beta: Array) -> Array:
    """Layer normalisation, with the epsilon of Keras."""
    centred = z - z.mean(axis=-1, keepdims=True)
    return centred / np.sqrt(z.var(axis=-1, keepdims=True) + 1e-3) * gamma + beta


@dataclasses.dataclass(frozen=True)
class Net:
    """Blocks and a linear head that reads the first token, or the mean of all."""

    blocks: tuple[Block, ...]
    head: Array
    pooled: bool

    def logits(self, z: Array) -> Array:
        """Return what the head says of tokens."""
        return (z.mean(axis=0) if self.pooled else z[0]) @ self.head

    def attentions(self, x: Array) -> list[Array]:
        """Return the attention weights of all layers."""
        found = []
        for block in self.blocks:
            found.append(block.attention(x))
            x = block.forward(x)
        return found

    def behind(self, x: Array, layer: int, attention: Array, *, whole: bool) -> Array:
        """Return the logits with given weights in one layer, of all layers or of the first ones."""
        blocks = self.blocks if whole else self.blocks[: layer + 1]
        for i, block in enumerate(blocks):
            x = block.forward(x, attention if i == layer else None)
        return self.logits(x)

    @property
    def read(self) -> list[int]:
        """The tokens that the head reads."""
        return list(range(TOKENS)) if self.pooled else [0]


@functools.cache
def net(pooled: bool = False, layers: int = 3) -> Net:
    """Return a net of random weights."""
    rng = np.random.default_rng(12 + layers)
    shapes: dict[str, tuple[int, ...]] = {
        "wq": (WIDTH, HEADS, SIZE), "wk": (WIDTH, HEADS, SIZE), "wv": (WIDTH, HEADS, SIZE),
        "bq": (HEADS, SIZE), "bk": (HEADS, SIZE), "bv": (HEADS, SIZE),
        "wo": (HEADS, SIZE, WIDTH), "bo": (WIDTH,), "w1": (WIDTH, 5), "b1": (5,),
        "w2": (5, WIDTH), "b2": (WIDTH,), "gamma1": (WIDTH,), "beta1": (WIDTH,),
        "gamma2": (WIDTH,), "beta2": (WIDTH,),
    }  # fmt: skip
    blocks = tuple(
        Block(
            {name: rng.normal(0, 0.8, shape).astype(np.float32) for name, shape in shapes.items()}
        )
        for _ in range(layers)
    )
    return Net(blocks, rng.normal(0, 1, (WIDTH, CLASSES)).astype(np.float32), pooled)


@functools.cache
def inputs(samples: int = 3) -> Array:
    """Return sequences (sample, token, feature)."""
    return np.random.default_rng(5).normal(0, 1, (samples, TOKENS, WIDTH)).astype(np.float32)


def keras_twin(net: Net, *, dropout: float = 0.0, plain_sums: bool = True) -> Any:
    """Return the same net in Keras; `dropout` keeps Keras from fusing the attention."""
    import keras
    from keras import layers

    i = keras.Input((TOKENS, WIDTH), name="x")
    x = i
    attends = []
    for k, block in enumerate(net.blocks):
        y = layers.LayerNormalization(name=f"norm{k}a")(x)
        attend = layers.MultiHeadAttention(HEADS, SIZE, dropout=dropout, name=f"attention{k}")
        x = x + attend(y, y) if plain_sums else layers.Add()([x, attend(y, y)])
        y = layers.LayerNormalization(name=f"norm{k}b")(x)
        y = layers.Dense(5, activation="tanh", name=f"wide{k}")(y)
        x = x + layers.Dense(WIDTH, name=f"narrow{k}")(y)
        attends.append((block.weights, attend))
    pool = layers.GlobalAveragePooling1D() if net.pooled else layers.Lambda(lambda z: z[:, 0])
    head = layers.Dense(CLASSES, use_bias=False, name="head")
    model = keras.Model(i, head(pool(x)))
    head.set_weights([net.head])
    for k, (w, attend) in enumerate(attends):
        attend.query_dense.set_weights([w["wq"], w["bq"]])
        attend.key_dense.set_weights([w["wk"], w["bk"]])
        attend.value_dense.set_weights([w["wv"], w["bv"]])
        attend.output_dense.set_weights([w["wo"], w["bo"]])
        for part, names in (
            (f"norm{k}a", ("gamma1", "beta1")), (f"norm{k}b", ("gamma2", "beta2")),
            (f"wide{k}", ("w1", "b1")), (f"narrow{k}", ("w2", "b2")),
        ):  # fmt: skip
            model.get_layer(part).set_weights([w[name] for name in names])
    return model


def slopes(score: Callable[[Array], float], at: Array) -> Array:
    """Return the gradient of a score by central differences."""
    found = np.zeros(at.shape)
    for place in np.ndindex(at.shape):
        up, down = at.astype(np.float64), at.astype(np.float64)
        up[place] += _STEP
        down[place] -= _STEP
        found[place] = (score(up) - score(down)) / (2 * _STEP)
    return found


def gradients(net: Net, x: Array, k: int, *, whole: bool = True) -> list[Array]:
    """Return gradients at every layer's weights, of the last score or of the layer's own."""
    return [
        slopes(lambda a, i=i: net.behind(x, i, a, whole=whole)[k], weights)
        for i, weights in enumerate(net.attentions(x.astype(np.float64)))
    ]


def attention_rollout(
    net: Net, x: Array, k: int, *, residual: float = 0.5, fusion: str = "mean", discard: float = 0.0
) -> Array:
    """Abnar and Zuidema 2020: Ã(l) = A(l) Ã(l−1), with A = residual·I + (1 − residual)·W."""
    total = np.eye(TOKENS)
    for weights in net.attentions(x.astype(np.float64)):
        fused = {"mean": np.mean, "max": np.max, "min": np.min}[fusion](weights, axis=0)
        order = np.argsort(fused.ravel())
        fused = fused.copy()
        fused.ravel()[order[: int(discard * fused.size)]] = 0
        mixed = residual * np.eye(TOKENS) + (1 - residual) * fused
        total = (mixed / mixed.sum(axis=1, keepdims=True)) @ total
    return total[net.read].mean(axis=0)


def attention_flow(net: Net, x: Array, k: int) -> Array:
    """Abnar and Zuidema 2020: the maximum flow, as a linear program over all edges."""
    from scipy.optimize import linprog

    layers = [
        0.5 * w.mean(axis=0) + 0.5 * np.eye(TOKENS) for w in net.attentions(x.astype(np.float64))
    ]
    shape = (len(layers), TOKENS, TOKENS)
    size = int(np.prod(shape))
    index = np.arange(size).reshape(shape)  # flow from (layer + 1, query) to (layer, key)
    found = []
    for token in range(TOKENS):
        equal = []
        for layer in range(1, len(layers)):  # what flows into a node flows on
            for node in range(TOKENS):
                row = np.zeros(size)
                row[index[layer, :, node]] = 1
                row[index[layer - 1, node, :]] = -1
                equal.append(row)
        for node in set(range(TOKENS)) - {token}:  # nothing leaves by other input tokens
            row = np.zeros(size)
            row[index[0, :, node]] = 1
            equal.append(row)
        outs = []
        for node in range(TOKENS):  # each token that is read gives an equal share at most
            row = np.zeros(size)
            row[index[-1, node, :]] = 1
            outs.append(row)
        most = [1 / len(net.read) if node in net.read else 0 for node in range(TOKENS)]
        gain = np.zeros(size)
        gain[index[0, :, token]] = -1
        result = linprog(
            gain, A_ub=np.array(outs), b_ub=most, A_eq=np.array(equal), b_eq=np.zeros(len(equal)),
            bounds=list(zip(np.zeros(size), np.ravel(layers), strict=True)),
        )  # fmt: skip
        found.append(-result.fun)
    return np.array(found)


def chefer(net: Net, x: Array, k: int) -> Array:
    """Chefer et al. 2021: R ← R + Ē_h((∇A ⊙ A)⁺)·R, and what was read beside the start."""
    total = np.eye(TOKENS)
    pairs = zip(net.attentions(x.astype(np.float64)), gradients(net, x, k), strict=True)
    for weights, gradient in pairs:
        total = total + np.maximum(weights * gradient, 0).mean(axis=0) @ total
    return (total - np.eye(TOKENS))[net.read].mean(axis=0)


def attention_x_gradient(net: Net, x: Array, k: int) -> Array:
    """Barkan et al. 2021: the mean over layers, heads and queries of A ⊙ ReLU(∇A)."""
    pairs = zip(net.attentions(x.astype(np.float64)), gradients(net, x, k), strict=True)
    return np.mean([(w * np.maximum(g, 0)).mean(axis=(0, 1)) for w, g in pairs], axis=0)


def legrad(net: Net, x: Array, k: int) -> Array:
    """Bousselham et al. 2024: each layer's own score, differentiated at its own weights."""
    own = gradients(net, x, k, whole=False)
    return np.mean([np.maximum(g, 0).mean(axis=(0, 1)) for g in own], axis=0)


ORACLES: dict[str, Callable[..., Array]] = {
    function.__name__: function
    for function in (attention_rollout, attention_flow, chefer, attention_x_gradient, legrad)
}


def expected(name: str, net: Net, x: Array, k: int, **fields: Any) -> Array:
    """Return what an oracle gives for all samples."""
    return np.stack([ORACLES[name](net, sample, k, **fields) for sample in x])


def one_layer() -> tuple[Any, Callable[[Array], Sequence[Array]]]:
    """Return a net of one head whose score is w·Σ_j A_0j x_j, and a function: A and ∂y/∂A_0·."""
    import keras
    from keras import layers

    rng = np.random.default_rng(2)
    q, k, w = (rng.normal(0, 1, shape).astype(np.float32) for shape in ((4, 4), (4, 4), (4, 2)))
    i = keras.Input((TOKENS, WIDTH))
    attend = layers.MultiHeadAttention(1, 4, use_bias=False, name="attend")
    head = layers.Dense(2, use_bias=False, name="head")
    model = keras.Model(i, head(layers.Lambda(lambda z: z[:, 0])(attend(i, i))))
    one = np.eye(WIDTH, dtype=np.float32)
    attend.set_weights([q[:, None], k[:, None], one[:, None], one[None]])
    head.set_weights([w])

    def form(x: Array) -> Sequence[Array]:
        x = x.astype(np.float64)
        return softmax((x @ q) @ (x @ k).swapaxes(-1, -2) / 2), x @ w

    return model, form
