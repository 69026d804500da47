"""Memory budgets: what a user says, what is free."""

from __future__ import annotations

import re

from kerascope.errors import BadInput

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_SHARE = 4  # the default budget is the free memory divided by this


def budget(memory: int | str | None) -> int:
    """Return bytes: of a number, of words such as "512MB", or a quarter of what is free.

    Raises:
        BadInput: the words are not a size, or the size is not positive.
    """
    if memory is None:
        import psutil

        return psutil.virtual_memory().available // _SHARE
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", str(memory))
    size = float(match[1]) * _UNITS.get(match[2].upper(), 0) if match else 0.0
    if isinstance(memory, bool) or size < 1:
        raise BadInput(
            f"memory={memory!r} is not a size; give bytes, or a number with KB, MB or GB: '512MB'"
        )
    return int(size)


def words(size: float) -> str:
    """Return a size in words: "12 MB"."""
    for unit in ("GB", "MB", "KB"):
        if size >= _UNITS[unit]:
            return f"{size / _UNITS[unit]:.3g} {unit}"
    return f"{size:.0f} bytes"
