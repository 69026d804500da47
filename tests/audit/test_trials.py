"""Trials: what an edit with donors' cues does beside the same edit with the controls'."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from audit.causes import rng
from kerascope.audit.interventions.edits import paste, shift_luma
from kerascope.audit.interventions.trial import Trials
from kerascope.audit.panel import Panel, halves
from once import once

pytestmark = once

SIDE, EACH = 12, 20
CORNER = np.zeros((SIDE, SIDE), bool)
CORNER[:3, :3] = True


def bright_corner(pictures: np.ndarray) -> np.ndarray:
    """Score class 0 by whether the corner is bright, class 1 by nothing."""
    bright = pictures[:, CORNER].mean(axis=(1, 2)) - 128
    return np.column_stack([bright, np.zeros(len(pictures)), np.full(len(pictures), -500.0)])


def panel(
    ask: Callable[[np.ndarray], np.ndarray] = bright_corner, marked: tuple[int, ...] = (6, 2, 0)
) -> Panel:
    """Return noise of three classes whose first `marked` files of the half that decides are bright
    in the corner.
    """
    labels = np.repeat([0, 1, 2], EACH)
    half = np.tile(np.arange(EACH) % 2 == 0, 3)
    pixels = rng(1).integers(60, 120, (3 * EACH, SIDE, SIDE, 3)).astype(np.uint8)
    for label, count in enumerate(marked):
        rows = np.flatnonzero((labels == label) & half)[:count]
        pixels[rows, :3, :3] = 220
    return Panel(
        pixels=pixels, labels=labels, ids=np.arange(len(labels)), half=half, ask=ask,
        scores=ask(pixels.astype(np.float32)),
    )  # fmt: skip


def trials(known: Panel, label: int = 0) -> Trials:
    return Trials(known, label, rng(2))


class TestRows:
    def test_halves_split_every_class(self) -> None:
        labels = np.repeat([0, 1, 2], (10, 7, 1))
        half = halves(labels, rng(3))
        assert [int(half[labels == k].sum()) for k in range(3)] == [5, 3, 0]

    def test_receivers_decide_and_are_of_other_classes_and_not_taken_for_it(self) -> None:
        known = panel()
        rows = trials(known).receivers(1000)
        assert sorted(rows) == sorted(set(rows.tolist()))
        assert known.half[rows].all()
        assert (known.labels[rows] != 0).all()
        assert (known.predicted[rows] != 0).all()
        assert len(rows) == 18  # of 20, two have the cue
        assert len(trials(known).receivers(5)) == 5


class TestEffect:
    def test_is_what_donors_and_controls_give(self) -> None:
        """Six donors of ten have the cue, and two controls of twenty."""
        known = panel()
        one = trials(known)
        donors, controls = known.of(0, decides=True), known.others(0, decides=True)
        found = one.run(
            lambda r, d: paste(one.pixels(r), one.pixels(d), CORNER), donors, controls,
            receivers=controls[2:],
        )  # fmt: skip
        assert found is not None
        assert found.treated == pytest.approx(0.6, abs=0.01)
        assert found.control == pytest.approx(0.1, abs=0.05)  # 16 of the 20 are drawn
        assert found.effect == found.treated - found.control
        assert (found.trials, found.donors, found.controls) == (120, 10, 16)
        assert found.interval[0] < found.effect < found.interval[1]

    def test_damage_cancels(self) -> None:
        """A model that says 0 as soon as a corner is another than its own picture's."""
        known = panel(marked=(0, 0, 0))
        own = {picture.tobytes() for picture in known.pixels.astype(np.float32)}

        def wary(pictures: np.ndarray) -> np.ndarray:
            new = [p.astype(np.float32).tobytes() not in own for p in pictures]
            return np.column_stack([np.where(new, 1.0, -1.0), np.zeros((len(pictures), 2))])

        known = Panel(
            pixels=known.pixels, labels=known.labels, ids=known.ids, half=known.half, ask=wary,
            scores=wary(known.pixels.astype(np.float32)),
        )  # fmt: skip
        one = trials(known)
        found = one.run(
            lambda r, d: paste(one.pixels(r), one.pixels(d), CORNER),
            known.of(0, decides=True), known.others(0, decides=True),
        )  # fmt: skip
        assert found is not None
        assert (found.treated, found.control, found.effect) == (1.0, 1.0, 0.0)
        assert found.p >= 0.5

    def test_dose_follows_the_donor(self) -> None:
        """The mean of every edited picture is its donor's: a threshold between them is exact."""
        known = panel(marked=(0, 0, 0))
        tone = known.pixels.mean(axis=(1, 2, 3))
        cut = float(np.quantile(tone[known.of(0, decides=True)], 0.3))
        levels: list[np.ndarray] = []

        def above(pictures: np.ndarray) -> np.ndarray:
            levels.append(pictures.mean(axis=(1, 2, 3)))
            bright = levels[-1] - cut
            return np.column_stack([bright, np.zeros((len(pictures), 2))])

        known = Panel(
            pixels=known.pixels, labels=known.labels, ids=known.ids, half=known.half, ask=above,
            scores=np.column_stack([np.full(60, -1.0), np.zeros((60, 2))]),
        )  # fmt: skip
        one = trials(known)
        donors = known.of(0, decides=True)
        found = one.run(
            lambda r, d: shift_luma(one.pixels(r), tone[d] - tone[r]), donors,
            known.others(0, decides=True),
        )  # fmt: skip
        assert found is not None
        assert found.treated == pytest.approx((tone[donors] > cut).mean(), abs=0.1)
        given = np.concatenate(levels)
        assert np.abs(given[:, None] - tone).min(axis=1).max() < 0.5  # whole numbers

    def test_every_donor_and_control_gives_as_often_and_none_to_itself(self) -> None:
        """Means of few are more spread than means of many: their ranks say nothing."""
        known, dealt = panel(), []
        one = trials(known)
        controls = known.others(0, decides=True)

        def watch(receivers: np.ndarray, donors: np.ndarray) -> np.ndarray:
            dealt.append((receivers, donors))
            return one.pixels(receivers)

        one.run(watch, known.of(0, decides=True), controls, receivers=controls)
        pairs = [np.concatenate(values) for values in zip(*dealt, strict=True)]
        assert (pairs[0] != pairs[1]).all()
        counts = np.bincount(pairs[1])
        assert set(counts[counts > 0].tolist()) == {12}
        assert (counts[known.of(0, decides=True)] == 12).all()
        assert (counts[controls] > 0).sum() == 16

    def test_nothing_where_there_is_nobody(self) -> None:
        known = panel()
        one = trials(known)
        rows, none = known.others(0, decides=True), np.zeros(0, int)

        def edit(receivers: np.ndarray, donors: np.ndarray) -> np.ndarray:
            return one.pixels(receivers)

        assert one.run(edit, none, rows) is None
        assert one.run(edit, rows, rows[:1]) is None
        assert one.run(edit, rows, rows, receivers=none) is None
        assert one.passes == 0

    def test_counts_its_passes(self) -> None:
        one = trials(panel())
        rows = one.panel.others(0, decides=True)
        one.run(lambda r, d: one.pixels(r), rows, rows, receivers=rows)
        assert one.passes == 2 * 20 * 6  # 20 donors, 120 // 20 receivers each

    def test_p_is_uniform_where_few_donors_stand_against_many(self) -> None:
        """Scores with a long tail: a mean of many lies elsewhere than most single ones."""
        draw, found = rng(9), []
        for _ in range(60):
            tails = draw.exponential(1.0, 3 * EACH) ** 2

            def tailed(pictures: np.ndarray, tails: np.ndarray = tails) -> np.ndarray:
                which = pictures[:, 5, 5, 0].astype(int) % len(tails)
                return np.column_stack([tails[which] - 9, np.zeros((len(pictures), 2))])

            known = panel(tailed, marked=(0, 0, 0))
            one = Trials(known, 0, draw)
            effect = one.run(
                lambda r, d, one=one: shift_luma(one.pixels(r), draw.integers(0, 40, len(r))),
                known.of(0, decides=True)[:4], known.others(0, decides=True),
            )  # fmt: skip
            assert effect is not None
            found.append(effect.p)
        assert np.mean(np.array(found) <= 0.1) <= 0.22  # binomial bound
