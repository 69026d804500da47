"""Numbers of a model that are measured once and kept on disk, by the hash of what made them."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

from kerascope.errors import BadFile
from kerascope.files import cache_folder, write_whole

UNDEFINED = "undefined"


def kept_file(made: Any) -> Path | None:
    """Return the file that keeps a number of what made it (JSON values); None: nothing is kept."""
    folder = cache_folder()
    digest = hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()
    return None if folder is None else folder / "weights" / f"{digest}.json"


def read_kept(made: Any) -> float | None:
    """Return the number kept of what made it, NaN: undefined; None where there is none."""
    path = kept_file(made)
    try:
        value = None if path is None else json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if value == UNDEFINED:
        return float("nan")
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    return None


def keep(made: Any, value: float) -> None:
    """Keep a number of 0 … 1, or NaN; a disk that is full or not to be written does not matter."""
    path = kept_file(made)
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(value if math.isfinite(value) else UNDEFINED).encode())
    except (OSError, BadFile):
        return
