"""The example of docs/models.md runs, and says what the page says."""

from __future__ import annotations

import runpy
import warnings
from pathlib import Path

import keras
import pytest

from once import only_on

pytestmark = only_on("torch")

EXAMPLE = Path(__file__).parents[2] / "docs_src" / "hub.py"


# KerasHub on JAX: `unit/loading/test_hub.py`, `inside/test_keras_hub.py`. Training is slow there.
@pytest.mark.skipif(keras.backend.backend() == "jax", reason="runs on the other backends only")
@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed:UserWarning")
def test_the_example(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its imports say of others
        pytest.importorskip("keras_hub", reason="KerasHub is not installed")
    runpy.run_path(str(EXAMPLE))["main"](tmp_path)
    said = capsys.readouterr().out
    assert "preprocessing: hub (the model's own image converter)" in said
    for method, least in (
        ("attention_rollout", 10),
        ("integrated_gradients", 12),
        ("occlusion", 14),
    ):
        line = next(line for line in said.splitlines() if line.startswith(f"{method}:"))
        assert int(line.split(" for ")[1].split(" of ")[0]) >= least, line
    assert "of 7 words: 'boring'" in said
    assert {path.name for path in tmp_path.iterdir()} == {
        "attention_rollout.png", "integrated_gradients.png", "occlusion.png", "words.png",
    }  # fmt: skip
