"""JAX: `jax.vjp` and `jax.jit`."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from typing import Any

import jax
import keras
import numpy as np


def vjp(fn: Callable[[Any], Any], shifts: Any) -> tuple[Any, Callable[[int], Any]]:
    """Run `fn(shifts) -> (scores, rest)`; return it and `pullback(k)`: gradient of Σ scores[k]."""
    scores, back, rest = jax.vjp(fn, shifts, has_aux=True)

    def pullback(k: int) -> Any:
        ones = [jax.numpy.full_like(s, float(i == k)) for i, s in enumerate(scores)]
        return back(type(scores)(ones))[0]

    return (scores, rest), pullback


def _stateless(
    fn: Callable[..., Any], model: Any
) -> tuple[Callable[..., Any], Callable[[], list[Any]]]:
    """Return `fn` with the weights as its first argument, not as captured constants."""
    ref: Callable[[], Any] = weakref.ref(model)  # the cache of compiled functions outlives no model

    def call(values: list[Any], *args: Any) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(ref().variables, values, strict=True))):
            return fn(*args)

    return call, lambda: [variable.value for variable in ref().variables]


def compiled(fn: Callable[..., Any], model: Any) -> Callable[..., Any]:
    """Return `fn` jitted, traced once per shape; weights are arguments."""
    call, values = _stateless(fn, model)
    jitted = jax.jit(call)
    return lambda *args: jitted(values(), *args)


def described(fn: Callable[..., Any], model: Any) -> Callable[..., Any]:
    """Return `fn` for one run on shapes alone: nothing is computed."""
    call, values = _stateless(fn, model)
    return lambda *args: jax.eval_shape(call, values(), *args)


def eager(fn: Callable[..., Any], model: Any) -> Callable[..., Any]:
    """Return `fn` run op by op: cheaper for tiny nets only, as every op is compiled by itself."""
    call, values = _stateless(fn, model)
    return lambda *args: call(values(), *args)


def unreached(fn: Callable[[Any], Any], shifts: Any) -> list[str]:  # noqa: ARG001
    """Return nothing: a compiled graph leaves out by itself what nobody needs."""
    return []


def host(variable: Any) -> Any:
    """Return a variable's values as a NumPy array; not to be written to."""
    return np.asarray(variable.value)


def inference() -> contextlib.AbstractContextManager[None]:
    """Return a context without gradient bookkeeping; JAX keeps no books outside `vjp`."""
    return contextlib.nullcontext()


def out_of_memory(error: BaseException) -> bool:
    """Tell whether `error` says that memory ran out."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)


def version() -> str:
    """Return the framework's version."""
    return jax.__version__


def devices() -> list[str]:
    """Return the devices in words."""
    return [f"{d.platform.upper()}:{d.id}" for d in jax.devices()]
