"""Where numbers and pictures of a training go beside its film: TensorBoard, W&B, MLflow."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from kerascope.attribution import Attribution
from kerascope.errors import MissingDependency
from kerascope.plot.colour import ALPHA
from kerascope.plot.draw import map_picture
from kerascope.plot.maps import Kind, limit_of, maps_of
from kerascope.plot.picture import picture_of
from kerascope.plot.words import sample_name
from kerascope.types import Array

_SOON = 5  # seconds after which TensorBoard can read what was logged
_ODD = re.compile(r"[^\w\-. /]+")  # what MLflow allows in no name


class Tracker(Protocol):
    """Something that keeps numbers and pictures by step."""

    def log(self, step: int, numbers: Mapping[str, float], pictures: Mapping[str, Array]) -> None:
        """Keep numbers and uint8 RGB pictures of one moment."""

    def finish(self, film: Path | None) -> None:
        """The training is over; `film` is its film, where there is one."""


class TensorBoard:
    """TensorBoard's files, written by tensorboardX: no backend has to be TensorFlow for that."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            importlib.import_module("tensorboardX")
        except ImportError as error:
            raise MissingDependency(
                "TensorBoard's files need tensorboardX: pip install tensorboardX"
            ) from error
        self._folder = os.fspath(folder)
        self._writer: Any = None
        self._files = 0

    def log(self, step: int, numbers: Mapping[str, float], pictures: Mapping[str, Array]) -> None:
        """Write scalars and images; they are in the file some seconds later."""
        if self._writer is None:
            # files are named by the second: a training may end within one
            self._writer = sys.modules["tensorboardX"].SummaryWriter(
                self._folder, flush_secs=_SOON, filename_suffix=f".{self._files}"
            )
            self._files += 1
        for name, number in numbers.items():
            self._writer.add_scalar(f"kerascope/{name}", number, step)
        for name, picture in pictures.items():
            self._writer.add_image(f"kerascope/{name}", picture, step, dataformats="HWC")

    def finish(self, film: Path | None) -> None:
        """Close the file, which waits for what is not written yet."""
        if self._writer is not None:
            self._writer.close()
        self._writer = None


class Wandb:
    """The run of Weights & Biases that is active, if there is one at that moment."""

    def __init__(self) -> None:
        self._told: Any = None

    def log(self, step: int, numbers: Mapping[str, float], pictures: Mapping[str, Array]) -> None:
        """Log numbers and images over steps, on an axis of their own."""
        wandb = sys.modules["wandb"]
        if wandb.run is None:
            return
        if self._told is not wandb.run:  # W&B's own steps are those of whoever else logs
            wandb.run.define_metric("kerascope/step")
            wandb.run.define_metric("kerascope/*", step_metric="kerascope/step")
            self._told = wandb.run
        images = {f"kerascope/{name}": wandb.Image(p) for name, p in pictures.items()}
        plain = {f"kerascope/{name}": number for name, number in numbers.items()}
        wandb.run.log({"kerascope/step": step, **plain, **images})

    def finish(self, film: Path | None) -> None:
        """Keep the film with the run."""
        wandb = sys.modules["wandb"]
        if wandb.run is not None and film is not None:
            wandb.run.log({"kerascope/film": wandb.Html(film.read_text(encoding="utf-8"))})


class MLflow:
    """The run of MLflow that is active, if there is one at that moment."""

    def log(self, step: int, numbers: Mapping[str, float], pictures: Mapping[str, Array]) -> None:
        """Log metrics and images by step."""
        mlflow = sys.modules["mlflow"]
        if mlflow.active_run() is None:
            return
        named = {_plain(f"kerascope/{name}"): number for name, number in numbers.items()}
        mlflow.log_metrics(named, step=step)
        for name, picture in pictures.items():
            mlflow.log_image(picture, key=_plain(f"kerascope/{name}"), step=step)

    def finish(self, film: Path | None) -> None:
        """Keep the film as an artifact of the run."""
        mlflow = sys.modules["mlflow"]
        if mlflow.active_run() is not None and film is not None:
            mlflow.log_artifact(os.fspath(film))


def _plain(name: str) -> str:
    return _ODD.sub("_", name)


def trackers(
    *, tensorboard: str | os.PathLike[str] | None, wandb: bool | None, mlflow: bool | None
) -> list[Tracker]:
    """Return what was asked for; None takes W&B and MLflow where the program has imported them.

    Raises `MissingDependency` for what was asked for and is not installed.
    """
    found: list[Tracker] = [] if tensorboard is None else [TensorBoard(tensorboard)]
    for name, asked, kind in (("wandb", wandb, Wandb), ("mlflow", mlflow, MLflow)):
        if asked:
            try:
                importlib.import_module(name)
            except ImportError as error:
                raise MissingDependency(f"{name}=True needs {name}: pip install {name}") from error
        if asked or (asked is None and name in sys.modules):
            found.append(kind())
    return found


def pictures_of(result: Attribution) -> Iterator[tuple[str, Array]]:
    """Yield the maps of first targets over their pictures, with names: uint8 RGB."""
    items = [item for item in maps_of(result) if item.kind is Kind.PICTURE and item.target == 0]
    limit = limit_of(items)
    for item in items:
        picture = picture_of(result, item.sample, item.input)
        name = f"{result.method.title}/{sample_name(result, item.sample)}"
        yield name, map_picture(picture, item, limit=limit, alpha=ALPHA)
