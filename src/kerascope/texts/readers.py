"""Readers: what turns texts into ids, whoever made it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from kerascope.errors import BadInput, choices
from kerascope.texts.align import aligned, chunks, trimmed
from kerascope.tokens import Reading, Tokens, from_tokens
from kerascope.types import Array

PADS = ("", "[PAD]", "<pad>", "<PAD>")
_UNKNOWNS = ("[UNK]", "<unk>", "<UNK>", "[OOV]", "<OOV>", "<oov>")
_MASKS = ("[MASK]", "<mask>", "<MASK>")
_SPECIALS = (
    "[CLS]", "[SEP]", "<s>", "</s>", "<cls>", "<sep>", "<bos>", "<eos>", "[START]", "[END]",
    "<START>", "<END>", "<start>", "<end>", "<|endoftext|>",
)  # fmt: skip
_WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")


@dataclasses.dataclass
class Read:
    """Texts that were read: ids (sample, token), what belongs to them, tokens, and what was lost.

    beside: further inputs by name, such as masks. cut: by sample, how many tokens did not fit.
    """

    ids: Array
    tokens: list[Tokens]
    beside: dict[str, Array] = dataclasses.field(default_factory=dict)
    cut: list[int] = dataclasses.field(default_factory=list)


class Reader(Protocol):
    """Reads texts: `facts` says what its ids mean, without any text."""

    facts: Reading

    def read(self, texts: Sequence[str], length: int | None) -> Read:
        """Return the texts as ids; length: of the model's input, None where it is open."""


def named(tokens: Sequence[str], **known: Any) -> Reading:
    """Return what a vocabulary's own names say of its special tokens; `known` goes first."""
    place = {token: i for i, token in reversed(list(enumerate(tokens)))}
    first = lambda names: next((place[n] for n in names if n in place), None)  # noqa: E731
    found = {"pad": first(PADS), "unk": first(_UNKNOWNS), "mask": first(_MASKS)}
    special = {place[name] for name in _SPECIALS if name in place}
    special |= {i for i in (found["pad"], found["mask"]) if i is not None}
    facts: dict[str, Any] = {"vocabulary": tuple(tokens), "special": frozenset(special), **found}
    return Reading(**(facts | known))


def padded(
    rows: Sequence[Sequence[int]], facts: Reading, length: int | None
) -> tuple[Array, list[int]]:
    """Return rows of ids as one array, and how many ids of each did not fit.

    Raises:
        BadInput: they differ in length and there is no padding token.
    """
    size = length or max(map(len, rows))
    if facts.pad is None and any(len(row) < size for row in rows):
        raise BadInput(
            f"the texts have {min(map(len, rows))} to {max(map(len, rows))} tokens, the model "
            f"takes {size}, and the vocabulary has no padding token ({', '.join(PADS[1:3])} or '')"
        )
    ids = np.full((len(rows), size), facts.pad or 0, np.int32)
    for row, mine in zip(ids, rows, strict=True):
        row[: len(mine)] = mine[:size]
    return ids, [max(0, len(row) - size) for row in rows]


def fitted(tokens: Tokens, size: int, pad: str) -> Tokens:
    """Return tokens cut or filled up with padding to `size` positions."""
    more = max(0, size - len(tokens.tokens))
    return Tokens(
        tokens.text,
        tokens.tokens[:size] + (pad,) * more,
        tokens.spans[:size] + ((0, 0),) * more,
        tokens.words[:size] + (-1,) * more,
    )


class Vocabulary:
    """Words as a list, by id, or as a dict of ids: texts are cut into words and punctuation.

    A word is looked up as it stands, then in lower case; punctuation that is not there is dropped.
    """

    def __init__(self, words: Mapping[str, int] | Sequence[str]) -> None:
        if isinstance(words, Mapping):
            table = {str(word): int(i) for word, i in words.items()}
            if table and min(table.values()) < 0:
                raise BadInput("the vocabulary has ids below 0")
            listed = [""] * (max(table.values(), default=-1) + 1)
            for word, i in table.items():
                listed[i] = word
        else:
            listed = list(words)
            table = {word: i for i, word in reversed(list(enumerate(listed)))}
        if not any(listed):
            raise BadInput("the vocabulary is empty")
        self.table = {word: i for word, i in table.items() if word}
        known = {} if 0 in self.table.values() else {"pad": 0}  # the usual padding
        self.facts = named(listed, **known)

    def read(self, texts: Sequence[str], length: int | None) -> Read:
        """Return the ids of the words; raise `BadInput` for one unknown without a token for it."""
        found = [self._words(text, sample) for sample, text in enumerate(texts)]
        ids, cut = padded([[i for i, _ in row] for row in found], self.facts, length)
        pad = self._name(self.facts.pad)
        tokens = [
            fitted(self._tokens(text, row), ids.shape[1], pad)
            for text, row in zip(texts, found, strict=True)
        ]
        return Read(ids, tokens, cut=cut)

    def _words(self, text: str, sample: int) -> list[tuple[int, tuple[int, int]]]:
        found = []
        for match in _WORD.finditer(text):
            word = match[0]
            i = self.table.get(word, self.table.get(word.lower(), self.facts.unk))
            if word[0].isalnum() or word in self.table:
                if i is None:
                    raise BadInput(
                        f"word '{word}' of text {sample} is not in the vocabulary, which has no "
                        f"token for unknown words{choices(word, self.table)}"
                    )
                found.append((i, match.span()))
        return found

    def _tokens(self, text: str, row: list[tuple[int, tuple[int, int]]]) -> Tokens:
        names = tuple(self._name(i) for i, _ in row)
        return Tokens(text, names, tuple(span for _, span in row), tuple(range(len(row))))

    def _name(self, i: int | None) -> str:
        return "" if i is None else (self.facts.vocabulary or ())[i]


class Vectorizer:
    """A `keras.layers.TextVectorization` that gives ids; needs TensorFlow, on every backend."""

    def __init__(self, layer: Any) -> None:
        mode = layer.get_config()["output_mode"]
        if mode != "int":
            raise BadInput(
                f"TextVectorization with output_mode='{mode}' counts words; only output_mode='int' "
                "gives tokens that can be explained"
            )
        self.layer = layer
        words = [str(word) for word in layer.get_vocabulary()]
        self.facts = named(words, pad=0, unk=1)

    def _ids(self, texts: Sequence[str]) -> Array:
        from keras import ops

        return np.asarray(ops.convert_to_numpy(self.layer(list(texts)))).astype(np.int32)

    def read(self, texts: Sequence[str], length: int | None) -> Read:
        """Return the layer's ids; each token is found by what the layer makes of single words."""
        ids = self._ids(texts)
        size = length or ids.shape[1]
        if ids.shape[1] < size:
            ids = np.pad(ids, ((0, 0), (0, size - ids.shape[1])))
        found = [self._tokens(text, row) for text, row in zip(texts, ids, strict=True)]
        return Read(ids[:, :size], [tokens for tokens, _ in found], cut=[cut for _, cut in found])

    def _tokens(self, text: str, row: Array) -> tuple[Tokens, int]:
        names = tuple(self.facts.vocabulary[i] for i in row)  # type: ignore[index]
        real = row[row != 0].tolist()
        parts = chunks(text)
        alone = self._ids([chunk for chunk, _, _ in parts]) if parts else np.zeros((0, 1), int)
        found = [
            (int(i), start, chunk, number)
            for number, (each, (chunk, start, _)) in enumerate(zip(alone, parts, strict=True))
            for i in each[each != 0]
        ]
        if [i for i, *_ in found][: len(real)] != real:
            # Not a split at spaces: the tokens are looked for in the text.
            return aligned(text, names, (row == 0).tolist(), names[0] if 1 in row else ""), 0
        spans, words = [(0, 0)] * len(row), [-1] * len(row)
        for place, (i, start, chunk, number) in zip(np.flatnonzero(row), found, strict=False):
            first, last = trimmed(chunk, "" if i == 1 else names[place])
            spans[place], words[place] = (start + first, start + last), number
        numbers = sorted(set(words) - {-1})
        order = {number: k for k, number in enumerate(numbers)} | {-1: -1}
        words = [order[number] for number in words]
        return Tokens(text, names, tuple(spans), tuple(words)), len(found) - len(real)


def tokens_of(
    text: str, names: Sequence[str], idle: Sequence[bool], offsets: Any, words: Any
) -> Tokens:
    """Return tokens whose places, and perhaps words, a tokenizer has told."""
    if offsets is None:
        return aligned(text, names, idle)
    spans = tuple(
        (0, 0) if no else (int(a), int(b)) for (a, b), no in zip(offsets, idle, strict=True)
    )
    if words is None:
        return dataclasses.replace(from_tokens(names, idle), text=text, spans=spans)
    mine = [None if no else word for word, no in zip(words, idle, strict=True)]
    known = {w: k for k, w in enumerate(dict.fromkeys(w for w in mine if w is not None))}
    numbers = tuple(-1 if w is None else known[w] for w in mine)
    return Tokens(text, tuple(names), spans, numbers)
