"""The document: numbers that come back, words, names, and how it is brought to a size."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from fake_results import FakeCam, FakeSaliency, FakeSigned, cam, pictures, result, signed
from kerascope.errors import BadInput
from kerascope.grading.reasons import reasons_of
from kerascope.method import Passes
from kerascope.report import Explanations
from kerascope.report.blobs import LEVELS, Blobs, read_array
from kerascope.report.document import document_of, empty, merged
from kerascope.report.entries import Predicted, cost_of, prediction_entry
from kerascope.report.fitting import fitted
from kerascope.report.map_entries import Detail, averaged
from kerascope.verdict import Grade

FINE = {"removal": 0.5, "random": 0.1, "edge": 0.0, "cells": 0.9, "stability": 0.99, "weights": 0.1}
GAPLESS = {"gap": "the method claims no completeness"}


def noisy(count: int = 2, side: int = 64, *, height: int | None = None, **changes):
    """Maps of noise, which no packing makes much smaller."""
    values = np.random.default_rng(3).normal(size=(count, height or side, side)).astype(np.float32)
    return result(values, method=FakeSigned(), display=(wide(),) * count, **changes)


def wide() -> np.ndarray:
    """A picture larger than any page shows, which packs well."""
    row = np.linspace(0, 255, 900).astype(np.uint8)
    return np.repeat(np.tile(row, (700, 1))[..., None], 3, axis=-1)


class TestArrays:
    @pytest.mark.parametrize(
        "values",
        [
            np.random.default_rng(0).normal(size=(7, 5)),
            np.zeros((3, 4)),
            np.full((2, 2), -1e-30),
            np.array([[3e38, -3e38, 1.0]]),
            np.linspace(0, 1, 5000).reshape(50, 100),
            np.eye(60),
        ],
    )
    def test_come_back_within_half_a_step(self, values: np.ndarray) -> None:
        blobs = Blobs()
        found = blobs.array(values)
        assert found["shape"] == list(values.shape)
        back = read_array(found, blobs.held)
        largest = float(np.abs(values).max())
        assert np.abs(back - values.astype(np.float32)).max() <= largest / LEVELS * 0.501
        assert found["scale"] == pytest.approx(largest / LEVELS)

    def test_every_way_of_packing_is_used_and_read(self) -> None:
        draw = np.random.default_rng(0)
        kinds = {
            "none": draw.normal(size=(2, 2)),
            "deflate": np.kron(draw.normal(size=(5, 5)), np.ones((12, 12))),
            "deflate-shuffled": draw.normal(size=(90, 90)),
        }
        for packed, values in kinds.items():
            blobs = Blobs()
            found = blobs.array(values)
            assert found["packed"] == packed
            assert np.allclose(read_array(found, blobs.held), values, atol=1e-3)

    def test_coarser_steps_take_less(self) -> None:
        values = np.random.default_rng(0).normal(size=(90, 90))
        fine, coarse = Blobs(), Blobs()
        fine.array(values)
        found = coarse.array(values, step=0.01)
        assert found["scale"] == 0.01
        assert np.abs(read_array(found, coarse.held) - values).max() <= 0.0051
        sizes = [len(next(iter(blobs.held.values()))) for blobs in (fine, coarse)]
        assert sizes[1] < 0.7 * sizes[0]
        assert coarse.array(1e9 * values, step=0.01)["scale"] > 1  # 16 bits must hold the largest

    def test_equal_contents_have_one_name(self) -> None:
        blobs = Blobs()
        assert blobs.array(np.eye(9))["blob"] == blobs.array(np.eye(9))["blob"]
        assert len(blobs.held) == 1


class TestMaps:
    def test_values_are_at_the_methods_own_resolution(self) -> None:
        found = document_of([cam(1), signed(1)])
        low, dense = found["maps"]
        assert (low["values"]["shape"], low["size"]) == ([8, 8], [24, 32])
        assert np.allclose(read_array(low["values"], found["blobs"]), cam(1).values[0], atol=1e-4)
        assert dense["values"]["shape"] == [24, 32]
        summed = signed(1).values[0].sum(axis=-1)
        assert np.allclose(read_array(dense["values"], found["blobs"]), summed, atol=1e-3)

    def test_what_came_before_the_relu(self) -> None:
        before = np.random.default_rng(1).normal(size=(2, 2, 8, 8)).astype(np.float32)
        made = dataclasses.replace(cam(2, targets=2), extras={"signed": before})
        found = document_of([made])
        kept = [read_array(one["signed"], found["blobs"]) for one in found["maps"]]
        assert np.allclose(kept, before.reshape(4, 8, 8), atol=1e-3)
        assert document_of([cam(1)])["maps"][0]["signed"] is None

    def test_one_scale_per_method_unless_unlocked(self) -> None:
        values = np.stack([np.full((8, 8), 1.0), np.full((8, 8), 0.25)]).astype(np.float32)
        made = result(values)
        shared = document_of([made])["maps"]
        own = document_of([made], shared_scale=False)["maps"]
        assert [one["limit"] for one in shared] == [1, 1]
        assert [one["limit"] for one in own] == [1, 0.25]

    def test_words(self) -> None:
        grade = Grade(
            letter="B", score=0.7, reasons=reasons_of(FINE, GAPLESS, "logit"), checks=FINE
        )
        one = dataclasses.replace(signed(1), grade=[grade])
        found = document_of([one])["maps"][0]
        assert found["place"] == "left"
        assert found["share"] == "5.2 %"
        assert found["against"] == pytest.approx(1 / 3)
        assert found["gap"] == "completeness gap 2 %"
        assert found["verdict"] == "evidence in the left; grade B: gap 2 %, stable"
        assert found["grade"]["letter"] == "B"
        blank = document_of([result(np.zeros((1, 8, 8), np.float32))])["maps"][0]
        assert blank["verdict"] == "no evidence for 'tabby'"
        assert (blank["place"], blank["share"], blank["against"]) == ("", "", 0)
        against = document_of([result(-np.ones((1, 8, 8), np.float32))])["maps"][0]
        assert against["verdict"] == "no positive evidence for 'tabby'"
        assert against["against"] == 1

    @pytest.mark.parametrize(
        ("checks", "words"),
        [
            ({"removal": -0.5, "stability": 0.1}, "grade D: misses what counts, unstable"),
            ({"removal": 0.05}, "grade D: no better than a map that knows nothing, stable"),
            ({"weights": 0.99}, "grade D: shows the input more than the model, stable"),
        ],
    )
    def test_what_a_grade_blames_is_said_in_short(self, checks: dict, words: str) -> None:
        reasons = reasons_of(FINE | checks, GAPLESS, "logit")
        grade = Grade(letter="D", score=0, reasons=reasons)
        found = document_of([dataclasses.replace(cam(1), grade=[grade])])["maps"][0]
        assert found["verdict"] == f"evidence in the upper left; {words}"

    def test_targets_know_their_class(self) -> None:
        targets = [one["target"] for one in document_of([cam(1, targets=3)])["maps"]]
        assert [(t["key"], t["index"], t["place"]) for t in targets] == [
            ("'tabby'", 0, 0),
            ("'dog'", 1, 1),
            ("'fox'", 2, 2),
        ]
        assert targets[0]["score"] == 9.5

    def test_two_classes_of_one_name_stay_two_maps(self) -> None:
        made = cam(1, targets=2)
        words = (("logit of 'crane' (9.5)", "logit of 'crane' (8.5)"),)
        labels = ("crane", "crane", "fox", "owl", "eel", "bee")
        found = document_of([dataclasses.replace(made, explained=words, labels=labels)])["maps"]
        assert [one["target"]["key"] for one in found] == ["'crane'", "'crane' #2"]
        assert [one["target"]["index"] for one in found] == [None, None]
        assert found[0]["id"] != found[1]["id"]


class Linear(FakeSigned):
    linear = True


class LinearStrength(FakeSaliency):
    linear = True


class Many(FakeCam):
    def passes(self, shape, targets=1, channels=1):
        return Passes(forward=channels)


class TestMethods:
    @pytest.mark.parametrize(
        ("made", "linear"),
        [
            (signed(1), False),
            (dataclasses.replace(signed(1), method=Linear()), True),
            (dataclasses.replace(signed(1), method=LinearStrength()), False),  # of its channels
            (result(np.ones((1, 6, 6), np.float32), method=LinearStrength()), True),  # has none
        ],
    )
    def test_linear_is_what_is_shown(self, made, linear: bool) -> None:
        assert document_of([made])["methods"][0]["linear"] == linear

    def test_settings_cost_and_call(self) -> None:
        found = document_of([signed(1, target="top-2")])["methods"][0]
        assert found["settings"] == {"steps": 32, "noise": 0.15}
        assert found["cost"] == {"forward": 0, "gradient": 1, "backward": 0, "upper": False}
        assert found["python"] == "ks.explain(model, images, 'fake_signed')"
        assert json.dumps(found)

    def test_cost_is_unknown_where_it_hangs_on_channels(self) -> None:
        assert cost_of(Many(), {"x": (3,)}, 1) is None
        assert cost_of(FakeCam(), {"x": (3,)}, 3)["backward"] == 2


class TestSamples:
    def test_pictures_and_thumbs_have_sizes(self) -> None:
        made = cam(1)
        big = dataclasses.replace(made, display=pictures(1, 800, 1000))
        found = document_of([big], longest=320)
        one = found["samples"][0]
        assert (one["inputs"][0]["width"], one["inputs"][0]["height"]) == (1000, 800)
        assert size_of(found["blobs"][one["inputs"][0]["picture"]]) == (320, 256)
        assert max(size_of(found["blobs"][one["thumb"]])) == 96

    def test_a_prediction_without_an_explanation(self) -> None:
        held = Predicted(predictions=np.array([[0.2, 0.7, 0.1]]), labels=("a", "b", "c"))
        found = prediction_entry(held, 0, sample="s9", model="m1", epoch=3)
        assert (found["sample"], found["model"], found["epoch"]) == ("s9", "m1", 3)
        assert (found["top"], found["verdict"]) == ("b", "b, 70 %")
        assert found["margin"] == pytest.approx(0.5)
        assert [bar["index"] for bar in found["outputs"][0]["bars"]] == [1, 0, 2]

    def test_five_bars_and_how_many_more(self) -> None:
        found = document_of([cam(1)])["predictions"][0]["outputs"][0]
        assert [round(bar["share"], 2) for bar in found["bars"]] == [0.7, 0.12, 0.08, 0.06, 0.03]
        assert found["more"] == "1 more class"

    def test_numbers_that_are_none_stay_json(self) -> None:
        made = dataclasses.replace(
            cam(1), predictions=np.array([[np.inf, 0, 0, 0, 0, 0]]), scores=np.array([np.nan])
        )
        found = document_of([made]) | {"stamps": []}
        assert json.dumps(found, allow_nan=False)
        assert found["maps"][0]["target"]["score"] is None


def size_of(uri: str) -> tuple[int, int]:
    import base64
    import io

    from PIL import Image

    return Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).size


class TestTogether:
    def test_equal_things_are_there_once(self) -> None:
        one, two = document_of([cam(2)]), document_of([signed(2)])
        both = merged([one, two, one])
        counts = {name: len(both[name]) for name in ("models", "methods", "samples", "maps")}
        assert counts == {"models": 1, "methods": 2, "samples": 2, "maps": 4}
        assert both["blobs"] == one["blobs"] | two["blobs"]
        assert merged([])["maps"] == empty()["maps"] == []

    def test_epochs_are_told_apart(self) -> None:
        both = merged([document_of([cam(1)], epoch=epoch) for epoch in (1, 2)])
        assert [one["epoch"] for one in both["maps"]] == [1, 2]
        assert len(both["predictions"]) == 2

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: document_of([cam(1), cam(2)]), r"results of \[1, 2\] samples"),
            (lambda: document_of([cam(2)], samples=["a"]), "1 names of samples for 2 samples"),
        ],
    )
    def test_what_does_not_belong_together(self, make, message: str) -> None:
        with pytest.raises(BadInput, match=message):
            make()

    def test_samples_of_sections_have_one_name_where_they_are_the_same(self) -> None:
        one = cam(2)
        twice = dataclasses.replace(one, names=("a.jpg", "a.jpg"), display=one.display[:1] * 2)
        sections = [Explanations(results=(r,)) for r in (one, signed(2), twice)]
        names = [s["name"] for s in fitted(sections, title="").document["samples"]]
        assert names == ["photo0.jpg", "photo1.jpg", "a.jpg", "a.jpg"]


class TestBudget:
    def sizes(self, budget: int) -> tuple[dict, int]:
        held = fitted([Explanations(results=(noisy(),))], title="", budget=budget)
        return held.document, len(held.text)

    def test_a_page_that_fits_is_exact(self) -> None:
        found, size = self.sizes(10_000_000)
        assert found["notes"] == []
        one = found["maps"][0]
        assert one["values"]["scale"] < one["limit"] / 1000
        assert size > 25_000

    def test_coarser_steps_come_first(self) -> None:
        exact = self.sizes(10_000_000)[1]
        found, size = self.sizes(exact - 1)
        assert size < exact
        one = found["maps"][0]
        assert one["values"]["shape"] == [64, 64]
        assert one["values"]["scale"] == pytest.approx(one["limit"] / 255)
        assert len(found["notes"]) == 1
        assert found["notes"][0] == (
            "Maps are shown in 255 steps of their colour scale and pictures at up to 448 pixels, "
            "to keep the page small; the full numbers are in the .safetensors."
        )

    def test_then_maps_get_smaller_and_keep_their_means(self) -> None:
        found, size = self.sizes(14_000)
        assert size <= 14_000
        one = found["maps"][0]
        side = one["values"]["shape"][0]
        assert side < 64
        assert one["size"] == [64, 64]
        assert found["notes"][0].startswith(f"Maps are shown at {side} of 64 pixels")
        back = read_array(one["values"], found["blobs"])
        assert back.mean() == pytest.approx(noisy().values[0].mean(), abs=one["limit"] / 255)

    def test_the_last_step_is_kept_where_nothing_fits(self) -> None:
        found, size = self.sizes(10)
        assert found["maps"][0]["values"]["shape"] == [28, 28]
        assert size > 10

    def test_means_over_areas(self) -> None:
        values = np.arange(24, dtype=np.float32).reshape(4, 6)
        found = averaged(values, (2, 3))
        assert np.allclose(found, values.reshape(2, 2, 3, 2).mean(axis=(1, 3)))
        assert averaged(np.ones((5, 7), np.float32), (3, 2)) == pytest.approx(np.ones((3, 2)))

    def test_detail_keeps_the_shape_of_a_wide_map(self) -> None:
        found = document_of([noisy(1, 60, height=30)], detail=Detail(side=20, exact=False))
        assert found["maps"][0]["values"]["shape"] == [10, 20]
