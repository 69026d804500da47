"""Where the inputs come from: what was given, the file itself, or a .safetensors beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kerascope.attribution import Attribution
from kerascope.columns import Table
from kerascope.errors import BadFile, BadInput
from kerascope.loading import load_images, load_inputs
from kerascope.loading.given import How, apart, is_table, samples_of
from kerascope.loading.preprocessing import AUTO, HUB, PREPROCESSINGS
from kerascope.loading.series import takes_series
from kerascope.loading.sources import is_array_file
from kerascope.loading.tables import load_table, read_table
from kerascope.loading.texts import TEXT_SUFFIXES, load_texts, read_lines
from kerascope.loading.volumes import takes_volumes
from kerascope.loading.wants import input_shapes
from kerascope.provenance import Provenance, digest
from kerascope.replay.stamps import Record, header
from kerascope.texts import Texts
from kerascope.tokens import Tokens, key_of, vocabulary_of
from kerascope.types import Array, Tree

_WINDOWS = 100_000  # of a series


class Found(NamedTuple):
    """Inputs of one sample with what people see of it.

    inputs: one array is named "". features: by input name, as in an `Attribution` of this sample.
    vocabulary: of a language model.
    """

    inputs: dict[str, Array]
    display: Array | None
    features: dict[str, tuple[Any, ...]] = {}  # noqa: RUF012 — never written to
    vocabulary: tuple[str, ...] | None = None

    def tokens(self) -> tuple[bytes, Tokens] | None:
        """Return the ids and the tokens of a text; None where it is none."""
        for name, of in self.features.items():
            if isinstance(of[0], Tokens):
                return key_of(self.inputs.get(name, next(iter(self.inputs.values())))[0]), of[0]
        return None


class Inputs:
    """The inputs of every sample of a file, found by hash, or else by name or place."""

    def __init__(
        self, file: str | os.PathLike[str], net: Any, given: Any, background: Any = None
    ) -> None:
        self.file, self.net, self.background = Path(file), net, background
        one = isinstance(given, Sequence) and len(given) == 1 and not isinstance(given, str)
        self.given: Any = given[0] if one else given
        self._loaded: dict[Any, list[tuple[str, str, Found]]] = {}
        self._beside: dict[str, tuple[Path, int]] | None = None
        self._table: Table | None = None

    def of(self, record: Record, sample: int) -> Found:
        """Return the inputs of a sample; raise `BadInput` that says what to give."""
        mark = record.samples[sample]["inputs"]
        if self.given is not None:
            return self._from_given(record, sample, mark)
        if record.stored is not None:
            return _row(record.stored, sample)
        place = self._places().get(mark)
        if place is None:
            what = "text" if record.provenance.reading else "picture"
            raise BadInput(
                f"'{self.file.name}' holds no inputs: give the {what} of '{record.names[sample]}' "
                "(or its .safetensors beside it)"
            )
        return _row(_load(place[0]), place[1])

    def table(self) -> Table | None:
        """Return the table that was given, with all its rows; None where it is something else.

        Of a file's columns those are taken that the model reads; it may hold more, as the truth.
        """
        if isinstance(self.given, Table) or not self._is_rows():
            return self.given if isinstance(self.given, Table) else None
        if self._table is None:
            self._table = load_table(
                self.given, self.net, drop=self._beyond(), background=self.background
            )
        return self._table

    def _is_rows(self) -> bool:
        path = isinstance(self.given, str | os.PathLike)
        return path and is_table(self.net, os.fspath(self.given)) and _steps(self.net) is None

    def _beyond(self) -> list[str]:
        """Return the columns of the given file that a result stored beside it does not have."""
        paths = [path for path, _ in self._places().values()]
        known = {column.name for path in paths[:1] for column in _load(path).columns}
        names = read_table(self.given) if known else {}
        return [name for name in names if name.partition("=")[0] not in known and name not in known]

    def stored(self, record: Record, sample: int) -> Tree | None:
        """Return the recorded map of a sample, first axis 1; None where no file has its numbers."""
        found, row = record.stored, sample
        if found is None:
            place = self._places().get(record.samples[sample]["values"])
            if place is None:
                return None
            found, row = _load(place[0]), place[1]
        values = found.values
        if isinstance(values, Mapping):
            return {name: array[row : row + 1] for name, array in values.items()}
        return values[row : row + 1]

    def _from_given(self, record: Record, sample: int, mark: str) -> Found:
        found = self._load_given(record.provenance)
        for _, other, item in found:
            if other == mark and record.stored is not None:
                return item._replace(features=_row(record.stored, sample).features)
            if other == mark:
                return item
        named = [item for name, _, item in found if name == record.names[sample]]
        if len(named) == 1:
            return named[0]
        if len(found) == len(record.names):
            return found[sample][2]
        raise BadInput(
            f"none of the {len(found)} inputs given is that of '{record.names[sample]}', by hash "
            f"or by name; the file has {len(record.names)}"
        )

    def _load_given(self, made: Provenance) -> list[tuple[str, str, Found]]:
        """Return (name, hash, inputs) of all that was given, prepared as the record says."""
        key = (made.preprocessing, made.fit, made.size)
        if key not in self._loaded:
            self._loaded[key] = list(self._read_given(made))
        return self._loaded[key]

    def _read_given(self, made: Provenance) -> Iterator[tuple[str, str, Found]]:
        given = self.given
        if made.reading and not _is_array(given):
            given = self._texts(given)
        elif (table := self.table()) is not None:
            given = table
        elif isinstance(given, str | os.PathLike) and (how := _steps(self.net)) is not None:
            given, _ = apart(samples_of(self.net, [os.fspath(given)], how))
        elif not hasattr(given, "inputs") and not _is_array(given):
            if is_array_file(given) and len(input_shapes(self.net)) > 1:
                given = load_inputs(given, self.net)
            else:
                given = load_images(
                    given, self.net, size=made.size or None,  # type: ignore[arg-type]
                    preprocess=_preprocess(made), fit=made.fit or "squeeze",
                )  # fmt: skip
        tree = getattr(given, "inputs", given)
        tree = tree if isinstance(tree, Mapping) else {"": tree}
        names, display = getattr(given, "names", None), getattr(given, "display", None)
        known = getattr(given, "features", {})
        for i in range(len(next(iter(tree.values())))):
            row = {name: array[i : i + 1] for name, array in tree.items()}
            name = names[i] if names else f"sample {i}"
            features = {name: of[i : i + 1] for name, of in known.items()}
            words = given.reading.vocabulary if isinstance(given, Texts) else None
            found = Found(row, None if display is None else display[i], features, words)
            yield name, digest(row.get("", row), 0), found

    def _texts(self, given: Any) -> Texts:
        """Return texts as ids, by what the model brings; files hold one a line."""
        if isinstance(given, Texts):
            return given
        if is_array_file(given):
            return load_texts(Path(given), self.net)
        some = [given] if isinstance(given, str | os.PathLike) else list(given)
        files = [Path(item) for item in some if str(item).lower().endswith(TEXT_SUFFIXES)]
        lines = [line for file in files for line in read_lines(file)] if files else some
        return load_texts(lines, self.net)

    def _places(self) -> dict[str, tuple[Path, int]]:
        """Return (file, row) of every hash of inputs and of maps in the folder of the file."""
        if self._beside is None:
            self._beside = {}
            for path in sorted(self.file.resolve().parent.glob("*.safetensors")):
                samples = header(path).get("samples")
                for row, item in enumerate(samples if isinstance(samples, list) else ()):
                    if isinstance(item, dict):
                        self._beside.setdefault(str(item.get("inputs")), (path, row))
                        self._beside.setdefault(str(item.get("values")), (path, row))
        return self._beside


def _steps(net: Any) -> How | None:
    """Return how files become series or volumes of a model; None where it takes neither.

    Every window of a series is cut: the one that was explained is known by its hash.
    """
    if takes_series(net):
        return How(windows=_WINDOWS)
    return How() if takes_volumes(net) else None


def _is_array(given: Any) -> bool:
    return isinstance(given, Mapping) or hasattr(given, "__array__")


def _preprocess(made: Provenance) -> str:
    """Return the name of what was done to the pixels."""
    if made.preprocessing in (None, HUB):
        return AUTO
    if made.preprocessing not in PREPROCESSINGS:
        raise BadInput(
            f"the pictures were preprocessed by the function '{made.preprocessing}', which is not "
            "stored: give the inputs as an array (.npy)"
        )
    return made.preprocessing


def _load(path: Path) -> Attribution:
    try:
        return Attribution.load(path)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadFile(f"'{path.name}' beside it cannot be read: {error}") from error


def _row(result: Attribution, row: int) -> Found:
    tree = result.inputs if isinstance(result.inputs, Mapping) else {"": result.inputs}
    one = result.take([row])
    inputs = {name: array[row : row + 1] for name, array in tree.items()}
    shown = None if one.display is None else one.display[0]
    return Found(inputs, shown, one.features, vocabulary_of(one))
