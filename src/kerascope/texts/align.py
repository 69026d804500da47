"""Where tokens stand in their text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from kerascope.tokens import Tokens, bare, from_tokens, word_starts

_CHUNK = re.compile(r"\S+")


def chunks(text: str) -> list[tuple[str, int, int]]:
    """Return what spaces part, with start and stop in the text."""
    return [(match[0], match.start(), match.end()) for match in _CHUNK.finditer(text)]


def trimmed(chunk: str, token: str = "") -> tuple[int, int]:
    """Return (start, stop) of a token in a chunk; of one not found, what is no punctuation."""
    at = chunk.lower().find(token.lower()) if token else -1
    if at >= 0:
        return at, at + len(token)
    inner = re.search(r"\w.*\w|\w", chunk, re.DOTALL)
    return inner.span() if inner else (0, len(chunk))


def aligned(text: str, tokens: Sequence[str], idle: Sequence[bool], unknown: str = "") -> Tokens:
    """Return tokens with their places in the text, found in order, whatever case and accents.

    Where a token is not found, the result's text is that of the tokens: it differs from `text`.
    """
    plain, places = _folded(text)
    spans: list[tuple[int, int]] = []
    at = 0
    for place, (token, no) in enumerate(zip(tokens, idle, strict=True)):
        if no:
            spans.append((0, 0))
            continue
        if token == unknown:
            stop = _unknown_end(plain, at, tokens[place + 1 :], idle[place + 1 :])
            start = stop - len(plain[at:stop].lstrip())
        else:
            surface = _folded(bare(token))[0]
            start = plain.find(surface, at) if surface else -1
            stop = start + len(surface)
        if start < 0 or stop <= start:
            return from_tokens(tokens, idle)
        spans.append((places[start], places[stop - 1] + 1))
        at = stop
    return Tokens(text, tuple(tokens), tuple(spans), _numbered(text, tokens, idle, spans))


def _numbered(
    text: str, tokens: Sequence[str], idle: Sequence[bool], spans: Sequence[tuple[int, int]]
) -> tuple[int, ...]:
    """Return the number of each token's word: pieces that touch make one, if they are marked so."""
    words: list[int] = []
    count, last = -1, 0
    for start, span in zip(word_starts(tokens, list(idle)), spans, strict=True):
        if start is None:
            words.append(-1)
            continue
        # A mark that a byte-pair vocabulary has lost still shows as a space in the text.
        count += (
            1 if start or count < 0 or text[last : span[0]].strip() != text[last : span[0]] else 0
        )
        words.append(count)
        last = span[1]
    return tuple(words)


def _unknown_end(plain: str, at: int, tokens: Sequence[str], idle: Sequence[bool]) -> int:
    """Return where an unknown word ends: at the next space, or where the next token begins."""
    start = at + len(plain[at:]) - len(plain[at:].lstrip())
    match = re.compile(r"\s").search(plain, start)
    stop = match.start() if match else len(plain)
    follows = next((t for t, no in zip(tokens, idle, strict=True) if not no), None)
    surface = _folded(bare(follows))[0] if follows else ""
    found = plain.find(surface, start + 1, stop) if surface else -1
    return found if found > 0 and not surface.isalnum() else stop


def _folded(text: str) -> tuple[str, list[int]]:
    """Return a text in lower case without accents, and each character's place in the original."""
    plain, places = [], []
    for place, character in enumerate(text):
        for part in unicodedata.normalize("NFD", character.casefold()):
            if not unicodedata.combining(part):
                plain.append(part)
                places.append(place)
    return "".join(plain), places
