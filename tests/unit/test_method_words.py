"""Methods from words: what the fields of a method take on the command line."""

from __future__ import annotations

from typing import Any

import pytest

from kerascope.cli.words import parse_method
from kerascope.errors import BadMethod
from once import once

pytestmark = once


@pytest.mark.parametrize(
    ("words", "value"),
    [("occlusion:patch=3", 3), ("occlusion:patch=1x8x8", (1, 8, 8)), ("occlusion:patch=none", None),
     ("lrp:through=block4:42", ("block4:42",)), ("lrp:through=a:1+b/c:2", ("a:1", "b/c:2")),
     ("lrp:composite=epsilon_plus", "epsilon_plus"),
     ("xrai:baselines=min+0.5+max", ("min", 0.5, "max")),
     ("extremal_perturbation:area=0.05+0.1", (0.05, 0.1)),
     ("extremal_perturbation:area=1e-1", 0.1),
     ("chefer:layers=a", "a"), ("chefer:layers=a+b", ("a", "b"))],
)  # fmt: skip
def test_one_value_or_several(words: str, value: Any) -> None:
    field = words.partition(":")[2].partition("=")[0]
    assert getattr(parse_method(words), field) == value


@pytest.mark.parametrize(
    ("words", "said"),
    [("occlusion:patch=few", "patch cannot be 'few'; it takes int, several as 8x8, none"),
     ("extremal_perturbation:area=few", "it takes float, several as a\\+b"),
     ("extremal_perturbation:area=0.1+few", "area cannot be 'few'; it takes float$")],
)  # fmt: skip
def test_what_a_field_does_not_take_is_said_in_words(words: str, said: str) -> None:
    with pytest.raises(BadMethod, match=said):
        parse_method(words)
