"""Pictures of attention: what they show, in numbers and in words."""

from __future__ import annotations

import io
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

import kerascope as ks
import zoo
from inside.attention_nets import NETS
from kerascope.hooks import HookedModel
from kerascope.plot.attention import map_picture, matrix_figure, png_figure
from kerascope.plot.maps import Meaning
from once import only_on

pytestmark = only_on("torch")


def look(model: Any, x: Any, **options: Any) -> ks.Attention:
    return ks.attention(HookedModel(model, compiled=keras.backend.backend() == "jax"), x, **options)


@pytest.fixture(scope="module")
def vit() -> zoo.Case:
    return zoo.SHAPES["vit"]()


def texts(figure: Any) -> str:
    """Return all words of a figure."""
    from matplotlib.text import Text

    return "\n".join(item.get_text() for item in figure.findobj(Text))


def test_heads_of_every_layer(vit: zoo.Case) -> None:
    result = look(vit.model, vit.x)
    figure = result.plot(0)
    assert len([axes for axes in figure.axes if axes.images]) == 4
    words = texts(figure)
    assert "not an attribution" in words
    assert "class token" in words
    assert "attention1" in words
    mean = result.plot(1, fused="mean", query=5)
    assert len([axes for axes in mean.axes if axes.images]) == 2
    assert "patch (1, 0)" in texts(mean)
    assert "4 heads in 2 layers" in result.words_for(0)


def test_one_map_per_target(vit: zoo.Case) -> None:
    result = look(vit.model, vit.x, kind="chefer", target=(0, 1))
    figure = result.plot(0)
    assert len([axes for axes in figure.axes if axes.images]) == 3
    assert result.explained[0][1] in texts(figure)
    rolled = look(vit.model, vit.x, kind="rollout", target=(0, 1)).plot(0)
    assert "any class" in texts(rolled)


def test_words_name_the_strongest_patch(vit: zoo.Case) -> None:
    result = look(vit.model, vit.x, kind="rollout")
    assert result.relevance is not None
    place = np.unravel_index(result.relevance[0].argmax(), (3, 4))
    assert f"most on patch ({place[0]}, {place[1]})" in result.words_for(0)


def test_every_patch_has_one_colour() -> None:
    values = np.array([[0.0, 1.0], [0.5, 0.25]])
    grey = np.full((40, 60, 3), 128, np.uint8)
    drawn = map_picture(grey, values, limit=1.0, meaning=Meaning.MAGNITUDE)
    height, width = drawn.shape[0] // 2, drawn.shape[1] // 2
    cells = [
        drawn[y * height : (y + 1) * height, x * width : (x + 1) * width]
        for y in (0, 1)
        for x in (0, 1)
    ]
    assert all(len(np.unique(cell.reshape(-1, 3), axis=0)) == 1 for cell in cells)
    bright = [float(cell.mean()) for cell in cells]
    assert bright[1] == max(bright)
    assert bright[0] == min(bright)


def test_sequences_are_shown_with_their_words() -> None:
    model, ids, _ = NETS["words"]()
    sentence = ["the", "quick", "fox", "jumps", "$x$", "<pad>", "<pad>"]
    result = look(model, ids, words=[sentence, sentence])
    words = texts(result.plot(0))
    assert "quick" in words
    assert "$x$" in words
    assert "a, head 1" in words
    marked = look(model, ids, kind="rollout", words=[sentence, sentence])
    assert "jumps" in texts(marked.plot(0))
    assert "9" in texts(look(model, ids, kind="rollout").plot(0))


def test_distances_and_html(vit: zoo.Case) -> None:
    result = look(vit.model, vit.x)
    figure = result.plot_distances()
    assert "pixels" in texts(figure)
    dots = sum(len(line.get_xdata()) for line in figure.axes[0].lines if line.get_marker() == "o")
    assert dots == 4
    png, width, height = png_figure(figure)
    assert Image.open(io.BytesIO(png)).size[0] > width > 100 < height
    assert "data:image/png" in result._repr_html_()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sample": 2}, "sample 2 is not there"),
        ({"sample": 0, "query": 13}, "query=13 is out of range; there are 13 tokens"),
        ({"sample": 0, "fused": "max"}, "fused='max'"),
    ],
)
def test_bad_options(vit: zoo.Case, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ks.BadInput, match=words):
        look(vit.model, vit.x).plot(**options)


def test_windows_have_matrices() -> None:
    model, x, _ = NETS["windows"]()
    result = look(model, x)
    assert "windows/attend, head 1" in texts(result.plot(0))
    with pytest.raises(ks.BadInput, match="fit no grid"):
        result.maps()
    with pytest.raises(ks.BadInput, match="no distance"):
        result.distances()


def test_a_single_query_has_whole_ticks() -> None:
    """A layer that reads one thing: no row −0.5 or 0.5."""
    figure = matrix_figure({"read": np.full((1, 24), 1 / 24)}, words=None, heading="read")
    low, high = figure.axes[0].get_ylim()
    ticks = [
        tick for tick in figure.axes[0].get_yticks() if min(low, high) <= tick <= max(low, high)
    ]
    assert ticks == [0]
