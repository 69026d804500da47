"""Files of every kind that is read, what reads them, and how reading is looked at."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

import kerascope as ks
import zoo
from kerascope.audit.objects import box_file
from kerascope.audit.source import source_of
from kerascope.errors import KerascopeError
from kerascope.loading.labels import read_labels
from kerascope.loading.pictures import SUFFIXES, read_picture
from kerascope.loading.tables import read_csv
from kerascope.loading.texts import read_lines, read_vocabulary
from kerascope.replay.stamps import read_records

MOST = 1 << 30  # bytes by which no file of a few KB may raise the process's peak


def _image(suffix: str) -> bytes:
    held = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (9, 11, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(held, Image.registered_extensions()[suffix])
    return held.getvalue()


def _npy() -> bytes:
    held = io.BytesIO()
    np.save(held, np.arange(60, dtype="float32").reshape(2, 5, 6))
    return held.getvalue()


def _npz() -> bytes:
    held = io.BytesIO()
    np.savez(held, x=np.zeros((2, 5)), y=np.zeros(2))
    return held.getvalue()


def _parquet() -> bytes:
    held = io.BytesIO()
    columns = {"path": ["a.png", "b.png"], "label": ["cat", "dog"], "site": [1.5, None]}
    pq.write_table(pa.table(columns), held)
    return held.getvalue()


def _saved(save: Callable[[Path], Any], folder: Path, name: str) -> bytes:
    save(folder / name)
    return (folder / name).read_bytes()


def valid_files(folder: Path) -> dict[str, bytes]:
    """Return what a valid file of each kind holds, by suffix; some are made in `folder`."""
    case = zoo.SHAPES["flat_functional"]()
    result = ks.explain(case.model, case.x[:1], "gradient")
    found = {suffix: _image(suffix) for suffix in SUFFIXES}
    found |= {
        ".npy": _npy(), ".npz": _npz(), ".parquet": _parquet(),
        ".csv": b"path,label,site\na.png,cat,1.5\n\"b,.png\",dog,\n",
        ".txt": b"cat\ndog\ncow\n",
        ".json": json.dumps({"a.png": [1, 2, 3, 4], "b.png": [[0, 0, 2, 2]]}).encode(),
        ".keras": _saved(case.model.save, folder, "m.keras"),
        ".h5": _saved(case.model.save, folder, "m.h5"),
        ".safetensors": _saved(result.save, folder, "r.safetensors"),
        ".html": b'<html><script type="application/json" id="provenance">[{"a": 1}]</script>',
    }  # fmt: skip
    return found


def peak() -> int:
    """Return the most bytes the process ever held; 0 where that is not known."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def read(action: Callable[[Path], Any], file: Path, content: bytes) -> bool:
    """Read a file; return whether it was taken. Anything but our errors is raised."""
    file.write_bytes(content)
    before = peak()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            action(file)
    except KerascopeError as error:
        assert str(error).strip(), "an error without words"
        assert len(str(error)) < 2000, "a message nobody reads"
        return False
    finally:
        assert peak() - before < MOST, f"{len(content)} bytes took {peak() - before:,} of memory"
    return True


def _manifest(path: Path) -> Any:
    return source_of(path, None)


def boxes_of(path: Path) -> Any:
    """Read boxes of two pictures."""
    return box_file(path, ["a.png", "b.png"])


READERS: list[tuple[str, Callable[[Path], Any]]] = [
    *((suffix, read_picture) for suffix in SUFFIXES),
    (".npy", ks.load_inputs), (".npz", ks.load_inputs), (".npy", ks.load_images),
    (".csv", read_csv), (".csv", _manifest), (".parquet", _manifest),
    (".txt", read_labels), (".json", read_labels), (".txt", read_vocabulary),
    (".json", read_vocabulary), (".txt", read_lines), (".json", boxes_of),
    (".safetensors", ks.Attribution.load), (".safetensors", read_records),
    (".html", read_records), (".png", read_records),
]  # fmt: skip


def named(value: Any) -> str:
    """Return a reader's name, or a suffix."""
    return getattr(value, "__name__", str(value))
