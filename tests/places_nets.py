"""The nets of `docs_src/segmentation.py` and `docs_src/detection.py`, whose causes are known."""

from __future__ import annotations

import functools
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_FOLDER = Path(__file__).parents[1] / "docs_src"


@functools.cache
def example(name: str) -> Any:
    """Return what an example defines."""
    return SimpleNamespace(**runpy.run_path(str(_FOLDER / f"{name}.py"), run_name=name))


@functools.cache
def segmentation() -> Any:
    """Return the U-Net, eight scenes, the class of every pixel and where the lamps are."""
    room = example("segmentation")
    pictures, classes, lamps = room.scenes(8, seed=3)
    return SimpleNamespace(net=room.unet(), x=pictures, classes=classes, lamps=lamps, on=room.on)


@functools.cache
def detection() -> Any:
    """Return the grid detector, the same with corners, four scenes and their boxes."""
    room = example("detection")
    pictures, boxes, kinds = room.scenes(4, seed=4)
    grid = room.grid_detector()
    corners = room.Sorted(grid)
    corners(pictures)
    return SimpleNamespace(
        grid=grid, net=corners, x=pictures, boxes=boxes, kinds=kinds, inside=room.inside,
        format=room.FORMAT, labels=room.LABELS,
    )  # fmt: skip
