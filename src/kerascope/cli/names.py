"""Names of files made from names of pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence


def file_names(names: Sequence[str]) -> list[str]:
    """Return a part of a file name for every name, no two alike.

    They hold letters, digits, dot, dash and underscore.
    """
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        safe = re.sub(r"[^\w.-]+", "_", name).strip("._") or "picture"
        seen[safe] = seen.get(safe, 0) + 1
        unique.append(safe if seen[safe] == 1 else f"{safe}-{seen[safe]}")
    return unique
