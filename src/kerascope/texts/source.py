"""Which reader is behind what a user gives: a vocabulary, a layer, a preprocessor, a tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerascope.errors import BadInput
from kerascope.texts.readers import Reader, Vectorizer, Vocabulary
from kerascope.texts.tokenizers import Fast, Hub, Pretrained


def reader_of(source: Any) -> Reader:
    """Return the reader behind a vocabulary, a vectorizer, a preprocessor or a tokenizer.

    Raises:
        BadInput: the object is none of these.
    """
    if isinstance(source, Mapping) or (
        isinstance(source, (list, tuple)) and all(isinstance(w, str) for w in source)
    ):
        return Vocabulary(source)
    if type(source).__name__ == "TextVectorization":
        return Vectorizer(source)
    if hasattr(source, "convert_ids_to_tokens") and callable(source):
        return Pretrained(source)
    if callable(getattr(source, "id_to_token", None)) and hasattr(source, "encode"):
        return Fast(source)
    if callable(source) and (hasattr(source, "tokenizer") or hasattr(source, "id_to_token")):
        return Hub(source)
    raise BadInput(
        f"a vocabulary of type {type(source).__name__} is not known: give a list or dict of words, "
        "a TextVectorization layer, a KerasHub preprocessor or tokenizer, or a tokenizer with "
        "encode"
    )
