"""Figures show themselves in notebooks, trusted or not, and what they say fits them."""

from __future__ import annotations

import io
from typing import Any

import keras
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

import kerascope as ks
import troubles
from kerascope.plot.evaluation import evaluation_figure
from kerascope.plot.figures import Figure


def test_a_figure_is_a_png_in_a_notebook() -> None:
    shown = Figure(figsize=(2, 1), dpi=50)._repr_png_()
    assert Image.open(io.BytesIO(shown)).size == (100, 50)


@pytest.fixture(scope="module")
def model() -> Any:
    keras.utils.set_random_seed(0)
    return troubles.flat()


def test_what_is_plotted_is_such_a_figure(model: Any) -> None:
    result = ks.explain(model, troubles.X, "gradient")
    maps = ks.activations(model, troubles.X, "conv")
    for figure in (result.plot(), maps.plot(), ks.filters(model).plot()):
        assert isinstance(figure, Figure)


def test_results_show_themselves_without_scripts(model: Any) -> None:
    result = ks.explain(model, troubles.X, "gradient")
    found = [result, ks.architecture(model), ks.maximize(model, 1, steps=2)]
    for shown in found:
        markup = shown._repr_html_()
        assert "<script" not in markup
        assert " on" not in markup.replace(" one", "").split("base64,")[0]
        assert "http" not in markup.replace("http://www.w3.org/2000/svg", "")


def test_the_heading_of_an_evaluation_fits_its_figure() -> None:
    values = np.array([[(0.5, 0.4, 0.6)]])
    whole = evaluation_figure(values, ["gradient"], [], ["Deletion"], [False], [[True]], samples=3)
    FigureCanvasAgg(whole).draw()
    heading = whole.get_suptitle()
    box = next(text for text in whole.texts if text.get_text() == heading).get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= whole.bbox.width
    assert "every control" in heading.replace("\n", " ")
