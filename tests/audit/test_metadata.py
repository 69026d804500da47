"""Columns that go with being right: against Fisher's test written out, and none from chance."""

from __future__ import annotations

from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audit.causes import rng
from audit.made import made, said
from kerascope.audit.metadata import differences
from once import once

pytestmark = once

EACH = 60


def rows(folder: Path, right: np.ndarray, **columns: Any) -> Any:
    """Return rows of two classes of which `right` are right."""
    labels = np.repeat([0, 1], EACH)
    predicted = np.where(right, labels, 1 - labels)
    scores = np.eye(2, dtype=np.float32)[predicted]
    return made(folder, said(scores, labels.tolist(), **columns), classes=["ant", "bee"])


def fisher(a: int, b: int, c: int, d: int) -> float:
    """Two-sided: tables as likely or less."""
    n, k, m = a + b + c + d, a + c, a + b
    chance = [comb(k, i) * comb(n - k, m - i) / comb(n, m) for i in range(m + 1)]
    return sum(p for p in chance if p <= chance[a] * (1 + 1e-9))


class TestColumns:
    def test_the_source_that_fails(self, tmp_path: Path) -> None:
        right = np.ones(2 * EACH, bool)
        right[:30] = rng(1).random(30) < 0.5
        source = ["new", "old"] * EACH
        source[:30], source[30:60] = ["old"] * 30, ["new"] * 30
        found = differences(rows(tmp_path, right, format=source))
        assert set(found) == {"ant"}
        (one, *rest) = found["ant"]
        share = 100 * right[:30].mean()
        assert f"format = old: right in {share:.0f} % of 30, else in 100 % of 30" in one
        assert "not intervened" in one
        assert not rest  # "new" would be the same said the other way round

    def test_the_source_that_is_the_class(self, tmp_path: Path) -> None:
        """All are right, and all 'bees' come from one camera, which took few others."""
        source = ["north"] * (EACH - 4) + ["south"] * (EACH + 4)
        found = differences(rows(tmp_path, np.ones(2 * EACH, bool), format=source))
        assert set(found) == {"ant", "bee"}
        assert found["bee"][0].startswith(
            "format = south: 94 % of its 64 files are of this class, of the others 0 %"
        )

    def test_many_names_cost_little_and_say_nothing(self, tmp_path: Path) -> None:
        source = [f"file {i}" for i in range(2 * EACH)]
        assert differences(rows(tmp_path, np.ones(2 * EACH, bool), format=source)) == {}

    def test_numbers_by_quartile(self, tmp_path: Path) -> None:
        size = rng(2).permutation(2 * EACH) + 100
        right = size > 130
        found = differences(rows(tmp_path, right, bytes=size.tolist()))
        assert found
        assert all("bytes = " in words for several in found.values() for words in several)

    def test_p_is_fishers(self, tmp_path: Path) -> None:
        right = np.ones(2 * EACH, bool)
        right[:14] = False
        source = ["a", "b"] * EACH
        source[:30], source[30:60] = ["a"] * 30, ["b"] * 30
        (one,) = differences(rows(tmp_path, right, format=source))["ant"]
        # Two values of one class are tried; those of the other are alike.
        p = fisher(16, 14, 30, 0)
        said_p = float(one.rsplit("(p ", 1)[1].split(",")[0])
        assert p <= said_p <= 25 * p

    def test_a_file_counts_once_whatever_the_methods(self, tmp_path: Path) -> None:
        right = np.ones(2 * EACH, bool)
        right[:14] = False
        source = ["a" if i < 30 else "b" for i in range(2 * EACH)]
        labels = np.repeat([0, 1], EACH)
        scores = np.eye(2, dtype=np.float32)[np.where(right, labels, 1 - labels)]
        by_method = [
            said(scores, labels.tolist(), format=source, method=method)
            for method in ("grad_cam", "occlusion")
        ]
        several = [row for pair in zip(*by_method, strict=True) for row in pair]
        both = made(
            tmp_path / "two", several, methods=("grad_cam", "occlusion"), classes=["ant", "bee"]
        )
        one = rows(tmp_path / "one", right, format=source)
        assert differences(both) == differences(one)


class TestChance:
    def test_is_rarely_a_difference(self, tmp_path: Path) -> None:
        """Forty data sets with three columns that mean nothing: the rate is a twentieth."""
        hits = 0
        for seed in range(40):
            draw = rng(seed)
            right = draw.random(2 * EACH) < 0.7
            found = differences(rows(
                tmp_path / str(seed), right, format=draw.choice(["a", "b", "c"], 2 * EACH).tolist(),
                width=draw.integers(10, 99, 2 * EACH).tolist(),
                bytes=draw.integers(1000, 9999, 2 * EACH).tolist(),
            ))  # fmt: skip
            hits += bool(found)
        assert hits <= 7  # one time in a thousand at a rate of a twentieth

    @pytest.mark.parametrize("value", [None, "same"])
    def test_no_value_and_one_value_say_nothing(self, tmp_path: Path, value: str | None) -> None:
        right = rng(3).random(2 * EACH) < 0.5
        assert differences(rows(tmp_path, right, format=[value] * (2 * EACH))) == {}

    def test_without_labels(self, tmp_path: Path) -> None:
        found = made(tmp_path, said(np.eye(2, dtype=np.float32)[[0, 1] * 20], [-1] * 40))
        assert differences(found) == {}
