"""Grades as `explain` and `grade` give them: letters, reasons, passes, on every model shape."""

from __future__ import annotations

import dataclasses
import json
import signal
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kerascope as ks
import zoo
from kerascope.errors import BadInput
from kerascope.files import FOLDER
from kerascope.grading import kept
from kerascope.grading.checks import MOST_PASSES
from kerascope.grading.grades import best_letter
from kerascope.grading.reasons import reasons_of
from kerascope.grading.scale import CHECKS, bundled
from kerascope.hooks import HookedModel
from kerascope.method import make_method
from kerascope.run import Run
from kerascope.verdict import LETTERS, Grade

# JAX compiles every op of every shape anew
SHAPES = (
    ["flat_functional", "image_and_vector", "token_ids", "lstm"]
    if keras.backend.backend() == "jax"
    else list(zoo.SHAPES)
)


def _flat() -> Any:
    return zoo.SHAPES["flat_functional"]()


def _check(grade: Any) -> None:
    assert isinstance(grade, Grade)
    assert grade.letter in LETTERS
    assert 0 <= grade.score <= 1
    assert grade.reasons
    assert all(reason and "\n" not in reason for reason in grade.reasons)
    assert 0 < grade.passes <= MOST_PASSES
    assert set(grade.checks) <= {*CHECKS, "random", "edge"}
    assert all(np.isfinite(value) for value in grade.checks.values())


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape(name: str) -> None:
    if reason := zoo.runs_here(name):
        pytest.skip(reason)
    case = zoo.SHAPES[name]()
    model = HookedModel(case.model, compiled=keras.backend.backend() == "jax")
    result = ks.explain(model, case.x, "gradient_x_input", target=case.target, grade=True)
    before = ks.explain(model, case.x, "gradient_x_input", target=case.target)
    assert before.grade is None
    assert len(result.grade or ()) == len(result)
    for i in range(len(result)):
        for grade in result.grades(i):
            _check(grade)
    for old, new in zip(before.maps().values(), result.maps().values(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_one_target_or_several(tmp_path: Path) -> None:
    case = _flat()
    one = ks.explain(case.model, case.x, "gradient", target=1, grade=True)
    several = ks.explain(case.model, case.x, "gradient", target=(1, 0), grade=True)
    assert isinstance(one.grade, list)
    assert [g[0].letter for g in map(several.grades, range(2))] == [g.letter for g in one.grade]
    assert all(isinstance(g, tuple) and len(g) == 2 for g in several.grade or ())
    for result in (one, several):
        again = ks.Attribution.load(result.save(tmp_path / "a.safetensors"))
        assert again.grade == result.grade
        assert again[1].grade == (result.grade or [])[1:2]
        assert f"grade {result.grades(0)[0].letter}" in ks_words(result)


def ks_words(result: Any) -> str:
    from kerascope.plot import alt_text

    return alt_text(result, 0)


def test_later_is_the_same_as_at_once() -> None:
    case = _flat()
    options: dict[str, Any] = {"method": "smooth_grad", "target": "top-1", "samples": 3, "seed": 5}
    at_once = ks.explain(case.model, case.x, grade=True, **options)
    later = ks.grade(case.model, ks.explain(case.model, case.x, **options), target="top-1")
    assert later.grade == at_once.grade
    assert len(later.grades(1)) == 1


def test_another_target_is_an_error() -> None:
    case = _flat()
    result = ks.explain(case.model, case.x, "gradient", target=1)
    with pytest.raises(BadInput, match=r"is of the logit of .*; asked is the logit of .* target="):
        ks.grade(case.model, result, target=0)


@pytest.mark.parametrize("method", ["gradient", "integrated_gradients", "occlusion", "rise"])
def test_passes_are_counted_and_few(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "kerascope.grading.grades.weights", lambda subject: 0.5
    )  # are not among them
    case = _flat()
    view = HookedModel(case.model, compiled=False)
    result = ks.explain(view, case.x, method)
    passes = view.store.passes
    before = passes["forward"] + passes["gradient"]
    graded = ks.grade(view, result)
    made = passes["forward"] + passes["gradient"] - before
    declared = graded.grades(0)[0].passes
    assert declared <= MOST_PASSES
    # of two samples; beside them the target is pinned, and explaining again looks at the scores
    assert made <= 2 * (declared + 2)
    assert declared > 30


def test_what_is_too_dear_is_left_out_and_said() -> None:
    case = _flat()
    result = ks.explain(case.model, case.x, "rise", masks=500, grade=True)
    grade = result.grades(0)[0]
    assert "stability" not in grade.checks
    assert any(r.startswith("stability not measured: explaining once more") for r in grade.reasons)
    assert any(r.startswith("weights not measured") for r in grade.reasons)


def test_a_plain_function_is_graded() -> None:
    x = np.random.default_rng(0).random((2, 12, 12, 1)).astype(np.float32)
    x[:, :4, :4] += 1
    corner = lambda x: np.stack([x[:, :4, :4].sum((1, 2, 3)), x[..., 0].sum((1, 2))], 1)  # noqa: E731
    result = ks.explain(corner, x, "occlusion", target=0, patch=4, stride=4, grade=True)
    for i in range(2):
        _check(result.grades(i)[0])
        assert result.grades(i)[0].checks["removal"] > 0
        assert any("weights not measured: a plain" in r for r in result.grades(i)[0].reasons)


def test_findings_that_cap_the_letter() -> None:
    fine = {"removal": 0.6, "random": 0.0, "edge": 0.1}
    assert best_letter(fine) == "A"
    assert best_letter({**fine, "removal": -0.1}) == "D"
    assert best_letter({"random": 0.0, "edge": 0.0}) == "D"
    assert best_letter({**fine, "edge": 0.7}) == "B"
    assert best_letter({**fine, "weights": 0.95}) == "C"
    scale = bundled()
    assert scale.letter(1.0) == "A"
    assert scale.letter(1.0, "C") == "C"
    assert scale.letter(0.0, "A") == "D"
    least = [scale.least[letter] for letter in LETTERS[:-1]]
    assert least == sorted(least, reverse=True)
    assert sum(scale.weights.values()) == pytest.approx(1, abs=1e-3)


def test_the_heaviest_objection_comes_first() -> None:
    checks = {"removal": 0.9, "cells": 0.9, "stability": 0.0, "random": 0.0, "edge": 0.0}
    told = reasons_of(checks, {"weights": "too dear", "gap": "none claimed"}, "logit")
    assert told[0] == "changes under small noise and another seed (correlation 0.00)"
    assert told[-2:] == ("weights not measured: too dear", "gap not measured: none claimed")
    missing = {"weights": "", "gap": ""}
    told = reasons_of({**checks, "removal": 0.01, "edge": 0.2}, missing, "logit")
    assert "a map that knows nothing of the model points as well (0.01;" in told[0]
    told = reasons_of({"random": 0.0, "edge": 0.0}, {}, "logit of 'a'")
    assert told == ("the map is constant, or nothing that was covered changes the logit of 'a'",)


def test_scores_rise_with_every_check() -> None:
    scale, bad, good = bundled(), {}, {}
    for name, (low, high) in scale.ends.items():
        bad[name], good[name] = np.array([low]), np.array([high])
    assert scale.scores(bad)[0] == 0
    assert scale.scores(good)[0] == pytest.approx(1)
    for name in CHECKS:
        assert scale.scores({**bad, name: good[name]})[0] > 0
    unknown = np.array([np.nan])
    assert scale.scores({**good, "removal": unknown})[0] == 0
    assert scale.scores({**good, "gap": unknown})[0] == pytest.approx(1)


def test_weights_are_measured_once_per_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    calls: list[int] = []
    monkeypatch.setattr(
        "kerascope.grading.grades.weights", lambda subject: calls.append(len(subject)) or 0.25
    )
    case = _flat()
    for _ in range(2):
        result = ks.explain(case.model, case.x, "gradient", grade=True)
        assert result.grades(1)[0].checks["weights"] == 0.25
    assert calls == [2]
    ks.explain(case.model, case.x, "gradient", grade=True, batch_size=1)
    assert calls == [2], "the size of a batch is nothing"
    ks.explain(case.model, case.x, "gradient_x_input", grade=True)
    assert len(calls) == 2, "another method is another number"
    case.model.weights[0].assign(case.model.weights[0] + 1)
    ks.explain(case.model, case.x, "gradient", grade=True)
    assert len(calls) == 3, "another model is another number"
    for file in tmp_path.rglob("*.json"):
        file.write_text("{broken")
    ks.explain(case.model, case.x, "gradient", grade=True)
    assert len(calls) == 4


def test_a_disk_that_cannot_be_written_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv(FOLDER, str(file))
    kept.keep({"a": 1}, 0.5)
    assert kept.read_kept({"a": 1}) is None
    monkeypatch.setenv(FOLDER, "off")
    kept.keep({"a": 1}, 0.5)
    assert kept.read_kept({"a": 1}) is None
    monkeypatch.setenv(FOLDER, str(tmp_path / "new"))
    kept.keep({"a": 1}, float("nan"))
    assert np.isnan(kept.read_kept({"a": 1}) or 0.0), "undefined is kept, too"
    for wrong in ("7", "NaN", "1e999", "[]", "true"):
        next((tmp_path / "new").rglob("*.json")).write_text(wrong)
        assert kept.read_kept({"a": 1}) is None
    kept.keep({"a": 1}, 0.5)
    assert kept.read_kept({"a": 1}) == 0.5


def test_a_grade_is_a_value() -> None:
    grade = Grade(letter="B", score=0.6, reasons=("because",), checks={"removal": 0.5}, passes=60)
    assert Grade.from_json(json.loads(json.dumps(grade.to_json()))) == grade
    assert hash(grade) == hash(Grade.from_json(grade.to_json()))
    with pytest.raises(dataclasses.FrozenInstanceError):
        grade.letter = "A"  # type: ignore[misc]


class Pair(keras.Model):
    """Takes a tuple, or a dict, that Keras is not told of."""

    def __init__(self, *, keyed: bool) -> None:
        super().__init__()
        self.keyed, self.dense = keyed, keras.layers.Dense(2)

    def call(self, given: Any) -> Any:
        first, second = (given["pic"], given["sky"]) if self.keyed else given
        return self.dense(keras.ops.mean(first * 2 + second, axis=(1, 2)))


def _two() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 2, 8, 8, 1)).astype(np.float32)
    one[:, :3, :3] += 1
    return one, other


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("kind", ["dict of one", "function of two", "tuple", "dict"])
def test_models_are_called_as_they_are(kind: str, *, later: bool) -> None:
    a, b = _two()
    fields: dict[str, Any] = {"patch": 4, "stride": 4}
    model, x = {
        "dict of one": (lambda d: d["pic"][:, :4, :4].sum((1, 2, 3)), {"pic": a}),
        "function of two": (lambda t: t[0][:, :4, :4].sum((1, 2, 3)), (a, b)),
        "tuple": (Pair(keyed=False), (a, b)),
        "dict": (Pair(keyed=True), {"pic": a, "sky": b}),
    }[kind]
    if later:
        result = ks.grade(model, ks.explain(model, x, "occlusion", **fields))
    else:
        result = ks.explain(model, x, "occlusion", grade=True, **fields)
    assert len(result.grade or ()) == 2
    for i in range(2):
        _check(result.grades(i)[0])


@pytest.mark.parametrize("method", ["grad_cam", "gradient"])
def test_maps_without_an_axis_and_models_that_are_built_now(method: str) -> None:
    for name in ("conv_lstm", "sequential_unbuilt"):
        case = zoo.SHAPES[name]()
        view = HookedModel(case.model, compiled=keras.backend.backend() == "jax")
        result = ks.explain(view, case.x, method, target=case.target)
        graded = ks.grade(view, result, target=case.target)
        assert len(graded.grade or ()) == len(result)
        _check(graded.grades(0)[0])


def test_a_check_that_fails_leaves_the_explanation() -> None:
    def uneven(x: Any) -> Any:
        """Give no number for a picture that is all of one value, as the covered one is."""
        flat = np.ptp(x, axis=(1, 2, 3)) == 0
        return np.where(flat, np.nan, x[:, :4, :4].mean((1, 2, 3)))

    x = np.random.default_rng(0).uniform(0.4, 1, (2, 8, 8, 1)).astype(np.float32)
    fields: dict[str, Any] = {"patch": 4, "stride": 4}
    plain = ks.explain(uneven, x, "occlusion", **fields)
    result = ks.explain(uneven, x, "occlusion", grade=True, **fields)
    np.testing.assert_array_equal(result.values, plain.values)  # type: ignore[arg-type]
    grade = result.grades(0)[0]
    assert (grade.letter, grade.score) == ("D", 0)
    assert "NaN or infinity" in grade.reasons[0]


def test_the_grade_does_not_hang_on_the_batch() -> None:
    case = _flat()
    x = np.concatenate([case.x] * 3)
    grades = [
        ks.explain(case.model, x, "gradient", grade=True, batch_size=size).grade for size in (1, 4)
    ]
    for one, other in zip(*grades, strict=True):  # type: ignore[arg-type]
        assert one.letter == other.letter  # type: ignore[union-attr]
        assert one.score == pytest.approx(other.score, abs=1e-4)  # type: ignore[union-attr]


def test_a_grade_is_of_the_model_that_was_explained() -> None:
    case = _flat()
    result = ks.explain(case.model, case.x, "gradient")
    other = keras.models.clone_model(case.model)
    with pytest.raises(BadInput, match="another model, or of other weights"):
        ks.grade(other, result)
    with pytest.raises(BadInput, match=r"batch_size=2\.5"):
        ks.grade(case.model, result, batch_size=2.5)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"seed=1\.5"):
        ks.grade(case.model, result, seed=1.5)  # type: ignore[arg-type]


def test_arrays_of_a_method_are_given_again(tmp_path: Path) -> None:
    case = _flat()
    method = make_method("expected_gradients", {"background": case.x, "samples": 4})
    result = ks.explain(case.model, case.x, method)
    loaded = ks.Attribution.load(result.save(tmp_path / "a.safetensors"))
    with pytest.raises(ks.BadMethod, match="give method= again"):
        ks.grade(case.model, loaded)
    assert ks.grade(case.model, loaded, method=method).grade == ks.grade(case.model, result).grade
    with pytest.raises(ks.BadMethod, match="is not what made"):
        ks.grade(case.model, loaded, method=make_method("gradient", {}))


def test_a_ctrl_c_while_grading_keeps_nothing_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    case = _flat()
    result = ks.explain(case.model, case.x, "rise", masks=40)
    whole = Run.report
    pressed: list[str] = []

    def press(self: Run, what: str, done: int, total: int) -> None:
        whole(self, what, done, total)
        if what == "masks" and not pressed:
            pressed.append(what)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Run, "report", press)
    with pytest.raises(KeyboardInterrupt):
        ks.grade(case.model, result, batch_size=4)
    assert pressed
    assert not list(tmp_path.rglob("*.json"))


def test_samples_of_a_result_end() -> None:
    case = _flat()
    result = ks.explain(case.model, case.x, "gradient")
    assert len(list(result)) == len(result) == 2
    for index in (2, 7, -3):
        with pytest.raises(IndexError, match="out of range; there are 2"):
            result[index]
