"""The slider from one class to another shows what Python computes, without a model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browser import scenes
from browser.app import Open
from browser.served import Served
from browser.watched import Modules

NUMBERS = """
  const { makeBook } = await load("book.js");
  const { parseState } = await load("state.js");
  const { numbersOf, inputField } = await load("sources.js");
  const book = makeBook(given.document);
  const shown = book.resolve(parseState(given.state));
  const numbers = await numbersOf({ book }, shown, shown.map);
  const field = await inputField({ book }, numbers);
  return { values: [...field], subject: numbers.subject, meaning: numbers.meaning };
"""


@pytest.fixture(scope="module")
def net() -> Any:
    """A small net of three classes, and two pictures."""
    import keras

    keras.utils.set_random_seed(3)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((20, 24, 3)),
            layers.Conv2D(6, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(2),
            layers.Conv2D(8, 3, activation="relu", padding="same", name="last"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    return model, np.random.default_rng(0).uniform(0, 1, (2, 20, 24, 3)).astype("float32")


@pytest.mark.parametrize("method", ["grad_cam", "gradient_x_input", "occlusion"])
def test_the_slider_is_the_contrast_of_python(modules: Modules, net: Any, method: str) -> None:
    import kerascope as ks
    from kerascope.report.document import document_of
    from kerascope.targets import Contrast

    model, x = net
    several = ks.explain(model, x, method, target=(0, 2))
    made = document_of([several])
    assert made["methods"][0]["linear"] is True
    one, other = (m["target"]["key"] for m in made["maps"][:2])
    wanted = np.asarray(ks.explain(model, x, method, target=Contrast(0, 2)).heatmap())
    for index in range(2):
        state = f"sample=s{index}&target={one}&versus={other}&contrast=1"
        found = modules.run(NUMBERS, {"document": made, "state": state})
        values = np.reshape(found["values"], (20, 24))
        size = max(np.abs(wanted[index]).max(), 1e-9)
        assert np.abs(values - wanted[index]).max() <= 2e-3 * size
        assert found["subject"] == f"{one} rather than {other}"
        assert values.std() > 0


def test_half_way_takes_off_half(modules: Modules, served: Served) -> None:
    made = scenes.document(1, methods=("occlusion",))
    found = {
        share: modules.run(
            NUMBERS,
            {"document": made, "state": f"versus='lynx'&contrast={share}" if share else ""},
        )
        for share in (0, 0.5, 1)
    }
    own, half, whole = (np.array(found[share]["values"]) for share in (0, 0.5, 1))
    np.testing.assert_allclose(half, (own + whole) / 2, atol=1e-5)
    assert found[0.5]["subject"] == "'tabby' less 50 % of 'lynx'"
    assert found[0]["meaning"] == "signed"


def test_the_slider_asks_nobody_and_says_what_it_shows(app: Open, report: Path) -> None:
    page = app()
    asked, before = len(page.watched.requests), page.drawn()
    page.control("versus").select_option(label="'lynx'")
    whole = page.drawn()
    page.slide("contrast", 0.4)
    part = page.drawn()
    page.slide("contrast", 0)
    assert page.drawn() == before
    assert len({tuple(before), tuple(whole), tuple(part)}) == 3
    assert page.watched.requests[asked:] == []
    page.slide("contrast", 1)
    page.drawn()
    words = page.text(".stage-contrast output")
    assert re.fullmatch(r"why 'tabby' rather than 'lynx' \(2\.97\)", words), words
    page.page.wait_for_function(
        "() => document.querySelector('#caption').innerText.includes('rather than')"
    )
    assert "'tabby' rather than 'lynx'" in (
        page.page.locator(".stage-canvas").first.get_attribute("aria-label") or ""
    )


def test_methods_that_are_not_linear_have_no_slider(app: Open) -> None:
    page = app()
    assert page.control("versus").is_visible()
    page.page.locator(".method", has_text="SmoothGrad").click()
    page.drawn()
    assert not page.control("versus").is_visible()


def test_a_grade_is_not_shown_for_what_was_not_graded(app: Open) -> None:
    trust = "[aria-labelledby=part-trust]"
    assert "trust it" in app().text(trust)
    page = app("versus='lynx'&contrast=1")
    assert page.text(trust).endswith("The grade A is of the map of 'tabby' alone.")
    assert "stable" not in page.text("#verdict")


@pytest.mark.parametrize("name", ["SmoothGrad", "Grad-CAM"])
def test_a_contrast_is_told_of_only_where_it_is_shown(app: Open, name: str) -> None:
    """One method has none; with the other, nothing of the second class is taken off."""
    share = {"SmoothGrad": "1", "Grad-CAM": "0"}[name]
    page = app(f"versus='lynx'&contrast={share}")
    page.page.locator(".method", has_text=name).click()
    page.drawn()
    page.page.wait_for_timeout(400)  # words of a mixed map come when the slider rests
    told = [page.text(place) for place in ("#verdict", "#caption", ".explained", ".inspector")]
    assert not [words for words in told if "rather than" in words]
    assert "mixed" not in page.text("[aria-labelledby=part-trust]")


def test_the_line_below_says_what_is_explained(app: Open) -> None:
    page = app("versus='lynx'&contrast=1")
    assert page.text(".explained").endswith("'tabby' rather than 'lynx'")
    page.slide("contrast", 0)
    page.drawn()
    assert re.search(r"logit of 'tabby' \([\d.]+\)$", page.text(".explained"))
