"""Linear layers: which of Keras's layers are, and how one is run with other weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import keras
from keras import layers as kl
from keras import ops

from kerascope.errors import Refused
from kerascope.hooks.names import Site
from kerascope.hooks.rules import carried, replay, unwatched
from kerascope.hooks.shadow import replace_tensor
from kerascope.lrp.rules import Linear, Rule

CONVOLUTIONS = (
    kl.Conv1D, kl.Conv2D, kl.Conv3D, kl.Conv1DTranspose, kl.Conv2DTranspose, kl.Conv3DTranspose,
    kl.DepthwiseConv1D, kl.DepthwiseConv2D, kl.SeparableConv1D, kl.SeparableConv2D,
)  # fmt: skip
SCALES = (kl.Rescaling, kl.Normalization)
NORMS = (kl.LayerNormalization, kl.GroupNormalization, kl.RMSNormalization, kl.UnitNormalization)
DENSE = (kl.Dense, kl.EinsumDense)
_TRANSPOSED = (kl.Conv1DTranspose, kl.Conv2DTranspose, kl.Conv3DTranspose)
DEPTHWISE = (kl.DepthwiseConv1D, kl.DepthwiseConv2D)
SEPARABLE = (kl.SeparableConv1D, kl.SeparableConv2D)
# Somebody else's net in one layer: its gradient is right, what happens inside no rule can see.
FOREIGN = (kl.TFSMLayer, kl.TorchModuleWrapper, kl.JaxLayer, kl.FlaxLayer)


def is_linear(layer: Any) -> bool:
    """Tell whether a layer is one of Keras's linear layers, with Keras's own `call`.

    A subclass that computes something else is another layer.
    """
    return any(
        isinstance(layer, known) and type(layer).call is known.call
        for known in (*CONVOLUTIONS, *DENSE)
    )


def check_quantised(layers: Iterable[Any]) -> None:
    """Raise `Refused` on a quantised layer."""
    for layer in layers:
        if getattr(layer, "quantization_mode", None) is not None:
            raise Refused(
                f"layer '{layer.name}' is quantised to {layer.quantization_mode}: relevance goes "
                "through weights in floating point; explain the model before it is quantised"
            )


def kinds_of(layer: Any) -> tuple[str, ...]:
    """Return the kinds and class names of a layer, for patterns of composites."""
    names = [kind.__name__ for kind in type(layer).__mro__]
    if isinstance(layer, CONVOLUTIONS):
        names += ["convolution", "linear"]
    if isinstance(layer, DENSE):
        names += ["dense", "linear"]
    if isinstance(layer, (kl.BatchNormalization, *SCALES)):
        names.append("affine")
    return tuple(names)


@dataclasses.dataclass(frozen=True, eq=False)
class Frame:
    """One call of a layer as it happens."""

    site: Site
    layer: Any
    call: Callable[..., Any]
    args: Any
    kwargs: Any
    x: Any
    rule: Rule
    keep: bool
    positive: bool
    rectified: bool

    def bias(self, rank: int) -> Any:
        """Return the bias, ready to be added to the output, or None."""
        bias = getattr(self.layer, "bias", None)
        if bias is None or getattr(self.layer, "use_bias", True) is False:
            return None
        bias = ops.convert_to_tensor(bias)
        if getattr(self.layer, "data_format", None) == "channels_first":
            return ops.reshape(bias, (1, -1, *(1,) * (rank - 2)))
        return bias

    def run(self, x: Any, kernel: Any) -> Any:
        """Run the layer's linear part on another input, with another kernel and no bias."""
        layer = self.layer
        zeros = [v for v in layer.variables if v.name in _NOT_KERNEL]
        weights = {id(v): ops.zeros(v.shape, v.dtype) for v in zeros}
        weights[id(kernel_variable(layer))] = kernel
        args = replace_tensor(self.args, self.x, x)
        return replay(self.call, args, self.kwargs, weights, layer.variables)

    def linear(self, z: Any, scale: Any = None, shift: Any = None) -> Linear:
        """Return what a rule needs to know.

        scale, shift: of a batch normalisation behind the layer, by output channel, folded into it;
        z is then its output.
        """
        kernel = ops.convert_to_tensor(self.layer.kernel)
        bias = self.bias(len(z.shape))
        if scale is not None:
            kernel = ops.cast(kernel, "float32") * spread(self.layer, scale)
            wide = broadcast(self.layer, len(z.shape))
            own = 0.0 if bias is None else ops.cast(bias, "float32") * wide(scale)
            bias = ops.cast(own + wide(shift), z.dtype)
        return Linear(
            self.x, z, ops.cast(kernel, z.dtype), bias, self.run, self.positive, self.rectified,
            self.keep,
        )  # fmt: skip


_NOT_KERNEL = ("bias", "lora_kernel_a", "lora_kernel_b")


def kernel_variable(layer: Any) -> Any:
    """Return the variable that holds a layer's kernel; adapters beside it are merged into it."""
    found = getattr(layer, "_kernel", None)
    return layer.kernel if found is None else found


def broadcast(layer: Any, rank: int) -> Callable[[Any], Any]:
    """Return what gives values by output channel the shape of an output of this rank."""
    if getattr(layer, "data_format", None) == "channels_first":
        return lambda values: ops.reshape(values, (1, -1, *(1,) * (rank - 2)))
    return lambda values: values


def spread(layer: Any, scale: Any) -> Any:
    """Return a scale by output channel in a shape to multiply the kernel with."""
    if isinstance(layer, DEPTHWISE):
        return ops.reshape(scale, (-1, layer.depth_multiplier))
    return ops.expand_dims(scale, -1) if isinstance(layer, _TRANSPOSED) else scale


def foldable(layer: Any, norm: Any, rank: int) -> bool:
    """Tell whether a batch normalisation acts on the output channels of a linear layer."""
    if not is_linear(layer) or isinstance(layer, (kl.EinsumDense, *SEPARABLE)):
        return False
    first = getattr(layer, "data_format", None) == "channels_first"
    return norm.axis % rank == (1 if first else rank - 1)


def norm_of(layer: Any) -> tuple[Any, Any]:
    """Return scale and shift of a batch normalisation at inference, by channel."""
    spread_ = ops.rsqrt(ops.cast(layer.moving_variance, "float32") + layer.epsilon)
    scale = spread_ * ops.cast(layer.gamma, "float32") if layer.scale else spread_
    shift = -ops.cast(layer.moving_mean, "float32") * scale
    return scale, shift + ops.cast(layer.beta, "float32") if layer.center else shift


def separable(frame: Frame, z: Any) -> Any:
    """Return z of a separable convolution by its two convolutions, each with the rule."""
    layer = frame.layer
    options = {"data_format": layer.data_format}
    strides = layer.strides if len(set(layer.strides)) > 1 else layer.strides[0]

    def deep(x: Any, kernel: Any) -> Any:
        return ops.depthwise_conv(
            x, kernel, strides, layer.padding, dilation_rate=layer.dilation_rate, **options
        )

    def wide(x: Any, kernel: Any) -> Any:
        return ops.conv(x, kernel, 1, "valid", **options)

    with unwatched():
        one, two = (
            ops.cast(ops.convert_to_tensor(v), z.dtype)
            for v in (layer.depthwise_kernel, layer.pointwise_kernel)
        )
        middle = deep(frame.x, one)
        first = Linear(frame.x, middle, one, None, deep, frame.positive, keep=frame.keep)
        middle = frame.rule.apply(first)
        bias = frame.bias(len(z.shape))
        return frame.rule.apply(Linear(middle, z, two, bias, wide, False, frame.rectified,
                                       frame.keep))  # fmt: skip


def passed(x: Any, y: Any, *, rectified: bool = False) -> Any:
    """Return y; all its relevance goes to x, element by element.

    rectified: y is zero where x is not positive.
    """
    tiny = 1e-3 if keras.backend.standardize_dtype(x.dtype) == "float16" else 1e-9
    if rectified:
        safe = ops.maximum(x, tiny)
    else:
        sign = ops.cast(ops.where(x >= 0, tiny, -tiny), x.dtype)
        safe = ops.where(ops.abs(x) < tiny, sign, x)
    return carried(y, (x, y / ops.cast(safe, y.dtype)))
