"""What a command is given, as samples: pictures, texts, a table, series, volumes or films."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kerascope.errors import BadInput
from kerascope.loading.rows import Options, Rows, read_rows
from kerascope.loading.sources import NO_SOURCE, is_array_file
from kerascope.loading.tables import SUFFIXES
from kerascope.loading.texts import TEXT_SUFFIXES, load_texts, read_lines
from kerascope.loading.wants import input_shapes, reads_ids


@dataclasses.dataclass(frozen=True, kw_only=True)
class How:
    """What a command says of how files become samples.

    vocabulary, length: see `load_texts`. forecast, channels, windows: see `load_series`. frames:
    volumes are films. columns: of a CSV file.
    """

    vocabulary: str = ""
    length: int = 0
    forecast: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    windows: int = 0
    frames: bool = False
    columns: Options = dataclasses.field(default_factory=Options)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> How:
        """Return what `dataclasses.asdict` described."""
        known = _tuples(data)
        return cls(**known | {"columns": Options(**_tuples(data.get("columns", {})))})

    def series(self) -> dict[str, Any]:
        """Return the options of `load_series` that were given."""
        named = {"forecast": self.forecast, "channels": self.channels, "windows": self.windows}
        return {name: value for name, value in named.items() if value}


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}


def samples_of(
    net: Any, sources: Sequence[str], how: How = How(), *,
    text: Sequence[str] = (), most: int | None = None, **pictures: Any,
) -> Any:  # fmt: skip
    """Return the samples: `Rows` of a CSV file, `Texts`, `Series`, `Volumes` or `Images`.

    sources: files and folders, of which .txt files hold one text a line; of a model of several
    inputs, NAME=FILE for each, or one .npz of arrays by these names. text: further texts. most:
    texts, or rows where none are chosen; None: all texts, and some rows. pictures: options of
    `load_images`.

    Raises:
        BadInput: what is given does not fit the model, or each other.
        BadFile: a file cannot be read.
    """
    from kerascope.loading.images import load_images
    from kerascope.loading.series import takes_series
    from kerascope.loading.volumes import takes_volumes

    sources, vocabulary, length = _checked(sources), how.vocabulary, how.length
    other = text or vocabulary or how.columns.given()
    if sources and not other and takes_series(net):
        return _series(net, sources, length=length or None, **how.series())
    if how.series():
        raise BadInput("--forecast, --channels and --windows are for models of series")
    if sources and not (other or length) and takes_volumes(net):
        return _volumes(net, sources, frames=how.frames)
    if how.frames:
        raise BadInput("--video is for models of volumes and films, and files of such")
    if any(is_table(net, source) for source in sources):
        if len(sources) > 1 or text:
            raise BadInput("a table is read alone: give one, and no other files or texts")
        return read_rows(
            net, sources[0], how.columns, vocabulary=vocabulary, length=length, most=most
        )
    if how.columns.given():
        raise BadInput(f"--{how.columns.given()} is for a table")
    several = _several(net, sources, text, vocabulary=vocabulary or None, **pictures)
    if several is not None:
        return several
    if not text and len(sources) == 1 and is_array_file(sources[0]) and reads_ids(net):
        coded = load_texts(
            Path(sources[0]), net, vocabulary=vocabulary or None, length=length or None
        )
        return _noted(coded[slice(most)], most, len(coded))
    files = [source for source in sources if Path(source).suffix.lower() in TEXT_SUFFIXES]
    if text or files:
        return _texts(net, [*text], files, sources, how, most)
    if vocabulary or length:
        raise BadInput("--vocabulary and --length are for texts: give --text or a .txt file")
    if not sources:
        raise BadInput("nothing to read: give pictures, a .txt or .csv file, or --text")
    return load_images(sources[0] if len(sources) == 1 else sources, net, **pictures)


def _checked(sources: Sequence[str]) -> list[str]:
    if "" in sources:  # as a path it would be the current folder
        raise BadInput(NO_SOURCE)
    return list(sources)


def apart(found: Any) -> tuple[Any, tuple[str, ...]]:
    """Return samples, and the right class of each where a column says it: of what is given."""
    return (found.samples, found.truths) if isinstance(found, Rows) else (found, ())


def is_table(net: Any, source: str) -> bool:
    """Tell whether a source is a table: a CSV file, or an array for a model of columns.

    Not that of one input of several, which stands behind its name.
    """
    if "=" in source and not Path(source).exists():
        return False
    if is_array_file(source):
        shapes = list(input_shapes(net).values())
        return [len(shape) for shape in shapes] == [1] and not reads_ids(net)
    return Path(source).suffix.lower() in SUFFIXES


def _several(net: Any, sources: list[str], text: Sequence[str], **options: Any) -> Any:
    """Return what is given by name, in files or one of arrays, to a model of several; else None."""
    from kerascope.loading.several import load_named_arrays, load_several

    named = _named(net, sources)
    if named is not None:
        return load_several(named, net, **options)
    lone = not text and len(sources) == 1 and Path(sources[0]).suffix.lower() == ".npz"
    if lone and len(input_shapes(net)) > 1:
        return load_named_arrays(sources[0], net, **options)
    return None


def _named(net: Any, sources: list[str]) -> dict[str, str] | None:
    """Return what was given as NAME=FILE by name, for a model of several inputs; else None."""
    names = input_shapes(net)
    if len(names) < 2:
        return None
    pairs = [source.partition("=") for source in sources]
    plain = [source for source, (_, equals, _) in zip(sources, pairs, strict=True) if not equals]
    if len(plain) == len(sources):
        held = ", ".join(f"{name}=FILE" for name in names)
        if sources and not _array_files(sources):
            raise BadInput(f"the model takes several inputs: say which is which, as {held}")
        return None
    if plain:
        raise BadInput(f"'{plain[0]}' has no name: give every input as NAME=FILE")
    found: dict[str, str] = {}
    for name, _, path in pairs:
        if name in found:
            raise BadInput(f"input '{name}' is given twice: several files go into one folder")
        found[name] = path
    return found


def _array_files(sources: list[str]) -> bool:
    return all(
        Path(source).suffix.lower() in (".npy", ".npz", *TEXT_SUFFIXES) for source in sources
    )


def _texts(
    net: Any, texts: list[str], files: list[str], sources: list[str], how: How, most: int | None
) -> Any:
    """Return the texts that were given, and those of all files."""
    if len(files) < len(sources):
        other = next(source for source in sources if source not in files)
        raise BadInput(f"texts and other files cannot be read together: '{other}' is no text")
    texts += [line for file in files for line in read_lines(file)]
    found = load_texts(
        texts[:most], net, vocabulary=how.vocabulary or None, length=how.length or None
    )
    return _noted(found, most, len(texts))


def _noted(found: Any, most: int | None, count: int) -> Any:
    """Return texts with a note where they are the first of more."""
    if most is None or count <= most:
        return found
    note = f"the first {most:,} of {count:,} texts are taken"
    return dataclasses.replace(found, notes=(*found.notes, note))


def _series(net: Any, sources: list[str], **options: Any) -> Any:
    """Return the windows of all files together."""
    import numpy as np

    from kerascope.loading.series import load_series

    found = [load_series(source, net, **options) for source in sources]
    return dataclasses.replace(
        found[0],
        inputs=np.concatenate([one.inputs for one in found]),
        features={"": tuple(line for one in found for line in one.timelines)},
        names=tuple(name for one in found for name in one.names),
        notes=tuple(dict.fromkeys(note for one in found for note in one.notes)),
    )


def _volumes(net: Any, sources: list[str], *, frames: bool) -> Any:
    """Return the volumes or films of all files together."""
    import numpy as np

    from kerascope.loading.volumes import load_volumes

    found = [load_volumes(source, net, frames=frames) for source in sources]
    return dataclasses.replace(
        found[0],
        inputs=np.concatenate([one.inputs for one in found]),
        names=tuple(name for one in found for name in one.names),
        notes=tuple(dict.fromkeys(note for one in found for note in one.notes)),
    )
