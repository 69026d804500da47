"""Series: CSV files, frames and arrays, cut into the windows that a model takes."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.columns.reading import framed, read_columns
from kerascope.errors import BadInput, choices
from kerascope.loading.arrays import as_array, one_array, read_arrays
from kerascope.loading.sources import is_array_file
from kerascope.loading.tables import SUFFIXES, read_csv
from kerascope.loading.wants import Shape, input_shapes, leaves
from kerascope.timeline import Timeline, predicted
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Series:
    """Windows of series as a model takes them; what `load_series` returns.

    inputs: (sample, time, channel) float32. features: the timeline of every sample, by input name
    ("" of a model with one input).
    """

    inputs: Array
    features: dict[str, tuple[Timeline, ...]]
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, rows: slice) -> Series:
        """Return some of the windows."""
        return dataclasses.replace(
            self, inputs=self.inputs[rows], names=self.names[rows],
            features={name: lines[rows] for name, lines in self.features.items()},
        )  # fmt: skip

    @property
    def timelines(self) -> tuple[Timeline, ...]:
        """What is known of every window."""
        return self.features[""]


@dataclasses.dataclass(frozen=True, eq=False)
class _Whole:
    """One series from end to end: (step, channel) numbers, with names where there are any."""

    values: Array
    channels: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    name: str = ""


def load_series(
    source: Any,
    model: Any = None,
    *,
    channels: Sequence[str] | None = None,
    forecast: str | int | Sequence[str | int] | None = None,
    truth: Any = None,
    windows: int = 1,
    length: int | None = None,
) -> Series:
    """Return windows of series as `model` takes them, with names, times and what came after.

    Args:
        source: a CSV file, data frame or dict of columns: a row for every step in time, a column
            for every channel; a column of words names the times. Or an array, .npy or .npz:
            (time,), (time, channel), (sample, time, channel), and (sample, time) where the model
            takes one channel. Or a list of series, which may differ in length.
        model: whose window is cut; None: `length`, or the whole series.
        channels: columns to take, in the model's order; of an array, their names.
        forecast: the channels that the model forecasts, by name or place, in the order of its
            output. None: where the model ends in plain numbers, all channels, if its output has as
            many, else the first; a note says so. (): it forecasts nothing.
        truth: what came after each window, (sample, step) or (sample, step, channel); None: the
            steps of the series behind the window, as far as it goes.
        windows: how many windows of each series, evenly spaced; the last one ends with it.
        length: steps of a window, where the model leaves it open.

    Raises:
        BadInput: a series is shorter than the window, its channels do not fit, or a value is
            missing; the message says how.
        BadFile: the file cannot be read.
    """
    shape = _shape(model)
    found = _wholes(source, channels, shape)
    steps = _length(found, shape, length)
    for one in found:
        _check(one, steps, shape)
    if windows < 1:
        raise BadInput(f"windows={windows} must be at least 1")
    ahead, wide = _output(model)
    places, notes = _forecast(forecast, found[0], ahead, wide, model)
    rows, lines, names = [], [], []
    for i, one in enumerate(found):
        last = len(one.values) - steps
        for start in np.unique(np.linspace(last, 0, windows).round().astype(int)).tolist():
            rows.append(one.values[start : start + steps])
            after = one.values[start + steps : start + steps + ahead][:, list(places)]
            lines.append(_line(one, start, steps, places, after))
            names.append(_name(one, i, start, steps, len(found)))
    if truth is not None:
        lines = _with_truth(lines, truth, places)
    inputs = np.ascontiguousarray(np.stack(rows), np.float32)
    return Series(
        inputs=inputs, features={"": tuple(lines)}, names=tuple(names), notes=tuple(notes)
    )


def takes_series(model: Any) -> bool:
    """Tell whether a model's one input is (time, channel)."""
    shapes = list(input_shapes(model).values())
    return len(shapes) == 1 and len(shapes[0]) == 2


def _shape(model: Any) -> Shape:
    """Return (time, channel) as the model takes it, None where it leaves it open."""
    shapes = {} if model is None else input_shapes(model)
    if not shapes:
        return (None, None)
    if len(shapes) > 1:
        raise BadInput(
            f"the model has several inputs; give a dict of arrays named {', '.join(shapes)}"
        )
    ((name, shape),) = shapes.items()
    if len(shape) != 2:
        raise BadInput(
            f"the model's input '{name}' has shape {shape}, which is no series (time, channel)"
        )
    return shape


# --- reading ------------------------------------------------------------------------------------


def _wholes(source: Any, channels: Sequence[str] | None, shape: Shape) -> list[_Whole]:
    """Return every series of a source from end to end."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if path.suffix.lower() in SUFFIXES:
            return [_from_columns(read_csv(path), channels, path.stem)]
        if is_array_file(path):
            return _from_array(one_array(read_arrays(path), path.name), channels, shape, path.stem)
        raise BadInput(f"'{path.name}' is no series; give .csv, .tsv, .npy or .npz")
    if framed(source) or isinstance(source, Mapping):
        return [_from_columns(source, channels, "")]
    if isinstance(source, list | tuple) and source and np.ndim(source[0]) > 0:
        return [
            one
            for item in source
            for one in _from_array(as_array(item), channels, shape, "", one=True)
        ]
    return _from_array(as_array(source), channels, shape, "")


def _from_columns(source: Any, channels: Sequence[str] | None, name: str) -> _Whole:
    raw, rows = read_columns(source, None)
    words = [column for column, values in raw.items() if values.dtype.kind == "O"]
    taken = list(channels) if channels else [c for c in raw if c not in words]
    for column in taken:
        if column not in raw:
            raise BadInput(f"channel '{column}' not found{choices(column, raw)}")
        if column in words:
            raise BadInput(f"channel '{column}' holds words; a series is of numbers")
    if not taken:
        raise BadInput("the series has no column of numbers")
    times = tuple(map(str, raw[words[0]])) if words else ()
    labelled = rows and not rows[0].startswith("row ")
    values = np.stack([np.asarray(raw[c], np.float64) for c in taken], axis=1)
    return _Whole(values, tuple(taken), times or (rows if labelled else ()), name)


def _from_array(
    array: Array, channels: Sequence[str] | None, shape: Shape, name: str, *, one: bool = False
) -> list[_Whole]:
    """Return the series of an array; `one`: it is a single series, (time,) or (time, channel)."""
    if array.ndim == 1:
        parts = [array[:, None]]
    elif array.ndim == 2 and not one and shape[1] == 1 and array.shape[1] != 1:
        parts = list(array[..., None])
    elif array.ndim == 2:
        parts = [array]
    elif array.ndim == 3 and not one:
        parts = list(array)
    else:
        raise BadInput(
            f"an array of shape {array.shape} is no series: give (time,), (time, channel) or "
            "(sample, time, channel)"
        )
    if not parts:
        raise BadInput("there is no series: the array is empty")
    said = tuple(map(str, channels or ()))
    if said and len(said) != parts[0].shape[1]:
        raise BadInput(f"{len(said)} names for {parts[0].shape[1]} channels")
    return [_Whole(np.asarray(part, np.float64), said, (), name) for part in parts]


# --- checks -------------------------------------------------------------------------------------


def _length(found: list[_Whole], shape: Shape, length: int | None) -> int:
    """Return the steps of a window."""
    if length is not None and (length < 1 or shape[0] not in (None, length)):
        raise BadInput(f"length={length} does not fit the model, which takes {shape[0] or 'any'}")
    steps = shape[0] or length
    sizes = {len(one.values) for one in found}
    if steps is None and len(sizes) > 1:
        raise BadInput(
            f"the series differ in length, {min(sizes)} to {max(sizes)} steps: say how many to "
            "take, length="
        )
    return steps or sizes.pop()


def _check(one: _Whole, steps: int, shape: Shape) -> None:
    have, width = one.values.shape
    if have < steps:
        raise BadInput(
            f"the series has {have} step{'s' * (have != 1)}, and a window takes {steps}: give at "
            "least that many"
        )
    if shape[1] not in (None, width):
        named = f" ({', '.join(one.channels)})" if one.channels else ""
        raise BadInput(
            f"the series has {width} channel{'s' * (width > 1)}{named}, and the model takes "
            f"{shape[1]}" + ("; choose them with channels=" if width > shape[1] else "")
        )
    wrong = np.argwhere(~np.isfinite(one.values))
    if len(wrong):
        step, channel = wrong[0]
        which = Timeline(one.channels).channel(int(channel))
        raise BadInput(f"the series holds NaN or infinity, first at step {step} of {which}")


# --- forecasts ----------------------------------------------------------------------------------


def _output(model: Any) -> tuple[int, int]:
    """Return (steps, channels) of a model's one output; (0, 0) where it is no forecast."""
    try:
        shape = getattr(model, "output_shape", None)
    except (AttributeError, ValueError, RuntimeError):
        shape = None
    if not isinstance(shape, tuple) or None in shape[1:] or len(shape) not in (2, 3):
        return 0, 0
    return (shape[1], 1) if len(shape) == 2 else (shape[1], shape[2])


def _forecast(
    given: Any, one: _Whole, ahead: int, wide: int, model: Any
) -> tuple[tuple[int, ...], list[str]]:
    """Return the places of the channels that are forecast, and a note where they were guessed."""
    count = one.values.shape[1]
    if given is None:
        if not ahead or not _plain_numbers(model):
            return (), []
        places = tuple(range(count)) if wide == count else (0,)
        said = ", ".join(f"'{c}'" for c in one.channels[: len(places)]) or "the first channel"
        note = (
            f"the output is taken as a forecast of {said}: the model ends in plain numbers "
            "(forecast= says which channels, () none)"
        )
        return places, [note]
    listed = [given] if isinstance(given, str | int) else list(given)
    places = tuple(_place(item, one, count) for item in listed)
    if places and wide > 1 and wide != len(places):
        raise BadInput(f"the model forecasts {wide} channels; forecast= names {len(places)}")
    return places, []


def _place(item: str | int, one: _Whole, count: int) -> int:
    if isinstance(item, str) and item in one.channels:
        return one.channels.index(item)
    if isinstance(item, str) and not item.isdigit():
        raise BadInput(f"forecast='{item}': no such channel{choices(item, one.channels)}")
    if not 0 <= int(item) < count:
        raise BadInput(f"forecast={item}: the series has channels 0 to {count - 1}")
    return int(item)


def _plain_numbers(model: Any) -> bool:
    """Tell whether a model's last layer with an activation has none: no classes come out."""
    last = None
    for layer in leaves(model):
        if type(layer).__name__ == "Softmax":
            return False
        activation = getattr(layer, "activation", None)
        last = getattr(activation, "__name__", last) if activation is not None else last
    return last == "linear"


def _line(one: _Whole, start: int, steps: int, places: tuple[int, ...], after: Array) -> Timeline:
    return Timeline(
        channels=one.channels,
        times=one.times[start : start + steps],
        forecast=places,
        truth=tuple(tuple(row) for row in after.tolist()) if places else (),
    )


def _with_truth(lines: list[Timeline], truth: Any, places: tuple[int, ...]) -> list[Timeline]:
    rows = as_array(truth)
    if len(rows) != len(lines) or rows.ndim not in (2, 3):
        raise BadInput(
            f"truth has shape {rows.shape} for {len(lines)} windows; it must be (sample, step) or "
            "(sample, step, channel)"
        )
    grids = [predicted(row, len(places)) for row in rows]
    return [
        dataclasses.replace(
            line, truth=tuple(map(tuple, grid.tolist())),
            forecast=places or tuple(range(grid.shape[1])),
        )
        for line, grid in zip(lines, grids, strict=True)
    ]  # fmt: skip


def _name(one: _Whole, index: int, start: int, steps: int, count: int) -> str:
    name = one.name if one.name and count == 1 else (f"{one.name} {index}".strip())
    if len(one.values) == steps:
        return name
    last = start + steps
    until = one.times[last - 1] if one.times else f"step {last}"
    return f"{name} to {until}"
