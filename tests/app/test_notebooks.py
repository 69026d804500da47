"""The notebooks of docs/notebooks run, and what they show needs no trust."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from once import one_backend

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in (ROOT / "docs" / "notebooks").glob("*.ipynb"))
MOST = 300_000  # bytes


@pytest.fixture(scope="module")
def module() -> Any:
    spec = importlib.util.spec_from_file_location("notebooks", ROOT / "docs_src" / "notebooks.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def _outputs(cells: Any) -> list[dict[str, Any]]:
    return [output for cell in cells for output in cell.get("outputs", [])]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_is_small_and_shown_anywhere(name: str, module: Any) -> None:
    text = (ROOT / "docs" / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")
    assert len(text) < MOST
    cells = json.loads(text)["cells"]
    kinds = {kind for output in _outputs(cells) for kind in output.get("data", {})}
    assert kinds <= set(module.KEPT)
    assert "image/jpeg" in kinds
    assert "Traceback" not in text
    assert str(Path.home()) not in text


def test_the_list_is_what_is_there(module: Any) -> None:
    assert sorted(module.NAMES) == NAMES


@one_backend
@pytest.mark.parametrize("name", NAMES)
def test_it_runs(name: str, module: Any, tmp_path: Path) -> None:
    found = module.executed(name, tmp_path)
    said = "".join(output.get("text", "") for output in _outputs(found.cells))
    assert any("image/jpeg" in output.get("data", {}) for output in _outputs(found.cells))
    if name == "what-has-it-learned":
        assert "sky_net, the other sky: right on 0%" in said
        assert "object_net, the other sky: right on 100%" in said
        assert "Pasting the top third" in said
    if name == "why-this-prediction":
        assert (tmp_path / "why.safetensors").is_file()
