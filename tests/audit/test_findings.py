"""Findings: what acts, merged and ranked; and how often there is one where there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from audit.causes import rng
from kerascope.audit import examine, tested
from kerascope.audit.findings import verdicts
from kerascope.audit.hypotheses.regions import regions
from kerascope.audit.interventions.effect import Effect, adjusted
from kerascope.audit.panel import Panel, halves
from kerascope.audit.tested import RATE
from once import once

pytestmark = once

FILES, SIDE = 40, 20


def hypothesis(
    family: str, name: str, effect: float, *, p: float = 1e-6, low: float = 0.05, label: int = 0,
    files: slice | None = None, box: tuple[int, int, int, int] | None = None,
    part: str | None = None,
) -> tested.Tested:  # fmt: skip
    """Return a hypothesis; files: that carry it. box: y0, y1, x0, x1."""
    carriers = area = None
    if files is not None:
        carriers = np.zeros(FILES, bool)
        carriers[files] = True
    if box is not None:
        area = np.zeros((SIDE, SIDE), bool)
        area[box[0] : box[1], box[2] : box[3]] = True
    did = Effect(treated=effect, control=0.0, interval=(low, 1.0), p=p, trials=60, donors=20,
                 controls=20)  # fmt: skip
    return tested.Tested(
        label=label,
        family=family,
        name=name,
        effect=did,
        carriers=carriers,
        area=area,
        part=part,
    )


def overlay(
    effect: float = 0.8, files: slice = slice(0, 10), x: int = 1, **more: Any
) -> tested.Tested:
    return hypothesis("overlay", "same place", effect, files=files, box=(1, 4, x, x + 3), **more)


SIDES = ("top", "bottom", "left", "right", "surroundings", "wide surroundings", "centre")


def places(family: str = "region", **effects: float) -> list[tested.Tested]:
    """Return all places, those not named without effect."""
    named = {name.replace("_", " "): value for name, value in effects.items()}
    return [
        hypothesis(family, name, named.get(name, 0.0), p=1e-6 if name in named else 0.9, low=0.1)
        for name in SIDES
    ]


class TestWhatActs:
    def test_strong_sure_and_beyond_chance(self) -> None:
        (found,) = verdicts([overlay()])
        assert (found.level, found.family) == ("added", "overlay")

    @pytest.mark.parametrize(
        "one",
        [
            hypothesis("colour", "colour", 0.9, p=0.2),  # chance
            hypothesis("colour", "colour", 0.05),  # weak
            hypothesis("colour", "colour", 0.9, low=-0.01),  # unsure
            hypothesis("region", "centre", 1.0),  # the object itself
        ],
        ids=["chance", "weak", "unsure", "middle"],
    )
    def test_else_silence(self, one: tested.Tested) -> None:
        assert verdicts([*places(), one]) == []

    def test_many_tries_ask_for_more(self) -> None:
        one = hypothesis("colour", "colour", 0.9, p=0.01)
        others = [hypothesis("detail", "blur", 0.0, p=0.9, label=k) for k in range(1, 30)]
        assert len(verdicts([one])) == 1
        assert verdicts([one, *others]) == []

    def test_says_the_adjusted_p(self) -> None:
        all_of_it = [overlay(p=1e-4), hypothesis("detail", "blur", 0.0, p=0.7)]
        (found,) = verdicts(all_of_it)
        assert found.p == pytest.approx(adjusted(np.array([1e-4, 0.7]))[0])
        assert found.p == pytest.approx(3e-4)

    def test_nothing_from_nothing(self) -> None:
        assert verdicts([]) == []


class TestMerged:
    def test_parts_of_one_overlay(self) -> None:
        (found,) = verdicts([overlay(0.8), overlay(0.7, x=10), overlay(0.5, slice(0, 8), x=15)])
        assert len(found.also) == 2
        assert found.tested.region == (0.05, 0.05, 0.9, 0.2)

    def test_a_sticker_in_the_same_files_is_the_overlay(self) -> None:
        (found,) = verdicts(
            [overlay(), hypothesis("sticker", "any place", 0.7, files=slice(2, 10))]
        )
        assert found.family == "overlay"

    def test_overlays_of_other_files_stay_apart(self) -> None:
        found = verdicts([overlay(), overlay(0.6, slice(10, 20), x=10)])
        assert [v.tested.effect.effect for v in found] == [0.8, 0.6]

    def test_overlays_of_other_classes_stay_apart(self) -> None:
        found = verdicts([overlay(), overlay(label=1)])
        assert sorted(v.tested.label for v in found) == [0, 1]

    def test_one_trait_for_all(self) -> None:
        (found,) = verdicts([
            hypothesis("detail", "spectrum", 0.6, files=slice(0, 9)),
            hypothesis("detail", "blur", 0.8, files=slice(0, 9)),
            hypothesis("contrast", "contrast", 0.5, files=slice(0, 9)), *places(surroundings=0.4),
        ])  # fmt: skip
        assert found.tested.name == "blur"
        assert {t.name for t in found.also} == {"spectrum", "contrast", "surroundings"}
        assert found.level == "question"

    def test_one_side_and_not_its_opposite(self) -> None:
        (found,) = verdicts(places(top=0.7, bottom=0.1, centre=1.0))
        assert found.tested.name == "top"
        assert "centre" not in {t.name for t in found.also}
        assert verdicts(places(top=0.7, bottom=0.6)) == []  # objects reach into both

    def test_all_sides_are_surroundings(self) -> None:
        (found,) = verdicts(places(top=0.4, bottom=0.3, surroundings=0.8))
        assert found.tested.name == "surroundings"

    def test_background_alone_is_named(self) -> None:
        whole = [
            hypothesis("brightness", "brightness", 0.9, files=slice(0, 9)),
            hypothesis("brightness", "brightness", 0.9, part="whole"),
        ]
        for alone, name in ((0.85, "background"), (0.3, "brightness")):
            part = hypothesis("brightness", "brightness", alone, part="background")
            (found,) = verdicts([*whole, part])
            assert found.family == name

    def test_swapped_backgrounds_alone(self) -> None:
        (found,) = verdicts([hypothesis("background", "swap", 0.7)])
        assert (found.family, found.level) == ("background", "question")

    def test_a_companion_explains_its_background(self) -> None:
        swap, window = (
            hypothesis("background", "swap", 0.7),
            hypothesis("companion", "window", 0.65),
        )
        (found,) = verdicts([swap, window])
        assert found.family == "companion"
        (found,) = verdicts([swap, hypothesis("companion", "window", 0.3)])
        assert found.family == "background"

    def test_size_stands_beside(self) -> None:
        found = verdicts([hypothesis("size", "size", 0.5), hypothesis("colour", "colour", 0.7)])
        assert {v.family for v in found} == {"size", "colour"}


def test_added_come_first_then_the_strongest() -> None:
    found = verdicts([
        hypothesis("colour", "colour", 0.99), overlay(0.3, label=1), overlay(0.5, label=2),
        hypothesis("detail", "blur", 0.4, label=1),
    ])  # fmt: skip
    assert [v.level for v in found] == ["added", "added", "question", "question"]
    assert [v.tested.effect.effect for v in found] == [0.5, 0.3, 0.99, 0.4]


# --- how often there is a finding where there is none -------------------------------------------

CLASSES, EACH, WIDE = 3, 40, 16


def linear(draw: np.random.Generator, *, blind: bool) -> Callable[[np.ndarray], np.ndarray]:
    """Return random linear scores; `blind`: without weight on the tone of any place."""
    weights = draw.normal(0, 1, (WIDE, WIDE, 3, CLASSES))
    if blind:
        masks = np.stack(list(regions(WIDE, WIDE).values()))
        _, cell = np.unique(masks.reshape(len(masks), -1), axis=1, return_inverse=True)
        flat = weights.reshape(-1, 3, CLASSES)
        for k in np.unique(cell):
            flat[cell.ravel() == k] -= flat[cell.ravel() == k].mean(axis=0)
    else:
        weights += draw.normal(0, 0.5, (3, CLASSES))
    flat = weights.reshape(-1, CLASSES) / 1000
    return lambda pictures: (np.asarray(pictures).reshape(len(pictures), -1) - 128.0) @ flat


def null(seed: int) -> Panel:
    """Return textured noise under labels that mean nothing to a linear model.

    Every second seed, half of a class is brighter, which tells the class and moves no score.
    """
    draw, blind = rng(seed), bool(seed % 2)
    count = CLASSES * EACH
    pictures = 128 + draw.normal(0, 15, (count, 1, 1, 1)) + draw.normal(0, 6, (count, 1, 1, 3))
    coarse = draw.normal(0, 15, (count, WIDE // 4, WIDE // 4, 3))
    pictures = pictures + np.kron(coarse, np.ones((1, 4, 4, 1)))
    pictures += draw.normal(0, 10, (count, WIDE, WIDE, 3))
    labels = draw.permutation(np.repeat(np.arange(CLASSES), EACH))
    if blind:
        pictures[np.flatnonzero(labels == 0)[: EACH * 3 // 4]] += 60
    pixels = np.clip(np.rint(pictures), 0, 255).astype(np.uint8)
    scores = linear(draw, blind=blind)
    centre = scores(pixels).mean(axis=0)

    def ask(edited: np.ndarray) -> np.ndarray:
        return scores(edited) - centre  # so that all classes are said about as often

    return Panel(pixels=pixels, labels=labels, ids=np.arange(count), half=halves(labels, draw),
                 ask=ask, scores=ask(pixels))  # fmt: skip


@pytest.fixture(scope="module")
def nulls() -> list[tuple[np.ndarray, list[tested.Tested], list[Any]]]:
    """Return (p-values, what was tested, verdicts) of 200 seeds."""
    found = []
    for seed in range(200):
        panel, all_of_it = null(seed), []
        for label in (0, 1):
            all_of_it += examine.Examination(panel, label, rng(1000 * seed + label)).run()
        p = np.array([one.effect.p for one in all_of_it])
        found.append((p, all_of_it, verdicts(all_of_it)))
    return found


class TestRate:
    """Over 200 seeds; nothing about a class is true, so any discovery is a false one."""

    def most(self, share: float, runs: int) -> int:
        """Return the most runs that a share may come to, but for one time in a thousand."""
        return int(stats.binom.isf(1e-3, runs, share))

    def test_hypotheses_were_tried(self, nulls: list[Any]) -> None:
        assert all(len(p) >= 14 for p, _, _ in nulls)
        tones = [any(t.family == "brightness" for t in several) for _, several, _ in nulls]
        assert np.mean(tones[1::2]) > 0.9  # the trait that tells a class and moves nothing

    def test_runs_with_a_discovery_are_at_most_the_stated_rate(self, nulls: list[Any]) -> None:
        found = sum(bool((adjusted(p) <= RATE).any()) for p, _, _ in nulls)
        print(f"p_adjusted ≤ {RATE} in {found} of {len(nulls)} null runs")
        assert found <= self.most(RATE, len(nulls))

    def test_findings_are_fewer_still_and_none_looks_added(self, nulls: list[Any]) -> None:
        found = [v for _, _, several in nulls for v in several]
        print(f"findings in {sum(bool(v) for _, _, v in nulls)} of {len(nulls)} null runs")
        assert sum(bool(v) for _, _, v in nulls) <= self.most(RATE / 5, len(nulls))
        assert not [v for v in found if v.level == "added"]

    @pytest.mark.parametrize("at", [0.01, 0.05, 0.2])
    def test_a_p_is_no_smaller_than_chance_makes_it(self, nulls: list[Any], at: float) -> None:
        """Per seed one hypothesis, drawn, so that they are independent of one another."""
        draw = rng(0)
        p = np.array([draw.choice(values) for values, _, _ in nulls])
        print(f"p ≤ {at}: {(p <= at).mean():.3f} of one hypothesis a run")
        assert (p <= at).sum() <= self.most(at, len(p))

    def test_the_same_check_fails_a_rate_that_is_not_kept(self, nulls: list[Any]) -> None:
        """Without correction far too many runs have a discovery: the bound can be crossed."""
        found = sum(bool((p <= RATE).any()) for p, _, _ in nulls)
        assert found > self.most(RATE, len(nulls))
