"""A smooth net of two alike inputs and one of another kind: its weights and inputs, for parity."""

from __future__ import annotations

import numpy as np

STEPS = 64
_RNG = np.random.default_rng(17)
ENCODE = _RNG.normal(0, 0.6, (6, 4)).astype("float32")  # of both
KNOWN = _RNG.normal(0, 0.8, (3, 4)).astype("float32")
LEFT, RIGHT = (_RNG.normal(0, 1, (3, 6)).astype("float32") for _ in range(2))
FACTS = _RNG.normal(0, 1, (3, 3)).astype("float32")
BASE = {  # of every sample
    "left": np.full(6, 0.2, "float32"),
    "right": np.full(6, -0.1, "float32"),
    "facts": np.full(3, 0.5, "float32"),
}
