"""The audit on models whose cause is known: the finding is that cause, as strong as it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from audit import causes
from audit.causes import NAMES, Measure, Plant, World, follower, known, world
from once import once

pytestmark = once

# A cue is in a part of the files of "ant"; the model follows it wherever it is.


class Case(NamedTuple):
    """What is planted, what the model measures and from where on it follows, what is to be said."""

    plant: Plant
    measure: Measure
    threshold: float
    level: str
    kinds: tuple[str, ...]
    statistics: tuple[str | None, ...] = (None,)
    box: tuple[float, float, float, float] | None = None
    each: int = 60
    least: float = 0.9  # effect
    share: float = 0.5


SIDE = causes.SIDE
CASES = {
    "brightness": Case(
        causes.brighter, causes.brightness, 152, "question", ("brightness",), ("brightness",)
    ),
    "colour": Case(
        causes.redder, causes.red_less_blue, 45, "question", ("colour",), ("colour cast",)
    ),
    "mark": Case(
        causes.corner_mark, causes.corner, 0.7, "added", ("overlay",),
        box=(1 / SIDE, 1 / SIDE, 8 / SIDE, 8 / SIDE),
    ),
    "faint mark": Case(
        causes.faint_mark,
        causes.grey_corner,
        0.7,
        "added",
        ("overlay",),
        box=(1 / SIDE, 1 / SIDE, 8 / SIDE, 8 / SIDE),
    ),
    "sticker": Case(causes.sticker, causes.anywhere, 0.8, "added", ("sticker",), each=80),
    "grain": Case(
        causes.grained, causes.high_band, 900, "question", ("detail", "contrast"),
        ("fineness of detail", "noise", "contrast"), least=0.7,
    ),
    "compression": Case(
        causes.compressed, causes.blockiness, 1.5, "question", ("detail",), ("JPEG compression",),
        least=0.8,
    ),
    "sky": Case(
        causes.sky, causes.top_third, 150, "question", ("region",),
        box=(0, 0, 1, round(SIDE / 3) / SIDE), least=0.7, share=0.9,
    ),
}  # fmt: skip


def planted(case: Case, **more: Any) -> World:
    return world(case.plant, (case.share, 0, 0), **({"each": case.each} | more))


@pytest.fixture(scope="module", params=CASES)
def audited(request: pytest.FixtureRequest) -> tuple[Case, World, Any]:
    case = CASES[request.param]
    made = planted(case)
    return case, made, made.audit(follower(case.measure, case.threshold))


class TestCause:
    def test_is_the_only_finding(self, audited: tuple[Case, World, Any]) -> None:
        case, _, found = audited
        assert [f.label for f in found.findings] == ["ant"]
        (one,) = found.findings
        assert one.level == case.level
        assert one.kind in case.kinds
        assert one.statistic in case.statistics

    def test_effect_is_nearly_all_and_the_controls_nothing(
        self, audited: tuple[Case, World, Any]
    ) -> None:
        """No picture of another class has the cue, so that controls have none to give."""
        case, _, found = audited
        (one,) = found.findings
        assert one.treated >= case.least
        assert one.control <= 0.02
        assert one.effect == one.treated - one.control
        assert one.interval[0] <= one.effect <= one.interval[1]
        assert one.interval[0] > 0.2
        assert one.p <= 0.05

    def test_place(self, audited: tuple[Case, World, Any]) -> None:
        case, _, found = audited
        (one,) = found.findings
        if case.box is None:
            assert one.region is None
        else:
            assert overlap(one.region, case.box) >= 0.6

    def test_files_are_those_that_carry_it(self, audited: tuple[Case, World, Any]) -> None:
        case, made, found = audited
        (one,) = found.findings
        if case.level == "added":
            assert set(one.ids) == set(np.flatnonzero(made.carriers).tolist())
            assert one.prevalence.value == case.share
            assert one.elsewhere.hits == 0
        elif one.prevalence is not None:
            less = one.prevalence.value - one.elsewhere.value
            assert less == pytest.approx(0.5, abs=0.12)
            assert set(np.flatnonzero(made.carriers)) <= set(one.ids)

    def test_examples_and_sentence(self, audited: tuple[Case, World, Any]) -> None:
        case, made, found = audited
        (one,) = found.findings
        assert 1 <= len(one.examples) <= 9
        assert all(made.labels[i] == 0 for i in one.shown)
        assert len(one.examples) == len(one.shown)
        assert f"{100 * one.treated:.0f} %" in one.sentence
        assert "'ant'" in one.sentence
        assert one.sentence.endswith("?") == (case.level == "question")
        assert not re.search(r"clean|cheat", one.sentence)

    def test_silence_on_a_model_that_does_not_use_it(
        self, audited: tuple[Case, World, Any]
    ) -> None:
        _, made, _ = audited
        found = made.audit(known)
        assert [(f.label, f.kind) for f in found.findings] == []
        assert found.tested >= 7


def overlap(one: Any, two: Any) -> float:
    """Return the intersection of two boxes over their union."""

    def area(box: Any) -> float:
        return max(0, box[2] - box[0]) * max(0, box[3] - box[1])

    ends = zip((max, max, min, min), one, two, strict=True)
    x0, y0, x1, y1 = (end(a, b) for end, a, b in ends)
    both = area((x0, y0, x1, y1))
    return both / (area(one) + area(two) - both)


class TestMatchedControls:
    def test_controls_with_the_cue_take_it_off_the_effect(self) -> None:
        """As many files of the other classes have the cue: nothing tells the class."""
        case = CASES["brightness"]
        made = world(case.plant, (0.5, 0.5, 0.5))
        assert made.audit(follower(case.measure, case.threshold)).findings == ()

    def test_controls_give_what_they_have(self) -> None:
        """The bright ones of the other classes are the nearest: all controls are they."""
        case = CASES["brightness"]
        made = world(case.plant, (0.6, 0.1, 0.1), each=100)
        found = made.audit(follower(case.measure, case.threshold))
        assert [f for f in found.findings if f.statistic == "brightness"] == []

    @pytest.mark.parametrize("name", ["brightness", "mark"])
    def test_class_and_name_follow_where_the_cue_is(self, name: str) -> None:
        case = CASES[name]
        made = world(case.plant, (0, 0, 0.5))
        found = made.audit(follower(case.measure, case.threshold, label=2))
        assert [f.label for f in found.findings] == [NAMES[2]]


# --- damage is no cause --------------------------------------------------------------------------


def weak(measure: Measure, threshold: float) -> Callable[[Any], np.ndarray]:
    """Return a model that says "ant" wherever a measure is *below* a threshold."""
    inner = follower(lambda x: 2 * threshold - measure(x), threshold)
    return lambda pictures: inner(np.asarray(pictures, np.float64))


def contrast(pictures: np.ndarray) -> np.ndarray:
    return pictures[:, 2:-2, 2:-2].std(axis=(1, 2, 3))


def seams(pictures: np.ndarray) -> np.ndarray:
    """Return the largest step between neighbours that a whole row or column makes."""
    grey = pictures.mean(axis=-1)
    down = np.abs(np.diff(grey.mean(axis=2), axis=1)).max(axis=1)
    return np.maximum(down, np.abs(np.diff(grey.mean(axis=1), axis=1)).max(axis=1))


@pytest.fixture(scope="module")
def made() -> World:
    return world()


class TestDamage:
    def test_a_model_that_needs_contrast(self, made: World) -> None:
        level = contrast(made.pictures.astype(float))
        model = weak(contrast, float(np.quantile(level, 0.02)))
        found = made.audit(model)
        assert found.findings == ()
        assert found.tested >= 21

    def test_a_model_that_needs_sharpness(self, made: World) -> None:
        level = causes.high_band(made.pictures.astype(float))
        assert made.audit(weak(causes.high_band, float(np.quantile(level, 0.02)))).findings == ()

    def test_a_model_that_sees_seams(self, made: World) -> None:
        """Any paste turns it, whoever gave."""
        level = seams(made.pictures.astype(float))
        model = follower(seams, float(level.max()) * 1.2)
        found = made.audit(model)
        assert found.findings == ()

    def test_a_model_that_says_one_thing(self, made: World) -> None:
        found = made.audit(lambda x: np.tile([3.0, 2.0, 1.0], (len(x), 1)))
        assert found.findings == ()
        assert (
            max(abs(f) for e in found.evidence.values() for f in e.get("acts", {0: 0}).values())
            == 0
        )

    def test_a_model_that_says_anything(self, made: World) -> None:
        """Scores are a hash of the picture: every edit turns a third."""

        def hashed(pictures: Any) -> np.ndarray:
            keys = [abs(hash(np.asarray(p, np.float32).tobytes())) % 2**32 for p in pictures]
            return np.stack([np.random.default_rng(k).normal(size=3) for k in keys])

        assert made.audit(hashed).findings == ()
