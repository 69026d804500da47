"""Every control changes what is drawn, at once, and stands in the address."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser.app import Open


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("colours", "inferno"), ("colours", "viridis"), ("colours", "grey"),
        ("sign", "for"), ("sign", "against"), ("sign", "absolute"), ("colours", "diverging"),
    ],
)  # fmt: skip
def test_pickers(app: Open, name: str, value: str) -> None:
    page = app("sample=s2")
    # signed maps are drawn in diverging colours as it is
    page.page.locator(".method").nth(int(value != "diverging")).click()
    before = page.drawn()
    page.control(name).select_option(value)
    assert page.drawn() != before
    assert page.state[name] == value
    page.control(name).select_option("auto")
    assert page.drawn() == before
    assert name not in page.state


@pytest.mark.parametrize("value", ["cover", "alone"])
def test_blends(app: Open, value: str) -> None:
    page = app()
    before = page.drawn()
    page.press("blend", value)
    assert page.drawn() != before
    assert page.state["blend"] == value
    page.press("blend", "tint")
    assert page.drawn() == before


@pytest.mark.parametrize(("name", "value"), [("opacity", 0.3), ("threshold", 0.6)])
def test_sliders(app: Open, name: str, value: float) -> None:
    page = app()
    before = page.drawn()
    page.slide(name, value)
    assert page.drawn() != before
    assert page.state[name] == str(value)
    page.page.get_by_role("button", name="Reset", exact=True).click()
    assert page.drawn() == before


def test_contours_are_drawn_over_the_map(app: Open) -> None:
    page = app()
    lines = "[...document.querySelectorAll('.stage-line')].map((l) => l.getAttribute('d')).join()"
    assert page.page.evaluate(lines).strip(",") == ""
    page.control("contours").click()
    page.drawn()
    assert len(page.page.evaluate(lines)) > 40
    assert page.state["contours"] == "1"


def test_opacity_nought_is_the_picture_and_the_map_can_stand_alone(app: Open) -> None:
    page = app()
    page.press("blend", "cover")
    page.slide("opacity", 0)
    plain = page.drawn()
    page.page.locator(".method").nth(1).click()
    assert page.drawn() == plain
    page.press("blend", "alone")
    page.slide("opacity", 0.7)
    assert page.drawn() != plain


@pytest.mark.parametrize("view", ["side", "split", "difference", "flicker", "sheet"])
def test_views_of_a_pinned_map(app: Open, view: str) -> None:
    page = app("sample=s1")
    page.control("pin").click()
    page.page.locator(".method", has_text="Occlusion").click()
    before = page.drawn()
    page.press("view", view)
    page.page.wait_for_timeout(100)
    shown = page.page.locator(".stage-canvas:visible").count()
    assert shown == {"side": 3, "sheet": 5}.get(view, shown)
    if view != "flicker":
        assert page.drawn() != before
    assert page.state["view"] == view
    page.press("view", "stage")
    assert page.drawn() == before


def test_flicker_goes_back_and_forth_and_rests_where_motion_is_unwanted(app: Open) -> None:
    still = app("view=flicker", reduced_motion="reduce")
    assert len({tuple(still.drawn()) for _ in range(3)}) == 1
    page = app("view=flicker").page
    # what is in sight of the pane, whichever way it flickers
    seen = set()
    for _ in range(8):
        seen.add(page.locator(".stage-pane").first.screenshot())
        page.wait_for_timeout(180)
    assert len(seen) > 1


def test_the_split_is_dragged_and_moved_by_keys(app: Open) -> None:
    page = app("view=split")
    handle = page.page.locator(".stage-handle")
    box = handle.bounding_box()
    assert box is not None
    page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + 90, box["y"] + box["height"] / 2)
    page.page.mouse.up()
    dragged = float(page.state["split"])
    assert 0.5 < dragged < 0.9
    handle.focus()
    page.page.keyboard.press("ArrowLeft")
    assert float(page.state["split"]) == pytest.approx(dragged - 0.02, abs=1e-3)
    page.page.keyboard.press("End")
    assert page.state["split"] == "1"


def test_targets_are_chosen_by_their_bars(app: Open) -> None:
    page = app()
    before = page.drawn()
    page.page.locator(".bar", has_text="lynx").click()
    assert page.drawn() != before
    assert page.state["target"] == "'lynx'"
    assert "for 'lynx'" in page.text("#verdict")
    page.page.go_back()
    assert page.drawn() == before


def test_pins_are_kept_and_cleared(app: Open) -> None:
    page = app()
    page.control("pin").click()
    page.page.keyboard.press("m")
    page.control("pin").click()
    assert len(page.state["pins"].split(",")) == 2
    page.page.get_by_role("button", name="Clear 2 pins").click()
    assert "pins" not in page.state


def test_filters_narrow_the_samples(app: Open) -> None:
    page = app()
    chip = page.page.locator
    chip("[data-filter=wrong]").click()
    page.drawn()
    assert page.samples() == ["animal_03.jpg"]
    assert page.state["wrong"] == "1"
    chip("[data-filter=wrong]").click()
    chip("[data-filter=unsure]").click()
    page.drawn()
    assert page.samples() == ["animal_04.jpg"]
    chip("[data-filter=unsure]").click()
    chip("[data-filter=surprising]").click()
    page.drawn()
    assert page.samples()[0] == "animal_07.jpg"
    chip("[data-filter=surprising]").click()
    page.page.get_by_label("Class", exact=True).select_option("red fox")
    page.drawn()
    assert page.samples() == [f"animal_{i:02}.jpg" for i in (2, 5, 8, 11)]
    page.page.get_by_label("Grade", exact=True).select_option("D")
    page.drawn()
    assert page.samples() == [f"animal_{i:02}.jpg" for i in (2, 5, 8, 11)]
    page.page.locator("#search").fill("_1")
    page.drawn()
    assert page.samples() == ["animal_11.jpg"]
    page.page.locator("#search").fill("nothing like it")
    assert page.text(".strip-none") == "No sample passes the filters."
    page.page.get_by_role("button", name="Show all").click()
    page.drawn()
    assert len(page.samples()) == 12
    assert page.state == {}


def test_a_state_is_reopened_from_its_address(app: Open, report: Path) -> None:
    page = app()
    page.page.locator(".strip-row").nth(4).click()
    page.page.locator(".method", has_text="Integrated").click()
    page.control("pin").click()
    page.page.locator(".method", has_text="Occlusion").click()
    page.press("view", "side")
    page.control("sign").select_option("for")
    page.slide("threshold", 0.2)
    page.slide("opacity", 0.5)
    page.control("contours").click()
    wanted, state = page.drawn(), page.link
    again = app(state)
    assert again.drawn() == wanted
    assert again.text("#verdict") == page.text("#verdict")
    assert again.control("sign").input_value() == "for"


def test_back_and_forward_step_through_what_was_chosen(app: Open) -> None:
    page = app()
    seen = [page.drawn()]
    for act in ("j", "m", "b"):
        page.page.keyboard.press(act)
        seen.append(page.drawn())
    assert len({tuple(one) for one in seen}) == 4
    for wanted in reversed(seen[:-1]):
        page.page.go_back()
        assert page.drawn() == wanted
    for wanted in seen[1:]:
        page.page.go_forward()
        assert page.drawn() == wanted


def test_at_1024_pixels_the_tools_keep_to_one_row(app: Open) -> None:
    page = app("contours=1", viewport={"width": 1024, "height": 768})
    tops = {page.control(name).bounding_box()["y"] for name in ("view", "pin")}
    assert len(tops) == 1
    page.page.get_by_role("button", name="Drawing").click()
    page.page.get_by_role("button", name="Contours").click()
    assert page.state == {}
