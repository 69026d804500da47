"""Every heading of docs/troubleshooting.md is an error that occurs, and what it advises works."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import documented
import kerascope as ks
import troubled_files
import troubles

ERRORS = {s.heading: s for s in documented.sections("troubleshooting.md") if s.level == 3}
HERE = [
    heading for heading, case in troubles.ALL.items() if keras.backend.backend() in case.backends
]
ELSEWHERE = re.compile(r"Keras 2|tf\.keras|SHAP|iNNvestigate")


def words_of(heading: str) -> re.Pattern[str]:
    """Return the heading as a pattern; "…" stands for anything."""
    return re.compile(re.escape(heading).replace("…", ".*"))


def error_of(fails: Callable[[], Any]) -> str:
    """Return the type and the words of the error that a call ends in; "" where it does not."""
    try:
        fails()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def test_the_page_and_the_troubles_are_the_same() -> None:
    assert set(ERRORS) == set(troubles.ALL)


@pytest.mark.parametrize("heading", HERE)
@pytest.mark.filterwarnings("ignore:You are saving your model")
def test_it_occurs_and_is_solved(
    heading: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = ERRORS[heading]
    names, fails = troubles.ALL[heading](tmp_path)
    if fails is None:
        assert ELSEWHERE.search(section.words), "who says it?"
    else:
        said = error_of(fails)
        assert words_of(heading).search(said), said
    monkeypatch.chdir(tmp_path)
    after = {"ks": ks, "x": troubles.X, **names}
    (block,) = section.blocks
    documented.execute(block, "troubleshooting.md", after)
    _check(after)


def _check(after: dict[str, Any]) -> None:
    """Check what a block of the page has made: a result, activations, a picture or a model."""
    if "result" in after:
        maps = after["result"].maps()
        for array in maps.values():
            assert np.isfinite(array).all()
            assert np.ptp(array) > 0
    elif "maps" in after or "picture" in after:
        assert isinstance(
            after.get("maps", after.get("picture")), ks.Activations | ks.Visualization
        )
    elif "scores" in after:
        assert after["scores"].shape == (2,)
    else:
        assert tuple(after["model"](troubles.X).shape) == (2, 3)


def test_what_the_page_says_of_results() -> None:
    """Dropped keywords are told, an empty map is told, and what is missing to a sum is small."""
    names, _ = troubles.nothing_speaks_for_it()
    empty = ks.explain(names["model"], troubles.X, "grad_cam")
    assert not any(array.any() for array in empty.maps().values())
    assert any("no positive evidence" in note for note in empty.notes)
    names, _ = troubles.shap()
    deep = ks.explain(
        names["model"], troubles.X, "deep_shap", background=ks.Data(names["background"])
    )
    assert (deep.relative_gap < 1e-3).all()


def test_a_dropped_keyword_is_told(tmp_path: Path) -> None:
    troubled_files.depthwise(tmp_path)
    model = ks.load_model(tmp_path / "model.h5")
    from kerascope.facts import facts_of

    assert any("dropped groups=1" in note for note in facts_of(model).notes)


def test_a_page_instead_of_a_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_text("<html>")
    with pytest.raises(ks.BadModel, match="neither a zip archive nor HDF5"):
        ks.load_model(tmp_path / "model.h5")
