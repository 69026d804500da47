"""What is shared opens from disk and shows the same; what is printed shows every method."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser.app import Open
from browser.watched import Watch

SHOWN = "sample=s3&view=side&colours=viridis&opacity=0.5&contours=1"


def _saved(page: object, path: Path) -> Path:
    with page.expect_download() as waiting:  # type: ignore[attr-defined]
        page.locator("#share").click()  # type: ignore[attr-defined]
    waiting.value.save_as(path)
    assert waiting.value.suggested_filename == "animals.html"
    return path


def test_a_shared_page_shows_the_same_from_disk(app: Open, report: Path, tmp_path: Path) -> None:
    page = app(SHOWN, accept_downloads=True)
    page.page.locator(".method", has_text="SmoothGrad").click()
    page.control("pin").click()
    page.page.locator(".method", has_text="Occlusion").click()
    wanted, verdict = page.drawn(), page.text("#verdict")
    place = _saved(page.page, tmp_path / "shared.html")
    again = app(path=place)
    assert again.drawn() == wanted
    assert again.text("#verdict") == verdict
    assert again.page.locator(".stage-canvas:visible").count() == 3
    assert place.stat().st_size == pytest.approx(report.stat().st_size, rel=0.02)
    # a copy of the copy is the same again, and its own state wins over that of the page
    twice = _saved(app(path=place, accept_downloads=True).page, tmp_path / "twice.html")
    assert app(path=twice).drawn() == wanted
    assert app("sample=s1", path=place).text("#verdict").startswith("lynx 89 %")
    back = app("plain", path=place)
    assert back.text("#verdict").startswith("tabby 91 %")


def test_a_shared_page_says_without_script_what_the_report_says(
    app: Open, watch: Watch, report: Path, tmp_path: Path
) -> None:
    place = _saved(app("sample=s3", accept_downloads=True).page, tmp_path / "shared.html")
    words = [
        watch(path, java_script_enabled=False, calm=False).page.locator("body").inner_text().lower()
        for path in (report, place)
    ]
    assert words[0] == words[1]
    assert "animal_11.jpg" in words[1]


def test_paper_shows_every_method_and_no_controls(app: Open) -> None:
    page = app("sample=s2")
    page.page.evaluate("() => { window.print = () => { window.printed = true; }; }")
    page.page.keyboard.press("P")
    page.page.wait_for_function("() => window.printed")
    page.page.emulate_media(media="print")
    sheets = page.page.locator(".paper-sample")
    assert sheets.count() == 12
    third = sheets.nth(2)
    assert "animal_02.jpg: red fox, 87 %" in third.inner_text()
    assert third.locator("canvas").count() == 5
    for title in ("Grad-CAM", "Integrated gradients", "SmoothGrad", "Occlusion", "HiResCAM"):
        assert title in third.inner_text()
    drawn = third.locator("canvas").first
    assert drawn.is_visible()
    assert drawn.evaluate("(one) => one.width") >= 128
    for part in (".controls", ".strip", ".stage", ".actions", ".method-list"):
        assert not page.page.locator(part).first.is_visible(), part
    content = page.page.pdf(format="A4")
    assert content[:5] == b"%PDF-"
    page.page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.page.emulate_media(media="screen")
    assert page.page.locator(".controls").first.is_visible()
    assert sheets.count() == 0


def test_the_browsers_own_print_command_prints_what_is_shown(app: Open) -> None:
    page = app("sample=s3")
    page.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.page.emulate_media(media="print")
    sheet = page.page.locator(".paper-sample")
    assert sheet.count() == 1
    assert "animal_03.jpg: lynx, 85 % (right: tabby)" in sheet.inner_text()
    assert sheet.locator("canvas").first.is_visible()
    assert not page.page.locator(".controls").first.is_visible()


def test_it_prints_every_method_once_the_hand_has_rested(app: Open) -> None:
    page = app("sample=s3")
    page.page.wait_for_timeout(2500)
    assert page.page.locator(".paper-sample").count() == 0
    page.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    sheet = page.page.locator(".paper-sample")
    assert sheet.locator("canvas").count() == 5
    assert "Occlusion" in (sheet.text_content() or "")
    page.page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.press("blend", "cover")  # drawn in another way since
    page.page.wait_for_timeout(100)
    page.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert sheet.locator("canvas").count() < 5


def test_python_is_what_makes_the_map(app: Open) -> None:
    page = app("sample=s3&target='tabby'")
    page.page.evaluate(
        "() => { navigator.clipboard.writeText = async (t) => { window.copied = t; }; }"
    )
    page.page.keyboard.press("y")
    page.page.wait_for_function("() => window.copied")
    text = page.page.evaluate("window.copied")
    compile(text, "copied", "exec")
    assert "ks.explain(model, images, 'grad_cam', target=0)" in text
    assert 'load_images(["animal_03.jpg"], model)' in text
    page.page.locator("#inspector-python summary").click()
    assert page.page.locator("#inspector-python code").text_content() == text
