"""Code of others: methods and metrics by entry points, registered by name, and single files."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
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


class _Untouched(SourceFileLoader):
    """Leaves no bytecode beside the file."""

    def set_data(self, path: Any, data: Any, *, _mode: int = 0o666) -> None:
        """Keep nothing."""


def run_file(path: Path) -> ModuleType:
    """Return the module of a file of Python, which is run; whatever its code raises is raised.

    Classes are pickled and registered by the module's name, so it stands in `sys.modules` where
    nothing else does.
    """
    loader = _Untouched(path.stem, str(path))
    spec = importlib.util.spec_from_loader(path.stem, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    try:
        loader.exec_module(module)
    except BaseException:
        if sys.modules.get(path.stem) is module:
            del sys.modules[path.stem]
        raise
    return module


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
