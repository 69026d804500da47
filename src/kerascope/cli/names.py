"""Names of files made from names of pictures."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# Devices of Windows, also before a dot: "con.png" is the terminal.
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])", re.IGNORECASE)
_BYTES = 120  # a file system takes 255: method, ending and a temporary name come on top


def file_names(names: Sequence[str]) -> list[str]:
    """Return a part of a file name for every name, no two alike on any system.

    They hold letters, digits, dot, dash and underscore, of at most 120 bytes; names that differ by
    case or by how an accent is written alone are told apart by number, and no device of Windows is
    named.
    """
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        safe = stem = _safe(name)
        while stem.casefold() in seen:
            seen[safe.casefold()] += 1
            stem = f"{safe}-{seen[safe.casefold()]}"
        seen[stem.casefold()] = 1
        unique.append(stem)
    return unique


def _safe(name: str) -> str:
    safe = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", name)).strip("._")
    safe = safe.encode("utf-8", "ignore")[:_BYTES].decode("utf-8", "ignore").strip("._")
    if _DEVICES.fullmatch(safe.partition(".")[0]):
        safe = f"_{safe}"
    return safe or "picture"
