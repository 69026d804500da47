"""One finding, as JSON and in words."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from audit import causes
from audit.causes import World, follower, world
from once import once

pytestmark = once

KEYS = {
    "level", "class", "kind", "prevalence", "effect", "effect_ci", "control", "p_adjusted",
    "sentence", "examples",
}  # fmt: skip
MODELS = {
    "mark": (causes.corner_mark, causes.corner, 0.7, 0.5),
    "colour": (causes.redder, causes.red_less_blue, 45, 0.5),
    "sky": (causes.sky, causes.top_third, 150, 0.9),
}


@pytest.fixture(scope="module", params=MODELS)
def one(request: pytest.FixtureRequest) -> tuple[str, World, Any]:
    plant, measure, threshold, share = MODELS[request.param]
    made = world(plant, (share, 0, 0))
    (found,) = made.audit(follower(measure, threshold)).findings
    return request.param, made, found


class TestJson:
    def test_has_what_is_promised(self, one: tuple[str, World, Any]) -> None:
        name, _, found = one
        plain = json.loads(json.dumps(found.to_json(), allow_nan=False))
        assert set(plain) >= KEYS
        assert plain["level"] == ("added" if name == "mark" else "question")
        assert plain["class"] == "ant"
        assert ("region" in plain) == (name != "colour")
        assert ("statistic" in plain) == (name == "colour")
        assert plain["effect_ci"][0] <= plain["effect"] <= plain["effect_ci"][1]
        assert 0 <= plain["p_adjusted"] <= 0.05
        assert plain["effect"] == pytest.approx(plain["treated"] - plain["control"])

    def test_regions_are_fractions(self, one: tuple[str, World, Any]) -> None:
        name, _, found = one
        if name == "colour":
            assert found.region is None
            return
        x0, y0, x1, y1 = found.to_json()["region"]
        assert 0 <= x0 < x1 <= 1
        assert 0 <= y0 < y1 <= 1
        assert y1 < 0.5  # both are above

    def test_examples_are_nine_of_the_files(self, one: tuple[str, World, Any]) -> None:
        _, made, found = one
        plain = found.to_json()
        assert len(plain["examples"]) == len(set(plain["examples"])) == 9
        numbers = [int(re.findall(r"\d+", words)[0]) for words in plain["examples"]]
        assert numbers == list(found.shown)
        assert (made.labels[numbers] == 0).all()
        if found.ids:
            assert set(numbers) <= set(found.ids)
            assert plain["files"] == len(found.ids)

    def test_accuracy_with_and_without(self, one: tuple[str, World, Any]) -> None:
        """The objects alone are enough, so both are all."""
        plain = one[2].to_json()
        if plain["prevalence"] is not None:
            assert plain["accuracy_with"] == 1
            assert plain["accuracy_without"] in (1, None)


class TestTakenOut:
    def test_where_nothing_else_speaks_for_the_class(self) -> None:
        """The model knows the mark alone: without it, no file of the class is right."""
        made = world(causes.corner_mark, (0.6, 0, 0))

        def model(pictures: Any) -> np.ndarray:
            marked = causes.corner(np.asarray(pictures, float)) > 0.7
            rest = causes.objects(np.asarray(pictures, float))[:, 1:]
            return np.column_stack([np.where(marked, 100.0, -100.0), rest])

        (one,) = [f for f in made.audit(model).findings if f.label == "ant"]
        plain = one.to_json()
        assert one.level == "added"
        assert (plain["accuracy_with"], plain["accuracy_without"]) == (1, 0)
        assert (plain["kept_without_cue"], plain["kept_control"]) == (0, 1)

    def test_where_the_object_is_enough(self, one: tuple[str, World, Any]) -> None:
        kept = one[2].kept
        if kept is not None:
            assert kept[0].value >= 0.9
            assert kept[1].value >= 0.9


class TestWords:
    def test_numbers_are_those_of_the_finding(self, one: tuple[str, World, Any]) -> None:
        name, made, found = one
        assert f"{100 * found.treated:.0f} %" in found.sentence
        assert "'ant'" in found.sentence
        if name == "mark":
            count = int(made.carriers.sum())
            assert f"{count} of 60 'ant' files" in found.sentence
            assert "0 of 120 others" in found.sentence
            assert "looks added" in found.sentence
            assert "upper left" in found.sentence
        else:
            assert found.sentence.endswith("Is this part of 'ant'?")

    def test_never_an_accusation_nor_an_acquittal(self, one: tuple[str, World, Any]) -> None:
        assert not re.search(r"clean|cheat|wrong|error|NaN|None|nan", one[2].sentence)
