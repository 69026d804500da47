"""The code of the README, the start page, guides and the page on extending runs, top to bottom."""

from __future__ import annotations

import importlib.resources
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

from kerascope import method
from kerascope.lrp import rules
from kerascope.metrics import base
from once import only_on

pytestmark = only_on("torch")

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [
    "../README.md",
    "start.md",
    "extending.md",
    *(f"guides/{p.name}" for p in (DOCS / "guides").glob("*.md")),
]
REGISTRIES = (method._REGISTRY, base._REGISTRY, rules.RULES)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that the pages speak of: model.keras and photos/ with a folder for each class.

    What a page registers is taken out again.
    """
    data = importlib.resources.files("kerascope.demo") / "data"
    with importlib.resources.as_file(data) as demo:
        shutil.copy(demo / "object_net.keras", tmp_path / "model.keras")
        for scene in sorted(demo.glob("scene_*.png")):
            kind = tmp_path / "photos" / scene.stem.split("_")[2]
            kind.mkdir(parents=True, exist_ok=True)
            shutil.copy(scene, kind)
    (tmp_path / "labels.txt").write_text("tank\ntruck\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    before = [dict[str, Any](registry) for registry in REGISTRIES]
    yield tmp_path
    for registry, held in zip(REGISTRIES, before, strict=True):
        registry.clear()
        registry.update(held)
    plt.close("all")


def test_there_are_pages() -> None:
    assert len(PAGES) == 9


@pytest.mark.parametrize("page", PAGES)
def test_page(page: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert blocks
    names: dict[str, Any] = {"__name__": page}
    for block in blocks:
        exec(compile(block, page, "exec", dont_inherit=True), names)  # as a reader runs it
    assert "Traceback" not in capsys.readouterr().out
    written = {path.name for path in place.iterdir()}
    for name in re.findall(r'"([\w-]+\.(?:png|html|safetensors|svg))"', "".join(blocks)):
        assert name in written, f"{page} says it writes {name}"
