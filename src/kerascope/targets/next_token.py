"""Why this token next: a target on the output of a language model."""

from __future__ import annotations

import dataclasses

import numpy as np

from kerascope.errors import BadTarget
from kerascope.targets.base import OutputSpec, Spec, Target, Unresolved
from kerascope.targets.pick import class_index, pick
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, eq=False)
class NextToken(Unresolved):
    """The score of a token at a position of a causal language model's output.

    token: an id, or a word of the vocabulary that the texts were read with; None: the likeliest.
    position: of the token after which it comes, 0 being the first; negative ones count from each
        text's last token (of plain ids: from the last position). `output` names one of several.
    """

    token: int | str | None = None
    position: int = -1
    output: str | None = None

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Check token and position, and find them in every sample."""
        chosen = spec.output(self.output)
        if len(chosen.shape) != 2:
            raise BadTarget(
                "NextToken needs an output (position, token); output "
                f"'{chosen.name}' has shape {chosen.shape}"
            )
        places = self._places(spec, chosen, samples)
        if self.token is None:
            return pick(spec, samples, output=self.output, rank=1, position=places)
        if isinstance(self.token, str) and spec.names(chosen) is None:
            raise BadTarget(
                f"token '{self.token}' has no known id: give the id, or texts read by load_texts"
            )
        index = class_index(self.token, spec, chosen) if isinstance(self.token, str) else self.token
        if isinstance(index, bool) or not isinstance(index, (int, np.integer)):
            raise BadTarget(f"a token is an id or a word, not {self.token!r}")
        return pick(spec, samples, output=self.output, index=index, position=places)

    def _places(self, spec: Spec, output: OutputSpec, samples: int) -> Array:
        last = np.full(samples, output.shape[0] - 1) if spec.at is None else spec.at
        places = last + 1 + self.position if self.position < 0 else np.full(samples, self.position)
        wrong = (places < 0) | (places > last)
        if wrong.any():
            sample = int(np.argmax(wrong))
            raise BadTarget(
                f"position {self.position} does not exist in sample {sample}, which has "
                f"{int(last[sample]) + 1} tokens"
            )
        return places.astype(np.int32)
