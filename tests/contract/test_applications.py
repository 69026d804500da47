"""Architectures of Keras Applications: the smallest of most families, and the page of all."""

from __future__ import annotations

import keras
import pytest

import applications

# Left to `make matrix`. TensorFlow alone: the fastest here, and the methods are the same code.
DEAR = ("ConvNeXtTiny", "DenseNet121", "EfficientNetV2B0", "InceptionResNetV2", "NASNetMobile")
SIDE = 96
SIDES = {"InceptionV3": 139}  # of 96 pixels it leaves a map of one position
on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="runs on the TensorFlow backend only"
)


@on_tensorflow
@pytest.mark.parametrize("name", [n for n in applications.SMALLEST if n not in DEAR])
def test_every_cell_of_an_architecture(name: str) -> None:
    row = applications.measured(name, side=SIDES.get(name, SIDE))
    assert [row[cell]["state"] for cell in applications.CELLS] == ["works"] * 5, row
    keras.utils.clear_session()


@on_tensorflow
def test_the_page_shows_what_was_measured() -> None:
    rows = applications.stored()
    assert set(rows) <= set(applications.names()), "an architecture is gone from Keras"
    for row in rows.values():
        assert all(row[cell]["state"] in ("works", "refuses") for cell in applications.CELLS), row
    assert applications.PAGE.read_text(encoding="utf-8") == applications.page(), (
        "stale: run `python tests/applications.py --page`"
    )
