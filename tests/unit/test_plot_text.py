"""Highlighted text: whole, in order, escaped, numbers as text; its words."""

from __future__ import annotations

import dataclasses
import html
import re

import numpy as np
import pytest

import kerascope as ks
import text_nets
from kerascope.attribution import Attribution
from kerascope.plot import alt_text, figure, notebook_html
from kerascope.plot.maps import maps_of
from kerascope.plot.text import ink_on, lines_of, pieces_of, text_limit

TEXT = "Not <b>boring</b>, a GREAT film (boring?) & so on/off…"


@pytest.fixture(scope="module")
def result() -> Attribution:
    """A text whose values are set by hand: 3 for each "boring", −1 for "film", small elsewhere."""
    texts = ks.load_texts([TEXT, "a great plot"], vocabulary=text_nets.WORDS, length=12)
    net = lambda ids: np.stack([ids.sum(1), -ids.sum(1)], 1) / 100.0  # noqa: E731
    made = ks.explain(net, texts, "feature_ablation", target=0)
    values = np.zeros_like(made.values)
    names = made.tokens(0).word_names
    for place, name in enumerate(names):
        values[0, place] = {"boring": 3.0, "film": -1.0, "GREAT": 1.0}.get(name, 0.0)
    return dataclasses.replace(made, values=values, labels=("dull", "lively"))


def test_a_text_is_whole(result: Attribution) -> None:
    item = maps_of(result)[0]
    pieces = pieces_of(result, item)
    said = "".join(("" if piece.glued else " ") + piece.text for piece in pieces)
    assert said.strip() == TEXT
    values = {piece.text: piece.value for piece in pieces if piece.value}
    assert values == {"boring": 3.0, "GREAT": 1.0, "film": -1.0}


def test_lines_hold_what_fits(result: Attribution) -> None:
    pieces = pieces_of(result, maps_of(result)[0])
    lines = lines_of(pieces, 120.0, 10.0)
    assert [piece for line in lines for _, piece in line] == pieces
    assert len(lines) > 2
    assert all(line[0][0] == 0 for line in lines)
    assert all(left < 120 for line in lines for left, _ in line)


def test_html_is_escaped_and_says_the_numbers(result: Attribution) -> None:
    page = notebook_html(result)
    assert "<b>boring" not in page
    assert "&lt;" in page
    plain = html.unescape(re.sub(r"<[^>]+>", " ", page))
    assert "boring  3" in plain
    assert "film  −1" in plain
    assert "against −3" in plain
    assert page.count("<section") == 2
    assert page.count("linear-gradient") == 1


def test_ink_can_be_read(result: Attribution) -> None:
    page = notebook_html(result)
    for ground, ink in re.findall(r"background:(#\w{6});color:(#\w{6})", page):
        light = [_light(colour) for colour in (ground, ink)]
        assert (max(light) + 0.05) / (min(light) + 0.05) > 4
    assert ink_on(np.array([103, 0, 31], np.uint8)) == "#ffffff"


def _light(colour: str) -> float:
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_words(result: Attribution) -> None:
    said = alt_text(result, 0)
    held = "86 % of the positive evidence for value of class 0 lies in 2 of 11 words"
    assert f"{held}: 'boring' (2 times)" in said
    assert "12 % of all evidence speaks against it" in said
    assert "special tokens" not in said


def test_what_lies_on_special_tokens_is_said(result: Attribution) -> None:
    text = result.tokens(0)
    moved = dataclasses.replace(
        text, words=tuple(word - 1 if word > 0 else -1 for word in text.words)
    )
    values = result.values.copy()
    values[0, 0] = 8.0
    name = result.input_names[0]
    other = dataclasses.replace(result, values=values, features={name: (moved, result.tokens(1))})
    assert "50 % of all evidence lies on special tokens" in alt_text(other, 0)


def test_figures(result: Attribution) -> None:
    whole = figure(result)
    drawn = [text.get_text() for text in whole.axes[0].texts]
    assert {"boring", "film", "3", "−1", "against −3", "for 3"} <= set(drawn)
    assert text_limit(result, maps_of(result)) == 3.0
    own = figure(result, shared_scale=False)
    assert "for (each text its own scale)" in [text.get_text() for text in own.axes[0].texts]
    beside = ks.plot.sheet([result, result]) if hasattr(ks, "plot") else None
    assert beside is None or len(beside.axes) >= 6
    whole.canvas.draw()
