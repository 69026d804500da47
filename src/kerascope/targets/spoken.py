"""Read the words in which `Pick` says what it is: the class they are of."""

from __future__ import annotations

import re

from kerascope.labels import Labels, names_for

_SCORE = re.compile(r"^(?:mean )?(?:logit|probability|score|value) of (.+?) \([^()]*\)$", re.DOTALL)
_OUTPUT = re.compile(r"^(.*) of output '(.*)'$", re.DOTALL)
_POSITIONS = re.compile(r" over \d+ positions$")
_NUMBERED = re.compile(r"(?:class|output) (\d+)")


def class_words(explained: str) -> tuple[str, str] | None:
    """Return (class, output) as words such as "mean logit of 'tabby' (12.3)" say them.

    None where they are of something else; the output is empty where there is one only.
    """
    match = _SCORE.match(explained)
    if match is None:
        return None
    who, output = match[1], ""
    if (named := _OUTPUT.match(who)) is not None:
        who, output = named[1], named[2]
    who = _POSITIONS.sub("", who)
    return (who, output) if who.startswith("'") or _NUMBERED.fullmatch(who) else None


def class_of(explained: str, labels: Labels | None) -> tuple[int | None, str]:
    """Return (class, output) of a target from its words.

    The class is None where the target is none, or one of several of that name.
    """
    said = class_words(explained)
    if said is None:
        return None, ""
    who, output = said
    if (numbered := _NUMBERED.fullmatch(who)) is not None:
        return int(numbered[1]), output
    known = names_for(labels, output) or ()
    places = [i for i, label in enumerate(known) if f"'{label}'" == who]
    return (places[0] if len(places) == 1 else None), output
