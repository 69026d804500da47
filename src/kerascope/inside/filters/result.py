"""Look at the kernels of a model: one layer as a picture, all layers in numbers."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.checks import check_weights
from kerascope.errors import BadInput, BadLayer, BadModel
from kerascope.facts import facts_of
from kerascope.hooks import HookedModel
from kerascope.hooks.names import find_site
from kerascope.inside.filters.activity import Activity, activity
from kerascope.inside.filters.kernels import KernelStatistics, kernels_of, statistics_of
from kerascope.inside.net import net_of
from kerascope.inside.stored import as_tuples, read_tensors, write_tensors

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from kerascope.types import Array


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Filters:
    """The kernel of one layer, and statistics of all.

    Attributes:
        values: (*window, channel, unit) float32 of the layer shown.
        layer: its path.
        colours: which channels are red, green and blue, where they are those of a picture.
        statistics: of every kernel of the model, in the order of definition.
        activity: what units did over data, where that was asked for.
        model, model_sha256: which model it is.
        notes: what you should know before you rely on the numbers.
    """

    values: Array
    layer: str
    colours: tuple[int, int, int] | None
    statistics: tuple[KernelStatistics, ...]
    activity: tuple[Activity, ...]
    model: str
    model_sha256: str
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<Filters of {self.layer}: {self.values.shape}>"

    def plot(self, *, view: str = "auto", shared_scale: bool = False, most: int = 256) -> Any:
        """Return a matplotlib figure of the kernels.

        view: "colour" (three channels as a picture), "channels" (a row per unit, a picture per
            channel), "norm" (over channels, where in the window the weight lies), "matrix" (units
            against channels); "auto" takes the first that fits.
        shared_scale: one scale for all kernels, so that weak ones look weak.
        most: units drawn at most.
        """
        from kerascope.plot.kernels import kernel_figure

        return kernel_figure(
            self.values,
            title=f"Kernels of {self.layer}",
            colours=self.colours,
            view=view,
            shared_scale=shared_scale,
            most=most,
        )

    def plot_statistics(self) -> Any:
        """Return a matplotlib figure: the histogram of every kernel's weights."""
        from kerascope.plot.kernels import histogram_figure

        return histogram_figure(
            [(s.name, np.array(s.edges), np.array(s.counts)) for s in self.statistics]
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to one safetensors file with a JSON header; raise `BadFile`."""
        header = {k: v for k, v in dataclasses.asdict(self).items() if k != "values"}
        return write_tensors(path, "filters", {"values": self.values}, header)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Filters:
        """Read a file that `save` wrote; raise `BadFile` when it is none."""
        arrays, header = read_tensors(path, "filters")
        parts = {"statistics": KernelStatistics, "activity": Activity}
        fields: dict[str, Any] = {
            key: tuple(parts[key](**{k: as_tuples(v) for k, v in item.items()}) for item in value)
            if key in parts
            else as_tuples(value)
            for key, value in header.items()
        }
        return cls(values=arrays["values"], **fields)


def filters(
    model: Any,
    layer: str | int | None = None,
    *,
    data: Any = None,
    similar: float = 0.99,
    batch_size: int | None = None,
) -> Filters:
    """Return the kernels of a layer, with statistics of every layer of the model.

    Args:
        model: any Keras 3 model, built and untouched, or a `HookedModel`.
        layer: path, unique end of one, or index of a layer with a kernel; ".depthwise" and so on
            behind it where there are several. None takes the first.
        data: what the model takes, many samples; then units that never fire and units that always
            saturate are looked for.
        similar: size of the cosine, 0 … 1, from which on two kernels are called duplicates.
        batch_size: rows per pass.

    Raises:
        BadLayer: there is no such layer, or it has no kernel.
        BadModel: the model has no kernel, or weights that are not finite.
    """
    net = net_of(model)
    if not 0 < similar <= 1:
        raise BadInput(f"similar={similar} must be above 0 and at most 1")
    view = HookedModel(net, batch_size=batch_size)
    x = None if data is None else view.read(data)
    check_weights(view.identity.broken)
    kernels = {
        f"{path}.{name}" if name else path: (type(found).__name__, kernel)
        for path, found in view.table.items()
        for name, kernel in kernels_of(found).items()
    }
    if not kernels:
        raise BadModel("the model has no layer with a kernel, or is not built: call it once")
    chosen = _chosen(view, kernels, layer)
    seen = () if x is None else activity(view, x)
    notes = list(view.notes)
    if x is not None and not seen:
        notes.append("no layer ends with a bounded activation: no unit can be stuck at a bound")
    facts = facts_of(net)
    values = kernels[chosen][1]
    return Filters(
        values=values,
        layer=chosen,
        colours=_colours(view, chosen, values, facts.preprocessing),
        statistics=tuple(
            statistics_of(name, kind, kernel, similar) for name, (kind, kernel) in kernels.items()
        ),
        activity=seen,
        model=facts.source or net.name,
        model_sha256=view.identity.sha256,
        notes=tuple(notes),
    )


def _chosen(view: HookedModel, kernels: dict[str, Any], layer: str | int | None) -> str:
    """Return the name of the kernel that words name."""
    if layer is None:
        return next(iter(kernels))
    text, part = layer, ""
    if isinstance(layer, str) and "." in layer and layer not in view.table:
        text, _, part = layer.rpartition(".")
    path = find_site(text, view.table).path
    fits = [k for k in kernels if k == path or k.startswith(f"{path}.")]
    fits = [k for k in fits if not part or k == f"{path}.{part}"]
    if not fits:
        near = [k for k in kernels if k.startswith(path)] or list(kernels)
        raise BadLayer(f"layer '{layer}' has no such kernel; kernels: {', '.join(near[:6])}")
    return fits[0]


def _colours(
    view: HookedModel, name: str, kernel: Array, preprocessing: str | None
) -> tuple[int, int, int] | None:
    """Return the order of colours where a kernel reads the colours of a picture."""
    first = next((p for p, found in view.table.items() if kernels_of(found)), None)
    if kernel.ndim != 4 or kernel.shape[2] != 3 or name.partition(".")[0] != first:
        return None
    return (2, 1, 0) if preprocessing == "caffe" else (0, 1, 2)
