"""Names for the shapes of data that travel between rooms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Array = np.ndarray
"""A NumPy array."""

Tensor = Any
"""A tensor of the active Keras backend, traced or not."""

Tree = Array | Mapping[str, Array]
"""One array, or several by input name."""

Progress = Callable[[str, int, int], None]
"""`progress(what, done, total)`: called as work goes on; `total` counts the same unit as `done`."""

INPUT = "input"
"""The place where a gradient is asked for when it is not a layer: the model's inputs."""
