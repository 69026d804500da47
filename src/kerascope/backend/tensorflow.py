"""TensorFlow: tapes and `tf.function`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf


def vjp(fn: Callable[[Any], Any], shifts: Any) -> tuple[Any, Callable[[int], Any]]:
    """Run `fn(shifts) -> (scores, rest)`; return it and `pullback(k)`: gradient of Σ scores[k]."""
    # Not watching variables keeps the eager tape from computing weight gradients nobody asked for.
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(shifts)
        scores, rest = fn(shifts)

    def pullback(k: int) -> Any:
        return tape.gradient(scores[k], shifts, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    return (scores, rest), pullback


def compiled(fn: Callable[..., Any], model: Any) -> Callable[..., Any]:  # noqa: ARG001
    """Return `fn` as a graph, traced once per shape; variables are captured by reference."""

    def stateless(*args: Any) -> Any:
        with keras.StatelessScope():
            return fn(*args)

    graphs: dict[tuple[Any, ...], Callable[..., Any]] = {}

    def call(*args: Any) -> Any:
        # One function per shape: TensorFlow warns of retracing where one takes several.
        shapes = tuple(tuple(leaf.shape) for leaf in keras.tree.flatten(args))
        if shapes not in graphs:
            graphs[shapes] = tf.function(stateless, autograph=False)
            # It counts by the line of `stateless`, too: several models look like one retraced.
            setattr(graphs[shapes], "_omit_frequent_tracing_warning", True)  # noqa: B010
        return graphs[shapes](*args)

    return call


def described(fn: Callable[..., Any], model: Any) -> Callable[..., Any]:  # noqa: ARG001
    """Return `fn` for one eager run, which costs less than a trace."""

    def stateless(*args: Any) -> Any:
        with keras.StatelessScope():
            return fn(*args)

    return stateless


eager = described


def unreached(fn: Callable[[Any], Any], shifts: Any) -> list[str]:  # noqa: ARG001
    """Return nothing: a compiled graph leaves out by itself what nobody needs."""
    return []


def host(variable: Any) -> Any:
    """Return a variable's values as a NumPy array; not to be written to."""
    return np.asarray(variable.value.value())  # `variable.numpy()` takes twice the time


def inference() -> contextlib.AbstractContextManager[None]:
    """Return a context without gradient bookkeeping; TensorFlow keeps no books without a tape."""
    return contextlib.nullcontext()


def out_of_memory(error: BaseException) -> bool:
    """Tell whether `error` says that memory ran out."""
    return isinstance(error, (MemoryError, tf.errors.ResourceExhaustedError))


def version() -> str:
    """Return the framework's version."""
    return tf.__version__


def devices() -> list[str]:
    """Return the devices in words."""
    return [
        f"{d.device_type}:{d.name.rsplit(':', 1)[-1]}" for d in tf.config.list_physical_devices()
    ]
