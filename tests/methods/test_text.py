"""Text: what was planted is found by the default method, and by tokens, words and sentences."""

from __future__ import annotations

import numpy as np
import pytest

import kerascope as ks
import text_nets
from kerascope.errors import BadInput, BadMethod, BadTarget
from kerascope.plot.predictions import prediction_words
from kerascope.texts import Texts

TEXT = "The film was boring, and the plot was great!"


def texts_of(*texts: str) -> Texts:
    return ks.load_texts(list(texts), length=10, vocabulary=text_nets.WORDS)


@pytest.mark.parametrize("kind", ["lstm", "gru", "conv", "transformer"])
def test_the_default_method_finds_the_keyword(kind: str) -> None:
    model = text_nets.classifier(kind)
    result = ks.explain(model, texts_of(TEXT), target=1)
    text = result.tokens(0)
    words = dict(zip(text.word_names, text.per_word(result.values[0]).tolist(), strict=True))
    share = words["boring"] / sum(max(0.0, value) for value in words.values())
    assert result.method.name == "integrated_gradients"
    assert result.predictions[0, 1] > 0.9
    assert max(words, key=words.get) == "boring"
    assert share > 0.5
    assert "baseline: the embedding of the padding (id 0)" in result.notes


@pytest.mark.parametrize("name", ["lime", "kernel_shap", "feature_ablation", "occlusion", "rise"])
def test_covering_finds_the_keyword(name: str) -> None:
    result = ks.explain(text_nets.classifier("conv"), texts_of(TEXT), name, target=1)
    assert result.values[0].argmax() == result.tokens(0).tokens.index("boring")
    assert "covered tokens become '[UNK]' (id 1)" in result.notes


def test_padding_is_no_player() -> None:
    """What would change if padding were covered: of a text with more padding, nothing does."""
    model = text_nets.classifier("conv")
    whole = ks.explain(model, texts_of("a boring film"), "kernel_shap", target=1)
    assert whole.extras["segments"][0].tolist() == [0, 1, 2, *[-1] * 7]
    assert not whole.values[0, 3:].any()
    assert np.isclose(
        whole.values.sum() + whole.gap.sum(), change(model, "a boring film"), atol=1e-4
    )


def change(model: object, text: str) -> float:
    """The score of a text over that of as many unknown words."""
    ids = texts_of(text).inputs
    other = np.where(ids == 0, 0, 1)
    scores = [ks.explain(model, x, "gradient", target=1).scores[0] for x in (ids, other)]
    return float(scores[0] - scores[1])


def test_words_and_sentences_share_a_value() -> None:
    pieces = ["[PAD]", "[UNK]", "[MASK]", "bor", "##ing", "film", ".", "a", "good"]
    model = text_nets.smooth()
    texts = ks.load_texts(["A boring film"], model, vocabulary=_Pieces(pieces))
    found = ks.explain(model, texts, "feature_ablation", segments="word", target=1)
    assert found.tokens(0).words[:4] == (0, 1, 1, 2)
    assert found.values[0, 1] == found.values[0, 2] != found.values[0, 0]
    ids = texts.inputs.copy()
    ids[0, 1:3] = 2  # the mask token
    both = ks.explain(model, ids, "gradient", target=1).scores[0]
    assert np.isclose(found.values[0, 1], found.scores[0] - both, atol=1e-5)
    split = ks.load_texts(["A film. Good film!"], vocabulary=["", "[UNK]", "a", "film", "good"])
    assert split.features[""][0].groups("sentence").tolist() == [0, 0, 1, 1]


class _Pieces:
    """A tokenizer of pieces that stand apart, with the interface of KerasHub's."""

    def __init__(self, vocabulary: list[str]) -> None:
        self.vocabulary = vocabulary

    def get_vocabulary(self) -> list[str]:
        return self.vocabulary

    def id_to_token(self, id_: int) -> str:
        return self.vocabulary[id_]

    def __call__(self, text: str) -> np.ndarray:
        pieces = text.lower().replace("boring", "bor ##ing").split()
        return np.array([self.vocabulary.index(piece) for piece in pieces])


def test_dropped_words_close_up() -> None:
    model = text_nets.smooth()
    texts = ks.load_texts(["b c d"], model, vocabulary=["", *"abcdefghijk"])
    found = ks.explain(model, texts, "feature_ablation", baseline="drop", target=1)
    without = np.array([[2, 4, 0, 0, 0]])
    rest = ks.explain(model, without, "gradient", target=1).scores[0]
    assert np.isclose(found.values[0, 1], found.scores[0] - rest, atol=1e-5)
    assert any("dropped" in note for note in found.notes)


def test_integrated_gradients_from_a_token() -> None:
    """Oracle: the midpoint rule in NumPy, from the covering token's embedding."""
    table, first, second = text_nets.smooth_weights()
    ids = text_nets.SMOOTH_IDS
    end, start = table[ids].astype(float), np.broadcast_to(table[text_nets.COVER], (2, 5, 6))
    total = np.zeros_like(end)
    for step in range(text_nets.STEPS):
        at = start + (step + 0.5) / text_nets.STEPS * (end - start)
        slope = 1 - np.tanh(at.mean(axis=1) @ first) ** 2  # (text, unit)
        total += ((slope * second[:, 1]) @ first.T / 5)[:, None] / text_nets.STEPS
    wanted = ((end - start) * total).sum(axis=-1)
    found = ks.explain(
        text_nets.smooth(), ids, "integrated_gradients", target=1, baseline=text_nets.COVER,
        steps=text_nets.STEPS, spacing="uniform", tolerance=None,
    )  # fmt: skip
    assert np.abs(found.values - wanted).max() < 1e-5 * np.abs(wanted).max() + 1e-5


# --- language models -----------------------------------------------------------------------------


def lines(*texts: str) -> Texts:
    return ks.load_texts(list(texts), text_nets.language(), vocabulary=text_nets.LETTERS)


def test_the_next_token_comes_from_the_copied_place() -> None:
    result = ks.explain(text_nets.language(), lines("a c e g b d", "h b a c"))
    assert result.explained[0].startswith("logit of 'c' after token 6")
    assert result.explained[1].startswith("logit of 'b' after token 4")
    assert prediction_words(result, 1).startswith("b, ")
    for sample in range(2):
        positive = np.maximum(result.values[sample], 0)
        assert positive[text_nets.COPIED] / positive.sum() > 0.9


@pytest.mark.parametrize("target", ["c vs a", ks.Contrast(ks.NextToken(3), ks.NextToken("a"))])
def test_why_this_token_rather_than_that(target: object) -> None:
    found = ks.explain(text_nets.language(), lines("a c e g b d"), "kernel_shap", target=target)
    words = "logit of 'c' after token 6 minus logit of 'a' after token 6"
    assert found.explained[0].startswith(words)
    assert found.values[0].argmax() == text_nets.COPIED


def test_a_position_of_its_own() -> None:
    model = text_nets.language()
    texts = lines("a c e g b d")
    found = ks.explain(model, texts, target=ks.NextToken("g", position=3))
    assert not found.values[0, 4:].any()  # causal: later tokens have no say
    plain = ks.explain(model, texts.inputs, "gradient", target=ks.NextToken(7, position=-3))
    logits = np.log(found.predictions[0, 3])
    assert np.isclose(found.scores[0], plain.scores[0], atol=1e-5)
    assert np.isclose(logits[7] - logits[3], found.scores[0] - _score(model, texts, 3), atol=1e-3)


def _score(model: object, texts: Texts, token: int) -> float:
    target = ks.NextToken(token, position=3)
    return float(ks.explain(model, texts, "gradient", target=target).scores[0])


# --- what cannot be ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (
            ks.NextToken("g", position=6),
            "position 6 does not exist in sample 0, which has 6 tokens",
        ),
        (ks.NextToken("ah"), "token 'ah' not found; did you mean"),
        ("zzz", "token 'zzz' not found; known: a, b"),
        (ks.NextToken(99), "class 99 is out of range"),
        (ks.NextToken(1.5), "a token is an id or a word, not 1.5"),
    ],
)
def test_tokens_that_are_not_there(target: object, words: str) -> None:
    with pytest.raises(BadTarget, match=words) as caught:
        ks.explain(text_nets.language(), lines("a c e g b d"), target=target)
    assert "\n" not in str(caught.value)


def test_a_word_needs_a_vocabulary() -> None:
    ids = np.ones((1, text_nets.LENGTH), int)
    with pytest.raises(BadTarget, match="token 'a' has no known id: give the id, or texts"):
        ks.explain(text_nets.language(), ids, target=ks.NextToken("a"))
    with pytest.raises(BadTarget, match="NextToken needs an output \\(position, token\\)"):
        ks.explain(text_nets.smooth(), text_nets.SMOOTH_IDS, target=ks.NextToken(1))


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ([[1, 2, 3], [1, 2]], "the rows of the input differ in length, 2 to 3"),
        (
            [[1, 2, 3, 4, 99]],
            "id 99 of sample 0 is out of vocabulary: embedding 'embed' has 12 ids",
        ),
        ([[1, 2, 3, 4, -1]], "id -1 of sample 0 is out of vocabulary"),
        (["a film"], "how texts become ids is not known"),
        (["a film", " "], "text 1 is empty"),
        (["a film", 3], "text 1 is int, not a string"),
    ],
)
def test_inputs_that_are_no_texts(ids: list, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        ks.explain(text_nets.smooth(), ids, "gradient", target=1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("lime", {"segments": "word"}, "segments='word' needs texts, and only ids were given"),
        ("lime", {"baseline": "mask"}, "the vocabulary has no mask token"),
        ("integrated_gradients", {"baseline": 99}, "baseline=99 is no token id: embedding 'embed'"),
        ("integrated_gradients", {"baseline": "word"}, "baseline 'word' is not known"),
    ],
)
def test_fields_that_ids_do_not_have(name: str, fields: dict, words: str) -> None:
    with pytest.raises((BadMethod, BadInput), match=words) as caught:
        ks.explain(text_nets.smooth(), text_nets.SMOOTH_IDS, name, target=1, **fields)
    assert "\n" not in str(caught.value)
