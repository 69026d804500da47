"""What an error message suggests in place of a name that is not known."""

from __future__ import annotations

import pytest

from kerascope.errors import choices
from once import once

pytestmark = once

CLASSES = ("crate", "castle", "tiger_cat", "Egyptian cat", "tabby", "oxcart")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("cat", "; did you mean 'tiger_cat' or 'Egyptian cat'?"),
        ("egyptian", "; did you mean 'Egyptian cat'?"),
        ("taby", "; did you mean 'tabby'?"),
        ("x", "; known: crate, castle, … (6 in all)"),
        ("zzz", "; known: crate, castle, … (6 in all)"),
    ],
)
def test_names_that_hold_the_word_come_before_those_spelled_alike(value: str, words: str) -> None:
    assert choices(value, CLASSES, limit=2) == words
