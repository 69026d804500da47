"""The framework seam: the only rooms where TensorFlow, JAX or PyTorch are named.

Each module offers the same functions; `active()` is the one of the running Keras backend, and no
other framework is ever imported.

    vjp(fn, shifts)        -> (outputs, pullback)       gradients of one of fn's scores
    compiled(fn, model)    -> fn                        traced once per shape where the backend can
    described(fn, model)   -> fn                        fn run for its shapes alone
    eager(fn, model)       -> fn                        fn run once, without tracing where possible
    host(variable)         -> array                     a variable's values, read cheaply
    inference()            -> context                   no gradient bookkeeping
    out_of_memory(error)   -> bool
    version(), devices()   -> str, list[str]
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from kerascope.errors import MissingDependency

ORDER = ("tensorflow", "jax", "torch")  # TensorFlow is the fastest of the three on CPU
_chosen = ""  # KERAS_BACKEND as `choose` has set it, not the user


def installed() -> tuple[str, ...]:
    """Return the installed backends, in order of preference; imports none of them."""
    return tuple(name for name in ORDER if importlib.util.find_spec(name) is not None)


def _configured() -> str | None:
    """Return the backend that the environment or the user's Keras configuration names."""
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"]
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    try:
        return json.loads((home / "keras.json").read_text(encoding="utf-8")).get("backend")
    except (OSError, ValueError, AttributeError):
        return None


def choose() -> str:
    """Decide the Keras backend before Keras is imported, and return its name.

    What the user has set stays. With nothing set, or a configured backend that is not installed,
    the first installed of TensorFlow, JAX, PyTorch is taken.
    Raises `MissingDependency` when none is installed.
    """
    if "keras" in sys.modules:
        return sys.modules["keras"].backend.backend()
    asked, have = _configured(), installed()
    if not have:
        raise MissingDependency(
            "no Keras backend is installed; install one: pip install 'kerascope[tensorflow]' "
            "(or [jax], [torch])"
        )
    if "KERAS_BACKEND" in os.environ and asked:
        if asked in ORDER and asked not in have:
            raise MissingDependency(
                f"KERAS_BACKEND={asked} is not installed; installed: {', '.join(have)}"
            )
        return asked
    name = asked if asked in have else have[0]
    _take(name)
    return name


def _take(name: str) -> None:
    global _chosen
    os.environ["KERAS_BACKEND"] = _chosen = name


def prefer(name: str) -> str:
    """Choose a backend where the user has set none and Keras is not imported yet; return which.

    One that is not installed is left: then, as ever, `choose` decides.
    """
    free = os.environ.get("KERAS_BACKEND", "") in ("", _chosen)
    if "keras" not in sys.modules and free and name in installed():
        _take(name)
    return choose()


def active() -> Any:
    """Return the seam module of the running Keras backend."""
    import keras

    name = keras.backend.backend()
    if name not in ORDER:
        raise MissingDependency(
            f"Keras runs on '{name}', which has no gradients; set KERAS_BACKEND to one of "
            f"{', '.join(ORDER)}"
        )
    return importlib.import_module(f"kerascope.backend.{name}")


def framework() -> ModuleType:
    """Return Keras's private backend module, which all of `keras.ops` and every layer call through.

    There is no public way to see a softmax that a model calls in its own `call`; this is the one
    place that reaches for it.
    """
    import keras

    return keras.ops.softmax.__globals__["backend"]
