"""Figures of the first page and of strategies hold what their words say."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from scipy.special import softmax

from audit.data import picture
from audit.made import made, said
from audit.test_quality import CLASSES, drawn
from audit.test_strategies import rows_of, spots
from kerascope.audit import figures
from kerascope.audit.pictures import Pictures
from kerascope.audit.quality import quality
from kerascope.audit.scatter import scatter
from kerascope.audit.source import source_of
from kerascope.audit.strategies import strategies
from kerascope.plot.audit_quality import confusion_alt, confusion_figure, reliability_figure
from kerascope.plot.audit_strategies import scatter_figure, strategies_alt, strategies_figure
from once import once

pytestmark = once


def size_of(png: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(png)) as opened:
        assert opened.format == "PNG"
        assert np.asarray(opened.convert("L")).std() > 5
        return opened.size


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


class TestConfusion:
    def test_cells(self) -> None:
        counts = np.array([[8, 2, 0], [0, 5, 5], [0, 0, 0]])
        figure = confusion_figure(counts, ["a", "b", "c$"], words="w")
        assert texts(figure) == ["8", "2", "5", "5"]
        drawn = figure.axes[0].images[0].get_array()
        np.testing.assert_allclose(drawn, [[0.8, 0.2, 0], [0, 0.5, 0.5], [0, 0, 0]])
        alt = confusion_alt(counts, ["a", "b", "c"])
        assert "13 of 20 samples on the diagonal" in alt
        assert "Most often: 'b' taken for 'c' in 5 of 10; 'a' taken for 'b' in 2 of 10." in alt
        assert confusion_alt(np.diag([1, 2]), ["a", "b"]).endswith("No mistakes.")

    def test_many_classes_show_those_that_are_confused(self, tmp_path: Path) -> None:
        scores, labels = drawn(400, 30)
        found = quality(
            made(tmp_path, said(scores, labels, chances=softmax(scores, axis=1)), part=400)
        )
        chosen = found.hardest(4)
        assert len(chosen) == 4
        first = found.confusions[0]
        assert {first.true, first.predicted} <= {found.name(k) for k in chosen}
        assert found.matrix(np.array(chosen)).shape == (4, 4)
        assert found.hardest(99) == [c.label for c in found.per_class]
        confusion, reliability = figures.quality_figures(found)
        assert "the 20 classes most often confused" in confusion.alt
        assert reliability.name == "reliability"
        size_of(confusion.png)


class TestReliability:
    def test_bars_and_intervals(self) -> None:
        low, high = np.array([0.2, 0.8]), np.array([0.4, 1.0])
        figure = reliability_figure(
            np.array([0.3, 0.9]), np.array([0.5, 0.6]), np.array([[0.2, 0.8], [0.5, 0.7]]),
            np.array([10, 90]), np.stack([low, high], axis=1), words="w",
        )  # fmt: skip
        bars, counts = (axes.patches for axes in figure.axes)
        assert [bar.get_height() for bar in bars] == [0.5, 0.6]
        assert [bar.get_height() for bar in counts] == [10, 90]
        assert [bar.get_x() for bar in bars] == [0.2, 0.8]
        ends = figure.axes[0].collections[0].get_segments()
        np.testing.assert_allclose([seg[:, 1] for seg in ends], [[0.2, 0.8], [0.5, 0.7]])

    def test_words(self, tmp_path: Path) -> None:
        scores, labels = drawn(200)
        found = quality(made(tmp_path, said(scores, labels, chances=softmax(scores, axis=1)),
                             classes=CLASSES))  # fmt: skip
        shown = {one.name: one for one in figures.quality_figures(found)}
        assert set(shown) == {"confusion", "reliability"}
        assert found.calibration is not None
        assert f"expected calibration error {found.calibration.ece:.3f}" in shown["reliability"].alt
        assert "are right in" in shown["reliability"].alt

    def test_nothing_to_show(self, tmp_path: Path) -> None:
        scores, _ = drawn(5)
        assert list(figures.quality_figures(quality(made(tmp_path, said(scores, [-1] * 5))))) == []


class TestStrategies:
    def test_zero_is_white_and_for_is_red(self) -> None:
        mean = np.zeros((4, 4), np.float32)
        mean[0, 0], mean[3, 3] = 2, -1
        figure = strategies_figure([mean, mean / 2], [0.7, 0.3], [[picture(0)], []], words="w")
        first = np.asarray(figure.axes[0].images[0].get_array()).astype(int)
        middle = first[first.shape[0] // 2, first.shape[1] // 2]
        assert middle.min() > 240
        red, blue = first[2, 2], first[-3, -3]
        assert red[0] > red[2] + 60
        assert blue[2] > blue[0] + 20
        second = np.asarray(figure.axes[2].images[0].get_array()).astype(int)
        assert second[2, 2].min() > red.min()  # one scale for all
        assert figure.axes[0].get_title() == "strategy 1: 70 %"

    def test_words_name_the_place(self) -> None:
        mean = np.zeros((16, 16), np.float32)
        mean[12:15, 1:4] = 1
        alt = strategies_alt([mean, -mean], [0.75, 0.25], words="two")
        assert "strategy 1 (75 %): 100 % of the positive evidence lies in 3.5 %" in alt
        assert "lower left" in alt
        assert "strategy 2 (25 %): no positive evidence" in alt

    def test_of_rows(self, tmp_path: Path) -> None:
        kinds = np.arange(60) % 2
        rows = rows_of(spots(kinds, 0), [0] * 60)
        found = strategies(made(tmp_path, rows, classes=("cat", "dog"))).classes[0]
        source = source_of(np.stack([picture(i) for i in range(60)]))
        shown = figures.strategies_figure(found, Pictures(source, {}))
        assert shown is not None
        assert "2 strategies (50 %, 50 %)" in shown.alt
        assert "upper left" in shown.alt
        assert "lower right" in shown.alt
        plain = figures.strategies_figure(found)
        assert plain is not None
        assert size_of(shown.png)[0] > size_of(plain.png)[0]

    def test_series_have_no_figure(self, tmp_path: Path) -> None:
        rows = rows_of(np.random.default_rng(0).normal(size=(20, 9)), [0] * 20)
        assert figures.strategies_figure(strategies(made(tmp_path, rows)).classes[0]) is None


class TestScatter:
    def test_groups_and_marks(self) -> None:
        rng = np.random.default_rng(0)
        groups = [*[0] * 9, *[1] * 5, -1]
        marked = [True, *[False] * 14]
        figure = scatter_figure(rng.normal(size=(15, 2)), groups, ["a$b", "c"], words="w",
                                marked=marked)  # fmt: skip
        dots, crosses = figure.axes[0].collections
        assert (len(dots.get_offsets()), len(crosses.get_offsets())) == (14, 1)
        assert len(np.unique(dots.get_facecolors(), axis=0)) == 3
        listed = [text.get_text() for text in figure.legends[0].get_texts()]
        assert listed == [r"a\$b", "c", "others", "wrong"]

    @pytest.mark.parametrize("labelled", [True, False])
    def test_of_rows(self, tmp_path: Path, *, labelled: bool) -> None:
        scores, labels = drawn(40)
        rows = said(scores, labels if labelled else [-1] * 40)
        shown = figures.scatter_figure(scatter(made(tmp_path, rows)), CLASSES)
        size_of(shown.png)
        wrong: Any = (scores.argmax(axis=1) != labels).sum()
        assert (f"{wrong} are crosses" in shown.alt) == labelled
        assert f"colour: {'label' if labelled else 'predicted class'}" in shown.alt
