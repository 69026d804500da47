"""What a model was trained for: the losses it was compiled with tell numbers from classes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import keras

_OF_NUMBERS = frozenset((
    "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error", "huber", "log_cosh", "logcosh", "poisson",
))  # fmt: skip


def fits_numbers(model: Any, outputs: Collection[str]) -> frozenset[str]:
    """Return the names of the outputs whose loss is one of a regression; none if not compiled.

    outputs: all names, in the model's order.
    """
    loss = getattr(model, "loss", None)
    if isinstance(loss, Mapping):
        by_name = {name: loss.get(name) for name in outputs}
    elif isinstance(loss, Sequence) and not isinstance(loss, str):
        by_name = dict(zip(outputs, loss, strict=False))
    else:
        by_name = dict.fromkeys(outputs, loss)
    return frozenset(name for name, one in by_name.items() if _name(one) in _OF_NUMBERS)


def _name(loss: Any) -> str:
    """Return the name of a loss as Keras gives it: "mean_squared_error" for "mse"."""
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            return loss
    return str(getattr(getattr(loss, "fn", loss), "__name__", ""))
