"""Methods and metrics of other packages: found by entry points, registered by name."""

from __future__ import annotations

import warnings
from typing import Any

from kerascope.errors import BadMethod


def load_plugins(group: str) -> None:
    """Import what other packages register under `group`; one that fails is a warning, not the end.

    A package that breaks must not take the built-in methods with it.
    """
    from importlib.metadata import entry_points

    for entry in entry_points(group=group):
        try:
            entry.load()
        except Exception as error:  # code of others: it may fail in any way
            package = entry.dist.name if entry.dist else "an unnamed package"
            warnings.warn(
                f"'{entry.name}' of {package} is left out: {entry.value} cannot be imported: "
                f"{type(error).__name__}: {error}",
                stacklevel=2,
            )


def register(registry: dict[str, Any], kind: type[Any], what: str) -> None:
    """Enter a class under its name; a name of ours is not for others to take.

    A class defined again, as in a notebook, replaces the one before it.

    Raises:
        BadMethod: the name is that of a built-in.
    """
    name = kind.__dict__["name"]
    known = registry.get(name)
    if known is not None and _ours(known) and not _ours(kind):
        raise BadMethod(
            f"{what} name '{name}' of {kind.__module__}.{kind.__qualname__} is taken by "
            f"{known.__module__}.{known.__qualname__}; choose another"
        )
    registry[name] = kind


def _ours(kind: type[Any]) -> bool:
    return kind.__module__.partition(".")[0] == "kerascope"
