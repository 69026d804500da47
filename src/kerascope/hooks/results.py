"""What passes return."""

from __future__ import annotations

import dataclasses

from kerascope.hooks.names import Site
from kerascope.types import Array


@dataclasses.dataclass(frozen=True)
class Gradients:
    """Result of `HookedModel.gradients`; arrays are float32.

    scores: (sample, target). inputs: by input name, (sample, target, …); for an input of integer
    tokens, at the embedding: (sample, target, token, embedding). layers: by site, (sample, target,
        …).
    activations: by site, (sample, …). raw: the outputs by name, as the model gives them.
    """

    scores: Array
    inputs: dict[str, Array]
    layers: dict[Site, Array]
    activations: dict[Site, Array]
    raw: dict[str, Array]
    logits: dict[str, Array]


@dataclasses.dataclass(frozen=True)
class Scores:
    """Result of `HookedModel.scores`.

    values: (sample, target). raw: the outputs by name, as the model gives them; logits: what
    `score` asks for of all their classes.
    """

    values: Array
    raw: dict[str, Array]
    logits: dict[str, Array]
