"""The sentence below a map says where the evidence is, also where the input is moved."""

from __future__ import annotations

import re

import numpy as np
import pytest

import kerascope as ks
from kerascope.plot import alt_text

Array = np.ndarray
SIZE = 24
MOVES = {
    "as it is": (lambda x: x, "upper left"),
    "mirrored": (lambda x: x[:, :, ::-1], "upper right"),
    "upside down": (lambda x: x[:, ::-1], "lower left"),
    "turned": (lambda x: x[:, ::-1, ::-1], "lower right"),
    "shifted right": (lambda x: np.roll(x, 10, axis=2), "upper centre"),
    "shifted down": (lambda x: np.roll(x, 10, axis=1), "left"),
    "shifted both": (lambda x: np.roll(x, (10, 10), axis=(1, 2)), "centre"),
}  # fmt: skip


def _score(x: Array) -> Array:
    """Score by what is bright, less what is dark, wherever it is."""
    return (np.maximum(x - 0.6, 0) - 0.5 * np.maximum(0.4 - x, 0)).sum(axis=(1, 2))


def _picture() -> Array:
    x = np.full((1, SIZE, SIZE, 1), 0.5, np.float32)
    for k, value in enumerate((1.0, 0.9, 0.8, 0.7)):
        x[:, 2 + 2 * (k // 2) :, 2 + 2 * (k % 2) :][:, :2, :2] = value
    x[:, 18:22, 18:22] = 0.2  # against, at the other end
    return x


def _said(x: Array, method: str = "occlusion") -> str:
    fields = {"patch": 2, "stride": 2, "baseline": 0.5}
    result = ks.explain(_score, np.ascontiguousarray(x), method, target=0, grade=True, **fields)
    return alt_text(result)


@pytest.mark.parametrize("move", MOVES)
def test_the_place_moves_with_the_input_and_nothing_else_changes(move: str) -> None:
    change, place = MOVES[move]
    plain, words = _said(_picture()), _said(change(_picture()))
    assert re.search(rf"lies in 1\.4 % of the image, {place};", words), words
    against = r"(\d[\d.]* %) of all evidence speaks against it"
    assert re.search(against, words)[1] == re.search(against, plain)[1]  # type: ignore[index]
    assert re.search(r"; grade [A-D]\.$", words)
    assert re.match(r".*: 70 % of the positive evidence for ", words)


def test_numbers_are_those_of_the_map() -> None:
    result = ks.explain(_score, _picture(), "occlusion", target=0, patch=2, stride=2, baseline=0.5)
    heat = result.maps().popitem()[1][0].astype(float)
    order = np.sort(np.maximum(heat, 0), axis=None)[::-1]
    least = int(np.searchsorted(order.cumsum(), 0.5 * order.sum() * (1 - 1e-9))) + 1
    region = heat >= order[least - 1]
    held = heat[region].sum() / np.maximum(heat, 0).sum()
    against = -heat[heat < 0].sum() / np.abs(heat).sum()
    words = alt_text(result)
    assert f": {held * 100:.0f} % of the positive evidence" in words
    assert f" in {region.mean() * 100:.1f} % of the image" in words
    assert f"; {against * 100:.0f} % of all evidence speaks against it." in words
