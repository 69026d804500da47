"""What all class activation maps share: a layer, maps of its output, and a ReLU at the end."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from kerascope.method import AttributionMethod, Axiom, Need, Passes, RawMap, check
from kerascope.run import Run
from kerascope.types import Array

if TYPE_CHECKING:
    from kerascope.hooks.places import Place

_MODIFIERS = {"guided": "guided_backprop", "relu": "deconvnet"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ActivationMap(AttributionMethod):
    """Base of the CAM family.

    layer: path name, index, or None for the last layer with spatial positions.
    relu: drop negative evidence, as in the papers; the signed map stays in `extras["signed"]`.
    """

    layer: str | int | None = None
    relu: bool = True

    needs: ClassVar[frozenset[Need]] = frozenset({Need.ACTIVATIONS, Need.GRADIENTS})
    axioms: ClassVar[frozenset[Axiom]] = frozenset(
        {Axiom.CLASS_SENSITIVITY, Axiom.IMPLEMENTATION_INVARIANCE}
    )
    one_pass: ClassVar[bool] = True

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """One gradient pass; further targets add a backward pass each."""
        return Passes(gradient=1, backward=targets - 1)

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return the map of every target at the chosen layer."""
        places = self.places(model, x, targets)
        sites = tuple(dict.fromkeys(place.site for place in places.values()))
        rules = self.rules()
        found = model.gradients(x, targets, sites, inputs=False, rules=rules)
        signed = {}
        for name, place in places.items():
            activations = place.maps(found.activations[place.site], 1)[:, None]
            gradients = place.maps(found.layers[place.site], 2)
            signed[name] = self.combine(activations, gradients)
        raw = self.finish(places, signed)
        if rules is not None:
            from kerascope.hooks.rectifiers import rectifier_notes

            raw.notes += rectifier_notes(model, x, rules)
        return raw

    def rules(self) -> Any:
        """Return how the gradient is rewritten on its way back, or None for the gradient itself."""
        return None

    def places(self, model: Any, x: Any, targets: Any) -> dict[str, Place]:
        """Return where the map is taken, by input name."""
        from kerascope.hooks.places import cam_places

        return cam_places(model, x, targets, self.layer)

    @abstractmethod
    def combine(self, activations: Array, gradients: Array) -> Array:
        """Return signed maps (sample, target, *grid).

        activations: (sample, 1, *grid, channel); gradients: (sample, target, *grid, channel).
        """

    def finish(self, places: dict[str, Place], signed: dict[str, Array]) -> RawMap:
        """Return the raw map: ReLU where asked for, the signed map beside it, a note if empty."""
        values = {
            n: (np.maximum(m, 0) if self.relu else m).astype(np.float32) for n, m in signed.items()
        }
        raw = RawMap(
            values=values,
            axes={name: ("sample", "target", *place.axes) for name, place in places.items()},
            layer=_layer_words(places),
        )
        for name, maps in signed.items():
            raw.target_extras["signed" if len(signed) == 1 else f"signed:{name}"] = maps.astype(
                np.float32
            )
        if self.relu:
            raw.notes += empty_notes(values)
        return raw


@dataclasses.dataclass(frozen=True, kw_only=True)
class GradientMap(ActivationMap):
    """Base of those that read the gradient at the layer.

    modifier: None for the gradient; "guided" or "relu" to have every rectifier above the layer
        drop what is negative in it, as guided backpropagation or the deconvnet does.
    """

    modifier: str | None = None

    def __post_init__(self) -> None:
        known = (None, *_MODIFIERS)
        check(
            self.modifier in known,
            f"{self.name}: modifier='{self.modifier}' is not known; it is None, 'guided' or 'relu'",
        )

    def is_linear(self) -> bool:
        """Only of the gradient itself: a rectifier on its way back treats signs differently."""
        return self.linear and self.modifier is None

    def rules(self) -> Any:
        """Return the rectifiers' rule that the modifier names."""
        if self.modifier is None:
            return None
        from kerascope.hooks.rectifiers import Rectifiers

        return Rectifiers(_MODIFIERS[self.modifier])


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChannelWeights(ActivationMap):
    """Base of those that weight each channel by scores of the model with that channel changed."""

    needs: ClassVar[frozenset[Need]] = frozenset({Need.ACTIVATIONS, Need.SCORES})
    one_pass: ClassVar[bool] = False

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """Two forward passes, for the scores and the maps, and one for each channel."""
        return Passes(forward=2 + channels)

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return Σ_k weight_k·A_k; all targets share the passes."""
        places = self.places(model, x, targets)
        sites = tuple(dict.fromkeys(place.site for place in places.values()))
        found = model.activations(x, sites, targets)
        weigher = Weigher(model, x, targets, run)
        signed, notes = {}, []
        for name, place in places.items():
            values = found[place.site]
            weights, said = self.weigh(weigher, name, place, values)
            ones = (1,) * len(place.grid)
            shaped = weights.reshape(*weights.shape[:2], *ones, weights.shape[2])
            signed[name] = self.combine(place.maps(values, 1)[:, None], shaped)
            notes += said
        raw = self.finish(places, signed)
        raw.notes += dict.fromkeys(notes)
        return raw

    @abstractmethod
    def weigh(
        self, weigher: Weigher, name: str, place: Place, values: Array
    ) -> tuple[Array, list[str]]:
        """Return weights (sample, target, channel) of the layer's output `values`, and notes."""

    def combine(self, activations: Array, gradients: Array) -> Array:
        """Weights are given in place of gradients: (sample, target, *ones, channel)."""
        return np.sum(activations * gradients, axis=-1)


@dataclasses.dataclass(frozen=True)
class Weigher:
    """What a method of `ChannelWeights` asks for scores."""

    model: Any
    x: Mapping[str, Array]
    targets: Any
    run: Run

    def scores(self, asked: Array, change: Callable[[Array, Array], dict[Any, Array]]) -> Array:
        """Return scores (pair, target) of (pair, 2) samples and channels.

        change: from rows of samples and channels to what is put in place of features or layer
            outputs.
        """
        scores = np.zeros((len(asked), len(self.targets)), np.float32)
        for which, _ in self.run.pairs(len(asked), 1, "channels"):
            rows, channels = asked[which].T
            # The number of channels varies: powers of two keep the shapes to be traced few.
            pad = self.run.chunk or min(self.run.batch.size, 1 << (len(rows) - 1).bit_length())
            given = {name: array[rows] for name, array in self.x.items()}
            at = change(rows, channels)
            found = self.model.scores(given, self.targets.take(rows), at=at, pad=pad)
            scores[which] = found.values
        return scores


def _layer_words(places: dict[str, Place]) -> str | dict[str, str]:
    words = {name: str(place.site) for name, place in places.items()}
    return next(iter(words.values())) if len(words) == 1 else words


def empty_notes(values: dict[str, Array]) -> list[str]:
    """Say which maps are empty: no positive evidence."""
    notes = []
    for name, maps in values.items():
        empty = np.argwhere(~(maps.reshape(*maps.shape[:2], -1) > 0).any(axis=-1))
        for sample, target in empty[:3]:
            which = f" (input '{name}')" if len(values) > 1 else ""
            several = f", target {target}" if maps.shape[1] > 1 else ""
            notes.append(
                "no positive evidence for this class at this layer in sample "
                f"{sample}{several}{which}; "
                "relu=False shows the evidence against it"
            )
        if len(empty) > 3:
            notes.append(f"{len(empty) - 3} more maps are empty in the same way")
    return notes


def spatial_axes(maps: Array) -> tuple[int, ...]:
    """Return the grid axes of (sample, target, *grid, channel) maps."""
    return tuple(range(2, maps.ndim - 1))
