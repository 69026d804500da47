"""The harness sees what it watches for: each fault is planted once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from browser import checks, scenes
from browser.served import Served
from browser.watched import Modules, Watch


def test_the_watch_sees_what_it_watches_for(watch: Watch, tmp_path: Path) -> None:
    policy = '<meta http-equiv="Content-Security-Policy" content="style-src \'none\'">'
    path = tmp_path / "bad.html"
    path.write_text(
        f"{policy}<style>p{{}}</style><script>alert(1); console.warn('hm');"
        "Promise.reject('lost'); fetch('http://127.0.0.1:9/x').catch(() => 0);"
        "throw new Error('x')</script>"
    )
    watched = watch(path, calm=False)
    watched.page.wait_for_timeout(100)
    kinds = {complaint.split(":")[0] for complaint in watched.complaints}
    assert kinds == {"console", "error", "dialog"}
    for words in ("style-src", "hm", "lost"):
        assert any(words in complaint for complaint in watched.complaints), words
    assert watched.foreign == ["http://127.0.0.1:9/x"]
    with pytest.raises(AssertionError):
        watched.check()


def test_a_calm_page_is_calm(watch: Watch, tmp_path: Path) -> None:
    path = tmp_path / "good.html"
    path.write_text("<link rel='icon' href='data:,'><script>console.log('fine')</script>")
    watched = watch(path)
    assert len(watched.requests) == 1
    assert watched.foreign == []


def test_modules_run_and_take_and_give_values(modules: Modules, served: Served) -> None:
    assert modules.run("return given.map((n) => 2 * n);", [1, 2]) == [2, 4]
    served.put("/web/made.js", "export const made = (name) => `${name} made`;")
    found = modules.run('const { made } = await load("made.js"); return made(given);', "well")
    assert found == "well made"


def test_modules_live_under_the_policy(watch: Watch, served: Served) -> None:
    bad = Modules(watch(served.address + "/", calm=False))
    bad.run('document.body.innerHTML = `<p style="color: red">x</p>`;')
    bad.page.wait_for_timeout(50)
    assert any("style-src" in complaint for complaint in bad.watched.complaints)


def test_nothing_beside_the_modules_is_served(served: Served) -> None:
    assert served.answer("/web/kerascope.css") is not None
    assert served.answer("/web/../errors.py") is None
    assert served.answer("/web/") is None


def _page(watch: Watch, tmp_path: Path, body: str, style: str = "") -> Any:
    path = tmp_path / "page.html"
    path.write_text(
        f"<!doctype html><html lang='en'><meta charset='utf-8'><link rel='icon' href='data:,'>"
        f"<title>T</title><style>{style}</style><body><main><h1>T</h1>{body}</main></body></html>"
    )
    return watch(path, viewport={"width": 400, "height": 300}).page


GOOD = """<p>words</p><button>press</button> <a href="#x">more</a> <input aria-label="n">
<img alt="a dot" src="data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=">"""


def test_a_good_page_passes_every_check(watch: Watch, tmp_path: Path) -> None:
    page = _page(watch, tmp_path, GOOD, "a, button, input { padding: 1em; display: inline-block }")
    assert checks.violations(page) == []
    assert checks.walk(page) == (3, [])
    assert checks.too_wide(page) == []
    assert checks.clipped(page) == []
    assert checks.least_contrast(page)[0] > 4.5


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        ("<img src='data:,'>", "image-alt"),
        ("<p style='color: #999'>pale words</p>", "color-contrast"),
        ("<input>", "label"),
        ("<div role='slider' tabindex=0 aria-label='s'></div>", "aria-required-attr"),
        ("<button style='padding:0;width:9px;height:9px'>i</button><button>j</button>",
         "target-size"),
        ("<i id=x></i><i id=x></i><label for=x>w</label><h4>deep</h4>", "heading-order"),
    ],
)  # fmt: skip
def test_axe_finds(watch: Watch, tmp_path: Path, bad: str, rule: str) -> None:
    found = checks.violations(_page(watch, tmp_path, bad))
    assert {one.split(":")[0] for one in found} == {rule}


@pytest.mark.parametrize(
    ("style", "told"),
    [
        ("button:focus { outline: none }", "does not show: <button"),
        ("a { position: absolute; left: -999px }", "out of sight: <a"),
        ("input { width: 0; padding: 0; border: 0 }", "on nothing: <input"),
    ],
)
def test_the_walk_sees_hidden_focus(watch: Watch, tmp_path: Path, style: str, told: str) -> None:
    page = _page(watch, tmp_path, GOOD, style)
    count, found = checks.walk(page)
    assert count == 3
    assert any(told in one for one in found)


def test_the_walk_sees_a_trap(watch: Watch, tmp_path: Path) -> None:
    page = _page(watch, tmp_path, GOOD)
    page.evaluate("""document.querySelector("input").addEventListener("keydown", (event) => {
      if (event.key !== "Tab") return;
      event.preventDefault();
      document.querySelector("a").focus();
    })""")
    count, (told,) = checks.walk(page)
    assert count == 3
    assert told.startswith("focus comes back too early, to: <a")
    assert checks.walk(page, most=2) == (2, ["more than 2 stops"])


def test_room_words_and_contrast_are_seen(watch: Watch, tmp_path: Path) -> None:
    page = _page(watch, tmp_path, "<p class=w>wide</p>", ".w { width: 500px }")
    assert 'class="w"' in "".join(checks.too_wide(page))
    cut = ".w { width: 40px; overflow: hidden; white-space: nowrap; text-overflow: ellipsis }"
    page = _page(watch, tmp_path, "<p class=w>a long line of words</p>", cut)
    assert checks.clipped(page) == ["w: a long line of words"]
    page.evaluate("document.querySelector('.w').title = 'a long line of words'")
    assert checks.clipped(page) == []
    faint = "p { color: rgb(0 0 0 / 50%) }"
    worst, where = checks.least_contrast(_page(watch, tmp_path, "<p>faint</p>", faint))
    assert 3.5 < worst < 4.5
    assert "faint" in where


def test_pixels_tell_canvases_apart(watch: Watch, tmp_path: Path) -> None:
    page = _page(watch, tmp_path, "<canvas width=9 height=9></canvas>")
    blank = checks.settle(page)
    page.evaluate("document.querySelector('canvas').getContext('2d').fillRect(4, 4, 1, 1)")
    assert checks.settle(page) != blank
    page.evaluate("document.querySelector('canvas').getContext('2d').clearRect(4, 4, 1, 1)")
    assert checks.settle(page) == blank
    page.evaluate("""let n = 0; setInterval(() => {
      const context = document.querySelector("canvas").getContext("2d");
      context.fillStyle = `rgb(${(n += 1) % 256} ${(n >> 8) % 256} 99)`;
      context.fillRect(0, 0, 9, 9);
    }, 1)""")
    with pytest.raises(AssertionError, match="never came to rest"):
        checks.settle(page, most=20)


def test_scenes_have_what_the_filters_ask_for() -> None:
    made = scenes.document()
    says = [one["verdict"].split(",")[0] for one in made["predictions"]]
    wrong = [s["name"] for s, said in zip(made["samples"], says, strict=True) if s["truth"] != said]
    assert wrong == ["animal_03.jpg"]
    assert [p["sample"] for p in made["predictions"] if p["margin"] < 0.2] == ["s4"]
    odd = {m["sample"]: m["surprise"] for m in made["maps"] if m["surprise"] is not None}
    assert max(odd, key=lambda name: odd[name]) == "s7"
    assert {m["grade"]["letter"] for m in made["maps"] if m["grade"]} == {"A", "B", "D"}
    assert len(scenes.many(1000)["samples"]) == 1000
    bad = scenes.hostile(made)
    assert bad["samples"][0]["id"] == "s0"
    assert scenes.HOSTILE in bad["samples"][0]["name"]
    assert scenes.HOSTILE in bad["maps"][0]["target"]["key"]
