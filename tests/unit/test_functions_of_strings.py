"""Plain functions of strings: words are left out, and what they weigh is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerascope as ks
from kerascope.texts.functions import ids_of_words
from once import only_on

pytestmark = only_on("torch")  # a plain function asks no backend
TEXTS = ["A truly dull film, but NOT a boring one.", "not dull"]
WEIGHTS = {"dull": 0.5, "boring": 1.0, "NOT": -0.25}


def predict(strings: list[str]) -> np.ndarray:
    """Return two numbers for each text: the weights of its words add up."""
    assert all(isinstance(string, str) for string in strings)
    bad = [sum(weight * s.count(word) for word, weight in WEIGHTS.items()) for s in strings]
    return np.stack([1 - np.array(bad), bad], axis=1).astype("float32")


def by_word(result: ks.Attribution, sample: int) -> dict[str, float]:
    tokens = result.tokens(sample)
    assert tokens is not None
    found = tokens.per_word(np.asarray(result.single_map()[sample]))
    return dict(zip(tokens.word_names, found.tolist(), strict=True))


@pytest.mark.parametrize(
    "method",
    ["lime", "kernel_shap", "shapley_sampling", "owen", "feature_ablation", "occlusion", None],
)
def test_what_words_weigh_is_found(method: str | None) -> None:
    result = ks.explain(predict, TEXTS, method, target=1)
    assert result.explained == ("value of class 1 (1.25)", "value of class 1 (0.5)")
    for sample, text in enumerate(TEXTS):
        found = by_word(result, sample)
        assert " ".join(found) == text.translate(str.maketrans("", "", ",."))
        for word, value in found.items():
            assert value == pytest.approx(WEIGHTS.get(word, 0), abs=2e-3), word


def test_texts_come_back_without_the_words_that_are_covered() -> None:
    seen: list[str] = []
    of, ids, _, tokens, _ = ids_of_words(lambda strings: seen.extend(strings), TEXTS)
    assert ids.shape == (2, 9)
    assert len(set(ids[ids > 0].tolist())) == 11  # every place has its own: "a" and "A", two "not"
    assert tokens[1].words == (0, 1, *[-1] * 7)
    of(ids)
    cut = ids.copy()
    cut[0, [0, 3]] = cut[1, 0] = 0
    of(cut)
    of(np.zeros_like(ids))
    assert seen == [*TEXTS, " truly dull , but NOT a boring one.", " dull", "", ""]


def test_grades_saving_and_what_cannot_be(tmp_path: Path) -> None:
    result = ks.explain(predict, TEXTS, "occlusion", target=1, grade=True)
    assert [grade.letter for grade in result.grade or ()] == ["A", "A"]
    result.save(tmp_path / "r.safetensors")
    kept = ks.Attribution.load(tmp_path / "r.safetensors")
    assert by_word(kept, 0) == by_word(result, 0)
    with pytest.raises(ks.BadInput, match=r"text 1 .* holds no word"):
        ks.explain(predict, ["a film", "..."], "lime")
    with pytest.raises(ks.errors.BadMethod, match="gradient needs"):
        ks.explain(predict, TEXTS, "gradient")
    broken: Any = lambda strings: [len(s) for s in strings][:1]  # noqa: E731
    with pytest.raises(ks.KerascopeError):
        ks.explain(broken, TEXTS, "lime")
