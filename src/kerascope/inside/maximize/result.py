"""What was found: inputs that a target wants to see, and the pictures people see."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.errors import BadInput
from kerascope.inside.maximize.canvas import Scaling
from kerascope.inside.stored import as_tuples, read_tensors, write_tensors
from kerascope.provenance import Provenance

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from kerascope.types import Array

_PLAIN = ("axes", "input", "explained", "count", "steps", "notes", "others")


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Visualization:
    """Inputs that maximise targets.

    Attributes:
        values: (k, *input shape) float32, as the model takes them; `count` of every target.
        axes: names of the axes of `values`, "sample" first.
        input: name of the input. others: names of inputs that were held fixed.
        scores: (k,) score of every value as it is, without transformations.
        explained: in words, what every score is: "logit of 'tabby' (31.2)".
        history: (k, step) scores along the way, under the transformations.
        steps: how many were done.
        frames: (frame, k, *size, channel) canvases along the way, float32; empty if not asked for.
        scaling: from canvases, 0 … 1 for pictures, to the values of the model.
        bounded: the canvas has limits.
        notes: what you should know before you rely on the result.
    """

    values: Array
    axes: tuple[str, ...]
    input: str
    others: tuple[str, ...]
    scores: Array
    explained: tuple[str, ...]
    count: int
    history: Array
    steps: int
    frames: Array
    scaling: Scaling
    bounded: bool
    notes: tuple[str, ...]
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.scores)

    def __repr__(self) -> str:
        more = f" and {len(self) - 1} more" if len(self) > 1 else ""
        return f"<Visualization of {self.explained[0]}{more}: {self.steps} steps>"

    @property
    def picture(self) -> bool:
        """True when the values are pictures."""
        return "y" in self.axes and len(self.axes) == 4

    @property
    def image(self) -> Array:
        """(k, y, x, 3) uint8 RGB, the model's preprocessing undone; raises `BadInput` for others.

        One channel is grey; of more than three the first three are red, green and blue, of two the
        mean is grey.
        """
        return self._rgb(self.scaling.canvas(self.values))

    def film(self, item: int = 0) -> Array:
        """Return (frame, y, x, 3) uint8 RGB: how one picture came to be."""
        self._check(item)
        if not self.frames.size:
            raise BadInput("no frames were kept; ask for them: maximize(…, frames=24)")
        return self._rgb(self.frames[:, item])

    def _rgb(self, canvases: Array) -> Array:
        if not self.picture:
            raise BadInput(f"values with axes {self.axes[1:]} are no pictures; use .values")
        if canvases.shape[-1] == 2:
            canvases = canvases.mean(axis=-1, keepdims=True)
        rgb = canvases[..., :3]
        if not self.bounded:
            low, high = (
                rgb.min(axis=(1, 2, 3), keepdims=True),
                rgb.max(axis=(1, 2, 3), keepdims=True),
            )
            rgb = (rgb - low) / np.where(high > low, high - low, 1)
        pixels = np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
        return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels

    def _check(self, item: int) -> None:
        if not 0 <= item < len(self):
            raise BadInput(f"item {item} is out of range; there are {len(self)}")

    def plot(self, *, columns: int | None = None) -> Any:
        """Return a matplotlib figure of all results: pictures, curves or bars, with their scores.

        columns: cells side by side; by default `count`, or up to five where that is 1.
        """
        from kerascope.plot.maximized import maximized_figure

        side = columns or (self.count if self.count > 1 else min(5, len(self)))
        if side < 1:
            raise BadInput(f"columns={columns} must be at least 1")
        shown = self.image if self.picture else self._lines()
        return maximized_figure(shown, self.explained, columns=side, notes=self.words)

    def _lines(self) -> Array:
        """Return (k, position, channel) or (k, feature): what is drawn of other values."""
        values = np.moveaxis(self.values, 1, -1) if self.scaling.first else self.values
        if values.ndim <= 3:
            return values
        return values.mean(axis=tuple(range(2, values.ndim - 1)))

    @property
    def words(self) -> str:
        """Say in one line what this is."""
        made = self.provenance.method["name"]
        return f"{self.provenance.model}: what maximises it, {self.steps} steps, {made}"

    def animate(self, path: str | os.PathLike[str], item: int = 0, *, seconds: float = 4.0) -> Path:
        """Write how one picture came to be, as .webp or .gif; raise `BadFile` for another."""
        from kerascope.files import write_whole
        from kerascope.plot.animation import animated

        ending = str(path).rpartition(".")[2].lower()
        return write_whole(path, animated(self.film(item), ending, seconds=seconds))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to one safetensors file with a JSON header; raise `BadFile`."""
        arrays = {name: getattr(self, name) for name in ("values", "scores", "history", "frames")}
        arrays |= {"matrix": self.scaling.matrix, "offset": self.scaling.offset}
        header = {name: getattr(self, name) for name in (*_PLAIN, "bounded")}
        header |= {"first": self.scaling.first, "provenance": dataclasses.asdict(self.provenance)}
        return write_tensors(path, "a visualization", arrays, header)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Visualization:
        """Read a file that `save` wrote; raise `BadFile` when it is none."""
        arrays, header = read_tensors(path, "a visualization")
        scaling = Scaling(arrays.pop("matrix"), arrays.pop("offset"), header.pop("first"))
        provenance = Provenance(**header.pop("provenance"))
        plain: dict[str, Any] = {name: as_tuples(value) for name, value in header.items()}
        parts: dict[str, Any] = {**arrays, **plain}
        return cls(**parts, scaling=scaling, provenance=provenance)

    def _repr_html_(self) -> str:
        from kerascope.plot.attention import figure_html

        return figure_html(self.plot(), "; ".join(self.explained))
