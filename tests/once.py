"""What `make test` runs on some of the backends only; plain pytest runs all of it on any.

`pytestmark = once`: nothing in a file asks Keras. `only_on("torch")`: what is about what stands
above the backend (commands, pages, figures), spread so that each backend has some. `one_backend`:
long work in a process of its own. `not_on_jax`: long work, for which JAX is set to compile in
haste. `SAMPLED`: of products of methods and shapes only a sample is taken.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest

BACKEND = os.environ.get("KERAS_BACKEND")
MADE = "KERASCOPE_KEEP" in os.environ  # make test
SAMPLED = MADE and BACKEND == "jax" and not os.environ.get("KERASCOPE_FULL")
REASON = "no Keras in it: once, with TensorFlow, will do"
AGAIN = MADE and BACKEND != "tensorflow"
once = pytest.mark.skipif(AGAIN, reason=REASON)
one_backend = pytest.mark.skipif(
    AGAIN, reason="long, and alike on all of them: the other backends will do"
)
not_on_jax = pytest.mark.skipif(
    MADE and BACKEND == "jax",
    reason="JAX compiles in haste here, and runs slowly: the other backends will do",
)


def some(names: Iterable[str], turn: int) -> list[str]:
    """Return the names, of which JAX takes every third in `make test`, from `turn` on."""
    return list(names)[turn % 3 :: 3] if SAMPLED else list(names)


def only_on(*backends: str) -> pytest.MarkDecorator:
    """Mark what is about what stands above the backend: `make test` runs it on these alone."""
    return pytest.mark.skipif(
        MADE and BACKEND not in backends,
        reason="about what stands above the backend: the other backends will do",
    )
