"""How a model's pictures are read: size, channels and preprocessing, settled once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from kerascope.errors import BadImage, BadInput, choices
from kerascope.loading.arrays import as_array, finite
from kerascope.loading.pictures import cropped, pixels, squeezed
from kerascope.loading.preprocessing import AUTO, HUB, decide, named, usual_size
from kerascope.loading.wants import Wanted, hub_converter, wanted_picture
from kerascope.types import Array

FITS = ("squeeze", "crop")

Preprocess = str | Callable[[Array], Array]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reader:
    """Brings pictures to what a model takes; its functions may run in any thread.

    Attributes:
        wanted: size and layout; channels: 1 or 3.
        name: of the preprocessing. notes: what was decided, in words.
    """

    wanted: Wanted
    channels: int
    fit: str
    name: str
    apply: Callable[[Array], Array]
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        model: Any,
        *,
        size: int | tuple[int, int] | None = None,
        preprocess: Preprocess = AUTO,
        fit: str = "squeeze",
    ) -> Reader:
        """Return the reader of a model's pictures; options as in `load_images`."""
        check_fit(fit)
        wanted = sized(wanted_of(model), size)
        notes: tuple[str, ...] = ()
        if wanted.size is None and (usual := usual_size(model)) is not None:
            (height, width), why = usual
            wanted = wanted._replace(height=height, width=width)
            notes = (f"size: {height}×{width}, {why}; size= changes it",)
        channels = picture_channels(wanted)
        name, apply, words = chosen(model, preprocess)
        return cls(
            wanted=wanted, channels=channels, fit=fit, name=name, apply=apply,
            notes=(*notes, words),
        )  # fmt: skip

    def framed(self, picture: Image.Image) -> Image.Image:
        """Return the part of a picture that the model sees, in the picture's own pixels."""
        if self.fit == "crop" and self.wanted.size is not None:
            return cropped(picture, *self.wanted.size)
        return picture

    def pixels(self, framed: Image.Image) -> Array:
        """Return (height, width, channel) float32 in 0…255, in the model's size if it has one."""
        if self.wanted.size is not None:
            framed = squeezed(framed, *self.wanted.size)
        return pixels(framed, self.channels)

    def inputs(self, stacked: Array) -> Array:
        """Return (sample, height, width, channel) pixels preprocessed, in the model's layout."""
        values = np.ascontiguousarray(self.apply(stacked), np.float32)
        if self.wanted.channels_first:
            values = np.ascontiguousarray(np.moveaxis(values, -1, 1))
        return finite(values, "the preprocessed pictures")


def check_fit(fit: str) -> None:
    """Raise `BadInput` for a way to fit pictures that is not known."""
    if fit not in FITS:
        raise BadInput(f"fit='{fit}' is not known{choices(fit, FITS)}")


def wanted_of(model: Any, *, array: bool = False) -> Wanted:
    """Return the picture that a model takes; without a model, any. See `wanted_picture`."""
    if model is None:
        return Wanted(None, None, None, channels_first=False)
    return wanted_picture(model, array=array)


def sized(wanted: Wanted, size: int | tuple[int, int] | None) -> Wanted:
    """Return what is wanted with the size that was asked for; raise `BadInput` when they differ."""
    if size is None:
        return wanted
    height, width = (size, size) if isinstance(size, int) else size
    if height < 1 or width < 1:
        raise BadInput(f"size={size} is not a size: height and width are at least 1")
    for have, asked in ((wanted.height, height), (wanted.width, width)):
        if have is not None and have != asked:
            raise BadInput(
                f"size={height}×{width} does not fit the model's input "
                f"{wanted.height}×{wanted.width}"
            )
    return wanted._replace(height=height, width=width)


def picture_channels(wanted: Wanted) -> int:
    """Return 1 or 3, as the model takes pictures; raise `BadImage` for other numbers."""
    if wanted.channels in (1, 3, None):
        return wanted.channels or 3
    raise BadImage(
        f"the model takes {wanted.channels} channels, a picture has 1 or 3; give the inputs as an "
        "array (.npy)"
    )


def chosen(model: Any, preprocess: Preprocess) -> tuple[str, Callable[[Array], Array], str]:
    """Return name, function and words of the preprocessing of pictures."""
    if callable(preprocess):
        name = getattr(preprocess, "__name__", type(preprocess).__name__)
        return (
            name,
            lambda x: as_array(preprocess(x)),
            f"preprocessing: the function {name}, as asked",
        )
    if preprocess != AUTO:
        return (
            preprocess,
            named(preprocess).apply,
            f"preprocessing: {preprocess} ({named(preprocess).words}), as asked",
        )
    if model is None:
        return (
            "none",
            named("none").apply,
            "preprocessing: none (raw pixels 0…255), because no model was given",
        )
    name, why = decide(model)
    if name == HUB:
        convert = hub_converter(model)
        return (
            name,
            lambda x: as_array(convert(x)),
            "preprocessing: hub (the model's own image converter)",
        )
    return name, named(name).apply, f"preprocessing: {name} ({named(name).words}), because {why}"
