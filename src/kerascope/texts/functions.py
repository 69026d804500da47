"""Plain functions of strings: each word of each text gets an id of its own, and texts come back."""

from __future__ import annotations

import bisect
import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerascope.errors import BadInput
from kerascope.tokens import Reading, Tokens, key_of
from kerascope.types import Array

_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_NOTE = (
    "a covered word is left out of its text, at its own place alone; a text of which nothing is "
    "left is empty"
)


@dataclasses.dataclass(frozen=True, eq=False)
class OfStrings:
    """A function of a list of strings, called with ids (sample, token); 0 is no word.

    spans: (start, stop) of every word of every text; ids go on from text to text.
    firsts: the id of the first word of every text.
    """

    function: Callable[[list[str]], Any]
    texts: tuple[str, ...]
    spans: tuple[tuple[tuple[int, int], ...], ...]
    firsts: tuple[int, ...]

    def __call__(self, ids: Any) -> Any:
        """Return what the function gives for the texts without the words that are not there."""
        return self.function([self._spelled(row) for row in np.asarray(ids).astype(int)])

    def _spelled(self, row: Array) -> str:
        there = set(row.tolist()) - {0}
        if not there:
            return ""
        number = bisect.bisect_right(self.firsts, min(there)) - 1
        text, end, kept = self.texts[number], 0, []
        for id_, (start, stop) in enumerate(self.spans[number], self.firsts[number]):
            if id_ not in there:
                kept.append(text[end:start])
                end = stop
        return "".join([*kept, text[end:]])


def ids_of_words(
    function: Callable[[list[str]], Any], texts: Sequence[str]
) -> tuple[OfStrings, Array, Reading, tuple[Tokens, ...], str]:
    """Return the function of ids, the ids, how they were read, the tokens, and a note.

    Raises:
        BadInput: a text holds no word.
    """
    found = tuple(tuple(match.span() for match in _WORD.finditer(text)) for text in texts)
    for sample, spans in enumerate(found):
        if not spans:
            raise BadInput(f"text {sample} ({texts[sample][:30]!r}) holds no word")
    ids = np.zeros((len(texts), max(map(len, found))), np.int32)
    firsts, tokens, vocabulary = list[int](), list[Tokens](), [""]
    for sample, (text, spans) in enumerate(zip(texts, found, strict=True)):
        firsts.append(len(vocabulary))
        ids[sample, : len(spans)] = np.arange(firsts[-1], firsts[-1] + len(spans))
        names = [text[start:stop] for start, stop in spans]
        vocabulary += names
        rest = ids.shape[1] - len(spans)
        tokens.append(
            Tokens(
                text,
                (*names, *[""] * rest),
                (*spans, *[(0, 0)] * rest),
                (*range(len(spans)), *[-1] * rest),
            )
        )
    reading = Reading(
        pad=0, vocabulary=tuple(vocabulary),
        texts={key_of(row): each for row, each in zip(ids, tokens, strict=True)},
    )  # fmt: skip
    made = OfStrings(function, tuple(texts), found, tuple(firsts))
    return made, ids, reading, tuple(tokens), _NOTE
