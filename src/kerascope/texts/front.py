"""Texts as a model's inputs, and strings given to `explain` directly."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerascope.errors import BadInput, BadModel
from kerascope.facts import facts_of, remember
from kerascope.texts.functions import ids_of_words
from kerascope.texts.ids import PLAIN, holds_ids, read_ids
from kerascope.texts.readers import Read, Vectorizer
from kerascope.texts.source import reader_of
from kerascope.tokens import Reading, Tokens, key_of
from kerascope.types import Tree

_IDS = ("token_ids", "input_ids", "input_word_ids", "ids", "tokens")
_SHOWN = 5  # unknown words, and texts with such, that notes name
_NAME = 40  # characters of a text that name it


@dataclasses.dataclass(frozen=True, eq=False)
class Texts:
    """Texts as ids that a model takes, with their tokens; what `load_texts` returns.

    inputs: ids (sample, token), or a dict by input name. features: the tokens of every text, by
    input name ("" of a model with one input). model: what takes the ids, where the model itself
    takes strings.
    """

    inputs: Tree
    features: dict[str, tuple[Tokens, ...]]
    reading: Reading
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    model: Any = None

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, rows: slice) -> Texts:
        """Return some of the texts."""
        cut = (
            {name: array[rows] for name, array in self.inputs.items()}
            if isinstance(self.inputs, Mapping)
            else self.inputs[rows]
        )
        features = {name: tokens[rows] for name, tokens in self.features.items()}
        return dataclasses.replace(self, inputs=cut, features=features, names=self.names[rows])


def holds_texts(inputs: Any) -> bool:
    """Tell whether inputs are strings, or a dict or list of which an entry is."""
    if isinstance(inputs, str):
        return True
    if isinstance(inputs, Mapping):
        return any(holds_texts(value) for value in inputs.values())
    if isinstance(inputs, (list, tuple)):
        return any(isinstance(value, str) for value in inputs)
    if not isinstance(inputs, np.ndarray) or inputs.dtype.kind not in "UOST" or not inputs.size:
        return False
    return inputs.dtype.kind != "O" or isinstance(inputs.flat[0], (str, bytes))


def prepared(model: Any, inputs: Any) -> tuple[Any, Any]:
    """Return model and inputs with strings read, by what the model brings to read them."""
    if not isinstance(inputs, Texts) and holds_texts(inputs) and _takes_texts(model):
        inputs = read_texts(inputs, model)
    if isinstance(inputs, Texts) and inputs.model is not None:
        return inputs.model, inputs
    return model, inputs


def _is_function(model: Any) -> bool:
    """Tell whether a model is a plain function, of strings then, and nothing of Keras."""
    return callable(model) and not hasattr(model, "layers") and not hasattr(model, "preprocessor")


def reads_texts(model: Any) -> bool:
    """Tell whether a model brings what reads texts: a TextVectorization or a preprocessor."""
    if vectorizer_of(model) is not None:
        return True
    preprocessor = getattr(model, "preprocessor", None)
    return callable(preprocessor) and hasattr(preprocessor, "tokenizer")


def _takes_texts(model: Any) -> bool:
    """Tell whether rows of ids may be what a model takes: not of one that takes pictures."""
    shapes = [shape for _, shape in _declared(model)]
    return not shapes or any(len(shape) < 2 for shape in shapes)


def read_texts(
    texts: Any, model: Any = None, *, vocabulary: Any = None, length: int | None = None
) -> Texts:
    """Return texts as ids; see `load_texts`."""
    if isinstance(texts, Mapping):
        return _among_others(texts, model, vocabulary, length)
    coded = holds_ids(texts)
    strings = [] if coded else _strings(texts)
    if not coded and vocabulary is None and _is_function(model):
        inner, ids, facts, tokens, note = ids_of_words(model, strings)
        names = tuple(_short(text) for text in strings)
        return Texts(ids, {facts.input: tokens}, facts, names, (note,), inner)
    if not coded and model is not None and not _takes_texts(model):
        taken = ", ".join(f"'{name}' {shape}" for name, shape in _declared(model))
        raise BadInput(f"the model takes neither texts nor token ids; its inputs: {taken}")
    inner, reader = _reader(model, vocabulary, needed=not coded)
    name, size = _place(inner, length)
    facts = PLAIN if reader is None else reader.facts
    read = read_ids(texts, facts, size) if coded else reader.read(strings, size)
    strings = strings or [tokens.text for tokens in read.tokens]
    idle = facts.idle(read.ids)
    for sample in np.flatnonzero(idle.all(axis=1)):
        raise BadInput(
            f"text {sample} ({strings[sample][:30]!r}) has no token that the model reads"
        )
    strange = [] if coded else _strange(read, facts)
    inputs, facts = _inputs(inner, read, name, facts)
    facts = dataclasses.replace(
        facts,
        texts={key_of(row): tokens for row, tokens in zip(read.ids, read.tokens, strict=True)},
    )
    return Texts(
        inputs,
        {facts.input: tuple(read.tokens)},
        facts,
        tuple(_short(text) for text in strings),
        (*_notes(read, strings), *strange),
        inner if inner is not model else None,
    )


def _among_others(texts: Mapping[str, Any], model: Any, vocabulary: Any, length: Any) -> Texts:
    """Read the one entry of a dict that holds strings; the others stay beside it."""
    held = [name for name, value in texts.items() if holds_texts(value)]
    if len(held) != 1:
        raise BadInput(f"one input can be texts, not {len(held)} ({', '.join(held)})")
    inner, reader = _reader(model, vocabulary)
    if length is None and inner is not None:
        length = next((shape[0] for name, shape in _declared(inner) if name == held[0]), None)
    found = read_texts(list(texts[held[0]]), None, vocabulary=vocabulary or reader, length=length)
    ids = (
        found.inputs if not isinstance(found.inputs, Mapping) else found.inputs[found.reading.input]
    )
    tokens = found.features[found.reading.input]
    return dataclasses.replace(
        found,
        inputs={name: ids if name == held[0] else value for name, value in texts.items()},
        features={held[0]: tokens},
        reading=dataclasses.replace(found.reading, input=held[0], held=()),
    )


def _strings(texts: Any) -> list[str]:
    if isinstance(texts, str):
        texts = [texts]
    listed = np.asarray(texts).ravel().tolist() if isinstance(texts, np.ndarray) else list(texts)
    listed = [t.decode() if isinstance(t, bytes) else t for t in listed]
    if not listed:
        raise BadInput("there is no text")
    for sample, text in enumerate(listed):
        if not isinstance(text, str):
            raise BadInput(f"text {sample} is {type(text).__name__}, not a string")
        if not text.strip():
            raise BadInput(f"text {sample} is empty")
    return listed


def _reader(model: Any, vocabulary: Any, *, needed: bool = True) -> tuple[Any, Any]:
    """Return the model that takes ids, and the `Reader` that makes them.

    Raises:
        BadInput: nothing is known of how the model's ids are made, and it is `needed`.
    """
    layer, inner = vectorizer_of(model), net_of_ids(model)
    if vocabulary is not None:
        return inner, vocabulary if hasattr(vocabulary, "facts") else reader_of(vocabulary)
    if layer is not None:
        return inner, Vectorizer(layer)
    preprocessor = getattr(model, "preprocessor", None)
    if preprocessor is not None:
        return inner, reader_of(preprocessor)
    if not needed:
        return inner, None
    raise BadInput(
        "the model takes token ids, and how texts become ids is not known: give a word list, a "
        "TextVectorization layer or a tokenizer, by load_texts(texts, model, vocabulary=…) or "
        "--vocabulary FILE"
    )


def vectorizer_of(model: Any) -> Any:
    """Return the TextVectorization layer that a model starts with; None where there is none."""
    layers = getattr(model, "layers", None) or ()
    found = [layer for layer in layers if type(layer).__name__ == "TextVectorization"]
    return found[0] if found else None


def net_of_ids(model: Any) -> Any:
    """Return what takes the ids of a model of strings; any other model as it is."""
    layer = vectorizer_of(model)
    return model if layer is None else ids_model(model, layer)


_INNER: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()


def ids_model(model: Any, layer: Any) -> Any:
    """Return what comes after a model's TextVectorization: the same layers, called with ids.

    Strings have no gradient, and JAX and torch hold none. Made once per model.

    Raises:
        BadModel: it is no Sequential or Functional model that starts with this layer.
    """
    import keras

    if model in _INNER:
        return _INNER[model]
    try:
        if isinstance(model, keras.Sequential):
            after = model.layers[model.layers.index(layer) + 1 :]
            width = getattr(layer, "_output_sequence_length", None)
            inner = keras.Sequential([keras.Input((width,), dtype="int32"), *after])
        else:
            inner = keras.Model(layer.output, model.output)
    except (AttributeError, ValueError, TypeError) as error:
        raise BadModel(
            "the model takes strings, and what comes after its TextVectorization cannot be called "
            "alone; give the model that takes ids, and load_texts(…, vocabulary=the layer)"
        ) from error
    facts = facts_of(model)
    remember(inner, labels=facts.labels, source=facts.source, notes=facts.notes)
    _INNER[model] = inner
    return inner


def _declared(model: Any) -> list[tuple[str, tuple[int | None, ...]]]:
    try:
        return [(tensor.name, tuple(tensor.shape[1:])) for tensor in model.inputs or ()]
    except (AttributeError, ValueError):
        return []


def _place(model: Any, length: int | None) -> tuple[str, int | None]:
    """Return the name of the input that takes ids, and its length, None where it is open."""
    declared = [] if model is None else _declared(model)
    if len(declared) < 2:
        size = declared[0][1][0] if declared and declared[0][1] else None
        _check_length(length, size)
        return "", length or size
    names = [name for name, _ in declared]
    name = next((name for name in _IDS if name in names), None)
    if name is None:
        raise BadInput(
            f"which input takes the texts is not known: give a dict of {', '.join(names)} with the "
            "texts at its name"
        )
    size = dict(declared)[name][0]
    _check_length(length, size)
    return name, length or size


def _check_length(length: int | None, size: int | None) -> None:
    if length is not None and (length < 1 or size not in (None, length)):
        raise BadInput(
            f"length={length} does not fit the model, which takes {size or 'at least 1'}"
        )


def _inputs(model: Any, read: Read, name: str, facts: Reading) -> tuple[Tree, Reading]:
    """Return what the model is called with; masks and the like are held as they are."""
    declared = {} if model is None else dict(_declared(model))
    if len(declared) < 2 and not (read.beside and model is None):
        return read.ids, facts
    key = name or next(iter(read.beside))
    beside = {n: a for n, a in read.beside.items() if n != key and n not in _IDS}
    missing = [n for n in declared if n != key and n not in beside]
    for other in list(missing):
        if other in ("padding_mask", "attention_mask") and facts.pad is not None:
            beside[other] = (read.ids != facts.pad).astype(np.int32)
        elif other in ("segment_ids", "token_type_ids"):
            beside[other] = np.zeros_like(read.ids)
        else:
            raise BadInput(f"input '{other}' of the model is missing: give a dict of all inputs")
    kept = {n: a for n, a in beside.items() if not declared or n in declared}
    # The ids come first: an explanation of one input stands for the first.
    return {key: read.ids, **kept}, dataclasses.replace(facts, input=key, held=tuple(kept))


def _notes(read: Read, texts: Sequence[str]) -> list[str]:
    notes = []
    cut = [(sample, lost) for sample, lost in enumerate(read.cut) if lost]
    if cut:
        sample, lost = cut[0]
        more = f", and of {len(cut) - 1} more texts" if len(cut) > 1 else ""
        notes.append(
            f"the last {lost} tokens of text {sample} do not fit the model and are cut off{more}"
        )
    other = [
        i for i, (t, tokens) in enumerate(zip(texts, read.tokens, strict=True)) if t != tokens.text
    ]
    if other:
        notes.append(
            f"the tokens of {len(other)} text(s), first text {other[0]}, could not be found in "
            "them: words are shown as the tokens spell them"
        )
    return notes


def _strange(read: Read, facts: Reading) -> list[str]:
    """Return notes of words that the vocabulary does not have; raise `BadInput` for nothing else.

    Such words are one and the same to the model.
    """
    if facts.unk is None:
        return []
    notes = []
    for sample, (tokens, ids) in enumerate(zip(read.tokens, read.ids, strict=True)):
        names = tokens.word_names
        mine = [(w, id_) for w, id_ in zip(tokens.words, ids, strict=False) if w >= 0]
        lost = sorted({word for word, id_ in mine if id_ == facts.unk})
        if not lost:
            continue
        said = ", ".join(f"'{names[word][:30]}'" for word in lost[:_SHOWN])
        said += ", …" if len(lost) > _SHOWN else ""
        if all(id_ == facts.unk for _, id_ in mine):
            raise BadInput(f"text {sample}: the vocabulary has none of its words: {said}")
        notes.append(
            f"text {sample}: {len(lost)} of {len(names)} words not in the vocabulary: {said}"
        )
    if len(notes) > _SHOWN:
        return [*notes[:_SHOWN], f"{len(notes) - _SHOWN} more texts have unknown words"]
    return notes


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _NAME else line[: _NAME - 1] + "…"
