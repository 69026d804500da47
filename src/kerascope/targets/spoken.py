"""Read the words in which `Pick` says what it is: the class they are of."""

from __future__ import annotations

import re

from kerascope.labels import Labels, names_for

_SCORE = re.compile(r"^(?:mean )?(?:logit|probability|score|value) of (.+?) \([^()]*\)$", re.DOTALL)
_OUTPUT = re.compile(r"^(.*) of output '(.*)'$", re.DOTALL)
_POSITIONS = re.compile(r" over \d+ positions$")
_NUMBERED = re.compile(r"(?:class|output) (\d+)")


def class_of(explained: str, labels: Labels | None) -> tuple[int | None, str]:
    """Return (class, output) of a target from words such as "mean logit of 'tabby' (12.3)".

    The class is None where the target is none, or one of several of that name; the output is empty
    where there is one only.
    """
    match = _SCORE.match(explained)
    if match is None:
        return None, ""
    who = match[1]
    if (index := _index(who, labels, "")) is not None:  # a name may hold " of output '"
        return index, ""
    if (named := _OUTPUT.match(who)) is None:
        return None, ""
    return _index(named[1], labels, named[2]), named[2]


def _index(who: str, labels: Labels | None, output: str) -> int | None:
    """Return the class that words name; None for none, and for one of several of that name."""
    who = _POSITIONS.sub("", who)
    if (numbered := _NUMBERED.fullmatch(who)) is not None:
        return int(numbered[1])
    known = names_for(labels, output) or ()
    places = [i for i, label in enumerate(known) if f"'{label}'" == who]
    return places[0] if len(places) == 1 else None
