"""The page: what is in it, what must never be in it, and that it stands alone."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html
import io
import itertools
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
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
from kerascope.errors import BadFile, BadInput
from kerascope.report import (
    Card,
    Comparison,
    Explanations,
    Figure,
    Gallery,
    Interval,
    Section,
    Story,
    Table,
    build_report,
    json_for_script,
    page_of,
    report,
    write_report,
)
from kerascope.report.cells import gap_words
from kerascope.verdict import Grade
from pages import document


class Page(HTMLParser):
    """A page taken apart: text, elements with their attributes, contents of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.words: list[str] = []
        self.open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.open = tag
        if tag in self.raw:
            self.raw[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self.open = ""

    def handle_data(self, data: str) -> None:
        if self.open in self.raw:
            self.raw[self.open][-1] += data
        elif data.strip():
            self.words.append(data.strip())

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


class Plain(Section):
    """A section without a template: nothing the report knows."""


def evil() -> list:
    """Results whose every string tries to leave its place."""
    line = f"{EVIL}\u2028\u2029<!--<script>&amp;\"'"
    score = f"logit of '{line}' (1)"
    return [
        dataclasses.replace(
            one,
            labels=(line, "b", "c", "d", "e", "f"),
            names=(line, "b.jpg"),
            notes=(line,),
            explained=(words, words),
            layer=line,
            target=line,
            provenance=provenance(one.method, model=line, target=line, preprocessing=line),
        )
        for one, words in ((cam(2, targets=2), (score, score)), (signed(2), score))
    ]


class TestContents:
    def test_everything_is_said_without_script(self) -> None:
        many = dataclasses.replace(cam(3, targets=2), layer="c2")
        page = Page(build_report([cam(3, targets=2), many]))
        assert [tag for tag, _ in page.elements].count("noscript") == 1
        assert page.text.count("of the positive evidence for 'tabby' lies in") == 6
        assert page.text.count("of the positive evidence for 'dog' lies in") == 6
        assert page.text.count("tabby, 70 %") == 12
        assert all(f"photo{i}.jpg" in page.text for i in range(3))

    def test_words_layer_gap_notes_and_settings(self) -> None:
        noted = dataclasses.replace(signed(1), notes=("steps were raised to 64",))
        page = Page(build_report([noted, cam(1)]))
        for expected in (
            "logit of 'tabby' (9.5)",
            "layer conv5",
            "completeness gap",
            "steps were raised to 64",
            "steps 32",
            "noise 0.15",
            "time 0.25 s",
        ):
            assert expected in page.text

    def test_grades_are_said_with_their_reasons(self) -> None:
        grade = Grade(letter="C", score=0.5, reasons=("it hangs on it", "it changes"))
        page = Page(build_report([dataclasses.replace(cam(2), grade=[grade, grade])]))
        assert page.text.count("C: it hangs on it; it changes") == 2

    def test_gap_is_relative_to_the_score_difference(self) -> None:
        one = signed(1)  # values sum to 37.5 × 0.5 × 3: 12.5 for each of 25 pixels and 3 channels
        total = float(one.values.sum())
        made = dataclasses.replace(one, gap=np.array([total / 3], np.float32))
        assert gap_words(made, 0, 0) == "completeness gap 25 %"
        assert gap_words(dataclasses.replace(one, gap=None), 0, 0) == ""
        assert gap_words(dataclasses.replace(one, gap=np.array([-total])), 0, 0).startswith(
            "completeness gap −"
        )

    def test_empty_and_broken_maps_say_so(self) -> None:
        values = np.zeros((1, 8, 8), np.float32)
        values[0, 0, 0] = np.nan
        text = build_report([result(values, display=pictures(1))])
        words = "no positive evidence for 'tabby' at layer conv5; 1 values are not finite"
        assert words in Page(text).text
        assert document(text)["maps"][0]["message"].startswith(words)

    def test_provenance_is_readable_by_people_and_programs(self) -> None:
        page = Page(build_report([cam(1), signed(1)]))
        data = json.loads(page.raw["script"][0])
        assert [d["provenance"]["method"]["name"] for d in data] == ["fake_cam", "fake_signed"]
        assert "tiny.keras" in page.text
        assert page.all("details")

    def test_other_inputs_are_drawn(self) -> None:
        made = result(
            {"image": np.ones((1, 6, 8), np.float32), "facts": np.ones((1, 4), np.float32)},
            axes={"image": ("sample", "y", "x"), "facts": ("sample", "feature")},
            inputs={"image": np.ones((1, 6, 8, 3)), "facts": np.ones((1, 4))},
            input_axes={"image": ("sample", "y", "x", "channel"), "facts": ("sample", "feature")},
            method=FakeSigned(),
        )
        found = document(build_report([made]))
        image, facts = found["maps"]
        assert (image["kind"], facts["kind"]) == ("picture", "vector")
        assert image["values"]["shape"] == [6, 8]
        assert image["figure"] is None
        assert facts["values"] is None
        assert found["blobs"][facts["figure"]].startswith("data:image/")
        assert [given["kind"] for given in found["samples"][0]["inputs"]] == ["picture", "vector"]

    def test_same_results_make_the_same_page(self) -> None:
        assert build_report([cam(2), signed(2)]) == build_report([cam(2), signed(2)])

    def test_a_document_makes_the_same_page_again(self) -> None:
        text = build_report([cam(2), signed(2)], title="Why")
        again = page_of(document(text), state="sample=s1&view=split")
        assert document(again) == document(text)
        assert Page(again).text.count("lies in") == Page(text).text.count("lies in")
        named = {a["name"]: a["content"] for a in Page(again).all("meta") if "name" in a}
        assert named["kerascope-state"] == "sample=s1&view=split"
        assert "kerascope-state" not in [a.get("name") for a in Page(text).all("meta")]

    def test_what_a_section_says_and_knows_of_samples(self) -> None:
        section = Explanations(
            results=(cam(2),), intro="Seen at noon.", truths=("dog", None),
            facets=({"day": "Monday"}, {"day": "Friday"}),
        )  # fmt: skip
        text = build_report([section])
        found = document(text)
        assert found["notes"] == ["Seen at noon."]
        assert [one["truth"] for one in found["samples"]] == ["dog", None]
        assert [one["facets"] for one in found["samples"]] == [{"day": "Monday"}, {"day": "Friday"}]
        assert "truth: dog" in Page(text).text

    def test_public_function_takes_one_result_or_several(self, tmp_path) -> None:
        one = report(cam(1), tmp_path / "one.html")
        assert document(one.read_text())["maps"][0]["method"]
        several = report([cam(1), Story(headline="A")], tmp_path / "two.html", title="Both")
        assert "Both" in several.read_text()


class TestSections:
    def demo(self) -> list[Section]:
        outlines = tuple(spot(24, 32, 12, 16, radius=6) > 0 for _ in range(2))
        return [
            Story(
                title="What they look at",
                headline="One looks at the sky",
                paragraphs=("Both are accurate.",),
                table=Table(
                    columns=("Model", "Inside the object", "Accuracy", "Scenes"),
                    rows=(
                        ("sky.keras", Interval(mean=0.12, low=0.1, high=0.14), "99 %", 240),
                        ("honest.keras", Interval(mean=0.71, low=0.69, high=0.73), "98 %", 240),
                    ),
                    caption="Mean and 95 % interval",
                ),
            ),
            Comparison(
                title="Side by side",
                results=(cam(2), signed(2)),
                headings=("sky", "honest"),
                samples=(1, 0),
                captions=(("12 % inside", "74 % inside"), ("9 % inside", "70 % inside")),
                outlines=outlines,
            ),
        ]

    def test_story_and_comparison(self) -> None:
        page = Page(build_report(self.demo(), title="The tank"))
        for expected in (
            "The tank",
            "One looks at the sky",
            "12 % (10 – 14 %)",
            "240",
            "74 % inside",
            "The white line is the outline of the object",
        ):
            assert expected in page.text
        assert page.text.index("photo1.jpg") < page.text.index("photo0.jpg")
        assert len([a for a in page.all("img") if a["alt"]]) == 2 * 3

    def test_gallery(self) -> None:
        files = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF....WEBP", b"<svg></svg>")
        figures = tuple(
            Figure(content=file, alt=f"filters {i}", width=8, height=4, caption=f"conv{i}")
            for i, file in enumerate(files)
        )
        table = Table(columns=("layer", "dead"), rows=(("conv1", 3),))
        page = Page(build_report([Gallery(title="Kernels", figures=figures, table=table)]))
        found = [(a["src"].split(";")[0], a["alt"]) for a in page.all("img")]
        kinds = ("png", "jpeg", "gif", "webp", "svg+xml")
        assert found == [(f"data:image/{kind}", f"filters {i}") for i, kind in enumerate(kinds)]
        assert "conv4" in page.text
        assert "dead" in page.text

    def test_cards_lead_to_their_pages(self) -> None:
        picture = Figure(content=b"<svg></svg>", alt="before and after", width=9, height=4)
        cards = (
            Card(title="1. ship", words="Pasting it turns 71 %.", kicker="looks added",
                 effect="Effect +71 %", figures=(picture,), page="Two"),
            Card(title="2. plane", words="Nothing more.", page="Not there"),
        )  # fmt: skip
        page = Page(build_report([Gallery(page="One", cards=cards), Gallery(page="Two")]))
        assert "looks added 1. ship" in page.text
        assert "Pasting it turns 71 %. Effect +71 %" in page.text
        assert [a["alt"] for a in page.all("img")] == ["before and after"]
        links = [a["href"][1:] for a in page.all("a") if a.get("class") != "skip"]
        assert links == ["page=page-2"]
        assert links[0] in {a["id"] for a in page.all("span") if "id" in a}

    def test_interval_is_drawn_where_it_lies(self) -> None:
        rects = Page(build_report(self.demo())).all("rect")
        bars = [(a["x"], a["width"]) for a in rects if a.get("class") == "fill" and "x" in a]
        assert [(round(float(x)), round(float(w))) for x, w in bars] == [(10, 4), (69, 4)]

    def test_provenance_of_all_sections_once(self) -> None:
        shared = cam(2)
        content = [Comparison(results=(shared, signed(2)), headings=("a", "b")), shared]
        assert len(json.loads(Page(build_report(content)).raw["script"][0])) == 2

    def test_explanations_are_one_app_and_the_rest_pages(self) -> None:
        other = cam(1, names=("other.jpg",))
        story = Story(headline="Between")
        text = build_report([cam(1), signed(1), story, Gallery(title="More"), other])
        page = Page(text)
        ids = [a["id"] for _, a in page.elements if a.get("id")]
        assert len(ids) == len(set(ids))
        assert [a["data-title"] for _, a in page.elements if "data-title" in a] == [
            "Explanations",
            "Between",
        ]
        assert ids.count("app") == 1
        found = document(text)
        assert [(one["id"], one["name"]) for one in found["samples"]] == [
            ("s0", "photo0.jpg"),
            ("s1", "other.jpg"),
        ]
        assert len(found["maps"]) == 3

    def test_named_pages_are_tabs_of_their_own(self) -> None:
        sections = [
            Gallery(title="a", page="One"),
            Gallery(title="b", page="One"),
            Gallery(title="c", page="Two"),
            Gallery(title="d"),
        ]
        text = build_report(sections)
        page = Page(text)
        found = [(a["id"], a["data-title"]) for _, a in page.elements if "data-title" in a]
        assert found == [("page-1", "One"), ("page-2", "Two"), ("page-3", "d")]
        assert 'id="document"' not in text
        assert page.all("body")[0]["class"] == "plain"

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: build_report([]), "no result to report"),
            (lambda: Figure(content=b"", alt="", width=1, height=1), r"needs words \(alt\)"),
            (lambda: Figure(content=b"", alt="x", width=0, height=1), "0 × 1 pixels"),
            (
                lambda: build_report(
                    [Gallery(figures=(Figure(content=b"%PDF", alt="x", width=1, height=1),))]
                ),
                "not bytes that start",
            ),
            (lambda: build_report([cam(1), cam(2)]), "same samples: 1 samples"),
            (lambda: build_report(["text"]), "results and sections, not str"),
            (lambda: build_report([Plain()]), "results and sections, not Plain"),
            (lambda: Explanations(results=()), "no result to report"),
            (lambda: Explanations(results=(cam(2),), truths=("a",)), "1 truths for 2 samples"),
            (lambda: Explanations(results=(cam(2),), facets=({},)), "1 facets for 2 samples"),
            (lambda: Interval(mean=0.5, low=0.6, high=0.7), r"interval 0.6 … 0.5 … 0.7 must rise"),
            (lambda: Table(columns=("a", "b"), rows=(("x",),)), "1 cells for 2 columns"),
            (
                lambda: Comparison(results=(cam(1), cam(1)), headings=("a",)),
                "1 headings for 2 results",
            ),
            (
                lambda: Comparison(results=(cam(2),), headings=("a",), captions=(("x",),)),
                "captions must be 2 samples × 1 results",
            ),
            (
                lambda: Comparison(results=(cam(2),), headings=("a",), outlines=(np.ones((2, 2)),)),
                "1 outlines for 2 samples",
            ),
        ],
    )
    def test_bad_content(self, make, message: str) -> None:
        with pytest.raises(BadInput, match=message):
            make()


class TestSafety:
    def test_hostile_strings_stay_text(self) -> None:
        text = build_report(evil(), title=EVIL)
        page = Page(text)
        assert [a["type"] for a in page.all("script")] == ["application/json"] * 2 + ["module"]
        assert "alert(" not in page.raw["script"][2]
        assert "<script>alert" not in text
        assert EVIL in html.unescape(page.text)
        assert json.loads(page.raw["script"][0])[0]["notes"][0].startswith(EVIL)

    @pytest.mark.parametrize(
        "value", [EVIL, "<!--", "]]>", "a & b", "\u2028\u2029", "\udcff", "ü", "\x00"]
    )
    def test_encoder_of_json(self, value: str) -> None:
        encoded = json_for_script({value: [value]})
        assert not set("<>&\u2028\u2029") & set(encoded)
        assert json.loads(encoded) == {value: [value]}

    def test_nothing_is_inline_and_nothing_comes_from_outside(self) -> None:
        page = Page(build_report([cam(2), signed(2)]))
        for tag, attributes in page.elements:
            assert "style" not in attributes, tag
            assert not [name for name in attributes if name.startswith("on")], tag
            for name in ("src", "href", "action", "srcset"):
                assert (attributes.get(name) or "#").startswith(("data:", "#")), (tag, name)
        assert not re.search(r"url\(|@import", page.raw["style"][0])

    def test_policy_allows_this_style_and_script_only(self) -> None:
        page = Page(build_report([cam(1)]))
        policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv"))
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        for content in (page.raw["style"][0], page.raw["script"][2]):
            digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy

    def test_no_folder_person_or_camera_leaves(self, tmp_path) -> None:
        home = "/home/alice/private"
        photo = Image.fromarray(pictures(1)[0])
        exif = Image.Exif()
        exif[0x010E] = "secret place"
        buffer = io.BytesIO()
        photo.save(buffer, "JPEG", exif=exif)
        made = dataclasses.replace(
            cam(1),
            display=(np.asarray(Image.open(buffer)),),
            names=(f"{home}/cat.jpg",),
            notes=(f"weights of {home}/model.keras",),
            provenance=provenance(FakeCam(), model=f"{home}/model.keras"),
        )
        path = write_report(tmp_path / "report.html", [made])
        content = path.read_bytes()
        assert b"alice" not in content
        assert str(tmp_path).encode() not in content
        found = re.findall(rb'"data:image/(\w+);base64,([^"]+)"', content)
        assert len(found) == 2
        for kind, data in found:
            decoded = base64.b64decode(data)
            assert b"secret" not in decoded
            assert not Image.open(io.BytesIO(decoded)).getexif(), kind

    def test_file_names_that_are_no_text(self, tmp_path) -> None:
        made = dataclasses.replace(cam(1), names=("\udcff.jpg",))
        assert "?.jpg" in write_report(tmp_path / "r.html", [made]).read_text(encoding="utf-8")

    def test_written_whole_or_not_at_all(self, tmp_path) -> None:
        with pytest.raises(BadFile, match="cannot write"):
            write_report(tmp_path / "missing" / "report.html", [cam(1)])
        old = tmp_path / "report.html"
        old.write_text("old")
        with pytest.raises(BadInput):
            write_report(old, [])
        assert old.read_text() == "old"
        assert write_report(old, [cam(1)]) == old
        assert old.read_text(encoding="utf-8").startswith("<!doctype html>")
        assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_headings_go_down_one_step_at_a_time() -> None:
    page = Page(build_report([Story(headline="A"), cam(2, targets=2), signed(2)]))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_strength_has_its_own_words() -> None:
    values = np.abs(np.random.default_rng(0).normal(size=(1, 6, 6, 3))).astype(np.float32)
    made = result(values, axes=("sample", "y", "x", "channel"), method=FakeSaliency())
    text = build_report([Comparison(results=(made,), headings=("a",)), made])
    assert "much influence" in Page(text).text
    assert document(text)["maps"][0]["meaning"] == "magnitude"
    assert document(text)["maps"][0]["verdict"].startswith("influence ")
