"""The optimisation: steps over rows, in chunks that fit the memory, until done or stopped."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from kerascope.inside.maximize.aims import Aim, cut
from kerascope.inside.maximize.step import Recipe, step_function
from kerascope.run import Cancelled

if TYPE_CHECKING:
    from kerascope.hooks import HookedModel
    from kerascope.run import Run
    from kerascope.types import Array

_START = 2**32 - 1  # the draw that a row starts from, and those before it; steps count from 1
_TRIES = 24  # more starts that are tried where there is no gradient
_LOUDER = (1.0, 10.0, 100.0, 1000.0)  # factors of the noise, of the first start and those after
_STILL = 3  # steps without any gradient that say so; at the start, one


@dataclasses.dataclass(frozen=True, eq=False)
class Climbed:
    """What came out for some rows: canvases, scores by step, canvases on the way."""

    rows: Array
    canvases: Array
    history: Array
    frames: Array
    steps: int


@dataclasses.dataclass(eq=False)
class Climb:
    """Everything that the chunks of one call share."""

    view: HookedModel
    recipe: Recipe
    run: Run
    steps: int
    kept: tuple[int, ...]  # steps before which a frame is kept
    others: dict[str, Array]  # (1, …) values of inputs that are not optimised
    known: dict[str, Array]  # constants of the step
    start: Array | None  # canvases (row, …) to start from

    def __post_init__(self) -> None:
        self._done, self._total = 0, 0
        self._known = _tensors(self.known)

    def rows_at_once(self, rows: int) -> int:
        """Return how many of `rows` go through the model together: shared out evenly."""
        groups = rows // self.recipe.count
        per_group = self.recipe.count * self.recipe.transforms.views
        chunks = -(-groups // max(1, self.run.batch.size // per_group))
        return -(-groups // chunks) * self.recipe.count

    def all(self, aims: list[Aim]) -> list[tuple[Aim, list[Climbed]]]:
        """Climb for all aims; those not begun when it is stopped are left out, with a note."""
        counts = [len(aim.rows) for aim in aims]
        self._total = self.steps * sum(-(-n // self.rows_at_once(n)) for n in counts)
        with self.run.stoppable():
            found = [(aim, self.rows(aim)) for aim in aims]
            self.run.stopped = self.run.stopped or self.run.stop.is_set()
        parts = [part for _, some in found for part in some]
        done, last = sum(len(part.rows) for part in parts), parts[-1].steps
        if done < sum(counts) or last < self.steps:
            self.run.notes.append(
                f"stopped: {done} of {sum(counts)} done, the last after {last} of {self.steps} "
                "steps"
            )
        return [(aim, some) for aim, some in found if some]

    def rows(self, aim: Aim) -> list[Climbed]:
        """Climb for all rows of an aim; those not begun when it is stopped are left out."""
        most = self.rows_at_once(len(aim.rows))
        found: list[Climbed] = []
        start = 0
        while start < len(aim.rows) and not (self.run.stop.is_set() and self._done):
            part = np.arange(start, min(start + most, len(aim.rows)))
            try:
                # The last chunk is filled up, so that it is not traced anew.
                climbed = self._chunk(aim, np.resize(part, most))
            except Exception as error:
                half = most // self.recipe.count // 2 * self.recipe.count
                if not half or not self.view.seam.out_of_memory(error):
                    raise
                most = half
                continue
            found.append(_first(climbed, len(part)))
            start += len(part)
        return found

    def _chunk(self, aim: Aim, part: Array) -> Climbed:
        """Climb for the rows of one chunk."""
        recipe, views = self.recipe, self.recipe.transforms.views
        rows = aim.rows[part]
        targets = cut(aim, np.repeat(part, views))
        step = step_function(self.view, targets, recipe)
        arrays = _tensors(targets.arrays())
        others = {
            name: ops.convert_to_tensor(np.repeat(value, len(rows) * views, axis=0))
            for name, value in self.others.items()
        }

        def moved(state: Any, number: int) -> Any:
            places = self._places(rows, number)
            at = ops.convert_to_tensor(np.float32(number))
            self.view.store.passes["gradient"] += len(rows) * views
            with self.view.store.lock:  # an eager step shadows layers while it runs
                return step(state, at, places, others, arrays, self._known)

        history: list[Array] = []
        frames: list[Array] = []
        tries, still = np.zeros(len(rows), int), np.full(len(rows), _STILL - 1)
        done, silent = 0, np.zeros(len(rows), bool)
        state = _state(self._begun(rows, tries))
        for done in range(1, self.steps + 1):
            state, scores, pictures, flat = moved(state, done)
            history.append(ops.convert_to_numpy(scores))
            if done - 1 in self.kept:
                frames.append(ops.convert_to_numpy(pictures))
            self._done += 1
            self.run.report("steps", self._done, self._total)
            if self.run.cancel is not None and self.run.cancel.is_set():
                raise Cancelled
            if self.run.stop.is_set():
                break
            still = np.where(ops.convert_to_numpy(flat), still + 1, 0)
            silent = (still >= _STILL) & (history[-1] <= history[0])
            if self.start is None and done < self.steps:
                anew = silent & (tries < _TRIES)
                state = self._roused(state, rows, anew, tries)
                still[anew] = _STILL - 1
        self._name_silent(rows[silent])
        parameters = {n: ops.convert_to_tensor(v) for n, v in state["parameters"].items()}
        painted = recipe.parametrization.paint(recipe.canvas, parameters, self._known)
        canvases = ops.convert_to_numpy(painted)
        return Climbed(
            rows, canvases, np.stack(history, axis=1),
            np.stack([*frames, canvases]) if self.kept else np.zeros((0,)), done,
        )  # fmt: skip

    def _begun(self, rows: Array, tries: Array) -> dict[str, Array]:
        """Return the parameters to start from, after so many tries of each row."""
        paint, canvas = self.recipe.parametrization, self.recipe.canvas
        if self.start is not None:
            return paint.of(canvas, self.start[rows])
        parts = [
            paint.begin(canvas, [self.run.generator(int(row), _START - int(n))], _loud(int(n)))
            for row, n in zip(rows, tries, strict=True)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _roused(self, state: Any, rows: Array, silent: Array, tries: Array) -> Any:
        """Return the state with silent rows started anew, louder; counts their tries.

        Behind a ReLU a unit can be flat all around a picture: grey at the start, or one that a
        step too far led to.
        """
        if not silent.any():
            return state
        tries[silent] += 1
        begun = _state(self._begun(rows, tries))
        chosen = ops.convert_to_tensor(silent)
        return keras.tree.map_structure(
            lambda new, old: ops.where(_rowwise(chosen, new), new, old), begun, state
        )

    def _name_silent(self, rows: Array) -> None:
        for row in np.unique(rows):
            note = f"result {row} has no gradient where it is: another seed or start= may help"
            if note not in self.run.notes:
                self.run.notes.append(note)

    def _places(self, rows: Array, number: int) -> Any:
        transforms, canvas = self.recipe.transforms, self.recipe.canvas
        if transforms.still or not canvas.size:
            return ops.zeros((1,))
        draws = [self.run.generator(int(row), number) for row in rows]
        return ops.convert_to_tensor(transforms.draw(canvas, draws))


def frame_steps(steps: int, frames: int) -> tuple[int, ...]:
    """Return the steps before which a frame is kept: the first, and evenly spaced ones after it.

    The last of `frames` frames is the result itself.
    """
    if frames < 2:
        return ()
    return tuple(dict.fromkeys(int(s) for s in np.linspace(0, steps, frames)[:-1]))


def _first(climbed: Climbed, count: int) -> Climbed:
    frames = climbed.frames[:, :count] if climbed.frames.ndim > 1 else climbed.frames
    return Climbed(
        climbed.rows[:count], climbed.canvases[:count], climbed.history[:count], frames,
        climbed.steps,
    )  # fmt: skip


def _state(begun: dict[str, Array]) -> dict[str, dict[str, Any]]:
    """Return parameters with the moments of Adam, which start at zero."""
    zeros = {name: np.zeros_like(value) for name, value in begun.items()}
    return _tensors({"parameters": begun, "first": zeros, "second": zeros})


def _loud(tries: int) -> float:
    return _LOUDER[1 + (tries - 1) % (len(_LOUDER) - 1)] if tries else _LOUDER[0]


def _rowwise(chosen: Any, value: Any) -> Any:
    return ops.reshape(chosen, (-1, *[1] * (len(value.shape) - 1)))


def _tensors(tree: Any) -> Any:
    return keras.tree.map_structure(ops.convert_to_tensor, tree)
