"""Several inputs of several kinds, read together: pictures, columns, texts, arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerascope.columns import Table, make_table, middle, named_inputs
from kerascope.columns.reading import framed
from kerascope.errors import BadInput
from kerascope.texts import Texts, read_texts
from kerascope.texts.front import holds_texts
from kerascope.tokens import Reading
from kerascope.types import Array

_PLAYERS = 6  # 64 scores of each sample


def are_players(given: Any) -> bool:
    """Tell whether what each input adds to the score is found: several, but few, and named."""
    held = getattr(given, "inputs", ())
    return isinstance(held, dict) and 1 < len(held) <= _PLAYERS


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Several:
    """What a model of several inputs is given, each input with what is known of its kind.

    inputs: arrays by name, as the model takes them. features: columns or tokens, by input. covers:
    by input, the row that stands for "nothing known": of columns, the median of their background.
    display: pictures to draw on, of the first input of pictures. model: what takes the ids, where
    the model itself takes strings.
    """

    inputs: dict[str, Array]
    names: tuple[str, ...]
    features: dict[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)
    covers: dict[str, Array] = dataclasses.field(default_factory=dict)
    reading: Reading = dataclasses.field(default_factory=Reading)
    display: tuple[Array, ...] | None = None
    notes: tuple[str, ...] = ()
    preprocessing: str | None = None
    model: Any = None

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, rows: slice) -> Several:
        """Return some of the samples."""
        return dataclasses.replace(
            self,
            inputs={name: array[rows] for name, array in self.inputs.items()},
            names=self.names[rows],
            display=None if self.display is None else self.display[rows],
            features={
                name: of[rows] if name == self.reading.input and self.reading.texts else of
                for name, of in self.features.items()
            },
        )


def several_of(inputs: Any, model: Any = None, *, vocabulary: Any = None) -> Several | None:
    """Return inputs by name read together, where one is pictures or columns; None for others.

    inputs: a dict by input name of arrays, `load_images`, `load_table`, `load_texts`, data frames
        and lists of strings.

    Raises:
        BadInput: they differ in their number of samples, or one does not fit its kind.
    """
    if isinstance(inputs, Several):
        return inputs
    if not isinstance(inputs, Mapping) or len(inputs) < 2:
        return None
    if not any(_known(value) for value in inputs.values()):
        return None
    made = _Made()
    for name, value in inputs.items():
        made.add(str(name), value)
    return made.read(model, vocabulary)


def _known(value: Any) -> bool:
    """Tell whether an entry of a dict is more than numbers and strings."""
    return isinstance(value, (Table, Texts)) or framed(value) or hasattr(value, "display")


@dataclasses.dataclass
class _Made:
    """What is read so far, by input."""

    inputs: dict[str, Any] = dataclasses.field(default_factory=dict)
    features: dict[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)
    covers: dict[str, Array] = dataclasses.field(default_factory=dict)
    names: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)  # by kind
    display: tuple[Array, ...] | None = None
    notes: list[str] = dataclasses.field(default_factory=list)
    preprocessing: str | None = None
    texts: Texts | None = None

    def add(self, name: str, value: Any) -> None:
        """Read one input."""
        if isinstance(value, Table) or framed(value):
            self._columns(name, value if isinstance(value, Table) else make_table(value, None))
        elif isinstance(value, Texts):
            if self.texts is not None:
                raise BadInput(f"one input can be texts, not also '{name}'")
            self.texts = value
            self.inputs[name] = value
        elif hasattr(value, "display"):
            self.inputs[name] = value.inputs
            self.names.setdefault("pictures", value.names)
            self.notes += [f"input '{name}': {note}" for note in value.notes]
            self.display = self.display or value.display
            self.preprocessing = self.preprocessing or value.preprocessing
        else:
            self.inputs[name] = value

    def _columns(self, name: str, table: Table) -> None:
        if isinstance(table.inputs, Mapping):
            raise BadInput(
                f"input '{name}': a table beside other inputs must hold numbers; give the "
                "categories of its words, load_table(…, categories=…)"
            )
        self.inputs[name] = table.inputs
        self.features[name] = tuple(dataclasses.replace(c, input=name) for c in table.columns)
        self.names.setdefault("rows", table.names)
        self.notes += table.notes
        if table.background is None and len(table) < 2:
            return
        rows, words = table.covers()
        x = {name: rows}
        self.covers[name] = middle(named_inputs(self.features[name], x), x)[name]  # type: ignore[arg-type]
        self.notes.append(f"baseline of input '{name}': the median of {words}")

    def read(self, model: Any, vocabulary: Any) -> Several:
        """Read the texts among them, and return all together."""
        reading, inner = Reading(), None
        strings = [name for name, value in self.inputs.items() if holds_texts(value)]
        if strings:
            self.texts = read_texts(self.inputs, model, vocabulary=vocabulary)
            self.inputs[strings[0]] = self.texts.inputs[strings[0]]  # type: ignore[index]
        elif self.texts is not None:
            self._given_texts()
        if self.texts is not None:
            reading, inner = self.texts.reading, self.texts.model
            self.features |= self.texts.features
            self.notes += self.texts.notes
            self.names["texts"] = self.texts.names
        arrays = {name: _array(value, name) for name, value in self.inputs.items()}
        counts = {name: len(array) for name, array in arrays.items()}
        if len(set(counts.values())) > 1:
            raise BadInput(f"the inputs differ in their number of samples: {counts}")
        count = next(iter(counts.values()))
        names = next((self.names[k] for k in ("pictures", "texts", "rows") if k in self.names), ())
        return Several(
            inputs=arrays, features=self.features, covers=self.covers, reading=reading,
            names=names or tuple(f"sample {i}" for i in range(count)), display=self.display,
            notes=tuple(self.notes), preprocessing=self.preprocessing, model=inner,
        )  # fmt: skip

    def _given_texts(self) -> None:
        """Take over texts that were read before, under the name they have here."""
        assert self.texts is not None
        name = next(n for n, value in self.inputs.items() if isinstance(value, Texts))
        held = self.texts
        own = held.inputs[held.reading.input] if isinstance(held.inputs, Mapping) else held.inputs
        self.inputs[name] = own
        beside = dict(held.inputs) if isinstance(held.inputs, Mapping) else {}
        self.inputs |= {n: a for n, a in beside.items() if n in held.reading.held}
        self.texts = dataclasses.replace(
            held,
            features={name: held.features[held.reading.input]},
            reading=dataclasses.replace(held.reading, input=name),
        )


def _array(value: Any, name: str) -> Array:
    """Return an array with a sample axis; what is no numbers is refused where it is read."""
    try:
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    except (TypeError, ValueError) as error:
        raise BadInput(f"input '{name}' cannot be read as an array: {error}") from error
    if array.ndim == 0:
        raise BadInput(f"input '{name}' is {value!r}; the first axis must be the sample")
    return array
