"""Layer-wise relevance propagation (Bach et al. 2015), rules by composite."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from kerascope.errors import BadLayer, BadMethod, Refused
from kerascope.lrp.composites import Composite, composite_of
from kerascope.method import Axiom, Need, RawMap, check
from kerascope.methods.input_family import InputMap, input_map, total, unreached_notes
from kerascope.run import Run
from kerascope.types import Array

if TYPE_CHECKING:
    from kerascope.lrp.relevance import Chart

_GROWN = 2.0  # conserved shares beyond it are no shares
_LOST = 0.05  # share of the score that may be missing without a note


@dataclasses.dataclass(frozen=True, kw_only=True)
class LRP(InputMap):
    """Shares the score out over the inputs, layer by layer, by rules for each kind of layer.

    composite: "epsilon_plus", "epsilon", "zero", "epsilon_plus_flat", "epsilon_alpha2_beta1",
        "epsilon_alpha2_beta1_flat", "epsilon_gamma_box", "attn_lrp"; or an ordered list of
        (pattern, rule), see `kerascope.lrp.composites`.
    epsilon: of the ε-rule, added to its denominators.
    bias: biases in the denominators take relevance: "keep", "drop", or "auto": with the rules
        zero, ε and γ only. With z⁺ they would take nearly all of it on real nets.
    layer: give the relevance at the output of this layer instead of the inputs.
    through: let relevance through these channels of layers only: ("block4:42,43",).
    """

    name = "lrp"
    title = "LRP"
    reference = "bach2015pixel"
    formula = "R_i = Σ_j a_i·ρ(w_ij) / (ε + Σ_i a_i·ρ(w_ij)) · R_j, ρ and ε by composite"
    use = (
        "A share of the score for every input in one backward pass; where the evidence is "
        "known (kerascope benchmark), among the sharpest."
    )
    avoid = (
        "Without reading the notes: biases may hold most of the score, and layers without a rule "
        "fall back to the gradient. The composite is a choice to report."
    )
    linear = True
    needs: ClassVar[frozenset[Need]] = frozenset({Need.GRADIENTS, Need.RULES})
    axioms: ClassVar[frozenset[Axiom]] = frozenset(
        {Axiom.CLASS_SENSITIVITY, Axiom.DUMMY, Axiom.LOCATION}
    )
    one_pass: ClassVar[bool] = True

    composite: str | tuple[tuple[str, str], ...] = "epsilon_plus"
    epsilon: float = 1e-6
    bias: str = "auto"
    layer: str | int | None = None
    through: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.composite, str):
            from kerascope.lrp.rules import rule_of

            for _, words in self._composite():
                rule_of(words)
        self._composite()
        check(self.epsilon >= 0, f"{self.name}: epsilon={self.epsilon} must not be negative")
        check(
            self.bias in ("auto", "keep", "drop"),
            f"{self.name}: bias='{self.bias}' is not known; it is 'auto', 'keep' or 'drop'",
        )

    def _composite(self) -> Composite:
        return composite_of(self.composite)

    def _notes(self, chart: Chart) -> list[str]:
        """Name layers whose weights no rule sees, and patterns of one's own that fit no layer."""
        notes = []
        if chart.unsure:
            more = f" and {len(chart.unsure) - 6} more" if len(chart.unsure) > 6 else ""
            notes.append(
                f"no rule for {', '.join(chart.unsure[:6])}{more}: relevance goes through their "
                "gradient, as by LRP-0"
            )
        if chart.unused and not isinstance(self.composite, str):
            notes.append(f"composite: no layer fits {', '.join(chart.unused)}")
        return notes

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return the relevance of every input, its sum beside the score in `gap`."""
        from kerascope.lrp.layers import check_quantised
        from kerascope.lrp.relevance import Propagation

        check_quantised(model.table.values())
        _check_degrees(targets)
        targets = targets.shared_out()
        through = tuple(_channels(model, words) for words in self.through)
        rules = Propagation(self._composite(), self.epsilon, self.bias, through)
        chart: Chart = model.chart(rules, x)
        _check_ruled(chart)
        x = _moved(model, x) if _probing(chart) else x
        site = None if self.layer is None else model.site(self.layer)
        if site in chart.folded:
            raise BadLayer(
                f"layer '{site}' is folded into the batch normalisation behind it; ask for the "
                "relevance at that one"
            )
        sites = () if site is None else (site,)
        found = model.gradients(x, targets, sites, inputs=site is None, rules=rules)
        if site is None:
            features = model.features(x)
            relevance = {n: g * features[n][:, None] for n, g in found.inputs.items()}
            raw = input_map(model, relevance)
        else:
            relevance = {next(iter(x)): found.layers[site] * found.activations[site][:, None]}
            values = next(iter(relevance.values()))
            axes = ("sample", "target", *model.layer_axes(values.shape[2:]))
            raw = RawMap({n: v.astype(np.float32) for n, v in relevance.items()},
                         dict.fromkeys(relevance, axes), layer=str(site))  # fmt: skip
        _halve(raw, targets)
        _account(raw, total(raw.values), found.scores, targets.rest)
        raw.notes += self._notes(chart) + unreached_notes(raw.values) + _hidden(model, x)
        return raw


def _check_degrees(targets: Any) -> None:
    if 0 in targets.degrees:
        raise Refused(
            "lrp shares out a squared error, or what is not squared, and no difference of the two: "
            "explain each alone"
        )


def _halve(raw: RawMap, targets: Any) -> None:
    """Share out squares once: the error stands still, and weighs output and input."""
    degrees = np.array(targets.degrees, np.float32)
    for name, values in raw.values.items():
        if (degrees != 1).any():
            raw.values[name] = values / degrees.reshape(1, -1, *(1,) * (values.ndim - 2))


def _account(raw: RawMap, kept: Array, scores: Array, rest: str) -> None:
    """Put the gap and the conserved share of every score into the result; note what is lost."""
    raw.gap = (scores - kept).astype(np.float32)
    whole = np.where(scores == 0, 1.0, scores)
    share = np.where(scores == 0, 1.0, kept / whole).astype(np.float32)
    raw.target_extras["conserved"] = share
    if np.abs(share - 1).max(initial=0) > _LOST:
        low, high = float(share.min()), float(share.max())
        words = f"{low:.0%}" if f"{low:.0%}" == f"{high:.0%}" else f"{low:.0%} to {high:.0%}"
        holders = f"{rest}, biases" if rest else "biases"
        why = f"{holders} and the stabiliser hold the rest"
        if np.abs(share).max(initial=0) > _GROWN:
            why = (
                "it has grown where terms of both signs, or a term and a bias, almost cancel: the "
                "map is no share of the score; another composite= may hold it"
            )
        raw.notes.append(f"relevance sums to {words} of the score; {why}")


def _check_ruled(chart: Chart) -> None:
    """Raise `Refused` on a layer with weights that no rule reaches; say how to give it one."""
    from kerascope.lrp.rules import RULES

    if not chart.unruled:
        return
    first, more = chart.unruled[0], len(chart.unruled) - 1
    fit = ", ".join(RULES) if first.linear else "zero (its own gradient × its input)"
    rule = "epsilon" if first.linear else "zero"
    raise Refused(
        f"layer '{first.path}' ({first.kind}) has no rule{f', nor have {more} more' * bool(more)}; "
        f'rules that fit it: {fit}; lrp gives it one by composite=(("{first.kind}", "{rule}"), …)'
    )


def _hidden(model: Any, x: Any) -> list[str]:
    from kerascope.hooks.probe import hidden_nonlinear

    hidden = hidden_nonlinear(model, x)
    if not hidden:
        return []
    return [f"holds operations that no rule can see, with their own gradient: {', '.join(hidden)}"]


def _probing(chart: Chart) -> bool:
    """Tell whether a rule is in use that gives relevance to inputs that are zero."""
    from kerascope.lrp.rules import Flat, WSquare, ZBox

    return any(isinstance(rule, (Flat, WSquare, ZBox)) for rule in chart.rules.values())


def _moved(model: Any, x: dict[str, Array]) -> dict[str, Array]:
    """Return inputs with a millionth of their range in the place of zero, which has no share."""
    moved = {}
    for name, array in x.items():
        moved[name] = array
        if name not in model.survey.tokens:
            axes = tuple(range(1, array.ndim))
            tiny = 1e-6 * np.maximum(np.abs(array).max(axis=axes, keepdims=True), 1e-6)
            moved[name] = np.where(np.abs(array) < tiny, tiny.astype(np.float32), array)
    return moved


def _channels(model: Any, words: str) -> tuple[str, tuple[int, ...]]:
    """Return path and channels of "path:42,43"."""
    path, _, numbers = str(words).rpartition(":")
    try:
        channels = tuple(int(number) for number in numbers.split(","))
    except ValueError:
        channels = ()
    if not path or not channels:
        raise BadMethod(f"lrp: through='{words}' is not of the form 'layer:42' or 'layer:42,43'")
    site = model.site(path)
    shape = model.survey.shape(site)
    first = getattr(model.table[site.path], "data_format", None) == "channels_first"
    count = shape[0] if first else shape[-1]
    if not all(0 <= channel < count for channel in channels):
        raise BadMethod(f"lrp: through='{words}': '{site}' has channels 0 to {count - 1}")
    return site.path, channels
