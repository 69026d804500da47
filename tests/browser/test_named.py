"""Texts and tables on the page: words on their colours, columns as bars, all rows as dots."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browser import checks, named_scenes, scenes
from browser.app import ROOM, App, address
from browser.named_scenes import FIRST, NAMES, TEXTS
from browser.watched import Modules, Watch
from kerascope.report import page_of
from kerascope.report.blobs import read_array
from kerascope.report.document import document_of

NARROW = {"width": 360, "height": 780}
VALUES = """() => Object.fromEntries([...document.querySelectorAll(".text-word")].map((word) =>
  [word.firstElementChild.textContent, word.querySelector("small").textContent]))"""
COLOURS = """() => Object.fromEntries([...document.querySelectorAll(".text-word")].map((word) =>
  [word.firstElementChild.textContent, word.style.backgroundColor]))"""
ROWS = """() => [...document.querySelectorAll(".named > .table-view tbody tr")].map((row) => {
  const bar = row.querySelector(".columns-bar").getBoundingClientRect();
  return {name: row.querySelector(".columns-name").textContent, left: bar.left, right: bar.right,
    worth: row.querySelector(".columns-worth").textContent};
})"""


class Named(App):
    """A page whose stage shows words or columns."""

    waits_for = ".named-view:visible"

    def drawn(self) -> list[str]:
        """Wait for two frames."""
        self.page.evaluate("new Promise((d) => requestAnimationFrame(() => setTimeout(d, 60)))")
        return []


Open = Callable[..., Named]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of texts, one of a long text, one of a table, and one that tries to break out."""
    folder = tmp_path_factory.mktemp("named")
    text, rows = named_scenes.long_text()
    texts = [named_scenes.text_result(), named_scenes.text_result("occlusion", scale=0.7)]
    made = {
        "texts": document_of(texts, title="Reviews", truths=["dull", "lively"]),
        "long": document_of([named_scenes.text_result(texts={text: rows}, length=90)]),
        "table": document_of([named_scenes.table_result()], title="People"),
    }
    made["hostile"] = scenes.hostile(document_of([named_scenes.table_result(count=3)]))
    made["hostile text"] = scenes.hostile(document_of(texts))
    for name, document in made.items():
        (folder / f"{name}.html").write_text(page_of(document), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


@pytest.fixture
def named(watch: Watch, pages: dict[str, Path]) -> Open:
    """Open one of them: `named("texts", "contrast=1", viewport=…)`."""

    def open_(page: str, state: str = "", **options: Any) -> Named:
        settings = {"viewport": ROOM, "offline": True} | options
        return Named(watch(address(pages[page], state), **settings))

    return open_


# --- texts -------------------------------------------------------------------------------------


def test_a_text_is_whole_and_its_pieces_are_words(named: Open) -> None:
    page = named("texts").page
    shown = page.evaluate("""() => { const text = document.querySelector(".text-words")
      .cloneNode(true); text.querySelectorAll("small").forEach((one) => one.remove());
      return text.textContent; }""")
    assert shown == next(iter(TEXTS))
    values = page.evaluate(VALUES)
    assert values["boring"] == "3"
    assert values["unbelievably"] == "2.6"
    assert values["great"] == "−1.1"
    assert "<b>" not in values
    beside = page.locator(".named-beside").inner_text()
    assert beside == "Beside the words: [CLS] 0.02, [SEP] 0.3; 4.2 % of all evidence."
    assert "evidence on 'boring'" in page.locator("#verdict").inner_text()


def test_of_many_words_the_strongest_carry_numbers(named: Open) -> None:
    values = named("long").page.evaluate(VALUES)
    said = {word: number for word, number in values.items() if number}
    sizes = {row[0]: abs(row[1]) for row in named_scenes.long_text()[1]}
    assert len(values) == 90
    assert set(said) == set(sorted(sizes, key=lambda word: -sizes[word])[:20])


def test_keys_go_from_word_to_word_and_say_the_pieces(named: Open) -> None:
    page = named("texts").page
    page.locator(".text-view").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    words = "'unbelievably' +2.6 87 % of the limit (un 0.7, ##believ 1.4, ##ably 0.5)"
    wanted = re.compile(re.escape(words).replace(r"\ ", r"\s+"))
    page.wait_for_function(
        "() => document.querySelector('.named-value').textContent.includes('un 0.7')"
    )
    assert wanted.search(page.locator(".named-value").inner_text())
    page.wait_for_function(
        "() => document.querySelector('.stage-spoken').textContent.includes('2.6')"
    )
    assert page.locator(".text-word[data-marked]").inner_text().startswith("unbelievably")
    page.keyboard.press("ArrowLeft")
    assert page.locator(".text-word[data-marked]").inner_text().startswith("was")
    page.locator("#search").focus()
    assert page.locator(".text-word[data-marked]").count() == 0
    page.locator(".text-word", has_text="boring").hover()
    page.wait_for_function(
        "() => document.querySelector('.named-value').textContent.includes('boring')"
    )


def test_down_goes_to_the_next_line(named: Open) -> None:
    page = named("long").page
    page.locator(".text-view").focus()
    page.keyboard.press("ArrowRight")
    first = page.locator(".text-word[data-marked]").bounding_box()
    page.keyboard.press("ArrowDown")
    second = page.locator(".text-word[data-marked]").bounding_box()
    assert second["y"] > first["y"] + 10
    assert abs(second["x"] - first["x"]) < 40
    page.keyboard.press("ArrowUp")
    assert page.locator(".text-word[data-marked]").bounding_box() == first


def test_the_controls_act_on_words(named: Open) -> None:
    app = named("texts")
    page = app.page
    plain = page.evaluate(COLOURS)
    assert plain["boring"] != plain["great"]
    assert plain["The"] == ""
    app.slide("threshold", 0.5)
    app.drawn()
    strong = {word for word, colour in page.evaluate(COLOURS).items() if colour}
    assert strong == {"boring", "unbelievably"}
    app.slide("threshold", 0)
    app.control("sign").select_option("against")
    app.drawn()
    against = {word for word, colour in page.evaluate(COLOURS).items() if colour}
    assert against == {"film", "great"}
    app.control("sign").select_option("auto")
    looks = [plain["boring"]]
    for control, value in (("colours", "inferno"), ("colours", "grey"), ("colours", "diverging")):
        app.control(control).select_option(value)
        app.drawn()
        looks.append(page.evaluate(COLOURS)["boring"])
    app.slide("opacity", 0.3)
    app.drawn()
    looks.append(page.evaluate(COLOURS)["boring"])
    assert len(set(looks)) == 5
    assert not app.control("contours").is_visible()
    assert not app.control("view").locator('[data-value="split"]').is_visible()


def test_the_slider_takes_off_the_other_class_word_by_word(named: Open) -> None:
    app = named("texts")
    app.control("versus").select_option(label="'lively'")
    app.slide("contrast", 0.5)
    app.drawn()
    values = app.page.evaluate(VALUES)
    wanted = {row[0]: row[1] - 0.5 * row[2] for row in FIRST}
    for word in ("boring", "great", "film"):
        said = float(values[word].replace("−", "-"))
        assert said == pytest.approx(wanted[word], abs=0.006), word
    app.page.wait_for_function(
        "() => document.querySelector('#caption').innerText.includes('less 50')"
    )
    caption = app.text("#caption")
    assert "'boring'" in caption
    assert "most on 'great'" in caption
    assert "contrast=0.5" in app.link


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "state", ["", "colours=diverging&blend=alone", "colours=viridis&opacity=1"]
)
def test_words_can_be_read_on_every_colour(named: Open, scheme: str, state: str) -> None:
    worst, where = checks.least_contrast(named("long", state, color_scheme=scheme).page)
    assert worst >= 4.5, where


# --- tables ------------------------------------------------------------------------------------


def test_a_waterfall_leads_from_the_baseline_to_the_score(named: Open) -> None:
    app = named("table", "sample=s1")
    rows = app.page.evaluate(ROWS)
    result = named_scenes.table_result()
    score, gap = float(result.scores[1, 0]), float(result.gap[1, 0])
    base = score - gap - float(result.values[1, 0].sum())
    assert [rows[0]["name"], rows[-1]["name"]] == ["Baseline", "This row"]
    assert _number(rows[0]["worth"]) == pytest.approx(base, abs=0.01)
    assert _number(rows[-1]["worth"]) == pytest.approx(score, abs=0.01)
    assert "4 other columns" in [row["name"] for row in rows]
    assert "not accounted for" in [row["name"] for row in rows]
    pixels = (rows[-1]["left"] - rows[0]["left"]) / (score - base)
    at = rows[0]["left"]
    for row in rows[1:-1]:
        worth = _number(row["worth"])
        start, end = (row["left"], row["right"]) if worth >= 0 else (row["right"], row["left"])
        assert start == pytest.approx(at, abs=3)
        if abs(worth) > 0.05:
            assert end - start == pytest.approx(worth * pixels, abs=3)
        at = end
    sizes = [abs(_number(row["worth"])) for row in rows[1:12]]
    assert sizes == sorted(sizes, reverse=True)


def _number(words: str) -> float:
    return float(words.replace("−", "-").replace("+", ""))


def test_columns_fold_and_join_below_the_threshold(named: Open) -> None:
    app = named("table", "sample=s1")
    app.page.get_by_role("button", name="Show all 15 columns").click()
    app.drawn()
    names = [row["name"] for row in app.page.evaluate(ROWS)]
    assert set(NAMES) <= set(names)
    app.slide("threshold", 0.1)
    app.drawn()
    assert "14 other columns" in [row["name"] for row in app.page.evaluate(ROWS)]
    app.slide("threshold", 0)
    app.control("sign").select_option("for")
    app.drawn()
    rows = app.page.evaluate(ROWS)[1:-1]
    named_rows = [r for r in rows if r["name"] in NAMES]
    assert named_rows
    assert all(_number(row["worth"]) >= 0 for row in named_rows)


def test_bars_start_at_zero_and_the_link_keeps_the_choice(named: Open) -> None:
    app = named("table", "sample=s1")
    app.press("columns", "bars")
    app.drawn()
    rows = app.page.evaluate(ROWS)
    zero = {round(r["left"] if _number(r["worth"]) > 0 else r["right"]) for r in rows
            if abs(_number(r["worth"])) > 0.1}  # fmt: skip
    assert len(zero) == 1
    assert "Baseline" not in [row["name"] for row in rows]
    assert app.state["columns"] == "bars"


def test_keys_say_the_column_and_the_way(named: Open) -> None:
    page = named("table", "sample=s1").page
    page.locator(".named > .table-view").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.wait_for_function(
        "() => document.querySelector('.named > .named-value').textContent.includes('income')"
    )
    said = " ".join(page.locator(".named > .named-value").inner_text().split())
    assert re.fullmatch(r"income = 4\.819 \+1\.45 \d+ % of the limit from 0\.25 to 1\.7", said), (
        said
    )


def test_all_rows_are_dots_that_open_their_row(named: Open) -> None:
    app = named("table", "columns=rows")
    page = app.page
    page.wait_for_selector(".swarm-strip")
    names = page.locator(".swarm .columns-name").all_inner_texts()
    sizes = np.abs(named_scenes.table_result().values[:, 0]).mean(axis=0)
    assert names == [NAMES[i] for i in np.argsort(-sizes, kind="stable")]
    assert "40 rows: what each column is worth to 'dull'" in app.text(".swarm-note")
    page.locator(".swarm .table-view").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    said = app.text(".swarm .named-value")
    assert re.fullmatch(r"row \d+: income = .+ for 'dull'", said), said
    row = re.match(r"row (\d+)", said)[1]
    page.keyboard.press("Enter")
    app.drawn()
    assert app.state["sample"] == f"s{row}"
    assert "columns" not in app.state
    assert app.page.evaluate(ROWS)[0]["name"] == "Baseline"


def test_a_dot_is_found_by_the_pointer(named: Open) -> None:
    app = named("table", "columns=rows")
    app.page.wait_for_selector(".swarm-strip")
    app.drawn()
    values = named_scenes.table_result().values[:, 0, 1]
    box = app.page.locator(".swarm-strip").first.bounding_box()
    lowest = int(values.argmin())
    share = 0.5 + 0.47 * float(values[lowest]) / float(np.abs(values).max())
    app.page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
    app.drawn()
    assert app.state["sample"] == f"s{lowest}"


# --- both --------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", [ROOM, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize(
    ("page", "state"),
    [("texts", "view=side"), ("long", ""), ("table", "view=sheet"), ("table", "columns=rows")],
)
def test_nothing_is_wrong_wide_or_narrow_light_or_dark(
    named: Open, page: str, state: str, room: dict[str, int]
) -> None:
    app = named(page, state, viewport=room, color_scheme="light")
    app.page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    app.drawn()
    assert checks.violations(app.page) == []
    assert checks.too_wide(app.page) == []
    assert checks.clipped(app.page) == []
    app.page.emulate_media(color_scheme="dark")
    app.drawn()
    assert checks.violations(app.page) == []
    worst, where = checks.least_contrast(app.page)
    assert worst >= 4.5, where


@pytest.mark.parametrize("page", ["hostile", "hostile text"])
def test_names_stay_text(named: Open, page: str) -> None:
    app = named(page)
    app.drawn()
    assert app.page.locator("img[src=x]").count() == 0


def test_paper_has_words_and_bars(named: Open) -> None:
    for page, part, words in (("texts", ".text-word", "boring"), ("table", ".columns-bar", "")):
        app = named(page)
        app.page.evaluate("window.print = () => {}")
        app.page.keyboard.press("P")
        app.page.wait_for_selector(".paper .named-view", state="attached")
        assert app.page.locator(f".paper {part}").count() > 10
        assert words in app.page.locator(".paper").text_content()


WORDS = """
  const { makeBook } = await load("book.js");
  const { mapWords } = await load("compare.js");
  const { numbersOf } = await load("sources.js");
  const book = makeBook(given);
  const said = [];
  for (const map of given.maps) {
    const numbers = await numbersOf({ book }, { map: null }, map);
    said.push(mapWords(book, map, { ...numbers, layer: "" }));
  }
  return said;
"""


def test_words_made_here_are_those_of_python(modules: Modules) -> None:
    for made in (named_scenes.text_result(), named_scenes.table_result(count=6)):
        document = document_of([made])
        captions = [one["caption"].split("; 4.2 %")[0] for one in document["maps"]]
        captions = [re.sub(r"; [\d.]+ % of all evidence lies on special tokens", "", c)
                    for c in captions]  # fmt: skip
        assert modules.run(WORDS, document) == captions


def test_the_document_holds_words_and_columns() -> None:
    document = document_of([named_scenes.text_result()])
    text = document["samples"][0]["inputs"][0]["text"]
    assert [text["text"][a:b] for a, b in text["spans"]][4:6] == ["boring", ","]
    assert text["words"][:8] == [-1, 0, 1, 2, 3, 3, 3, 4]
    first = document["maps"][0]
    values = read_array(first["values"], document["blobs"])
    np.testing.assert_allclose(values[: len(FIRST)], [row[1] for row in FIRST], atol=1e-4)
    assert (first["kind"], first["limit"], first["place"]) == ("tokens", 3.0, "'boring'")
    table = document_of([named_scenes.table_result(count=3)])
    row = table["samples"][0]["inputs"][0]["table"]
    assert row["columns"] == list(NAMES)
    assert row["cells"][2] in named_scenes.REGIONS
    assert row["numbers"][2] is None
    assert {one["kind"] for one in table["maps"]} == {"table"}
    scores = named_scenes.table_result(count=3)
    base = float(scores.scores[1, 0] - scores.gap[1, 0] - scores.values[1, 0].sum())
    assert table["maps"][2]["base"] == pytest.approx(base, abs=1e-4)
