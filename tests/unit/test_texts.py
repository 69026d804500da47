"""Texts as ids: readers of every kind, places of tokens, words, and what cannot be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kerascope as ks
from kerascope.errors import BadFile, BadInput
from kerascope.loading.texts import read_vocabulary
from kerascope.texts.align import aligned
from kerascope.tokens import Tokens, from_tokens

WORDS = ["", "[UNK]", "the", "film", "was", "not", "good", "rock-solid", "!"]
PIECES = [
    "[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]", "the", "film", "was", "bor", "##ing", ",", ".",
    "cafe",
]  # fmt: skip


def spelled(tokens: Tokens) -> list[str]:
    return [tokens.text[start:stop] for start, stop in tokens.spans]


def test_a_word_list() -> None:
    texts = ks.load_texts(["The film -- was GOOD!", "Not a rock-solid film."], vocabulary=WORDS)
    assert texts.inputs.tolist() == [[2, 3, 4, 6, 8], [5, 1, 7, 3, 0]]
    first, second = texts.features[""]
    assert spelled(first) == ["The", "film", "was", "GOOD", "!"]
    assert second.tokens == ("not", "[UNK]", "rock-solid", "film", "")
    assert second.word_names == ("Not", "a", "rock-solid", "film")
    assert second.words == (0, 1, 2, 3, -1)
    facts = texts.reading
    assert (facts.pad, facts.unk, facts.mask) == (0, 1, None)
    assert facts.idle(texts.inputs)[1].tolist() == [False] * 4 + [True]
    assert facts.ends(texts.inputs).tolist() == [4, 3]


def test_a_dict_keeps_its_ids_and_pads_with_zero() -> None:
    texts = ks.load_texts(["film good", "film"], vocabulary={"film": 2, "good": 7})
    assert texts.inputs.tolist() == [[2, 7], [2, 0]]


def test_texts_that_are_too_long_are_cut_and_say_so() -> None:
    texts = ks.load_texts(["film was good", "film"], vocabulary=WORDS, length=2)
    assert texts.inputs.tolist() == [[3, 4], [3, 0]]
    assert texts.notes == ("the last 1 tokens of text 0 do not fit the model and are cut off",)


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        ([], {"vocabulary": WORDS}, "there is no text"),
        ("", {"vocabulary": WORDS}, "text 0 is empty"),
        (["film", "?"], {"vocabulary": WORDS}, "text 1 \\('\\?'\\) has no token"),
        ("a film", {"vocabulary": ["", "film"]}, "word 'a' of text 0 is not in the vocabulary"),
        ("fim", {"vocabulary": ["", "film"]}, "did you mean 'film'"),
        (["a b", "a"], {"vocabulary": ["a", "b"]}, "have 1 to 2 tokens, .* no padding token"),
        ("film", {"vocabulary": []}, "the vocabulary is empty"),
        ("film", {"vocabulary": {"film": -1}}, "ids below 0"),
        ("film", {"vocabulary": 3}, "a vocabulary of type int is not known"),
        ("film", {"vocabulary": WORDS, "length": 0}, "length=0 does not fit"),
        ("film", {}, "how texts become ids is not known"),
        ({"a": ["film"], "b": ["film"]}, {"vocabulary": WORDS}, "one input can be texts, not 2"),
    ],
)
def test_what_cannot_be_read(source: Any, options: dict, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        ks.load_texts(source, **options)
    assert "\n" not in str(caught.value)


def test_files(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("The film\r\n\r\nwas good\n", encoding="utf-8")
    (tmp_path / "v.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    (tmp_path / "v.json").write_text(json.dumps(WORDS), encoding="utf-8")
    for name in ("v.txt", "v.json"):
        texts = ks.load_texts(tmp_path / "t.txt", vocabulary=tmp_path / name)
        assert texts.inputs.tolist() == [[2, 3], [4, 6]]
        assert len(texts) == 2
    (tmp_path / "bad.json").write_text("[1, 2]", encoding="utf-8")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    (tmp_path / "empty.txt").write_text("\n", encoding="utf-8")
    with pytest.raises(BadFile, match="must hold a list of words or a dict of ids"):
        read_vocabulary(tmp_path / "bad.json")
    with pytest.raises(BadFile, match="is no text in UTF-8"):
        ks.load_texts(tmp_path / "latin.txt", vocabulary=WORDS)
    with pytest.raises(BadFile, match="holds no text"):
        ks.load_texts(tmp_path / "empty.txt", vocabulary=WORDS)
    with pytest.raises(BadFile, match="cannot read"):
        ks.load_texts(tmp_path / "none.txt", vocabulary=WORDS)


def test_ids_are_called_by_their_words_and_their_padding_is_none() -> None:
    rows = [[2, 3, 4], [6, 0, 0]]
    for ids in (np.array(rows), rows, [np.array([2, 3, 4]), [6]], np.array(rows, np.uint8)):
        texts = ks.load_texts(ids, vocabulary=WORDS)
        assert texts.inputs.tolist() == rows
        first, second = texts.features[""]
        assert first.word_names == ("the", "film", "was")
        assert (second.tokens, second.words) == (("good", "", ""), (0, -1, -1))
        assert texts.names == ("the film was", "good")
    pieces = ks.load_texts([[1, 5, 8, 9, 2]], vocabulary=PIECES).features[""][0]
    assert pieces.word_names == ("the", "boring")
    front = ks.load_texts(np.array([[0, 0, 2]]), vocabulary=WORDS).features[""][0]
    assert front.words == (-1, -1, 0)


def test_ids_without_a_vocabulary_are_called_by_number(tmp_path: Path) -> None:
    np.save(tmp_path / "ids.npy", [[17, 4, 0]])
    for source in (tmp_path / "ids.npy", str(tmp_path / "ids.npy"), np.array([[17, 4, 0]])):
        texts = ks.load_texts(source)
        assert texts.names == ("#17 #4",)
        assert texts.reading.pad == 0
    cut = ks.load_texts([[1, 2, 3]], length=2)
    assert cut.inputs.tolist() == [[1, 2]]
    assert cut.notes == ("the last 1 tokens of text 0 do not fit the model and are cut off",)


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ([[2, 9]], "text 0 has the id 9; the vocabulary has ids 0 … 8"),
        ([[2, -1]], "text 0 has the id -1"),
        ([[2], []], "text 1 is empty"),
        ([[2, 2.5]], "text 0 is list, not a string"),
        (np.zeros((2, 0), int), "text 0 is empty"),
        (np.zeros((2, 3), int), "text 0 .* has no token"),
        (np.zeros((2, 3, 4), int), "the ids have shape"),
    ],
)
def test_ids_that_cannot_be_read(ids: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        ks.load_texts(ids, vocabulary=WORDS)


def test_a_file_of_other_numbers_holds_no_ids(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", [[0.5]])
    with pytest.raises(BadInput, match="holds float64; ids of tokens are whole numbers"):
        ks.load_texts(tmp_path / "x.npy")


# --- places ------------------------------------------------------------------------------------


def test_places_of_word_pieces_whatever_case_and_accents() -> None:
    text = "The CAFÉ, boring…"
    tokens = ["[CLS]", "the", "cafe", ",", "bor", "##ing", "[UNK]", "[SEP]", "[PAD]"]
    idle = [True, *[False] * 6, True, True]
    found = aligned(text, tokens, idle, "[UNK]")
    assert spelled(found)[1:7] == ["The", "CAFÉ", ",", "bor", "ing", "…"]
    assert found.words == (-1, 0, 1, 2, 3, 3, 4, -1, -1)
    assert found.word_names == ("The", "CAFÉ", ",", "boring", "…")


def test_places_of_sentence_pieces_and_byte_pairs() -> None:
    for mark in "▁Ġ":
        tokens = [f"{mark}un", "believ", "able", f"{mark}film", "!"]
        found = aligned("unbelievable film!", tokens, [False] * 5)
        assert found.words == (0, 0, 0, 1, 1)
        assert found.word_names == ("unbelievable", "film!")


def test_an_unknown_word_ends_before_the_next_token() -> None:
    found = aligned("so zzz. film", ["so", "[UNK]", ".", "film"], [False] * 4, "[UNK]")
    assert spelled(found) == ["so", "zzz", ".", "film"]


def test_tokens_that_are_not_in_the_text_spell_a_text_of_their_own() -> None:
    found = aligned("¿qué?", ["▁what", "▁is", "it"], [False] * 3)
    assert found == from_tokens(["▁what", "▁is", "it"], [False] * 3)
    assert found.text == "what isit"
    assert found.word_names == ("what", "isit")


def test_values_of_words_are_sums_and_sentences_split_at_their_ends() -> None:
    found = aligned("Bad. Boring film!", ["bad", ".", "bor", "##ing", "film", "!"], [False] * 6)
    values = np.arange(6, dtype=np.float32)
    assert found.per_word(values).tolist() == [0, 1, 5, 4, 5]
    assert found.groups("sentence").tolist() == [0, 0, 1, 1, 1, 1]
    assert found.groups("token").tolist() == [0, 1, 2, 3, 4, 5]
    assert Tokens.from_json(json.loads(json.dumps(found.to_json()))) == found


# --- tokenizers of others ----------------------------------------------------------------------


class Encoding:
    """What the `tokenizers` library gives."""

    ids = (1, 5, 8, 9, 2)
    tokens = ("[CLS]", "the", "bor", "##ing", "[SEP]")
    offsets = ((0, 0), (0, 3), (4, 7), (7, 10), (0, 0))
    word_ids = (None, 0, 1, 1, None)
    special_tokens_mask = (1, 0, 0, 0, 1)


class Fast:
    """A stand-in with its interface."""

    def encode(self, text: str) -> Encoding:
        return Encoding()

    def id_to_token(self, id_: int) -> str:
        return PIECES[id_]

    def get_vocab(self) -> dict[str, int]:
        return {piece: i for i, piece in enumerate(PIECES)}


class Pretrained(Fast):
    """A stand-in with the interface of transformers' tokenizers; slow ones know no offsets."""

    pad_token_id, unk_token_id, mask_token_id = 0, 3, 4
    all_special_ids = (0, 1, 2, 3, 4)

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        return [PIECES[i] for i in ids]

    def __call__(self, text: str, **options: Any) -> dict[str, Any]:
        if options:
            raise NotImplementedError
        return {"input_ids": list(Encoding.ids)}


@pytest.mark.parametrize("kind", [Fast, Pretrained])
def test_tokenizers_by_their_interface(kind: type) -> None:
    texts = ks.load_texts(["The boring"], vocabulary=kind(), length=6)
    ids = texts.inputs["input_ids"] if isinstance(texts.inputs, dict) else texts.inputs
    (found,) = next(iter(texts.features.values()))
    assert ids.tolist() == [[1, 5, 8, 9, 2, 0]]
    assert found.words == (-1, 0, 1, 1, -1, -1)
    assert found.word_names == ("The", "boring")
    assert (texts.reading.mask, texts.reading.unk, texts.reading.pad) == (4, 3, 0)
    assert {0, 1, 2} <= texts.reading.special
    assert 3 not in texts.reading.special


class Preprocessor:
    """A stand-in for a KerasHub preprocessor: ids, a mask and segment numbers."""

    class tokenizer:
        pad_token_id, mask_token_id = 0, 4

        @staticmethod
        def vocabulary_size() -> int:
            return len(PIECES)

        @staticmethod
        def id_to_token(id_: int) -> str:
            return PIECES[id_]

    def __call__(self, texts: list[str]) -> dict[str, np.ndarray]:
        ids = np.zeros((len(texts), 7), np.int32)
        for row, text in zip(ids, texts, strict=True):
            pieces = text.lower().replace("boring", "bor ##ing").split()
            mine = [1, *(PIECES.index(piece) for piece in pieces), 2]
            row[: len(mine)] = mine
        return {"token_ids": ids, "padding_mask": ids != 0, "segment_ids": np.zeros_like(ids)}


def with_masks() -> keras.Model:
    """A small encoder with the inputs of KerasHub's BERT; brings its preprocessor."""
    keras.utils.set_random_seed(0)
    names = ("padding_mask", "segment_ids", "token_ids")
    given = {name: keras.Input((None,), dtype="int32", name=name) for name in names}
    x = keras.layers.Embedding(len(PIECES), 6)(given["token_ids"])
    x = x + keras.layers.Embedding(2, 6)(given["segment_ids"])
    mask = keras.ops.expand_dims(keras.ops.cast(given["padding_mask"], "float32"), -1)
    pooled = keras.ops.sum(x * mask, axis=1) / keras.ops.sum(mask, axis=1)
    model = keras.Model(given, keras.layers.Dense(2)(pooled))
    model.preprocessor = Preprocessor()
    return model


@pytest.mark.parametrize("name", [None, "lime", "occlusion", "gradient_x_input", "rise"])
def test_a_model_with_its_preprocessor_takes_strings(name: str | None) -> None:
    result = ks.explain(with_masks(), ["the boring film", "film was"], name, target=1)
    assert isinstance(result.values, np.ndarray)
    assert result.values.shape == (2, 7)
    assert result.input_names == ("token_ids",)
    assert result.axes == ("sample", "token")
    assert result.tokens(0).word_names == ("the", "boring", "film")
    assert np.abs(result.values[1, 4:]).max() < 1e-6 * np.abs(result.values[1]).max()  # padding
    assert result.values[1, 1:3].all()
    whole = ks.explain(with_masks(), ["the boring film"], "lime", segments="word", target=1)
    assert whole.values[0, 2] == whole.values[0, 3] != 0


def test_keras_hub_itself() -> None:
    hub = pytest.importorskip("keras_hub", reason="KerasHub is not installed").models
    tokenizer = hub.BertTokenizer(vocabulary=PIECES, lowercase=True)
    body = hub.BertBackbone(
        vocabulary_size=len(PIECES), num_layers=1, num_heads=2, hidden_dim=8, intermediate_dim=16,
        max_sequence_length=8,
    )  # fmt: skip
    model = hub.BertTextClassifier(
        backbone=body, num_classes=2,
        preprocessor=hub.BertTextClassifierPreprocessor(tokenizer, sequence_length=8),
    )  # fmt: skip
    result = ks.explain(model, ["The film was boring."])
    assert result.tokens(0).tokens[:3] == ("[CLS]", "the", "film")
    assert result.tokens(0).word_names == ("The", "film", "was", "boring", ".")
    assert result.input_names == ("token_ids",)
    assert "id 4" in result.notes[0]
    assert result.values[0, 1:6].all()


# --- TextVectorization -------------------------------------------------------------------------


def vectorizer(**options: Any) -> Any:
    pytest.importorskip("tensorflow", reason="TextVectorization needs TensorFlow")
    layer = keras.layers.TextVectorization(output_sequence_length=6, **options)
    layer.adapt(["the film was good", "a film"])
    return layer


def test_a_vectorizer_beside_the_model() -> None:
    texts = ks.load_texts(["The film, (was) REALLY good -- a film"], vocabulary=vectorizer())
    (found,) = texts.features[""]
    assert spelled(found) == ["The", "film", "was", "REALLY", "good", "a"]
    assert found.tokens[3] == "[UNK]"
    assert found.words == (0, 1, 2, 3, 4, 5)
    assert "cut off" in texts.notes[0]


def test_a_vectorizer_that_splits_elsewhere() -> None:
    layer = vectorizer(split="character")
    (found,) = ks.load_texts(["a film"], vocabulary=layer).features[""]
    assert [letter for letter in spelled(found) if letter.strip()] == [*"afilm"]


def test_a_vectorizer_that_counts_is_refused() -> None:
    pytest.importorskip("tensorflow", reason="TextVectorization needs TensorFlow")
    layer = keras.layers.TextVectorization(output_mode="multi_hot")
    layer.adapt(["a film"])
    with pytest.raises(BadInput, match="output_mode='multi_hot' counts words"):
        ks.load_texts(["a film"], vocabulary=layer)


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64")  # Keras's own, on JAX
@pytest.mark.parametrize("kind", ["sequential", "functional"])
def test_a_model_of_strings(kind: str) -> None:
    """The layers after its vectorizer are explained, on every backend; the model stays."""
    layer = vectorizer()
    tail = [
        keras.layers.Embedding(12, 4), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(2)
    ]  # fmt: skip
    if kind == "sequential":
        model = keras.Sequential([layer, *tail])
    else:
        text = keras.Input((), dtype="string")
        x = layer(text)
        for each in tail:
            x = each(x)
        model = keras.Model(text, x)
    ks.explain(model, ["a film"])  # builds it, where it was not
    before = model.get_config()
    result = ks.explain(model, ["the film was good", "a film"], target=1)
    assert model.get_config() == before
    assert result.tokens(0).word_names == ("the", "film", "was", "good")
    assert result.values[0, :4].all()
    assert not result.values[0, 4:].any()
    if keras.backend.backend() == "tensorflow":
        given = keras.ops.convert_to_tensor(["the film was good", "a film"])
        assert np.allclose(keras.ops.convert_to_numpy(model(given)), result.predictions, atol=1e-6)
    again = ks.explain(model, ["a film"], target=1)
    assert np.allclose(again.values[0], result.values[1], atol=1e-6)
    measured = ks.evaluate(model, ["the film was good"], result.method, "sparseness", target=1)
    assert np.isfinite(measured.values[0]).all()


# --- results -----------------------------------------------------------------------------------


def test_tokens_are_saved_cut_and_graded(tmp_path: Path) -> None:
    model = with_masks()
    result = ks.explain(model, ["the boring film", "film was"], target=1)
    loaded = ks.Attribution.load(result.save(tmp_path / "r.safetensors"))
    assert loaded.features == result.features
    assert loaded[1].tokens(0).text == "film was"
    assert loaded.feature_names("token_ids", 1)[:3] == ("[CLS]", "film", "was")
    graded = ks.grade(model, loaded, target=1)
    assert [grade.letter for grade in graded.grade]
    assert graded.features == result.features


def test_a_causal_model_of_keras_hub() -> None:
    hub = pytest.importorskip("keras_hub", reason="KerasHub is not installed").models
    words = ["<|endoftext|>", *"abc", "Ġ", "Ġa", "Ġb", "Ġc", "ab", "Ġab"]
    tokenizer = hub.GPT2Tokenizer(
        vocabulary={word: i for i, word in enumerate(words)},
        merges=["Ġ a", "Ġ b", "Ġ c", "a b", "Ġa b"],
    )
    body = hub.GPT2Backbone(
        vocabulary_size=10, num_layers=1, num_heads=2, hidden_dim=8, intermediate_dim=16,
        max_sequence_length=8,
    )  # fmt: skip
    model = hub.GPT2CausalLM(
        backbone=body, preprocessor=hub.GPT2CausalLMPreprocessor(tokenizer, sequence_length=8)
    )
    result = ks.explain(model, ["a b c ab"], target=("Ġab", ks.NextToken("c", position=2)))
    assert result.explained[0][0].startswith("score of 'Ġab' after token 5")
    assert result.explained[0][1].startswith("score of 'c' after token 3")
    assert result.tokens(0).word_names == ("a", "b", "c", "ab")
    assert result.values[0, 0, 1:5].all()
    assert not result.values[0, 1, 3:].any()  # what comes later has no say


def test_words_that_the_vocabulary_does_not_have_are_said() -> None:
    texts = ks.load_texts(["the film was good", "a film, qqq and the zzz"], vocabulary=WORDS)
    known = [note for note in texts.notes if "not in the vocabulary" in note]
    assert len(known) == 1
    assert known[0].startswith("text 1: ")
    assert all(f"'{word}'" in known[0] for word in ("a", "qqq", "and", "zzz"))
    assert "'film'" not in known[0]
    many = ks.load_texts([f"film qqq{k}" for k in range(9)], vocabulary=WORDS).notes
    assert many[-1] == "4 more texts have unknown words"
    with pytest.raises(BadInput, match="text 1: the vocabulary has none of its words: 'zzz', 'qq'"):
        ks.load_texts(["the film", "zzz qq"], vocabulary=WORDS)


def test_a_model_of_pictures_takes_no_texts() -> None:
    i = keras.Input((4, 4, 3), name="picture")
    model = keras.Model(i, keras.layers.Dense(2)(keras.layers.Flatten()(i)))
    with pytest.raises(BadInput, match=r"neither texts nor token ids; its inputs: 'picture' \(4,"):
        ks.load_texts(["the film"], model, vocabulary=WORDS)
