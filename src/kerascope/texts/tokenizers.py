"""Readers of tokenizers that others make: KerasHub, and those like Hugging Face's, by interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerascope.errors import BadInput
from kerascope.texts.align import aligned
from kerascope.texts.readers import Read, fitted, named, padded, tokens_of
from kerascope.tokens import Tokens
from kerascope.types import Array


class Hub:
    """A KerasHub preprocessor (dict of ids, padding mask, …) or tokenizer (ids).

    Of a tokenizer: `get_vocabulary()` or `id_to_token(id)` and `vocabulary_size()`; of a
    preprocessor: `tokenizer`, and a call with a list of texts.
    """

    def __init__(self, source: Any) -> None:
        self.source = source
        self.tokenizer = getattr(source, "tokenizer", None) or source
        self.alone = self.tokenizer is source
        if hasattr(self.tokenizer, "vocabulary_size"):
            size = int(self.tokenizer.vocabulary_size())
            words = [str(self.tokenizer.id_to_token(i)) for i in range(size)]
        else:
            words = [str(word) for word in self.tokenizer.get_vocabulary()]
        known = {
            name: int(found)
            for name in ("pad", "unk", "mask")
            if (found := getattr(self.tokenizer, f"{name}_token_id", None)) is not None
        }
        self.facts = named(words, **known)
        marks = {
            getattr(self.tokenizer, f"{n}_token_id", None) for n in ("cls", "sep", "start", "end")
        }
        ids = self.facts.special | {int(i) for i in marks if i is not None}
        self.facts = named(words, **known, special=frozenset(ids))

    def read(self, texts: Sequence[str], length: int | None) -> Read:
        """Return what the preprocessor gives; masks and segment numbers stand beside the ids."""
        if self.alone:
            rows = [np.asarray(self.tokenizer(text)).reshape(-1).tolist() for text in texts]
            ids, cut = padded(rows, self.facts, length)
            return Read(ids, self._tokens(texts, ids), cut=cut)
        found = self._called(texts, length)
        if isinstance(found, (tuple, list)):
            found = found[0]  # (x, y, weight) of preprocessors that shift the text
        arrays = found if isinstance(found, dict) else {"token_ids": found}
        arrays = {name: _plain(array) for name, array in arrays.items()}
        key = next((n for n in ("token_ids", "input_ids") if n in arrays), None)
        if key is None:
            raise BadInput(
                f"the preprocessor gives {', '.join(arrays)}; none is 'token_ids' or 'input_ids'"
            )
        ids = arrays.pop(key).astype(np.int32)
        beside = {key: ids, **arrays}
        return Read(ids, self._tokens(texts, ids), beside=beside)

    def _called(self, texts: Sequence[str], length: int | None) -> Any:
        """Call the preprocessor; one of a causal model keeps the text whole, as for generating."""
        generate = getattr(self.source, "generate_preprocess", None)
        if generate is None:
            return self.source(list(texts))
        return generate(list(texts), sequence_length=length)

    def _tokens(self, texts: Sequence[str], ids: Array) -> list[Tokens]:
        names = self.facts.vocabulary or ()
        unknown = "" if self.facts.unk is None else names[self.facts.unk]
        return [
            aligned(text, [names[i] for i in row], idle.tolist(), unknown)
            for text, row, idle in zip(texts, ids, self.facts.idle(ids), strict=True)
        ]


def _plain(array: Any) -> Array:
    from keras import ops

    values = np.asarray(ops.convert_to_numpy(array))
    return values.astype(np.int32) if values.dtype.kind in "biu" else values


class Fast:
    """A tokenizer whose `encode(text)` gives ids, tokens, offsets, word_ids: `tokenizers`."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.facts = named(_by_id(tokenizer.get_vocab()))

    def read(self, texts: Sequence[str], length: int | None) -> Read:
        """Return the ids, with the places that the tokenizer itself gives."""
        found = [self.tokenizer.encode(text) for text in texts]
        ids, cut = padded([each.ids for each in found], self.facts, length)
        rows = []
        for text, each in zip(texts, found, strict=True):
            mask = getattr(each, "special_tokens_mask", None)
            idle = [bool(m) for m in mask] if mask else self.facts.idle(np.array(each.ids)).tolist()
            words = getattr(each, "word_ids", None)
            whole = tokens_of(text, each.tokens, idle, each.offsets, words)
            rows.append(fitted(whole, ids.shape[1], _pad_name(self.facts)))
        return Read(ids, rows, cut=cut)


class Pretrained:
    """A tokenizer that is called with a text and gives "input_ids", as those of transformers."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        words = _by_id(tokenizer.get_vocab())
        known = {
            name: found
            for name in ("pad", "unk", "mask")
            if (found := getattr(tokenizer, f"{name}_token_id", None)) is not None
        }
        special = frozenset(getattr(tokenizer, "all_special_ids", ())) - {known.get("unk")}
        self.facts = named(words, **known, **({"special": special} if special else {}))

    def read(self, texts: Sequence[str], length: int | None) -> Read:
        """Return the ids; offsets are asked for, and looked for where there are none."""
        found = [self._called(text) for text in texts]
        ids, cut = padded([list(each["input_ids"]) for each in found], self.facts, length)
        rows = []
        for text, each in zip(texts, found, strict=True):
            names = self.tokenizer.convert_ids_to_tokens(list(each["input_ids"]))
            idle = self.facts.idle(np.array(each["input_ids"])).tolist()
            words = each.word_ids() if callable(getattr(each, "word_ids", None)) else None
            whole = tokens_of(text, names, idle, each.get("offset_mapping"), words)
            rows.append(fitted(whole, ids.shape[1], _pad_name(self.facts)))
        pad = self.facts.pad
        beside = {} if pad is None else {"attention_mask": (ids != pad).astype(np.int32)}
        return Read(ids, rows, beside={"input_ids": ids, **beside}, cut=cut)

    def _called(self, text: str) -> Any:
        try:
            return self.tokenizer(text, return_offsets_mapping=True)
        except (NotImplementedError, TypeError, ValueError):  # slow ones know no offsets
            return self.tokenizer(text)


def _by_id(table: dict[str, int]) -> list[str]:
    listed = [""] * (max(table.values()) + 1)
    for word, i in table.items():
        listed[i] = word
    return listed


def _pad_name(facts: Any) -> str:
    return "" if facts.pad is None else facts.vocabulary[facts.pad]
