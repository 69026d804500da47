"""What the page writes of a painted mask, read by the studio."""

from __future__ import annotations

import numpy as np
import pytest

from kerascope.errors import BadInput
from kerascope.studio.maskcode import painted
from once import once

pytestmark = once

# Written by web/maskcode.js: a cell for every pixel, and 21 × 32 of them.
FINE = "AAAFCgcKBwoCCgUMBQwFBwUMBQwFBwUKBwoC"
COARSE = "AwUogAEJ"


def test_the_pages_own_texts() -> None:
    y, x = np.indices((11, 17))
    np.testing.assert_array_equal(painted(FINE, (11, 17)), (x // 5 + y // 3) % 3 == 0)
    mask = painted(COARSE, (201, 301))
    # of the same text, `Mask.take` of the page covers these pixels
    assert (mask.sum(), np.flatnonzero(mask).sum() % 1_000_003) == (4403, 673701)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cut off or damaged"),
        ("A", "cut off or damaged"),
        ("BQUo", "cut off or damaged"),  # of no side that is known
        ("AwWA", "cut off or damaged"),  # a number without its end
        ("AP_______w8B", "cut off or damaged"),  # a number of 42 bits
        (COARSE, "is not of a picture of 4 × 4"),
        ("AAUA", "nothing is painted"),
        ("A" * 1504, "is not of a picture of 4 × 4"),
    ],
)
def test_other_texts_are_refused(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        painted(text, (4, 4))
