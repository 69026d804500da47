"""What nobody asked for is not said: TensorFlow's guess that models are traced again and again."""

from __future__ import annotations

import logging

import keras
import numpy as np
import pytest

import kerascope as ks


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="runs on the TensorFlow backend only"
)
def test_several_models_are_no_retracing() -> None:
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logger = logging.getLogger("tensorflow")
    logger.addHandler(handler)
    try:
        for _ in range(8):
            model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
            for method in ("gradient", "integrated_gradients"):
                ks.explain(model, np.ones((1, 4), np.float32), method)
    finally:
        logger.removeHandler(handler)
    assert not [words for words in said if "retracing" in words]
