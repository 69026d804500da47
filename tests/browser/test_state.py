"""The state is in the address: whole, checked, and one step back at a time."""

from __future__ import annotations

from typing import Any

import pytest

from browser import scenes
from browser.app import Open
from browser.watched import Modules

FULL = {
    "sample": "s3", "model": "m0", "method": "k1", "target": "'tabby' & 'lynx', rather = ?#%",
    "epoch": 2.25, "input": "image", "view": "split", "pins": ["a1", "a2"], "split": 0.25,
    "colours": "viridis", "sign": "against", "threshold": 0.3, "opacity": 0.4, "blend": "cover",
    "contours": True, "versus": "'lynx'", "contrast": 0.6, "path": 0.5,
    "filter": {"wrong": True, "unsure": True, "surprising": True, "class": "red, fox",
               "grade": "B", "text": "ä & b=c#d"},
    "drawer": "points", "mask": "s.3.AAUD-_", "how": "grey",
}  # fmt: skip

BAD = {
    "view": "constructor", "colours": 3, "sign": None, "threshold": "much", "opacity": -4,
    "split": 1e400, "contrast": 7, "pins": [{}], "contours": "yes", "sample": ["s1"],
    "target": "x" * 5000, "filter": {"wrong": "1", "class": 4, "more": True}, "zoom": 99,
    "epoch": "soon", "centre": [0.1], "nothing": 1,
    "mask": "s1.<script>", "how": "saw",
}  # fmt: skip


def test_every_value_survives_the_address(modules: Modules) -> None:
    text, again = modules.run(
        """const { checkedState, parseState, stateText } = await load("state.js");
        const text = stateText(checkedState(given));
        location.hash = text;
        return [text, parseState(location.hash.slice(1))];""",
        FULL,
    )
    assert {key: again[key] for key in FULL} == FULL
    assert " " not in text


def test_the_default_has_no_words_in_the_address(modules: Modules) -> None:
    body = """const { DEFAULTS, parseState, stateText } = await load("state.js");
        return [stateText(DEFAULTS), JSON.stringify(parseState("")), JSON.stringify(DEFAULTS)];"""
    text, none, start = modules.run(body)
    assert text == ""
    assert none == start


def test_what_is_no_state_is_left_at_its_default(modules: Modules) -> None:
    bad, start, numbers = modules.run(
        """const { DEFAULTS, checkedState, parseState } = await load("state.js");
        const odd = "__proto__=x&constructor=y&toString=z&view=%00&opacity=NaN&split=1e9&wrong=2";
        return [checkedState(given), DEFAULTS, parseState(odd)];""",
        BAD,
    )
    kept = {"opacity": 0, "contrast": 1, "zoom": 16}
    assert bad == start | kept
    assert numbers == start | {"split": 1}


STEPS = """
  const { makeState } = await load("state.js");
  const state = makeState();
  const told = [];
  state.subscribe((now) => told.push(now.sample));
  const waited = () => new Promise((done) =>
    addEventListener("popstate", () => setTimeout(done, 20), { once: true }));
  const rested = () => new Promise((done) => setTimeout(done, 200));
"""


def test_back_and_forward_go_by_steps(modules: Modules) -> None:
    found = modules.run(
        STEPS
        + """
        state.set({ sample: "s1" });
        state.set({ method: "k1" });
        state.set({ opacity: 0.5 });
        state.set({ opacity: 0.6 });              // of the same drag: no step of its own
        state.set({ threshold: 0.2 }, { quiet: true });
        state.set({ sample: "s1" });              // nothing new
        await rested();
        const seen = [location.hash];
        for (const step of [-1, -1, -1, 1]) {
          const back = waited();
          history.go(step);
          await back;
          seen.push([state.get().sample, state.get().method, state.get().opacity]);
        }
        return [seen, told.length];"""
    )
    assert found[0] == [
        "#sample=s1&method=k1&threshold=0.2&opacity=0.6",
        ["s1", "k1", 0.85], ["s1", "", 0.85], ["", "", 0.85], ["s1", "", 0.85],
    ]  # fmt: skip
    assert found[1] == 5 + 4


def test_a_slider_does_not_flood_the_address(modules: Modules) -> None:
    """Browsers refuse pages that write their address too often."""
    found = modules.run(
        STEPS
        + """
        let writes = 0;
        for (const name of ["pushState", "replaceState"]) {
          const own = history[name].bind(history);
          history[name] = (...given) => { writes += 1; own(...given); };
        }
        for (let i = 0; i <= 100; i += 1) {
          state.set({ opacity: i / 100 }, { quiet: true });
          if (i % 10 === 0) await new Promise((done) => setTimeout(done, 5));
        }
        await rested();
        return [writes, told.length, location.hash];"""
    )
    assert found[0] < 8
    assert found[1] == 101
    assert found[2] == "#opacity=1"


def test_a_link_opened_on_the_page_counts(modules: Modules) -> None:
    body = """
        const moved = new Promise((done) => addEventListener("hashchange", done, { once: true }));
        location.hash = "sample=s9&blend=alone";
        await moved;
        return [state.get().sample, state.get().blend, told];"""
    assert modules.run(STEPS + body) == ["s9", "alone", ["s9"]]


@pytest.mark.parametrize("odd", ["sample=s99&method=k99&target=nobody&pins=x,y&versus=z", ""])
def test_a_state_of_things_that_are_not_there_shows_what_is(modules: Modules, odd: str) -> None:
    made = scenes.document(4)
    found: dict[str, Any] = modules.run(
        """const { makeBook } = await load("book.js");
        const { parseState } = await load("state.js");
        const shown = makeBook(given[0]).resolve(parseState(given[1]));
        return { ...shown, map: shown.map.id };""",
        [made, odd],
    )
    first = made["maps"][0]
    assert found["sample"] == first["sample"]
    assert found["map"] == first["id"]
    assert found["pinned"] == []
    assert found["versusMap"] is None
    assert found["prediction"]["verdict"] == "tabby, 91 %"


def test_pieces_of_answers_replace_and_add(modules: Modules) -> None:
    made = scenes.document(2, methods=("grad_cam",))
    piece = scenes.document(2, methods=("grad_cam", "smooth_grad"))
    piece["maps"][0]["caption"] = "newer"
    found = modules.run(
        """const { makeBook } = await load("book.js");
        const book = makeBook(given[0]);
        book.merge(given[1]);
        book.merge(given[1]);
        const { maps, methods, samples } = book.document;
        const blobs = Object.keys(book.document.blobs).length;
        const first = book.mapsOf("s0")[0].caption;
        book.removeModel(maps[0].model);
        const left = book.document.maps.length;
        return [maps.length, methods.length, samples.length, blobs, first, left];""",
        [made, piece],
    )
    assert found == [8, 2, 2, len(piece["blobs"]), "newer", 0]


def test_what_is_painted_and_how_is_in_the_link(app: Open) -> None:
    page = app("erase=1&how=grey")
    page.page.locator(".stage-view").first.focus()
    for key in ("]", "]", " ", "ArrowRight", "ArrowRight", " "):
        page.page.keyboard.press(key)
    link = page.link
    again = app(link)
    drawn = "document.querySelector('.stage-mask').toDataURL()"
    assert again.page.evaluate(drawn) == page.page.evaluate(drawn)
    assert again.text(".stage-predicted") == page.text(".stage-predicted") != ""
    assert again.page.locator(".stage-erase select").input_value() == "grey"
    page.page.go_back()
    page.page.wait_for_timeout(50)
    assert page.text(".stage-predicted") != again.text(".stage-predicted")
