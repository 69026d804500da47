"""A net trained on a world with a known shortcut, and its audit."""

from __future__ import annotations

import dataclasses
import io
import time
import zipfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.audit.examine import Examination
from kerascope.audit.findings import Verdict, verdicts
from kerascope.audit.maps import SIDE
from kerascope.audit.panel import Panel, halves
from kerascope.audit.prepared import eyes_of
from kerascope.audit.tested import Tested
from kerascope.files import write_whole
from kerascope.planted.shortcuts import nets
from kerascope.planted.shortcuts.benchmark_outcome import Cell, Outcome, Said
from kerascope.planted.shortcuts.cues import KINDS
from kerascope.planted.shortcuts.world import World, make_world
from kerascope.types import Array

Train = Callable[[World], Any]
_BATCH = 128
_MASKS = 20  # rough ones, of a class
_JITTER = 2  # pixels by which a side of a rough box is off, at most
_SCENES = 100  # on which a clean net is tried with each cue


class Subject:
    """A world and the net trained on it, both made when they are first needed.

    folder: where weights are kept, or found; None keeps none. train: makes the net of a world in
    place of `nets.train_world_net`; its weights are not kept.
    """

    def __init__(self, cell: Cell, folder: Path | None, train: Train | None) -> None:
        self.cell, self.folder, self.train = cell, folder, train
        self.trained = 0.0  # seconds

    @cached_property
    def world(self) -> World:
        """Draw the world."""
        cell = self.cell
        return make_world(
            cell.kind, seed=cell.seed, prevalence=cell.prevalence, count=cell.count
        )  # fmt: skip

    @cached_property
    def net(self) -> Any:
        """Return the net: of the folder, or trained."""
        began, kept = time.perf_counter(), None
        if self.train is not None:
            net = self.train(self.world)
        else:
            kept = None if self.folder is None else self.folder / f"{self.cell.net}.npz"
            net = _read(kept, self.world)
            if net is None:
                net = nets.train_world_net(self.world, seed=self.cell.seed)
                _write(kept, net)
        self.trained = time.perf_counter() - began
        return net

    @cached_property
    def facts(self) -> tuple[float, str, float]:
        """Return planted flips, of which kind, and accuracy without the cue.

        In a world without any cue, of all kinds, the one that the net follows most.
        """
        cue, seed = self.world.cue, self.cell.seed
        if cue is not None:
            flips, follows = nets.uses_cue(self.net, cue, seed=seed), cue
        else:
            flips, follows = max(
                (nets.uses_cue(self.net, kind, seed=seed, count=_SCENES), kind) for kind in KINDS
            )
        return flips, follows, nets.accuracy(self.net, self.world)

    @cached_property
    def panel(self) -> Panel:
        """Return all scenes, without masks, and how the net is asked: as an audit asks it."""
        world, first = self.world, self.world.images[:1].astype(np.float32)
        eyes = eyes_of(
            self.net, (), first, world.class_names, batch_size=_BATCH, score="logit", memory=None,
            seed=self.cell.seed, side=SIDE,
        )  # fmt: skip

        def ask(pictures: Array) -> Array:
            starts = range(0, len(pictures), eyes.batch)
            parts = (pictures[i : i + eyes.batch].astype(np.float32) for i in starts)
            return np.concatenate([eyes.scores_of(part) for part in parts])

        return Panel(
            pixels=world.images, labels=world.labels, ids=np.arange(len(world)),
            half=halves(world.labels, self._draw(2**32)), ask=ask, scores=ask(world.images),
        )  # fmt: skip

    @cached_property
    def masked(self) -> Panel:
        """Return the panel with rough boxes around some objects of each class."""
        return dataclasses.replace(self.panel, masks=rough_boxes(self.world, self._draw(2**34)))

    def outcome(self, *, masks: bool) -> Outcome:
        """Audit the net, with rough masks or without."""
        panel, (flips, follows, accuracy) = self.masked if masks else self.panel, self.facts
        began, tested, passes = time.perf_counter(), [], 0
        for label in range(len(self.world.class_names)):
            examination = Examination(panel, label, self._draw(2**33 + label))
            tested += examination.run()
            passes += examination.trials.passes
        return Outcome(
            cell=dataclasses.replace(self.cell, masks=masks), cue_class=self.world.cue_class,
            flips=flips, follows=follows, accuracy=accuracy, tested=len(tested), passes=passes,
            said=tuple(said(verdict, place_of(self.world)) for verdict in verdicts(tested)),
            seconds=(round(self.trained, 1), round(time.perf_counter() - began, 1)),
        )  # fmt: skip

    def _draw(self, number: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=[self.cell.seed, number]))


def said(verdict: Verdict, place: Array | None) -> Said:
    """Return what is kept of a verdict; place: bool (y, x), where the cue truly is."""
    tested: Tested = verdict.tested
    overlap = None
    if place is not None and tested.area is not None:
        overlap = float((tested.area & place).sum() / (tested.area | place).sum())
    return Said(
        level=verdict.level, label=int(tested.label), family=verdict.family, name=tested.name,
        effect=tested.effect.effect, control=tested.effect.control, overlap=overlap,
    )  # fmt: skip


def place_of(world: World) -> Array | None:
    """Return bool (y, x): where most carriers have the shortcut; None without a fixed place."""
    if world.region is None or world.cue_class is None or not world.carriers.any():
        return None
    place = np.asarray(world.region[world.carriers].mean(axis=0) > 0.5)
    return place if place.any() else None


def rough_boxes(world: World, draw: np.random.Generator) -> Array:
    """Return bool (n, y, x): boxes around objects, up to 2 pixels off, of 20 scenes a class."""
    boxes = np.zeros_like(world.masks)
    for label in range(len(world.class_names)):
        for row in draw.permutation(np.flatnonzero(world.labels == label))[:_MASKS]:
            down, across = np.nonzero(world.masks[row])
            off = draw.integers(-_JITTER, _JITTER + 1, 4)
            boxes[
                row,
                max(0, down.min() + off[0]) : down.max() + 1 + off[1],
                max(0, across.min() + off[2]) : across.max() + 1 + off[3],
            ] = True
    return boxes


def _read(path: Path | None, world: World) -> Any:
    """Return a net with kept weights; None where there are none, or none that fit."""
    if path is None or not path.exists():
        return None
    net = nets.build_net(world)
    try:
        with np.load(path) as held:
            net.set_weights([held[name] for name in held.files])
    except (OSError, ValueError, zipfile.BadZipFile):
        return None
    return net


def _write(path: Path | None, net: Any) -> None:
    if path is not None:
        file = io.BytesIO()
        np.savez(file, *net.get_weights())
        write_whole(path, file.getvalue())
