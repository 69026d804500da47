"""`kerascope doctor`: versions, backends, devices, and what works here."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from typing import Any

from kerascope.cli import options
from kerascope.cli.console import say, say_json

_PACKAGES = (
    "kerascope", "keras", "tensorflow", "tensorflow-cpu", "jax", "torch", "numpy", "pillow", "h5py",
    "safetensors", "matplotlib", "keras-hub",
)  # fmt: skip


def doctor(
    as_json: options.Json = False,
) -> None:
    """Show versions, backends and devices; try every method.

    Every method runs on a tiny net, one after the other.
    """
    from kerascope.backend import installed
    from kerascope.cli.quiet import import_keras

    report: dict[str, Any] = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
        "backends": list(installed()),
        "backend": import_keras(),
    }
    from kerascope import backend

    report["devices"] = backend.active().devices()
    if as_json:
        say_json(report | {"methods": dict(_try_methods())})
        return
    for key in ("python", "system", "backend"):
        say(f"{key}: {report[key]}")
    say(f"installed backends: {', '.join(report['backends'])}")
    say(f"devices: {', '.join(report['devices'])}")
    say(
        "packages: "
        + ", ".join(f"{name} {version}" for name, version in report["packages"].items())
    )
    for name, result in _try_methods():  # each as soon as it is known: all take a while
        say(f"  {name}: {result}")


def _version(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _try_methods() -> Iterator[tuple[str, str]]:
    """Yield every method with "ok" or what went wrong, on a tiny net."""
    import keras
    import numpy as np

    from kerascope.explain import explain
    from kerascope.hooks import HookedModel
    from kerascope.method import registry
    from kerascope.methods.attention_family import AttentionMap

    def net(*, attends: bool) -> HookedModel:
        i = keras.Input((16, 16, 3))
        x = keras.layers.Conv2D(4, 3, activation="relu")(i)
        if attends:
            x = keras.layers.MultiHeadAttention(2, 3, attention_axes=(1, 2))(x, x)
        x = keras.layers.Dense(3, activation="softmax")(keras.layers.GlobalAveragePooling2D()(x))
        return HookedModel(keras.Model(i, x), compiled=False)

    views = {attends: net(attends=attends) for attends in (False, True)}
    picture = np.random.default_rng(0).normal(size=(1, 16, 16, 3)).astype("float32")
    for name, kind in registry().items():
        try:
            found = explain(views[issubclass(kind, AttentionMap)], picture, name)
            result = "ok" if np.isfinite(np.asarray(found.values)).all() else "not finite"
        except Exception as error:  # the doctor's work is to say what fails, whatever it is
            result = f"{type(error).__name__}: {error}"
        yield name, result
