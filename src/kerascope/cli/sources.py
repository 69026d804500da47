"""What `kerascope explain` is given: pictures, texts, a table, series, volumes or films."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kerascope.cli.rows import SUFFIXES, Options, read_rows
from kerascope.errors import BadInput

TEXT_SUFFIX = ".txt"


def masked(net: Any, pictures: Any, target: str | None, mask: str) -> Any:
    """Return the target of a class, "tank" or "tank@mask", over the mask of a picture's file."""
    import keras

    from kerascope.hooks import BlackBox, HookedModel
    from kerascope.loading.masks import read_mask
    from kerascope.targets import Mask

    class_ = (target or "").removesuffix("@mask").strip() or None
    if class_ is not None and "@" in class_:
        raise BadInput(f"--mask says the place, and the target '{target}' has one of its own")
    view = HookedModel(net) if isinstance(net, keras.Model) else BlackBox(net)
    view.read(pictures[:1])
    size = view.spec().input_size
    display = getattr(pictures, "display", None)
    if len(size) != 2 or not display:
        raise BadInput("--mask is for pictures")
    return Mask(read_mask(mask, (size[0], size[1]), display[0].shape[:2], pictures.fit), class_)


def samples_of(
    net: Any, sources: list[str], *, text: list[str], vocabulary: str, length: int,
    series: Mapping[str, Any], frames: bool = False, columns: Options = Options(),  # noqa: B008
    **pictures: Any,
) -> Any:  # fmt: skip
    """Return the samples: `Rows` of a CSV file, `Texts`, `Series`, `Volumes` or `Images`.

    sources: files and folders, of which .txt files hold one text a line; of a model of several
    inputs, NAME=FILE for each. series: options of `load_series`, for a model of (time, channel).
    frames: volumes are films. columns: of a CSV file. pictures: options of `load_images`.
    """
    from kerascope.loading import load_images, load_texts
    from kerascope.loading.series import takes_series
    from kerascope.loading.volumes import takes_volumes

    other = text or vocabulary or columns.given()
    if sources and not other and takes_series(net):
        return _series(net, sources, length=length or None, **series)
    if any(series.values()):
        raise BadInput("--forecast, --channels and --windows are for models of series")
    if sources and not (other or length) and takes_volumes(net):
        return _volumes(net, sources, frames=frames)
    if any(_is_table(source) for source in sources):
        if len(sources) > 1 or text:
            raise BadInput("a CSV file is explained alone: give one, and no other files or texts")
        return read_rows(net, sources[0], columns, vocabulary=vocabulary, length=length)
    if columns.given():
        raise BadInput(f"--{columns.given()} is for a CSV file")
    named = _named(net, sources)
    if named is not None:
        from kerascope.loading.several import load_several

        return load_several(named, net, vocabulary=vocabulary or None, **pictures)
    files = [source for source in sources if Path(source).suffix.lower() == TEXT_SUFFIX]
    if not (text or files):
        if vocabulary or length:
            raise BadInput("--vocabulary and --length are for texts: give --text or a .txt file")
        if not sources:
            raise BadInput("nothing to explain: give pictures, a .txt or .csv file, or --text")
        return load_images(sources[0] if len(sources) == 1 else list(sources), net, **pictures)
    if len(files) < len(sources):
        other = next(source for source in sources if source not in files)
        raise BadInput(f"texts and other files cannot be explained together: '{other}' is no text")
    from kerascope.loading.texts import read_lines

    texts = [*text, *(line for file in files for line in read_lines(file))]
    return load_texts(texts, net, vocabulary=vocabulary or None, length=length or None)


def _is_table(source: str) -> bool:
    """Tell whether a source is a CSV file of its own, not that of one input of several."""
    own = "=" not in source or Path(source).exists()
    return own and Path(source).suffix.lower() in SUFFIXES


def _named(net: Any, sources: list[str]) -> dict[str, str] | None:
    """Return what was given as NAME=FILE by name, for a model of several inputs; else None."""
    from kerascope.loading.wants import input_shapes

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
    return all(Path(source).suffix.lower() in (".npy", ".npz", TEXT_SUFFIX) for source in sources)


_LIKE = re.compile(r"like (.+?)(?: by (cosine|dot|distance))?")


def target_of(words: str | None, net: Any, **pictures: Any) -> Any:
    """Return a target whose words name a file, "like FILE [by distance]", with the file read.

    Raises:
        BadInput: the file is none that the model takes.
    """
    match = None if words is None else _LIKE.fullmatch(words)
    if match is None:
        return words
    from kerascope.loading import load_images
    from kerascope.targets import Similarity

    path, measure = match[1], match[2] or "cosine"
    if Path(path).suffix.lower() == ".npy":
        return Similarity(path, measure)
    return Similarity(load_images(path, net, **pictures), measure)


def _series(net: Any, sources: list[str], **options: Any) -> Any:
    """Return the windows of all files together."""
    import dataclasses

    import numpy as np

    from kerascope.loading import load_series

    given = {key: value for key, value in options.items() if value}
    found = [load_series(source, net, **given) for source in sources]
    return dataclasses.replace(
        found[0],
        inputs=np.concatenate([one.inputs for one in found]),
        features={"": tuple(line for one in found for line in one.timelines)},
        names=tuple(name for one in found for name in one.names),
        notes=tuple(dict.fromkeys(note for one in found for note in one.notes)),
    )


def _volumes(net: Any, sources: list[str], *, frames: bool) -> Any:
    """Return the volumes or films of all files together."""
    import dataclasses

    import numpy as np

    from kerascope.loading import load_volumes

    found = [load_volumes(source, net, frames=frames) for source in sources]
    return dataclasses.replace(
        found[0],
        inputs=np.concatenate([one.inputs for one in found]),
        names=tuple(name for one in found for name in one.names),
        notes=tuple(dict.fromkeys(note for one in found for note in one.notes)),
    )
