"""Texts that came as ids: their tokens by a vocabulary, or by number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerascope.errors import BadInput
from kerascope.texts.readers import Read, padded
from kerascope.tokens import Reading, from_tokens

PLAIN = Reading(pad=0)  # what is known without a vocabulary: 0 pads, as everywhere in Keras


def holds_ids(texts: Any) -> bool:
    """Tell whether texts are whole numbers: an array (sample, token), or a list of rows."""
    if isinstance(texts, np.ndarray):
        return texts.dtype.kind in "iu" or (texts.dtype == object and holds_ids(texts.tolist()))
    if not isinstance(texts, (list, tuple)) or not texts:
        return False
    return all(
        isinstance(row, (list, tuple, np.ndarray))
        and all(isinstance(i, (int, np.integer)) and not isinstance(i, bool) for i in row)
        for row in texts
    )


def read_ids(texts: Any, facts: Reading, length: int | None) -> Read:
    """Return rows of ids with the tokens that a vocabulary names, and a text made of them.

    facts: what is known of the ids; a token without a name is called by its number. Rows of
    several lengths are filled up behind with the padding, and cut to `length`.

    Raises:
        BadInput: another shape, no rows, one without a token, or an id that is not there.
    """
    if _even(texts) and texts.ndim > 2:
        raise BadInput(f"the ids have shape {texts.shape}; they must be (text, token)")
    rows = [[int(i) for i in row] for row in (np.atleast_2d(texts) if _even(texts) else texts)]
    if not rows:
        raise BadInput("there is no text")
    for sample, row in enumerate(rows):
        if not row:
            raise BadInput(f"text {sample} is empty")
        _check(row, sample, facts)
    ids, cut = padded(rows, facts, length)
    tokens = [
        from_tokens([_name(int(i), facts) for i in row], idle)
        for row, idle in zip(ids, facts.idle(ids), strict=True)
    ]
    return Read(ids, tokens, cut=cut)


def _even(texts: Any) -> bool:
    return isinstance(texts, np.ndarray) and texts.dtype.kind in "iu"


def _check(row: Sequence[int], sample: int, facts: Reading) -> None:
    most = len(facts.vocabulary) if facts.vocabulary else None
    wrong = next((i for i in row if i < 0 or (most is not None and i >= most)), None)
    if wrong is not None:
        known = "ids start at 0" if most is None else f"the vocabulary has ids 0 … {most - 1}"
        raise BadInput(f"text {sample} has the id {wrong}; {known}")


def _name(i: int, facts: Reading) -> str:
    return (facts.vocabulary[i] if facts.vocabulary else "") or ("" if i == facts.pad else f"#{i}")
