"""What a file of ours says about its making: PNG, page or .safetensors."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from kerascope.attribution import Attribution
from kerascope.backend import ORDER
from kerascope.errors import BadFile
from kerascope.plot.stamp import KEYWORD
from kerascope.provenance import Provenance, samples_of

if TYPE_CHECKING:
    import os

_PNG = b"\x89PNG"
_STAMPS = re.compile(r'<script type="application/json" id="provenance">(.*?)</script>', re.DOTALL)
_HASH = re.compile(r"[0-9a-f]{64}")
_MOST = 100_000  # samples in one call


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Record:
    """One result as a file describes it.

    samples: by sample, what `samples_of` gives. stored: the result itself, where the file holds it.
    """

    provenance: Provenance
    samples: tuple[dict[str, Any], ...]
    names: tuple[str, ...]
    explained: tuple[Any, ...]
    notes: tuple[str, ...] = ()
    stored: Attribution | None = None

    @property
    def title(self) -> str:
        """Name of the method."""
        return str(self.provenance.method["name"])


def read_records(file: str | os.PathLike[str]) -> tuple[Record, ...]:
    """Return what a PNG, report.html or .safetensors of `explain` says, by result.

    Loads no Keras. Raises `BadFile`, in one line, for whatever else the file is.
    """
    path = Path(file)
    try:
        with path.open("rb") as opened:
            start = opened.read(1024)
    except OSError as error:
        raise BadFile(f"cannot read '{file}': {error.strerror or error}") from error
    if start.startswith(_PNG):
        return _from_json(_png_text(path), path.name)
    if b"<html" in start.lower():
        found = _STAMPS.search(path.read_text(encoding="utf-8", errors="replace"))
        return _from_json(found[1] if found else None, path.name)
    return (_from_tensors(path),)


def _png_text(path: Path) -> str | None:
    """Return the stamp of a PNG; read to its end, as a picture that is cut off is broken."""
    try:
        with Image.open(path) as picture:
            picture.load()
            return getattr(picture, "text", {}).get(KEYWORD)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadFile(f"cannot read the picture '{path.name}': {error}") from error


def _from_json(text: str | None, name: str) -> tuple[Record, ...]:
    if text is None:
        raise BadFile(
            f"'{name}' does not say how it was made: it is no picture or page of kerascope explain"
        )
    try:
        data = json.loads(text)
        stamps = data if isinstance(data, list) else [data]
        records = tuple(_record(stamp, stamp.get("samples")) for stamp in stamps)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadFile(f"the stamp of '{name}' is broken: {_words(error)}") from error
    if not records:
        raise BadFile(f"'{name}' holds no explanation, nothing to make again")
    return records


def _from_tensors(path: Path) -> Record:
    try:
        stored = Attribution.load(path)
        samples = header(path).get("samples") or samples_of(stored)
        stamp = {
            "provenance": dataclasses.asdict(stored.provenance),
            "names": list(stored.names) or [f"sample {i}" for i in range(len(stored))],
            "explained": list(stored.explained),
            "notes": list(stored.notes),
        }
        return dataclasses.replace(_record(stamp, samples), stored=stored)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        if isinstance(error, BadFile):
            raise BadFile(
                f"'{path.name}' is no PNG, page or .safetensors of kerascope explain: {error}"
            ) from error
        raise BadFile(f"the header of '{path.name}' is broken: {_words(error)}") from error


def header(path: Path) -> dict[str, Any]:
    """Return the header of a .safetensors file of ours, empty where it has none; reads no array."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            data = json.loads((file.metadata() or {}).get("kerascope", "null"))
    except (OSError, SafetensorError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _record(stamp: dict[str, Any], samples: Any) -> Record:
    """Return a stamp as a record; raise `ValueError` and its like where it does not hold up."""
    known = {field.name for field in dataclasses.fields(Provenance)}
    given = {key: value for key, value in stamp["provenance"].items() if key in known}
    made = Provenance(**given)
    names, explained = tuple(stamp["names"]), tuple(stamp["explained"])
    if samples is None:
        raise ValueError(f"Kerascope {made.kerascope} stored no hashes; replay its .safetensors")
    if not made.rows:  # of an earlier version: one call
        made = dataclasses.replace(made, rows=tuple((i, len(names)) for i in range(len(names))))
    _check(made.backend in ORDER, "backend")
    _check(isinstance(made.seed, int), "seed")
    _check(isinstance(made.method, dict) and {"name", "fields"} <= made.method.keys(), "method")
    _check(len(names) > 0, "names")
    _check(len(names) == len(explained) == len(samples) == len(made.rows), "samples")
    _check(all(_HASH.fullmatch(s[key]) for s in samples for key in ("inputs", "values")), "hashes")
    _check(all(0 <= row < count <= _MOST for row, count in made.rows), "rows")
    _check(all(done >= 0 and size > 0 for done, size in made.batch), "batch")
    return Record(
        provenance=made, samples=tuple(samples), names=names, explained=explained,
        notes=tuple(stamp.get("notes", ())),
    )  # fmt: skip


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"its {what} cannot be right")


def _words(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())
