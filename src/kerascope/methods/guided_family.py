"""What guided backpropagation, deconvnet and RectGrad share: rectifiers with another gradient."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

from kerascope.method import Axiom, RawMap
from kerascope.methods.input_family import InputMap, input_map, unreached_notes
from kerascope.run import Run

if TYPE_CHECKING:
    from kerascope.hooks.rectifiers import Rectifiers


@dataclasses.dataclass(frozen=True, kw_only=True)
class RectifiedMap(InputMap):
    """Base of those that give rectifiers another gradient; not a gradient of any function."""

    axioms: ClassVar[frozenset[Axiom]] = frozenset({Axiom.DUMMY, Axiom.LOCATION})
    reduce: ClassVar[str] = "max_abs"
    one_pass: ClassVar[bool] = True

    def rules(self) -> Rectifiers:
        """Return how rectifiers' gradients are rewritten."""
        from kerascope.hooks.rectifiers import Rectifiers

        return Rectifiers(self.name)

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return what flows back to the inputs."""
        from kerascope.hooks.rectifiers import rectifier_notes

        rules = self.rules()
        raw = input_map(model, model.gradients(x, targets, rules=rules).inputs)
        raw.notes += rectifier_notes(model, x, rules)
        raw.notes += unreached_notes(raw.values)
        return raw
