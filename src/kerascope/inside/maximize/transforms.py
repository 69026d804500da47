"""Random views of a picture, so that what is found does not hang on single pixels."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
from keras import ops

from kerascope.errors import BadMethod
from kerascope.inside.maximize.canvas import Canvas
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class Transforms:
    """What happens to a picture at random in every step (Olah et al. 2017).

    jitter: it is moved by up to this share of its side, along every axis.
    scale: it is magnified by a factor between these two, drawn evenly on a logarithmic scale.
    rotate: it is turned by up to this many degrees, in the plane of its last two axes.
    pad: it is set into a grey border of this share of its side, and all of it squeezed back.
    views: how many such views of every picture go through the model in a step; their mean counts.

    What lies outside the picture is grey (or zero, without limits).
    """

    jitter: float = 0.15
    scale: tuple[float, float] = (0.6, 1.5)
    rotate: float = 20.0
    pad: float = 0.0
    views: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", tuple(self.scale))
        if len(self.scale) != 2:
            raise BadMethod(f"scale={self.scale} must be (low, high)")
        low, high = self.scale
        if not 0 < low <= high < np.inf:
            raise BadMethod(f"scale={self.scale} must be (low, high) with 0 < low ≤ high")
        for name in ("jitter", "rotate", "pad"):
            if not 0 <= getattr(self, name) < np.inf:
                raise BadMethod(f"{name}={getattr(self, name)} must be finite and at least 0")
        if self.views < 1:
            raise BadMethod(f"views={self.views} must be at least 1")

    @classmethod
    def none(cls) -> Transforms:
        """Return no transformation at all."""
        return cls(jitter=0.0, scale=(1.0, 1.0), rotate=0.0)

    @property
    def still(self) -> bool:
        """True when every view is the picture itself."""
        return self == dataclasses.replace(Transforms.none(), views=self.views)

    def draw(self, canvas: Canvas, draws: list[np.random.Generator]) -> Array:
        """Return where views look: (row · view, axis, axis + 1).

        From a view's pixels to the picture's, both counted from the middle.
        """
        size = np.array(canvas.size, float)
        axes = len(size)
        found = np.zeros((len(draws), self.views, axes, axes + 1))
        for row, draw in enumerate(draws):
            for view in range(self.views):
                shift = draw.uniform(-self.jitter, self.jitter, axes) * size
                zoom = np.exp(draw.uniform(*np.log(self.scale)))
                angle = np.deg2rad(draw.uniform(-self.rotate, self.rotate))
                turn = np.eye(axes)
                if axes > 1:
                    cos, sin = np.cos(angle), np.sin(angle)
                    turn[-2:, -2:] = [[cos, -sin], [sin, cos]]
                found[row, view, :, :axes] = turn * (1 + 2 * self.pad) / zoom
                found[row, view, :, axes] = shift
        return found.reshape(-1, axes, axes + 1).astype(np.float32)


def looked(pictures: Any, places: Any, canvas: Canvas, views: int) -> Any:
    """Return views (row · view, *size, channel) of pictures (row, *size, channel).

    places: as `Transforms.draw` gives them. Sampled linearly between the nearest pixels.
    """
    size, axes, channels = canvas.size, len(canvas.size), canvas.channels
    count, rows = int(np.prod(size)), pictures.shape[0] * views
    middle = np.array([(n - 1) / 2 for n in size], np.float32)
    grid = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), -1).reshape(count, axes)
    turned = ops.einsum(
        "pa,rba->rpb",
        ops.convert_to_tensor((grid - middle).astype(np.float32)),
        places[:, :, :axes],
    )
    at = turned + ops.expand_dims(places[:, :, axes], 1) + ops.convert_to_tensor(middle)
    below = ops.floor(at)
    share = at - below
    start = ops.reshape(ops.cast(ops.arange(rows), "int32") // views * count, (rows, 1))
    # Grey is zero here, so what lies outside adds nothing.
    flat = ops.reshape(pictures - canvas.middle, (-1, channels))
    total = 0.0
    for corner in itertools.product((0, 1), repeat=axes):
        index, weight = start, 1.0
        for axis, step in enumerate(corner):
            place = below[:, :, axis] + step
            part = share[:, :, axis] if step else 1 - share[:, :, axis]
            inside = (place >= 0) & (place <= size[axis] - 1)
            weight = weight * part * ops.cast(inside, "float32")
            stride = int(np.prod(size[axis + 1 :]))
            near = ops.cast(ops.clip(place, 0, size[axis] - 1), "int32")
            index = index + near * stride
        values = ops.take(flat, ops.reshape(index, (-1,)), axis=0)
        total = total + values * ops.reshape(weight, (-1, 1))
    return ops.reshape(total, (rows, *size, channels)) + canvas.middle
