"""The pages of docs/ hold together, and what the site makes of them and of the code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import kerascope as ks
from docs_site import (
    api_pages,
    build,
    command_pages,
    docstrings,
    links,
    loading,
    method_pages,
    nav,
    notebook_pages,
    tables,
)
from kerascope.cli import costs
from kerascope.method import Passes, registry
from kerascope.methods.families import FAMILIES
from once import once

pytestmark = once

ROOT = Path(__file__).parents[2]
MADE = {"parity.md", "speed.md", "command-line.md"}


@pytest.mark.parametrize("page", ["../README.md", *nav.written()])
def test_links_lead_somewhere(page: str) -> None:
    assert list(links.broken(nav.DOCS / page)) == []


def test_broken_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("# B\n\n## The `grade`, again\n\n## Twice\n\n## Twice\n")
    page = tmp_path / "a.md"
    page.write_text(
        "[x](c.md) [x](b.md#nowhere) [x](b.md#the-grade-again) [x](b.md#twice-1) `[x](d.md)`\n"
        "![x](no.png) [x](https://example.org/no)\n```\n[x](e.md)\n```\n"
    )
    assert [line.split(": ")[1] for line in links.broken(page)] == [
        "c.md", "b.md#nowhere", "no.png"
    ]  # fmt: skip


def test_every_page_has_a_section() -> None:
    assert nav.unlisted(nav.written()) == []
    assert nav.unlisted(["nowhere.md"]) == ["nowhere.md"]
    held = [p for entries in nav.SECTIONS.values() for p in nav.listed(nav.written(), entries)]
    assert len(held) == len(set(held))


def test_sections_name_pages_that_exist() -> None:
    pages = {*nav.written(), *MADE, *method_pages.pages(), *api_pages.pages()}
    pages |= notebook_pages.pages().keys()
    entries = [entry for held in nav.SECTIONS.values() for entry in held]
    missing = [one for one in entries if not nav.listed(pages, [one])]
    assert missing == []


def test_links_are_turned() -> None:
    text = "[a](b.md#c) [d](../x.py) [e](#f) [g](https://h.i)\n```\n[a](b.md)\n```\n"
    places = {"b.md": "z/b.md", "../x.py": None}
    assert links.on_site(text, places.__getitem__) == (
        "[a](z/b.md#c) d [e](#f) [g](https://h.i)\n```\n[a](b.md)\n```\n"
    )


def test_names_of_methods_become_links() -> None:
    text = "# `lime`\n\n`lime` and `lime:x`, [`lime`](a.md), ``lime``\n```\n`lime`\n```\n"
    assert links.link_code(text, {"lime": "methods/lime.md"}) == (
        "# `lime`\n\n[`lime`](methods/lime.md) and `lime:x`, [`lime`](a.md), ``lime``\n"
        "```\n`lime`\n```\n"
    )


def test_every_method_has_a_family() -> None:
    own = [name for name, kind in registry().items() if kind.__module__.startswith("kerascope.")]
    assert sorted(name for members in FAMILIES.values() for name in members) == own


@pytest.mark.parametrize("name", method_pages.names())
def test_page_of_a_method(name: str) -> None:
    kind = registry()[name]
    text = method_pages.pages()[f"methods/{name}.md"]
    assert all(words in text for words in (kind.title, kind.formula, kind.use, kind.avoid))
    assert (nav.DOCS / "pictures" / f"{name}.webp").stat().st_size > 4000
    said = json.loads((nav.DOCS / "pictures" / "pictures.json").read_text(encoding="utf-8"))[name]
    assert said["explained"]
    assert "no evidence" not in " ".join(said["notes"])


def test_rows_of_the_tables() -> None:
    text = method_pages.pages()["methods/grad_cam.md"]
    assert "| grad_cam |" in text
    assert "| tf-keras-vis Gradcam |" in text
    assert "of its positive values" in text


def test_passes_in_words() -> None:
    words = costs.passes_in_words
    assert words(Passes(forward=1), Passes(forward=1)) == "1 forward pass"
    each = words(Passes(forward=3), Passes(forward=4))
    assert each == "2 forward passes and one for each channel of the layer"
    both = words(Passes(2, 1), Passes(2, 1))
    assert both == "2 forward passes, 1 forward-and-backward pass"


def test_every_public_name_has_a_place() -> None:
    text = "".join(api_pages.pages().values())
    missing = [n for n in ks.__all__ if f'"ks.{n}"' not in text and n not in api_pages.MODULES]
    assert missing == []
    assert 'heading: "kerascope.testing.assert_looks_at"' in text


def test_every_command_has_its_help() -> None:
    text = command_pages.pages()["command-line.md"]
    for command in ("explain", "audit", "studio", "doctor"):
        assert f"\n## {command}\n" in text
        assert f"Usage: kerascope {command} " in text
    assert max(map(len, text.splitlines())) <= 100


def test_parity_table_has_every_method() -> None:
    text = tables.parity()
    assert [name for name in method_pages.names() if f"| `{name}` |" not in text] == []
    assert "at most 2e-05 of the largest" in text
    assert "`max_sensitivity`" in text


def test_notebooks_become_pages() -> None:
    code = {
        "cell_type": "code",
        "source": ["a = 1\n", "a"],
        "outputs": [
            {"output_type": "stream", "name": "stderr", "text": "3 of 4"},
            {"output_type": "stream", "name": "stdout", "text": ["said\n"]},
            {"output_type": "execute_result", "data": {"text/plain": "1"}},
            {"output_type": "display_data", "data": {"image/png": "aGk=", "text/plain": "<x>"}},
        ],
    }
    words = {"cell_type": "markdown", "source": ["# Title\n", "\n", "Words."]}
    text, pictures = notebook_pages.page({"cells": [words, code]}, "one")
    assert text == (
        "# Title (notebook)\n\nThe file: [one.ipynb](one.ipynb)\n\nWords.\n\n"
        "```python\na = 1\na\n```\n\n```text\nsaid\n```\n\n```text\n1\n```\n\n"
        "![what the code above shows](one-1.png)\n"
    )
    assert pictures == {"one-1.png": b"hi"}


def test_docstrings_become_lists() -> None:
    text = (
        "Do it.\n\nlow, high: the bounds,\n    of all.\nlayer: where.\n\n"
        "A note: not a list\nat all."
    )
    assert docstrings.listed(text) == (
        "Do it.\n\n- **low, high**: the bounds,\n  of all.\n- **layer**: where.\n\n"
        "A note: not a list\nat all."
    )


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://a.example/x.js"></script>',
        "<script src=//a.example/x.js></script>",
        '<link rel="stylesheet" href="//a.example/x.css">',
        '<LINK HREF="HTTPS://a.example/x.css" rel=stylesheet>',
        '<img alt="x" srcset="x.png 1x, //a.example/x.png 2x">',
        '<source srcset="https://a.example/x.webp">',
        '<div style="background: url(//a.example/x.png)"></div>',
        "<style>@import 'https://a.example/x.css';</style>",
        '<iframe src="http://a.example/"></iframe>',
    ],
)
def test_what_a_page_would_load_is_found(text: str) -> None:
    (found,) = loading.of_page(f"<html><p>before</p>{text}<p>after</p>")
    assert "//a.example/" in found.lower()


def test_what_a_page_links_to_is_not_loaded() -> None:
    page = """<link rel="canonical" href="https://a.example/"><a href="https://a.example/">//a.b</a>
        <img src="x.png" srcset="x.png 1x, y.png 2x"><p>url(https://a.example/)</p>
        <style>p { background: url("data:image/png;base64,AA//") }</style>"""
    assert loading.of_page(page) == []


def test_what_a_style_would_load_is_found() -> None:
    style = """@import "//a.example/1"; @import url('https://a.example/2');
        p { background: url( //a.example/3 ) url(here.png) } /* url(//a.example/4) */"""
    assert [address[-1] for address in loading.of_style(style)] == ["1", "2", "3"]


@pytest.mark.parametrize(("name", "text"), [
    ("page.html", "<img src=//a.example/x.png>"), ("a/b.css", "p{background:url(//a.example/x)}"),
])  # fmt: skip
def test_a_site_that_loads_from_elsewhere_is_refused(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(build, "SITE", tmp_path)
    (tmp_path / "index.html").write_text("<p>well</p>")
    build.check()
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    with pytest.raises(SystemExit, match=f"{name} loads //a.example/x"):
        build.check()
