"""The PyTorch module of a Keras picture classifier, with the same weights.

Libraries for PyTorch are silently wrong on a Keras model that runs on it: channels come last there,
and rules find no layers that they know. So they are given the net as its own users would write it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class Same(nn.Module):
    """A convolution or pooling with Keras's "same" padding, which may be one wider at the end."""

    def __init__(self, inner: nn.Module, kernel: Any, stride: Any) -> None:
        super().__init__()
        self.inner, self.kernel, self.stride = inner, kernel, stride

    def forward(self, x: Any) -> Any:
        pads = []
        for n, k, s in zip(x.shape[:1:-1], self.kernel[::-1], self.stride[::-1], strict=True):
            need = max((-(-n // s) - 1) * s + k - n, 0)
            pads += [need // 2, need - need // 2]
        return self.inner(functional.pad(x, pads))


def _conv(layer: Any) -> nn.Module:
    kernel, *bias = (np.asarray(w) for w in layer.get_weights())
    depthwise = type(layer).__name__ == "DepthwiseConv2D"
    height, width, inputs, outputs = kernel.shape
    groups = inputs if depthwise else layer.groups
    weight = kernel.transpose(2, 3, 0, 1) if depthwise else kernel.transpose(3, 2, 0, 1)
    weight = weight.reshape(-1, 1 if depthwise else inputs, height, width)
    fits = layer.padding == "same" and set(layer.strides) == {1} and height % 2 and width % 2
    new = nn.Conv2d(
        inputs if depthwise else inputs * groups, inputs * outputs if depthwise else outputs,
        (height, width), layer.strides, (height // 2, width // 2) if fits else 0,
        groups=groups, bias=bool(bias),
    )  # fmt: skip
    new.weight = nn.Parameter(torch.tensor(weight))
    if bias:
        new.bias = nn.Parameter(torch.tensor(bias[0]))
    plain = fits or layer.padding == "valid"
    return nn.Sequential(
        new if plain else Same(new, (height, width), layer.strides), _activation(layer.activation)
    )


def _norm(layer: Any) -> nn.Module:
    new = nn.BatchNorm2d(layer.moving_mean.shape[0], eps=layer.epsilon)
    values = {"running_mean": layer.moving_mean, "running_var": layer.moving_variance}
    if layer.gamma is not None:
        values["weight"] = layer.gamma
    if layer.beta is not None:
        values["bias"] = layer.beta
    state = {k: torch.tensor(v.numpy() if hasattr(v, "numpy") else np.asarray(v.value.detach()))
             for k, v in values.items()}  # fmt: skip
    new.load_state_dict(state, strict=False)
    return new


def _dense(layer: Any) -> nn.Module:
    kernel, *bias = (np.asarray(w) for w in layer.get_weights())
    new = nn.Linear(*kernel.shape, bias=bool(bias))
    new.weight = nn.Parameter(torch.tensor(kernel.T.copy()))
    if bias:
        new.bias = nn.Parameter(torch.tensor(bias[0]))
    return new if _is_head(layer.activation) else nn.Sequential(new, _activation(layer.activation))


def _is_head(activation: Any) -> bool:
    return getattr(activation, "__name__", "") == "softmax"  # left out: logits are explained


def _activation(activation: Any) -> nn.Module:
    known = {"linear": nn.Identity, "relu": nn.ReLU, "relu6": nn.ReLU6, "softmax": nn.Identity}
    name = getattr(activation, "__name__", "linear")
    if name not in known:
        raise ValueError(f"the twin has no activation '{name}'")
    return known[name]()


def _relu(layer: Any) -> nn.Module:
    if layer.negative_slope or layer.threshold:
        raise ValueError(f"the twin has no such ReLU: '{layer.name}'")
    if layer.max_value is None:
        return nn.ReLU()
    return nn.ReLU6() if layer.max_value == 6 else nn.Hardtanh(0.0, float(layer.max_value))


class _Sum(nn.Module):
    def forward(self, *parts: Any) -> Any:
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total


class _Flat(nn.Module):
    """Flatten with channels last, as Keras does."""

    def forward(self, x: Any) -> Any:
        return x.permute(0, 2, 3, 1).flatten(1)


def _pads(layer: Any) -> nn.Module:
    (top, bottom), (left, right) = layer.padding
    return nn.ZeroPad2d((left, right, top, bottom))


def _pool(kind: Any) -> Any:
    def make(layer: Any) -> nn.Module:
        if layer.padding != "valid":
            raise ValueError(f"the twin has no padded pooling: '{layer.name}'")
        return kind(layer.pool_size, layer.strides)

    return make


_LAYERS: dict[str, Any] = {
    "Conv2D": _conv, "DepthwiseConv2D": _conv, "BatchNormalization": _norm, "Dense": _dense,
    "ReLU": _relu, "Activation": lambda layer: _activation(layer.activation),
    "Add": lambda _: _Sum(), "ZeroPadding2D": _pads, "Flatten": lambda _: _Flat(),
    "GlobalAveragePooling2D": lambda _: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    "MaxPooling2D": _pool(nn.MaxPool2d), "AveragePooling2D": _pool(nn.AvgPool2d),
    "Dropout": lambda _: nn.Identity(), "Softmax": lambda _: nn.Identity(),
}  # fmt: skip


class Twin(nn.Module):
    """A Functional or Sequential Keras model of known layers, each called once, giving logits.

    `at` holds the modules by the names of their Keras layers.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.at = nn.ModuleDict()
        self.steps: list[tuple[str, list[int], int, list[int]]] = []
        self.first = id(model.inputs[0])
        for layer in model.layers:
            kind = type(layer).__name__
            if kind == "InputLayer":
                continue
            if kind not in _LAYERS:
                raise ValueError(f"the twin has no layer of kind {kind}: '{layer.name}'")
            given = layer.input if isinstance(layer.input, list) else [layer.input]
            self.at[layer.name.replace(".", "_")] = _LAYERS[kind](layer)
            ids = [id(tensor) for tensor in given]
            self.steps.append((layer.name.replace(".", "_"), ids, id(layer.output), []))
        last = {i: n for n, step in enumerate(self.steps) for i in step[1]}
        for i, n in last.items():  # nothing is kept longer than it is needed
            self.steps[n][3].append(i)
        self.eval()

    def forward(self, x: Any) -> Any:
        values = {self.first: x}
        result = x
        for name, given, out, done in self.steps:
            result = self.at[name](*(values[i] for i in given))
            for i in done:
                del values[i]
            values[out] = result
        return result


def twin(model: Any, pictures: np.ndarray) -> Twin:
    """Return the twin of a model, after a look at whether it gives the same probabilities."""
    new = Twin(model)
    with torch.no_grad():
        found = new(tensor(pictures)).softmax(-1).numpy()
    wanted = model(pictures, training=False).detach().numpy()
    if wanted.min() < 0 or not np.allclose(wanted.sum(-1), 1, atol=1e-3):
        raise ValueError("the twin is compared on probabilities, which this model does not give")
    if not np.allclose(found, wanted, atol=1e-4):
        raise ValueError(f"the twin is off by {np.abs(found - wanted).max():.2g}")
    return new


def tensor(pictures: np.ndarray) -> torch.Tensor:
    """Return pictures with channels first, in memory too."""
    return torch.tensor(np.moveaxis(pictures, -1, 1).copy())
