"""What masks allow: backgrounds apart from objects, sizes, things that stand beside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from audit import causes
from audit.causes import World, discs, follower, known, lit_ground, world
from once import once

pytestmark = once


def told(found: Any) -> list[tuple[str, str]]:
    assert all(f.level == "question" for f in found.findings)
    return [(f.label, f.kind) for f in found.findings]


def few(made: World, each: int = 20) -> list[Any]:
    """Return masks of the first files of each class, None for the others."""
    order = np.concatenate([np.flatnonzero(made.labels == k)[:each] for k in range(3)])
    kept = set(order.tolist())
    return [mask if i in kept else None for i, mask in enumerate(made.masks)]


class TestBackground:
    MODEL = staticmethod(follower(causes.ground, 160))

    def test_is_told_from_the_whole_picture(self) -> None:
        made = lit_ground(each=60)
        (one,) = made.audit(self.MODEL, masks=made.masks).findings
        assert (one.label, one.kind, one.statistic) == ("ant", "background", "brightness")
        assert one.treated >= 0.95
        assert one.control <= 0.02
        assert "of the background" in one.sentence

    def test_by_twenty_rough_masks_a_class(self) -> None:
        from scipy import ndimage

        made = lit_ground(0.9, each=60)
        rough = [m if m is None else ndimage.binary_dilation(m, iterations=1) for m in few(made)]
        found = made.audit(self.MODEL, masks=rough)
        assert told(found) == [("ant", "background")]

    def test_what_the_object_has_is_not_of_the_background(self) -> None:
        """The model measures the middle: the brightness of the background alone does nothing."""
        made = world(causes.brighter, (0.5, 0, 0))

        def inside(pictures: np.ndarray) -> np.ndarray:
            return pictures[:, causes.middle(causes.SIDE, 4)].mean(axis=(1, 2))

        found = made.audit(follower(inside, 170), masks=made.masks)
        assert "background" not in {f.kind for f in found.findings}
        assert "brightness" in {f.kind for f in found.findings}

    def test_without_masks_it_is_the_whole_picture(self) -> None:
        made = lit_ground(each=60)
        assert told(made.audit(self.MODEL)) == [("ant", "brightness")]


class TestSize:
    def test_is_found(self) -> None:
        made = discs(0.9)
        (one,) = made.audit(follower(causes.area, 0.15), masks=made.masks).findings
        assert (one.label, one.kind) == ("ant", "size")
        assert one.treated >= 0.95
        assert one.control <= 0.05

    def test_is_no_finding_where_the_model_does_not_mind(self) -> None:
        made = discs(0.9)
        assert made.audit(known, masks=made.masks).findings == ()

    def test_is_not_tried_where_sizes_are_alike(self) -> None:
        made = discs(0.0)
        found = made.audit(follower(causes.area, 0.15), masks=made.masks)
        assert "size" not in {f.kind for f in found.findings}


class TestCompanion:
    def test_is_found(self) -> None:
        made = world(causes.blob, (0.9, 0, 0))
        found = made.audit(follower(causes.yellow, 90), masks=made.masks)
        assert told(found)[0] == ("ant", "companion")
        assert found.findings[0].treated >= 0.7
        assert found.findings[0].control <= 0.05
        assert "beside the object" in found.findings[0].sentence

    def test_is_no_finding_where_the_model_does_not_mind(self) -> None:
        made = world(causes.blob, (0.9, 0, 0))
        assert made.audit(known, masks=made.masks).findings == ()


@pytest.mark.parametrize("masks", ["all", "few"])
def test_masks_make_no_finding_of_their_own(masks: str) -> None:
    """Objects pasted, filled in and enlarged: damage enough, and no cause."""
    made = world()
    found = made.audit(known, masks=made.masks if masks == "all" else few(made))
    assert found.findings == ()
    assert found.evidence["ant"]["acts"]["object"] >= 0.9  # and the object is what counts
