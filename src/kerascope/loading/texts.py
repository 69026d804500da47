"""Texts from strings and files, and vocabularies from files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from kerascope.errors import BadFile, BadInput
from kerascope.loading.arrays import one_array, read_arrays
from kerascope.loading.sources import is_array_file
from kerascope.texts import Texts, read_texts

TEXT_SUFFIXES = (".txt",)


def load_texts(
    source: Any, model: Any = None, *, vocabulary: Any = None, length: int | None = None
) -> Texts:
    """Return texts as token ids that know their words: what `explain` takes.

    Args:
        source: a string, a list of strings, a path of a .txt file (one text a line), or a dict by
            input name of which one entry is a list of strings. Or ids: an array of whole numbers
            (sample, token), a list of rows of any length, a path of a .npy or .npz file.
        model: what takes the ids. A model that takes strings (TextVectorization inside) or brings a
            KerasHub preprocessor needs no vocabulary.
        vocabulary: how texts become ids, and which word an id is: a list of words by id, a dict of
            ids, a file of one word a line or .json, a TextVectorization layer, a KerasHub
            preprocessor or tokenizer, or a tokenizer as `tokenizers` and `transformers` have them.
            TextVectorization needs TensorFlow to be installed, whatever the backend. Ids without
            one are called by number, and 0 is the padding.
        length: tokens of the model's input, where the model leaves it open; None: the longest.

    Raises:
        BadInput: a text is empty or has no word of the vocabulary, or how texts become ids is not
            known.
        BadFile: a file cannot be read.
    """
    if is_array_file(source):
        source = one_array(read_arrays(source), Path(source).name)
        if source.dtype.kind not in "iu":
            raise BadInput(f"the array holds {source.dtype}; ids of tokens are whole numbers")
    elif isinstance(source, os.PathLike):
        source = read_lines(source)
    if isinstance(vocabulary, (str, os.PathLike)):
        vocabulary = read_vocabulary(vocabulary)
    return read_texts(source, model, vocabulary=vocabulary, length=length)


def read_lines(path: str | os.PathLike[str]) -> list[str]:
    """Return the texts of a file, one a line; lines without any are left out."""
    texts = [line for line in _text(path).splitlines() if line.strip()]
    if not texts:
        raise BadFile(f"'{Path(path).name}' holds no text")
    return texts


def read_vocabulary(path: str | os.PathLike[str]) -> Any:
    """Return the words of a file by id: one a line, or a .json list or dict of ids.

    A vocab.txt as BERT's has its padding first; an empty first line is padding, too.
    """
    name, content = Path(path).name, _text(path)
    if Path(path).suffix.lower() != ".json":
        return content.split("\n")[: -1 if content.endswith("\n") else None]
    try:
        found = json.loads(content)
    except json.JSONDecodeError as error:
        raise BadFile(f"vocabulary '{name}' is no JSON: {error}") from error
    listed = isinstance(found, list) and all(isinstance(word, str) for word in found)
    mapped = isinstance(found, dict) and all(isinstance(i, int) for i in found.values())
    if not (listed or mapped):
        raise BadFile(f"vocabulary '{name}' must hold a list of words or a dict of ids")
    return found


def _text(path: str | os.PathLike[str]) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise BadFile(f"'{Path(path).name}' is no text in UTF-8") from error
    except OSError as error:
        raise BadFile(f"cannot read '{path}': {error.strerror or error}") from error
