"""The Python of every page runs from the page itself, top to bottom, as a reader runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

import documented
import granted
import kerascope as ks
from kerascope import method
from kerascope.lrp import rules
from kerascope.metrics import base
from once import only_on

pytestmark = only_on("torch")

TESTS = Path(__file__).parents[1]
REGISTRIES = (method._REGISTRY, base._REGISTRY, rules.RULES)
WITH_CODE = [page for page in documented.pages() if documented.blocks_of(page)]
# Pages and folders whose blocks another test runs.
ELSEWHERE = {
    "coming-from/": "app/test_docs_coming_from.py",  # beside blocks of other libraries
    "models.md": "app/test_docs_hub.py",  # presets of KerasHub
    "recipes.md": "app/test_recipes.py",  # made from files that run
    "studio.md": "studio/test_worker.py",  # a server in a process of its own
    "training-film.md": "unit/test_callbacks.py",  # on every backend
    "troubleshooting.md": "app/test_docs_troubleshooting.py",  # each after its error
}
HERE = [page for page in WITH_CODE if not page.startswith(tuple(ELSEWHERE))]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that the pages speak of. What a page registers is taken out again."""
    granted.write_demo(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = [dict[str, Any](registry) for registry in REGISTRIES]
    yield tmp_path
    for registry, held in zip(REGISTRIES, before, strict=True):
        registry.clear()
        registry.update(held)
    plt.close("all")


def test_every_page_with_code_is_run() -> None:
    for place, file in ELSEWHERE.items():
        assert any(page.startswith(place) for page in WITH_CODE), f"{place} has no code any more"
        assert f'"{place}' in (TESTS / file).read_text(encoding="utf-8"), f"{file}: not {place}"
    assert {"../README.md", "text.md", "guides/can-i-trust-it.md"} <= set(HERE)


def test_nothing_is_granted_to_what_is_gone() -> None:
    headings = {(page, heading) for page in HERE for heading, _ in documented.blocks_of(page)}
    assert granted.GRANTED.keys() <= headings


@pytest.mark.parametrize("page", documented.pages())
def test_all_python_of_a_page_is_in_blocks_of_python(page: str) -> None:
    assert documented.unseen(documented.text_of(page)) == []


@pytest.mark.parametrize(
    "text",
    ["```py\nx\n```\n", "~~~python\nx\n~~~\n", "- a\n\n  ```python\n  x\n  ```\n",
     "words\n\n    import kerascope as ks\n", "words\n\n    m = ks.explain(x)\n"],
)  # fmt: skip
def test_python_that_would_not_run_is_seen(text: str) -> None:
    assert documented.unseen(f"# A\n\n```python\nks.explain(x)\n```\n\n{text}")


@pytest.mark.parametrize("page", HERE)
def test_page(page: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"__name__": page}
    begun = ""
    for heading, block in documented.blocks_of(page):
        if heading != begun:
            names |= granted.names_for(page, heading, place)
            begun = heading
        documented.execute(block, page, names)
        _check(names)
    assert "Traceback" not in capsys.readouterr().out
    written = {path.name for path in place.iterdir()}
    said = "".join(block for _, block in documented.blocks_of(page))
    for name in re.findall(r'"([\w-]+\.(?:png|html|safetensors|svg))"', said):
        assert name in written, f"{page} says it writes {name}"


def _check(names: dict[str, Any]) -> None:
    """Check that what was explained is finite, and not the same everywhere."""
    for result in names.values():
        if isinstance(result, ks.Attribution):
            for array in result.maps().values():
                assert np.isfinite(array).all()
                assert np.ptp(array) > 0


@pytest.mark.parametrize(
    ("shown", "value", "fits"),
    [("('The', 'film', …)", ("The", "film", "was"), True), ("('The', …)", ("A", "film"), False),
     ("(row, column)", np.zeros((2, 3)), True), ("(row, column)", np.zeros(3), False),
     ("417", 417, True), ("417", 418, False)],
)  # fmt: skip
def test_what_a_page_shows_is_compared(shown: str, value: Any, fits: bool) -> None:
    said = documented._shown(f"  # {shown}")
    assert documented.matches(value, said) == fits


@pytest.mark.parametrize(
    "words", ["", "  # 256 by default", "  # raw: (sample, layer)", "  # versions, seed"]
)
def test_words_are_not_compared(words: str) -> None:
    assert documented._shown(words) is None
