"""Blobs of a document: a picture is encoded once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kerascope.report import blobs


def test_the_same_picture_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    encode = blobs.data_uri

    def counted(pixels: Any) -> str:
        seen.append(pixels)
        return encode(pixels)

    monkeypatch.setattr(blobs, "data_uri", counted)
    monkeypatch.setattr(blobs, "_KEPT", 2)
    rng = np.random.default_rng(0)
    one, two, three = rng.integers(0, 255, (3, 6, 8, 3), dtype=np.uint8)
    first, second = blobs.Blobs(), blobs.Blobs()
    name = first.picture(one)
    assert second.picture(one.copy()) == name
    assert first.held == second.held
    assert len(seen) == 1
    assert second.picture(one.reshape(8, 6, 3)) != name  # the same bytes, another picture
    second.picture(one[:, ::-1])
    assert len(seen) == 3
    for other in (two, three, one):  # forgotten by now
        second.picture(other)
    assert len(seen) == 6
    assert second.picture(one) == name
