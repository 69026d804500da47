"""What `make test` runs on some of the backends only.

`pytestmark = once`: nothing in a file asks Keras. `one_backend`: long work in a process of its own.
`not_on_jax`: long work, for which JAX is set to compile in haste.
"""

from __future__ import annotations

import os

import pytest

REASON = "no Keras in it: once, with TensorFlow, will do"
AGAIN = "KERASCOPE_KEEP" in os.environ and os.environ.get("KERAS_BACKEND") != "tensorflow"
once = pytest.mark.skipif(AGAIN, reason=REASON)
one_backend = pytest.mark.skipif(
    AGAIN, reason="long, and alike on all of them: the other backends will do"
)
not_on_jax = pytest.mark.skipif(
    "KERASCOPE_KEEP" in os.environ and os.environ.get("KERAS_BACKEND") == "jax",
    reason="JAX compiles in haste here, and runs slowly: the other backends will do",
)
