"""A run with a Keras net that is killed three times loses no row and doubles none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

pytest.importorskip("pyarrow")

from tests.audit.victim_keras import PART, SAMPLES, run

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX"),
    pytest.mark.skipif(
        keras.backend.backend() != "tensorflow", reason="runs on the TensorFlow backend only"
    ),
]


def test_three_kills(tmp_path: Path) -> None:
    whole, place = run(tmp_path / "whole"), tmp_path / "killed"
    place.mkdir()
    program = Path(__file__).with_name("victim_keras.py")
    for parts, moment in ((1, 0.0), (4, 0.002), (7, 0.005)):
        done = subprocess.run(
            [sys.executable, program, place, str(parts), str(moment)],
            capture_output=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert parts <= len(list(place.glob("part-*.parquet"))) < SAMPLES // PART
    found = run(place)
    assert found.resumed >= 7
    assert found.complete
    one, other = whole.to_pandas(), found.to_pandas()
    assert one["id"].tolist() == other["id"].tolist()
    for column in ("scores", "map", "embedding"):
        a, b = (np.stack(frame[column].to_numpy()) for frame in (one, other))
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=1e-6)
    assert one["predicted"].tolist() == other["predicted"].tolist()
