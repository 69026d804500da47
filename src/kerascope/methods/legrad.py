"""LeGrad (Bousselham et al. 2024)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from kerascope.method import Passes
from kerascope.methods.attention_family import AttentionMap
from kerascope.run import Run
from kerascope.threads import each
from kerascope.types import Array

if TYPE_CHECKING:
    from kerascope.hooks.attention import Attended


@dataclasses.dataclass(frozen=True, kw_only=True)
class LeGrad(AttentionMap):
    """Average the positive gradient at every layer's attention of the score of its own tokens.

    The tokens behind each block are handed to the model's own head, and the score that they get is
    differentiated at the attention weights of that block alone.
    """

    name = "legrad"
    title = "LeGrad"
    reference = "bousselham2024legrad"
    formula = (
        "mean over layers of ReLU(∂y_l/∂A_l), y_l the head's score of the tokens behind block l"
    )
    use = (
        "Vision transformers: how sensitive the score is to the attention of every block, each "
        "judged by the tokens behind it; class-dependent."
    )
    avoid = "Where the tokens behind each block cannot be found in the model: it refuses."
    one_pass: ClassVar[bool] = False  # what is predicted must not change from block to block
    asked: ClassVar[str] = "formation"

    def passes(
        self, shape: Mapping[str, tuple[int, ...]], targets: int = 1, channels: int = 1
    ) -> Passes:
        """One forward and one gradient pass; the head is run again for every block.

        PyTorch, which compiles nothing, runs the whole model again for every block.
        """
        return Passes(forward=1, gradient=1, backward=targets - 1)

    def mix(self, found: Attended, read: tuple[int, ...], run: Run) -> Array:
        """Return the mean over heads and queries (sample, target, layer, token)."""
        mean = lambda gradient: np.maximum(gradient, 0).mean(axis=(2, 3))  # noqa: E731
        return np.stack(each(mean, found.gradients), axis=2)
