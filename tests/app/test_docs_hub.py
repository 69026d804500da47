"""The example of docs/models.md runs, and says what the page says; so does the page's own code."""

from __future__ import annotations

import runpy
import warnings
from pathlib import Path
from typing import Any

import keras
import pytest

import documented
import granted
from once import only_on

# KerasHub on JAX: `unit/loading/test_hub.py`, `inside/test_keras_hub.py`. Training is slow there.
pytestmark = [
    only_on("torch"),
    pytest.mark.skipif(keras.backend.backend() == "jax", reason="runs on the other backends only"),
]


@pytest.fixture
def hub() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its imports say of others
        return pytest.importorskip("keras_hub", reason="KerasHub is not installed")


@pytest.fixture
def example(hub: Any) -> dict[str, Any]:
    return runpy.run_path(str(Path(__file__).parents[2] / "docs_src" / "hub.py"))


@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed:UserWarning")
def test_the_example(
    example: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example["main"](tmp_path)
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


def test_the_page(
    hub: Any, example: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The presets that it names exist; small nets stand in their place, and nothing is fetched."""
    monkeypatch.setitem(example["main"].__globals__, "_train", lambda *given: None)
    known = hub.models.Task.presets
    for name, made in (
        ("vit_base_patch16_224_imagenet", "image_classifier"),
        ("bert_tiny_en_uncased_sst2", "text_classifier"),
    ):
        example[made]().save_to_preset(str(tmp_path / name))
        monkeypatch.setitem(known[name], "kaggle_handle", str(tmp_path / name))
    granted.write_demo(tmp_path)
    monkeypatch.chdir(tmp_path)
    ((_, block),) = documented.blocks_of("models.md")
    names: dict[str, Any] = {}
    documented.execute(block, "models.md", names)
    assert len(names["pictures"]) == 10
