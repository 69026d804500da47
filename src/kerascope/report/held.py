"""What a document says of inputs that are no pictures: a text's words, a row's named columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kerascope.plot.maps import Kind, cells_of, inputs_of

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.tokens import Tokens


def held_entry(result: Attribution, kind: Kind, name: str, sample: int) -> dict[str, Any]:
    """Return "text" of a text, "table" of a row of a table; nothing of other inputs."""
    if kind is Kind.TABLE:
        return {"table": _row(result, sample)}
    tokens = result.tokens(sample, name) if kind is Kind.TOKENS else None
    return {} if tokens is None else {"text": _text(tokens)}


def _text(tokens: Tokens) -> dict[str, Any]:
    """Return a text with its words and tokens, without the padding at its end.

    spans: (start, stop) of every word, in characters as JavaScript counts them. words: the number
    of each token's word, −1 of what is no word.
    """
    last = tokens.tokens[-1:]
    used = len(tokens.tokens)
    while tokens.words[used - 2 : used] == (-1, -1) and tokens.tokens[used - 2 : used] == 2 * last:
        used -= 1
    units = [0]
    for character in tokens.text:
        units.append(units[-1] + (2 if ord(character) > 0xFFFF else 1))
    return {
        "text": tokens.text,
        "spans": [[units[start], units[stop]] for start, stop in tokens.word_spans],
        "tokens": list(tokens.tokens[:used]),
        "words": list(tokens.words[:used]),
    }


def _row(result: Attribution, sample: int) -> dict[str, Any]:
    """Return a row: names of its columns, what they hold in words, and numbers where they are."""
    x = {name: array[sample : sample + 1] for name, array in inputs_of(result).items()}
    return {
        "columns": [column.name for column in result.columns],
        "cells": cells_of(result, sample),
        "numbers": [
            None if column.categories else float(column.read(x)[0]) for column in result.columns
        ],
    }
