"""Pictures and words: what they show must be what the numbers say."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from fake_results import (
    EVIL,
    FakeCam,
    FakeSaliency,
    FakeSigned,
    cam,
    pictures,
    provenance,
    result,
    signed,
    spot,
)
from kerascope import plot, wording
from kerascope.errors import BadFile, BadInput
from kerascope.plot import colour, grid, maps, predictions, stamp, whereabouts, words
from kerascope.plot.maps import Kind, Meaning
from kerascope.plot.picture import as_rgb, fitted, picture_of


def texts(figure: Figure) -> str:
    """Return every word that a figure shows."""
    found = [figure.get_suptitle()]
    for axes in figure.axes:
        labels = [*axes.get_xticklabels(), *axes.get_yticklabels()]
        found += [axes.get_title(), axes.get_xlabel(), *(t.get_text() for t in axes.texts)]
        found += [label.get_text() for label in labels]
    return "\n".join(filter(None, found))


def drawn(figure: Figure) -> np.ndarray:
    """Return a figure's pixels; draws it, so that warnings of the drawing show."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return np.asarray(Image.open(buffer).convert("RGB"))


def lightness(colours: np.ndarray) -> np.ndarray:
    """Return CIE L* (0 … 100) of uint8 sRGB colours."""
    share = colours / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return 116 * np.cbrt(linear @ [0.2126, 0.7152, 0.0722]) - 16


class TestMaps:
    def test_meaning_decides_colours(self) -> None:
        meanings = [maps.maps_of(r)[0].meaning for r in (cam(), signed())]
        absolute = result(np.ones((1, 6, 6, 3), np.float32), axes=("sample", "y", "x", "channel"))
        absolute = dataclasses.replace(absolute, method=FakeSaliency())
        assert meanings == [Meaning.POSITIVE, Meaning.SIGNED]
        assert maps.maps_of(absolute)[0].meaning is Meaning.MAGNITUDE
        assert maps.maps_of(absolute, reduce="sum")[0].meaning is Meaning.SIGNED

    def test_negative_values_are_never_hidden(self) -> None:
        made = result(-np.ones((1, 6, 6), np.float32), method=FakeCam(relu=True))
        assert maps.maps_of(made)[0].meaning is Meaning.SIGNED

    def test_limit_is_a_percentile_and_never_zero(self) -> None:
        ramp = result(np.arange(100, dtype=np.float32).reshape(1, 10, 10))
        sparse = np.zeros((1, 50, 50), np.float32)
        sparse[0, 3, 3] = 7
        assert maps.limit_of(maps.maps_of(ramp), clip=50) == pytest.approx(49.5)
        assert maps.limit_of(maps.maps_of(result(sparse))) == 7
        assert maps.limit_of(maps.maps_of(result(sparse * 0))) == 1
        with pytest.raises(BadInput, match="clip=0 must be above 0"):
            maps.limit_of(maps.maps_of(ramp), clip=0)

    def test_picture_comes_from_display_then_from_inputs(self) -> None:
        shown = cam()
        assert np.array_equal(picture_of(shown, 1), shown.display[1])
        bare = dataclasses.replace(shown, display=None)
        expected = (bare.inputs[1] * 255).round().astype(np.uint8)
        assert np.array_equal(picture_of(bare, 1), expected)

    def test_channels_first_input_becomes_a_picture(self) -> None:
        last = np.random.default_rng(0).uniform(-1, 1, (1, 5, 7, 3)).astype(np.float32)
        axes = {"input": ("sample", "channel", "y", "x")}
        first = result(
            np.ones((1, 5, 7), np.float32), inputs=last.transpose(0, 3, 1, 2), input_axes=axes
        )
        assert np.array_equal(picture_of(first, 0), as_rgb(last[0]))

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            (np.array([[0, 1]], np.float32), [0, 255]),
            (np.array([[-1, 1]], np.float32), [0, 255]),
            (np.array([[0, 128]], np.float32), [0, 128]),
            (np.array([[0, 1]], np.uint8), [0, 1]),
            (np.array([[-120, 130]], np.float32), [0, 255]),
            (np.array([[np.nan, 1]], np.float32), [0, 255]),
        ],
    )
    def test_number_ranges_become_bytes(self, values: np.ndarray, expected: list[int]) -> None:
        assert as_rgb(values)[0, :, 0].tolist() == expected

    def test_unknown_sample_is_refused(self) -> None:
        with pytest.raises(BadInput, match="sample 5 is not there; the result has samples 0 … 1"):
            plot.figure(cam(), samples=[5])


class TestOverlay:
    picture = np.full((20, 30, 3), 128, np.uint8)

    def test_colours_say_the_sign(self) -> None:
        values = np.zeros((20, 30))
        values[:, :10], values[:, 20:] = -1, 1
        image = plot.overlay(self.picture, values).astype(int)
        against, none, towards = image[10, 5], image[10, 15], image[10, 25]
        assert against[2] > against[0] + 40
        assert towards[0] > towards[2] + 40
        assert none.max() - none.min() <= 1
        assert image.shape == (20, 30, 3)

    def test_scale_is_symmetric(self) -> None:
        weak = plot.overlay(self.picture, np.full((20, 30), 0.1), limit=1.0).astype(int)
        strong = plot.overlay(self.picture, np.full((20, 30), 1.0), limit=1.0).astype(int)
        assert strong[0, 0, 0] - strong[0, 0, 2] > weak[0, 0, 0] - weak[0, 0, 2] + 20

    @pytest.mark.parametrize("meaning", [Meaning.POSITIVE, Meaning.MAGNITUDE])
    @pytest.mark.parametrize("grey", [0, 64, 128, 200, 255])
    def test_more_evidence_is_never_darker(self, meaning: Meaning, grey: int) -> None:
        ramp = np.tile(np.linspace(0, 1, 256, dtype=np.float32), (2, 1))
        picture = np.full((2, 256, 3), grey, np.uint8)
        light = lightness(plot.overlay(picture, ramp, limit=1.0, meaning=meaning)[0])
        assert (np.maximum.accumulate(light) - light).max() < 1.0  # less than an eye can see
        assert light[-1] - light[0] > 30

    @pytest.mark.parametrize("sign", [-1, 1])
    @pytest.mark.parametrize("grey", [0, 128, 255])
    def test_more_evidence_is_never_paler(self, sign: int, grey: int) -> None:
        ramp = sign * np.tile(np.linspace(0, 1, 256, dtype=np.float32), (2, 1))
        picture = np.full((2, 256, 3), grey, np.uint8)
        light = lightness(plot.overlay(picture, ramp, limit=1.0)[0])
        assert (light - np.minimum.accumulate(light)).max() < 1.0
        assert light[0] - light[-1] > 30

    def test_not_finite_is_drawn_as_zero(self) -> None:
        values = np.zeros((20, 30))
        values[3, 3], values[4, 4] = np.nan, np.inf
        assert np.array_equal(
            plot.overlay(self.picture, values), plot.overlay(self.picture, np.zeros((20, 30)))
        )

    def test_small_map_lies_where_it_belongs(self) -> None:
        values = np.zeros((4, 6), np.float32)
        values[0, 5] = 1
        image = plot.overlay(self.picture, values).astype(int)
        redness = image[..., 0] - image[..., 2]
        y, x = np.unravel_index(redness.argmax(), redness.shape)
        assert y < 5
        assert x >= 25

    def test_outline_is_drawn_round_the_object(self) -> None:
        mask = np.zeros((20, 30), bool)
        mask[5:15, 8:22] = True
        plain = plot.overlay(self.picture, np.zeros((20, 30)))
        lined = plot.overlay(self.picture, np.zeros((20, 30)), outline=mask)
        changed = (plain != lined).any(axis=-1)
        assert (lined[4, 8:22] == 255).all()
        assert not changed[8:12, 11:19].any()
        assert not changed[:2].any()

    @pytest.mark.parametrize(
        ("picture", "heatmap", "alpha", "message"),
        [
            (np.zeros((4, 4), np.uint8), np.zeros((4, 4)), 0.5, r"picture is \(4, 4\) uint8"),
            (np.zeros((4, 4, 3)), np.zeros((4, 4)), 0.5, r"must be \(y, x, 3\) uint8"),
            (np.zeros((4, 4, 3), np.uint8), np.zeros(4), 0.5, r"heatmap has shape \(4,\)"),
            (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4)), 2, "alpha=2 must be 0 … 1"),
        ],
    )
    def test_bad_arguments(
        self, picture: np.ndarray, heatmap: np.ndarray, alpha: float, message: str
    ) -> None:
        with pytest.raises(BadInput, match=message):
            plot.overlay(picture, heatmap, alpha=alpha)

    def test_no_jet(self) -> None:
        assert set(colour.MAP_NAMES.values()) == {"RdBu_r", "inferno", "viridis"}
        middle = colour.table(Meaning.SIGNED)[127:129].astype(int)
        assert middle.min() > 235

    def test_fit_shrinks_and_grows_by_whole_steps(self) -> None:
        large = plot.fit(np.zeros((1000, 500, 3), np.uint8), longest=100)
        tiny = plot.fit(pictures(1, 8, 16)[0], longest=400, smallest=48)
        assert large.shape == (100, 50, 3)
        assert np.array_equal(tiny[::3, ::3], pictures(1, 8, 16)[0])

    def test_map_of_a_grown_picture_is_not_smoothed(self) -> None:
        values = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
        assert np.array_equal(fitted(values, (8, 18))[::2, ::3], values)


class TestFigure:
    def test_words_for_one_sample(self) -> None:
        shown = texts(plot.figure(signed(1)))
        for expected in (
            "tabby, 70 %",
            "logit of 'tabby' (9.5)",
            "against",
            "for",
            "photo0.jpg",
            "Fake signed",
        ):
            assert expected in shown

    def test_row_per_sample_and_column_per_target(self) -> None:
        figure = plot.figure(cam(3, targets=2))
        titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
        assert titles == ["tabby, 70 %", "logit of 'tabby' (9.5)", "logit of 'dog' (8.5)"] * 3

    def test_samples_are_chosen_in_order(self) -> None:
        shown = texts(plot.figure(cam(4), samples=[2, 0]))
        assert shown.index("photo2.jpg") < shown.index("photo0.jpg")
        assert "photo1.jpg" not in shown

    def test_shared_scale_keeps_strength_and_own_scale_does_not(self) -> None:
        strong_and_weak = cam(1, targets=2)
        shared = [a.images[0].get_array() for a in plot.figure(strong_and_weak).axes[1:3]]
        own = [
            a.images[0].get_array()
            for a in plot.figure(strong_and_weak, shared_scale=False).axes[1:3]
        ]
        assert not np.array_equal(shared[0], shared[1])
        assert np.array_equal(own[0], own[1])

    def test_one_bar_for_a_shared_scale_and_one_each_without(self) -> None:
        shown = texts(plot.figure(signed(2)))
        unlocked = texts(plot.figure(signed(2), shared_scale=False))
        assert shown.count("\nagainst\n") == 1
        assert unlocked.count("\nagainst −3\n") == 2

    def test_empty_map_says_so(self) -> None:
        empty = result(np.zeros((1, 6, 6), np.float32))
        shown = " ".join(texts(plot.figure(empty)).split())
        assert "no positive evidence for 'tabby' at layer conv5" in shown

    def test_not_finite_says_so(self) -> None:
        values = spot(6, 6, 2, 2)[None]
        values[0, 0, :2] = np.nan
        figure = plot.figure(result(values))
        assert "2 values are not finite and drawn as zero" in " ".join(texts(figure).split())
        assert drawn(figure).size

    @pytest.mark.parametrize("label", ["$x^$", EVIL, "a\nb\u2028c", "\udcff", "x" * 300])
    def test_hostile_labels_are_drawn_as_text(self, label: str) -> None:
        made = dataclasses.replace(cam(1), labels=(label, "b", "c", "d", "e", "f"), names=(label,))
        assert drawn(
            plot.figure(dataclasses.replace(made, explained=(f"logit of '{label}'",)))
        ).size

    def test_figure_leaves_no_global_state(self) -> None:
        """In a process of its own: another library of the suite may have loaded pyplot here."""
        import subprocess
        import sys

        code = (
            "import sys; sys.path.insert(0, sys.argv[1])\n"
            "from fake_results import cam\nfrom kerascope import plot\nplot.figure(cam(1))\n"
            "assert 'matplotlib.pyplot' not in sys.modules"
        )
        folder = str(Path(__file__).parents[1])
        done = subprocess.run(
            [sys.executable, "-c", code, folder], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("values", "axes", "inputs", "input_axes", "kind"),
    [
        (
            (2, 12, 2),
            ("sample", "time", "channel"),
            (2, 12, 2),
            ("sample", "time", "channel"),
            Kind.SERIES,
        ),
        ((2, 5), ("sample", "feature"), (2, 5), ("sample", "feature"), Kind.VECTOR),
        ((2, 9), ("sample", "token"), (2, 9), ("sample", "token"), Kind.TOKENS),
        (
            (2, 4, 6, 7, 1),
            ("sample", "z", "y", "x", "channel"),
            (2, 4, 6, 7, 1),
            ("sample", "z", "y", "x", "channel"),
            Kind.VOLUME,
        ),
    ],
)
def test_inputs_that_are_no_pictures(values, axes, inputs, input_axes, kind) -> None:
    rng = np.random.default_rng(2)
    data = (
        rng.integers(0, 90, inputs)
        if kind is Kind.TOKENS
        else rng.normal(size=inputs).astype(np.float32)
    )
    made = result(
        rng.normal(size=values).astype(np.float32),
        axes=axes,
        inputs=data,
        input_axes={"input": input_axes},
        method=FakeSigned(),
    )
    assert {item.kind for item in maps.maps_of(made)} == {kind}
    assert drawn(plot.figure(made)).std() > 5
    assert "tabby" in plot.alt_text(made)


def test_several_inputs_have_a_row_and_a_bar_each() -> None:
    rng = np.random.default_rng(3)
    made = result(
        {
            "image": rng.normal(size=(2, 6, 8)).astype(np.float32),
            "facts": rng.normal(size=(2, 4)).astype(np.float32),
        },
        axes={"image": ("sample", "y", "x"), "facts": ("sample", "feature")},
        inputs={"image": rng.uniform(size=(2, 6, 8, 3)), "facts": rng.normal(size=(2, 4))},
        input_axes={"image": ("sample", "y", "x", "channel"), "facts": ("sample", "feature")},
        method=FakeSigned(),
    )
    figure = plot.figure(made)
    assert texts(figure).count("\nagainst\n") == 4
    assert drawn(figure).std() > 5


class TestSheet:
    def test_column_per_layer_from_shallow_to_deep(self) -> None:
        sweep = [dataclasses.replace(cam(2), layer=f"block{i}") for i in (1, 3, 5)]
        shown = texts(plot.sheet(sweep))
        assert shown.index("block1") < shown.index("block3") < shown.index("block5")
        assert shown.count("none 0") == 3

    def test_methods_against_targets(self) -> None:
        both = [
            cam(1, targets=2),
            dataclasses.replace(cam(1, targets=2), method=FakeCam(relu=False)),
        ]
        figure = plot.sheet(both)
        labels = [axes.get_xlabel() for axes in figure.axes if axes.get_xlabel()]
        assert [label.splitlines()[1] for label in labels] == [
            "logit of 'tabby' (9.5)",
            "logit of 'dog' (8.5)",
        ]

    def test_another_model_says_what_it_predicts(self) -> None:
        first = cam(1)
        other = dataclasses.replace(
            first, predictions=first.predictions[:, ::-1], explained=("logit of 'dog' (7.5)",)
        )
        labels = [axes.get_xlabel() for axes in plot.sheet([first, first, other]).figure.axes]
        said = [label for label in labels if "dog" in label]
        assert len(said) == 1
        assert "logit of 'dog' (7.5)" in said[0]
        assert len(said[0].splitlines()) >= 2

    def test_results_must_belong_together(self) -> None:
        with pytest.raises(BadInput, match="different samples"):
            plot.sheet([cam(1), cam(2)])
        with pytest.raises(BadInput, match="1 and 2 targets"):
            plot.sheet([cam(1), cam(1, targets=2)])
        with pytest.raises(BadInput, match="no result"):
            plot.sheet([])


class TestAltText:
    def test_says_share_area_and_place(self) -> None:
        values = np.zeros((1, 30, 30), np.float32)
        values[0, :3, :6] = 1
        values[0, 20, 20] = 2
        text = plot.alt_text(result(values))
        assert text == (
            "Fake-CAM map of photo0.jpg: 100 % of the positive evidence for 'tabby' lies in 2.1 % "
            "of the image, upper left."
        )

    def test_smallest_area_is_the_smallest(self) -> None:
        values = np.random.default_rng(0).gamma(0.4, size=(15, 15))
        held, area, region = whereabouts.concentration(values)
        best = np.sort(values, axis=None)[::-1].cumsum() / values.sum()
        assert held >= 0.5
        assert region.sum() == int((best < 0.5).sum()) + 1
        assert area == pytest.approx(region.mean())
        assert held == pytest.approx(values[region].sum() / values.sum())

    @pytest.mark.parametrize(
        ("y", "x", "place"),
        [
            (2, 2, "upper left"),
            (2, 15, "upper centre"),
            (2, 27, "upper right"),
            (15, 2, "left"),
            (15, 15, "centre"),
            (15, 27, "right"),
            (27, 2, "lower left"),
            (27, 15, "lower centre"),
            (27, 27, "lower right"),
        ],
    )
    def test_nine_places(self, y: int, x: int, place: str) -> None:
        assert plot.alt_text(result(spot(30, 30, y, x)[None])).endswith(f"of the image, {place}.")

    def test_two_spots_are_not_said_to_be_in_the_centre(self) -> None:
        values = spot(30, 30, 15, 2, radius=2) + 1.01 * spot(30, 30, 15, 27, radius=2)
        region = plot.alt_text(result(values[None]))
        both = whereabouts.place(np.where(values > 0, values, 0).astype(float))
        assert both == "spread out, most in the right part"
        assert region.endswith("right.")

    def test_evidence_against_is_told(self) -> None:
        assert "33 % of all evidence speaks against it" in plot.alt_text(signed())
        only = result(-spot(9, 9, 4, 4)[None], method=FakeSigned())
        assert (
            "no positive evidence for 'tabby'; 100 % of all evidence speaks against"
            in plot.alt_text(only)
        )

    def test_strength_is_not_called_evidence(self) -> None:
        made = result(spot(9, 9, 4, 4)[None, ..., None], axes=("sample", "y", "x", "channel"))
        text = plot.alt_text(dataclasses.replace(made, method=FakeSaliency()))
        assert "of the influence on 'tabby'" in text
        assert "evidence" not in text

    def test_unknown_target_is_refused(self) -> None:
        with pytest.raises(BadInput, match="no map of target 3 for input 'input'"):
            plot.alt_text(cam(1, targets=2), 0, 3)

    def test_empty_and_broken_maps(self) -> None:
        values = np.zeros((1, 6, 6), np.float32)
        values[0, 0, 0] = np.nan
        text = plot.alt_text(result(values))
        assert "no positive evidence for 'tabby' at layer conv5" in text
        assert "1 values are not finite" in text

    @pytest.mark.parametrize(
        ("explained", "subject"),
        [
            ("logit of 'tabby' (12.3)", "'tabby'"),
            ("probability of class 3 (0.98)", "class 3"),
            ("logit of 'a (b)' of output 'kind' (−1.2e-05)", "'a (b)' of output 'kind'"),
            ("logit of 'cat' minus logit of 'dog' (3)", "'cat' rather than 'dog'"),
            ("output value (3.2)", "output value"),
        ],
    )
    def test_subject(self, explained: str, subject: str) -> None:
        assert words.subject(explained) == subject


class TestPrediction:
    def test_ranking_names_and_orders(self) -> None:
        ranked = predictions.ranking(cam(), 0, top=3)[""]
        assert [(item.label, item.words) for item in ranked] == [
            ("tabby", "70 %"),
            ("dog", "12 %"),
            ("fox", "8 %"),
        ]

    @pytest.mark.parametrize(
        ("row", "labels", "expected"),
        [
            ([2.5, -1.0], ("a", "b"), "a, 2.5"),
            ([0.9, 0.8], ("a", "b"), "a 0.9, b 0.8"),  # several labels at once
            ([0.9, 0.2], ("a", "b"), "a, 0.9"),
            ([0.2], None, "output 0.2"),
            ([0.2], ("no", "yes"), "no, 80 %"),
            ([-3.25], ("no", "yes"), "output −3.25"),
            ([0.9, 0.1], None, "class 0, 90 %"),
        ],
    )
    def test_words_say_no_more_than_the_output(self, row, labels, expected) -> None:
        made = dataclasses.replace(cam(1), predictions=np.array([row], np.float32), labels=labels)
        assert predictions.prediction_words(made, 0) == expected

    def test_outputs_by_name_and_outputs_that_are_maps(self) -> None:
        outputs = {"kind": np.array([[0.9, 0.1]]), "mask": np.zeros((1, 4, 5))}
        assert (
            predictions.prediction_words(dataclasses.replace(cam(1), predictions=outputs), 0)
            == "kind: class 0, 90 %"
        )
        only = dataclasses.replace(cam(1), predictions=outputs["mask"])
        assert predictions.prediction_words(only, 0) == "no class, but an output of 4 × 5"

    @pytest.mark.parametrize(
        ("share", "expected"),
        [
            (0, "0 %"),
            (1e-5, "< 0.1 %"),
            (0.054, "5.4 %"),
            (0.62, "62 %"),
            (0.9999, "> 99.9 %"),
            (1, "100 %"),
        ],
    )
    def test_percentages_are_never_falsely_certain(self, share: float, expected: str) -> None:
        assert wording.percentage(share) == expected


class TestFiles:
    def test_png_carries_what_made_it(self, tmp_path) -> None:
        path = plot.save_png(cam(), tmp_path / "map.png")
        picture = Image.open(path)
        stamped = json.loads(picture.text["kerascope"])
        assert stamped["provenance"]["model_sha256"] == "ab" * 32
        assert stamped["explained"][0] == "logit of 'tabby' (9.5)"
        assert not picture.getexif()
        assert np.asarray(picture.convert("RGB")).std() > 5

    def test_png_of_a_sheet_carries_all(self, tmp_path) -> None:
        path = plot.save_png(
            [cam(), dataclasses.replace(cam(), layer="conv2")], tmp_path / "sheet.png"
        )
        layers = [item["layer"] for item in json.loads(Image.open(path).text["kerascope"])]
        assert layers == ["conv5", "conv2"]

    def test_no_folder_leaves(self, tmp_path) -> None:
        made = dataclasses.replace(
            cam(1),
            names=("/home/alice/private pictures/cat.jpg",),
            notes=("read from C:\\Users\\alice\\m.keras", "kept /srv/alice/x.npy and base/conv1"),
            provenance=provenance(FakeCam(), model="/home/alice/models/tiny.keras"),
        )
        content = plot.save_png(made, tmp_path / "map.png").read_bytes()
        assert b"alice" not in content
        stamped = json.loads(Image.open(tmp_path / "map.png").text["kerascope"])
        assert stamped["names"] == ["cat.jpg"]
        assert stamped["provenance"]["model"] == "tiny.keras"
        assert stamped["notes"] == ["read from m.keras", "kept x.npy and base/conv1"]
        assert "alice" not in plot.notebook_html(made)

    @pytest.mark.parametrize(
        "harmless",
        ["x/127.5 − 1", "base/block5_conv3", "a / b / c", "http://example.org/a/b", "1/2 and 3/4"],
    )
    def test_what_is_no_folder_stays(self, harmless: str) -> None:
        assert stamp.without_folders(harmless) == harmless

    def test_failed_write_keeps_the_old_file(self, tmp_path) -> None:
        with pytest.raises(BadFile, match="cannot write"):
            plot.save_png(cam(1), tmp_path / "missing" / "map.png")
        old = tmp_path / "map.png"
        old.write_bytes(b"old")
        with pytest.raises(BadInput):
            plot.save_png(cam(1), old, samples=[9])
        assert old.read_bytes() == b"old"
        assert [p.name for p in tmp_path.iterdir()] == ["map.png"]


class TestNotebook:
    def test_small_escaped_and_described(self) -> None:
        names = (EVIL, "b.jpg")
        made = dataclasses.replace(cam(2), names=names, explained=(f"logit of '{EVIL}' (1)",) * 2)
        html = plot.notebook_html(made)
        assert "<script" not in html
        assert html.count("<img") == 4
        assert len(re.findall(r'alt="[^"]+"', html)) == 4
        assert "of the positive evidence for" in html
        assert len(html) < 60_000

    def test_more_samples_than_shown_is_said(self) -> None:
        html = plot.notebook_html(cam(6))
        assert "first 4 of 6 samples" in html
        assert "photo5.jpg" not in html

    def test_repr_html_of_other_inputs(self) -> None:
        made = result(
            np.ones((1, 5), np.float32),
            axes=("sample", "feature"),
            inputs=np.ones((1, 5), np.float32),
            input_axes={"input": ("sample", "feature")},
            method=FakeSigned(),
        )
        assert 'alt="Fake signed map' in made._repr_html_()


def test_attribution_plot_is_the_figure() -> None:
    assert isinstance(cam().plot(samples=[0]), Figure)
    assert grid.figure is plot.figure
