"""What methods share that explain by attention weights: layers, tokens read, a map of the input."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from kerascope.inside.attention.mixing import FUSIONS
from kerascope.method import AttributionMethod, Axiom, Need, Passes, RawMap, check
from kerascope.methods.cam_family import empty_notes
from kerascope.run import Run
from kerascope.threads import each
from kerascope.types import Array

if TYPE_CHECKING:
    from kerascope.hooks.attention import Attended
    from kerascope.inside.attention.tokens import Tokens


HEADS = "heads/"  # of extras: one of each layer


@dataclasses.dataclass(frozen=True)
class Mixture:
    """What a method makes of attention.

    values: raw numbers, their axes as the method's `axes_of_values`. tokens: how they map to the
    input. read: the queries that the model's head reads. relevance: (sample, target, token).
    """

    found: Attended
    values: Array
    tokens: Tokens
    read: tuple[int, ...]
    relevance: Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class AttentionMap(AttributionMethod):
    """Base of methods that explain by attention weights.

    Where each head attends is kept beside the map, in `extras["heads/LAYER"]`: (sample, head,
    *grid), the mean over the queries that the model's head reads.

    layers: the attention layers to use, by path or by the path of what holds them; None for all.
    """

    layers: str | tuple[str, ...] | None = None

    needs: ClassVar[frozenset[Need]] = frozenset({Need.ACTIVATIONS, Need.GRADIENTS, Need.RULES})
    axioms: ClassVar[frozenset[Axiom]] = frozenset({Axiom.CLASS_SENSITIVITY})
    one_pass: ClassVar[bool] = True
    signed: ClassVar[bool] = False
    asked: ClassVar[str] = "gradient"  # what is asked of a pass, see `hooks.attention.attended`
    axes_of_values: ClassVar[tuple[str, ...]] = ("sample", "target", "layer", "token")

    def passes(
        self, shape: Mapping[str, tuple[int, ...]], targets: int = 1, channels: int = 1
    ) -> Passes:
        """One gradient pass; further targets add a backward pass each."""
        return Passes(gradient=1, backward=targets - 1)

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return the relevance of the tokens, laid out over the input that they are made of."""
        mixture = self.mixture(model, x, targets, run)
        place = mixture.tokens
        values = {place.input: place.maps(mixture.relevance).astype(np.float32)}
        notes = empty_notes(values) if self.asked != "forward" else []
        return RawMap(
            values=values,
            axes={place.input: ("sample", "target", *place.axes)},
            notes=[note.replace("at this layer", "in the attention layers") for note in notes],
            extras=_heads(mixture),
        )

    def mixture(self, model: Any, x: Any, targets: Any, run: Run) -> Mixture:
        """Return raw numbers and what they say of every token.

        Raises `Refused` for models without attention, and for windows and cross-attention.
        """
        from kerascope.hooks.attention import attended, attention_calls, chosen_calls
        from kerascope.inside.attention.tokens import check_chain, read_queries, tokens_of

        calls = chosen_calls(attention_calls(model, x), self.layers)
        check_chain(calls)
        read = read_queries(model, x, targets, calls[-1])
        tokens = tokens_of(model, x, calls, read)
        found = attended(model, x, targets, calls, self.asked)
        values = self.mix(found, read, run)
        relevance = self.of_tokens(values, read)
        shape = (len(relevance), len(targets), relevance.shape[-1])
        return Mixture(found, values, tokens, read, np.broadcast_to(relevance, shape))

    @abstractmethod
    def mix(self, found: Attended, read: tuple[int, ...], run: Run) -> Array:
        """Return the raw numbers."""

    def of_tokens(self, values: Array, read: tuple[int, ...]) -> Array:
        """Return (sample, target or 1, token) of raw numbers; by default the mean over layers."""
        return values.mean(axis=2)


def _heads(mixture: Mixture) -> dict[str, Array]:
    """Return where the head's queries attend, by layer: "heads/LAYER", (sample, head, *grid)."""

    def seen(weights: Array) -> Array:
        rows = [row for row in mixture.read if row < weights.shape[-2]]
        chosen = weights if len(rows) in (0, weights.shape[-2]) else weights[..., rows, :]
        return mixture.tokens.maps(chosen.mean(axis=-2)).astype(np.float32)

    maps = each(seen, mixture.found.weights)
    return {f"{HEADS}{call}": of for call, of in zip(mixture.found.calls, maps, strict=True)}


def check_mixing(name: str, residual: float, fusion: str) -> None:
    """Raise `BadMethod` for shares and fusions that do not exist."""
    check(0 <= residual < 1, f"{name}: residual={residual} must be at least 0 and below 1")
    check(fusion in FUSIONS, f"{name}: fusion='{fusion}' is not one of {', '.join(FUSIONS)}")
