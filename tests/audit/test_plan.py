"""What `plan` says, against what `collect` then takes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zoo
from audit.data import folder, means, picture, save
from kerascope.audit import trial
from kerascope.audit.collect import collect
from kerascope.audit.plan import plan
from kerascope.errors import BadFile, BadInput

NAP = 0.004


def sleepy(x: Any) -> Any:
    """Return what `means` does, after a nap for every sample."""
    time.sleep(NAP * len(x))
    return means(x)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_SECONDS", 0.2)


@pytest.mark.usefixtures("short")
def test_a_plan_says_what_collect_takes(tmp_path: Path) -> None:
    x = np.stack([picture(i).astype("float32") for i in range(200)])
    how: dict[str, Any] = {"labels": [i % 2 for i in range(200)], "batch_size": 8}
    found = plan(sleepy, x, workers=4, efficiency=0.5, part_size=50, **how)
    own, million = found.estimates
    assert (own.samples, million.samples, million.files) == (200, 1_000_000, 20_000)
    assert found.seconds >= NAP
    assert own.hours == pytest.approx((found.start + 200 * found.seconds) / 3600)
    assert million.hours_together == pytest.approx((found.start + 1e6 * found.seconds / 2) / 3600)
    rows = collect(sleepy, x, tmp_path, part_size=50, **how)
    assert (own.rows, own.files) == (rows.rows, rows.parts)
    written = sum(path.stat().st_size for path in tmp_path.glob("part-*.parquet"))
    assert own.storage == pytest.approx(written, rel=0.1)
    assert found.memory > 20 * 2**20


def test_words_and_json(tmp_path: Path, short: None) -> None:
    root = folder(tmp_path, each=6)
    found = plan(means, root, size=(8, 8), preprocess="unit", workers=3, samples=1_000_000)
    first, million, assumed, memory = found.words()
    assert f"measured on {found.measured} samples here" in first
    assert million.startswith("1,000,000 samples: ")
    assert "with one worker, " in million
    assert "with 3; 2,000,000 rows, " in million
    assert million.endswith(" in 1,954 files")
    assert "80% of their joint speed" in assumed
    assert memory.endswith("a worker, whatever the number of samples")
    data = json.loads(json.dumps(found.to_json()))
    assert data["estimates"][0]["samples"] == 1_000_000
    assert data["words"] == found.words()


@pytest.mark.usefixtures("short")
def test_an_iterable_and_a_keras_net() -> None:
    net = zoo.SHAPES["flat_functional"]().model
    x = zoo.pictures(3)
    found = plan(net, iter(x), labels=[0, 1, 2], batch_size=2)
    assert (found.measured, found.rows, found.batch) == (3, 2, 2)
    assert found.backend in ("tensorflow", "jax", "torch")
    assert found.estimates[0].samples == 3
    assert len(found.words()) == 4
    assert found.bytes_row > 100  # not of rows that are there twice


@pytest.mark.usefixtures("short")
def test_errors_are_said(tmp_path: Path) -> None:
    root = folder(tmp_path / "some", each=4)
    (root / "cat" / "bad.png").write_bytes(b"x")
    found = plan(means, root, size=(8, 8), preprocess="unit")
    assert (
        "1 of 17 rows measured are errors, which take less time; the first says" in found.notes[0]
    )
    with pytest.raises(BadFile, match="none of the samples measured has numbers"):
        plan(lambda x: means(x) * np.nan, root, size=(8, 8), preprocess="unit")


def test_samples_are_spread_over_the_data(tmp_path: Path) -> None:
    for i in range(3):
        save(tmp_path / "a" / f"{i}.png", i)
    from kerascope.audit.prepared import prepare

    x = np.zeros((1000, 4, 4, 3), "float32")
    groups = trial._groups(prepare(means, x, batch_size=5), 20)
    assert len(groups) == 50
    assert all(len(group) == 20 and group[-1] - group[0] > 900 for group in groups)
    assert len(set().union(*groups)) == 1000
    one = trial._groups(prepare(means, iter(x), labels=[0] * 1000, batch_size=5), 20)
    assert [sample for group in one for sample in group] == list(range(1000))


def test_wrong_numbers() -> None:
    x = np.zeros((4, 4, 4, 3), "float32")
    for bad in ({"samples": 0}, {"workers": 0}, {"part_size": 0}, {"efficiency": 1.1}):
        with pytest.raises(BadInput, match=next(iter(bad))):
            plan(means, x, **bad)  # type: ignore[arg-type]
