"""The model that a function of this room was given."""

from __future__ import annotations

from typing import Any

import keras

from kerascope.errors import BadInput
from kerascope.hooks import HookedModel


def net_of(model: Any) -> Any:
    """Return the Keras model of a model or a `HookedModel`; raise `BadInput` for anything else."""
    net = model.model if isinstance(model, HookedModel) else model
    if not isinstance(net, keras.Model):
        raise BadInput(f"a model is a keras.Model, not {type(net).__name__}")
    return net
