"""Architectures of Keras Applications: the smallest of each family, and the page of all."""

from __future__ import annotations

import keras
import pytest

import applications

# Shared between two backends, for the methods are the same code; the rest is left to `make matrix`.
# Keras has no NASNetMobile on PyTorch.
HERE = {
    "tensorflow": ("MobileNetV2", "NASNetMobile", "Xception"),
    "torch": tuple(
        name for name in applications.SMALLEST
        if name not in ("MobileNetV2", "NASNetMobile", "Xception")
    ),
}  # fmt: skip
SIDES = {"InceptionV3": 139, "InceptionResNetV2": 139}  # smaller, and their last map is one cell
BACKEND = keras.backend.backend()


@pytest.mark.skipif(BACKEND not in HERE, reason="runs on the other backends only")
@pytest.mark.parametrize("name", HERE.get(BACKEND, ("all",)))
def test_every_cell_of_an_architecture(name: str) -> None:
    row = applications.measured(name, side=SIDES.get(name, 96))
    assert [row[cell]["state"] for cell in applications.CELLS] == ["works"] * 5, row
    keras.utils.clear_session()


def test_the_page_shows_what_was_measured() -> None:
    rows = applications.stored()
    assert set(rows) <= set(applications.names()), "an architecture is gone from Keras"
    for row in rows.values():
        assert all(row[cell]["state"] in ("works", "refuses") for cell in applications.CELLS), row
    assert applications.PAGE.read_text(encoding="utf-8") == applications.page(), (
        "stale: run `python tests/applications.py --page`"
    )
