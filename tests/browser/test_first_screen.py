"""What is there without a click: verdict, samples, picture and map, targets, methods, trust."""

from __future__ import annotations

import pytest

from browser.app import CANVAS, Open


def test_the_first_screen_answers_why(app: Open) -> None:
    page = app()
    verdict = page.text("#verdict")
    for words in ("tabby", "91 %", "evidence on the left", "A", "stable", "animal_00.jpg"):
        assert words in verdict, words
    assert page.samples() == [f"animal_{i:02}.jpg" for i in range(12)]
    for part in ("#samples", CANVAS, ".bar-list", ".method-list", ".grade-head", "#caption"):
        box = page.page.locator(part).first.bounding_box()
        assert box is not None, part
        assert box["y"] + min(box["height"], 40) <= 900, f"{part} lies below the first screen"
    assert page.page.locator(".bar-row").count() == 5
    titles = page.page.locator(".method-title").all_inner_texts()
    assert titles[:2] == ["Grad-CAM", "Integrated gradients"]
    assert len(titles) == 5
    assert page.text(".grade-head .letter") == "A"
    assert "50 % of the positive evidence for 'tabby' lies in 12 % of the image" in page.text(
        "#caption"
    )


def test_the_picture_and_the_map_keep_their_place(app: Open) -> None:
    page = app()
    boxes = []
    for row in page.page.locator(".method").all():
        row.click()
        page.drawn()
        boxes.append(page.page.locator(CANVAS).first.bounding_box())
    assert len(boxes) == 5
    assert all(box == boxes[0] for box in boxes)


def test_alt_text_follows_the_map(app: Open) -> None:
    page = app()
    canvas = page.page.locator(CANVAS).first
    alts = []
    for row in page.page.locator(".method").all():
        row.click()
        page.drawn()
        alts.append(canvas.get_attribute("aria-label"))
    assert len(set(alts)) == 5
    assert alts[0] is not None
    assert alts[0].startswith("Grad-CAM map of animal_00.jpg: 50 % of the positive evidence")
    assert "animal_00" in (alts[1] or "")
    page.page.keyboard.press("j")
    page.drawn()
    assert "animal_01" in (canvas.get_attribute("aria-label") or "")


def test_the_table_tells_where_the_evidence_lies(app: Open) -> None:
    page = app()
    table = page.page.locator(".regions")
    assert not table.is_visible()
    page.page.locator("summary", has_text="Top regions").click()
    rows = table.locator("tbody tr")
    rows.first.wait_for()
    first = rows.first.inner_text()
    assert "left" in first
    share = int(rows.first.locator("td").first.inner_text().removesuffix(" %"))
    assert 30 <= share <= 100
    page.go("sample=s7")
    page.page.wait_for_function(
        "(old) => document.querySelector('.regions tbody tr').innerText !== old", arg=first
    )
    assert "upper right" in rows.first.inner_text()


@pytest.mark.parametrize(
    ("sample", "words"), [("s3", ["lynx", "not tabby"]), ("s4", ["lynx", "41 %"])]
)
def test_verdicts_of_others(app: Open, sample: str, words: list[str]) -> None:
    verdict = app(f"sample={sample}").text("#verdict")
    for word in words:
        assert word in verdict


def test_no_model_is_called_and_little_is_drawn(app: Open) -> None:
    page = app()
    asked = len(page.watched.requests)
    nodes = page.page.evaluate("document.querySelectorAll('*').length")
    for key in ("m", "t", "j", "c", "g", "b", "o", "]", "l", "p", "v"):
        page.page.keyboard.press(key)
    page.drawn()
    assert page.watched.requests[asked:] == [], "a report asked for something"
    assert nodes < 900
