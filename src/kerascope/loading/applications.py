"""`keras:NAME` (Keras Applications) and `hub:PRESET` (KerasHub): models with published weights."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from kerascope.errors import BadModel, MissingDependency, choices
from kerascope.loading.network import impatient, is_network_error, network_reason
from kerascope.loading.rebuild import one_line

# Tasks first: a backbone has no classes to explain.
_TASKS = (
    "ImageClassifier", "TextClassifier", "ImageSegmenter", "ObjectDetector", "CausalLM", "Backbone",
)  # fmt: skip


def load_application(name: str) -> Any:
    """Return a model of Keras Applications with ImageNet weights, from disk or the network.

    Raises `BadModel` for an unknown name, and within seconds when weights are to be fetched and the
    network does not answer.
    """
    import keras

    known = [
        n
        for n in dir(keras.applications)
        if n[0].isupper() and callable(getattr(keras.applications, n))
    ]
    plain = {known_name.lower(): known_name for known_name in known}
    if name.lower() not in plain:
        raise BadModel(
            f"'keras:{name}' is not a model of Keras Applications{choices(name, known, limit=40)}"
        )
    build = getattr(keras.applications, plain[name.lower()])
    return _fetched(lambda: build(weights="imagenet"), f"keras:{name}", "~/.keras/models")


def load_preset(preset: str) -> Any:
    """Return a KerasHub task, or backbone, from a preset name.

    Raises `MissingDependency` without KerasHub, `BadModel` for an unknown preset or, within
    seconds, without a network.
    """
    try:
        import keras_hub
    except ImportError as error:
        raise MissingDependency(
            f"'hub:{preset}' needs KerasHub ({one_line(error, 80)}); install it: pip install "
            "'kerascope[hub]'"
        ) from error
    tasks = [getattr(keras_hub.models, name) for name in _TASKS if hasattr(keras_hub.models, name)]
    last: BadModel | None = None
    for task in tasks:
        try:
            return _fetched(partial(task.from_preset, preset), f"hub:{preset}", "the preset cache")
        except BadModel as error:
            if is_network_error(error.__cause__) or "Unknown preset" in str(error.__cause__):
                raise
            last = last or error
    raise last or BadModel(f"'hub:{preset}': this KerasHub has no tasks")


def _fetched(build: Callable[[], Any], name: str, cache: str) -> Any:
    """Return what `build` returns; progress goes to stderr, errors become one line."""
    try:
        with impatient(), contextlib.redirect_stdout(sys.stderr):
            return build()
    except Exception as error:  # download libraries and presets raise anything
        if is_network_error(error):
            raise BadModel(
                f"the weights of '{name}' are not in {cache} and cannot be fetched: the network "
                f"does not answer ({network_reason(error)})"
            ) from error
        raise BadModel(f"'{name}' cannot be loaded: {one_line(error)}") from error
