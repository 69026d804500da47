"""A text as a model reads it: tokens, where each stands in the text, and the words they make."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.errors import BadInput, choices
from kerascope.labels import one_list

if TYPE_CHECKING:
    from kerascope.types import Array

GROUPS = ("token", "word", "sentence")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")
_STARTS = ("", "▁", "Ġ", " ")  # how vocabularies mark that a token begins a word


@dataclasses.dataclass(frozen=True)
class Tokens:
    """One text and its tokens, one for every position of the model's input.

    spans: (start, stop) of each token's characters in `text`; (0, 0) for what stands nowhere in it:
        padding and special tokens.
    words: the number of the word each token belongs to; −1 for padding and special tokens.
    """

    text: str
    tokens: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    words: tuple[int, ...]

    @property
    def word_spans(self) -> list[tuple[int, int]]:
        """Return (start, stop) of every word in the text."""
        mine = [[] for _ in range(max(self.words, default=-1) + 1)]  # type: list[list[tuple[int, int]]]
        for word, span in zip(self.words, self.spans, strict=True):
            if word >= 0:
                mine[word].append(span)
        return [(min(a for a, _ in spans), max(b for _, b in spans)) for spans in mine]

    @property
    def word_names(self) -> tuple[str, ...]:
        """Return every word as it stands in the text."""
        return tuple(self.text[start:stop] for start, stop in self.word_spans)

    def per_word(self, values: Array) -> Array:
        """Return the sum of (…, token) values over each word's tokens: (…, word)."""
        sums = np.zeros((*values.shape[:-1], len(self.word_spans)), np.float64)
        for place, word in enumerate(self.words):
            if word >= 0:
                sums[..., word] += values[..., place]
        return sums.astype(np.float32)

    def groups(self, kind: str) -> Array:
        """Return the number of each position's token, word or sentence, int32; −1 for none."""
        words = np.array(self.words, np.int32)
        if kind == "token":
            return np.where(words < 0, -1, np.cumsum(words >= 0) - 1).astype(np.int32)
        if kind == "word":
            return words
        ends = [match.start() for match in _SENTENCE.finditer(self.text)]
        found = np.searchsorted(ends, [start for start, _ in self.spans], side="right")
        _, numbered = np.unique(found[words >= 0], return_inverse=True)
        sentences = np.full(len(words), -1, np.int32)
        sentences[words >= 0] = numbered
        return sentences

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Tokens:
        """Return what `to_json` described."""
        spans = tuple((int(a), int(b)) for a, b in data["spans"])
        return cls(data["text"], tuple(data["tokens"]), spans, tuple(map(int, data["words"])))


@dataclasses.dataclass(frozen=True, eq=False)
class Reading:
    """How texts became ids: what a model's view must know to explain them.

    input: name of the input that holds the ids; "" of a model with one input.
    pad, mask, unk: ids of these special tokens, where there are such.
    special: all ids that stand for no word of a text.
    held: inputs that belong to the ids (masks, segment numbers): given, never explained.
    vocabulary: the token of every id, where known.
    texts: the texts that were read, by their ids.
    """

    input: str = ""
    pad: int | None = None
    mask: int | None = None
    unk: int | None = None
    special: frozenset[int] = frozenset()
    held: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] | None = None
    texts: Mapping[bytes, Tokens] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return what a result's file says of it: neither vocabulary nor texts."""
        if not self.texts:
            return {}
        known = {name: getattr(self, name) for name in ("input", "pad", "mask", "unk")}
        return {**known, "special": sorted(self.special), "held": list(self.held)}

    def idle(self, ids: Array) -> Array:
        """Return where (sample, token) ids are padding or special, as truth values."""
        padding = () if self.pad is None else (self.pad,)
        return np.isin(ids, [*self.special, *padding])

    def ends(self, ids: Array) -> Array:
        """Return the place of every sample's last token that is no padding, (sample,)."""
        real = ids != (-1 if self.pad is None else self.pad)
        return (ids.shape[1] - 1 - np.argmax(real[:, ::-1], axis=1)).astype(np.int32)

    def id_of(self, word: str) -> int:
        """Return the id behind "pad", "mask" or "unk"; raise `BadInput` where there is none."""
        found = getattr(self, word)
        if found is None:
            have = [name for name in ("mask", "unk", "pad") if getattr(self, name) is not None]
            raise BadInput(
                f"the vocabulary has no {word} token{choices(word, have)}; or give a token id"
            )
        return found

    def cover(self) -> int:
        """Return what covers a token where nothing else is said: the mask, unknown or padding."""
        known = (found for found in (self.mask, self.unk, self.pad) if found is not None)
        return next(known, 0)

    def token(self, id_: int) -> str:
        """Return the token of an id, in quotes; "the padding", or the id, where it has no name."""
        known = self.vocabulary if self.vocabulary and 0 <= id_ < len(self.vocabulary) else None
        if known and known[id_]:
            return f"'{known[id_]}'"
        return "the padding" if id_ == self.pad and known else f"id {id_}"

    def text(self, ids: Array) -> Tokens | None:
        """Return the text that became these ids, if it was read."""
        return self.texts.get(key_of(ids))


def reading_of(result: Any) -> Reading | None:
    """Return how the texts of an `Attribution` became ids; None where it is of no texts."""
    known = result.provenance.reading
    if not known:
        return None
    name = known["input"] or result.input_names[0]
    ids = result.inputs[name] if isinstance(result.inputs, Mapping) else result.inputs
    return reading_from(known, ids, result.features[name])


def vocabulary_of(result: Any) -> tuple[str, ...] | None:
    """Return the tokens of a language model, the classes at every position; else None."""
    speaks = result.provenance.reading and np.ndim(result.predictions) == 3
    return one_list(result.labels) if speaks else None


def reading_from(
    known: Mapping[str, Any], ids: Array, tokens: Sequence[Tokens],
    vocabulary: tuple[str, ...] | None = None,
) -> Reading:  # fmt: skip
    """Return what `Reading.to_json` described, of (sample, token) ids with their tokens."""
    fields = {**known, "special": frozenset(known["special"]), "held": tuple(known["held"])}
    texts = {key_of(row): mine for row, mine in zip(ids, tokens, strict=True)}
    return Reading(**fields, vocabulary=vocabulary, texts=texts)


def key_of(ids: Array) -> bytes:
    """Return what a row of ids is looked up by."""
    return np.ascontiguousarray(ids, np.int64).tobytes()


def spellings(word: str) -> list[str]:
    """Return the tokens that may stand for a word in a vocabulary."""
    return [start + word for start in _STARTS]


def from_tokens(tokens: Sequence[str], idle: Iterable[bool]) -> Tokens:
    """Return tokens as a text of their own: word pieces joined, words parted by spaces."""
    text, spans, words = "", [], []
    starts = word_starts(tokens, list(idle))
    for token, start in zip(tokens, starts, strict=True):
        if start is None:
            spans.append((0, 0))
            words.append(-1)
            continue
        text += " " if start and text else ""
        surface = bare(token)
        spans.append((len(text), len(text) + len(surface)))
        words.append(max(words, default=-1) + (1 if start else 0))
        text += surface
    return Tokens(text, tuple(tokens), tuple(spans), tuple(words))


def word_starts(tokens: Sequence[str], idle: Sequence[bool]) -> list[bool | None]:
    """Tell which tokens begin a word, by the marks of word pieces; None for what is no word.

    "##" goes on with a word (WordPiece); "▁" and "Ġ" begin one (SentencePiece, byte pairs). Without
    such marks, every token is a word.
    """
    real = [token for token, no in zip(tokens, idle, strict=True) if not no]
    begins = any(token.startswith(("▁", "Ġ")) for token in real)
    starts: list[bool | None] = []
    first = True
    for token, no in zip(tokens, idle, strict=True):
        if no:
            starts.append(None)
            first = True
            continue
        marked = token.startswith(("▁", "Ġ", " ")) if begins else not token.startswith("##")
        starts.append(first or marked)
        first = False
    return starts


def bare(token: str) -> str:
    """Return a token without the marks of word pieces."""
    return token.removeprefix("##").lstrip("▁Ġ") or token
