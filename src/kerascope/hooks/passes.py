"""One forward (and backward) pass: what is traced and compiled, and how its result is unpacked."""

from __future__ import annotations

import contextlib
import dataclasses
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascope.errors import BadInput
from kerascope.hooks.head import head_tape
from kerascope.hooks.inputs import Structure
from kerascope.hooks.names import Site
from kerascope.hooks.rules import Guide, Rules, watched
from kerascope.hooks.shadow import first_tensor, has_fused_activation, replace_tensor, shadowed
from kerascope.hooks.survey import Survey, call_model, output_names
from kerascope.targets import Outputs, Targets
from kerascope.types import Array

REFERENCE = "reference of "  # before the name of an input: what a rule compares it with

# float16 gradients of pixels underflow; the score is scaled up, and less so while anything
# overflows.
_HALF_SCALES = (2.0**12, 2.0**6, 1.0)


class Tap:
    """Visitor that records, replaces and shifts values at chosen sites."""

    def __init__(
        self,
        paths: Mapping[int, str],
        record: Sequence[Site],
        at: Mapping[Site, Any],
        shifts: Mapping[Site, Any],
        skipped: Mapping[Site, Any] | None = None,
        guide: Guide | None = None,
    ) -> None:
        self.paths, self.record, self.at, self.shifts = paths, set(record), at, shifts
        self.skipped = skipped or {}
        self.guide = guide
        self.counts: dict[str, int] = {}
        self.found: dict[Site, Any] = {}

    def visit(self, layer: Any, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Call the layer; record, replace or shift its output where this call is wanted."""
        path = self.paths.get(id(layer))
        if path is None:
            return original(*args, **kwargs)
        call = self.counts.get(path, 0)
        self.counts[path] = call + 1
        site = Site(path, call)
        if site in self.skipped:
            return ops.cast(self.skipped[site], getattr(layer, "compute_dtype", None) or "float32")
        if self.guide is None:
            output = original(*args, **kwargs)
        else:
            output = self.guide.layer(site, layer, original, args, kwargs)
        if site not in self.record and site not in self.at and site not in self.shifts:
            return output
        tensor = first_tensor(output)
        return replace_tensor(output, tensor, self._change(site, tensor))

    def activate(self, layer: Any, original: Callable[..., Any], value: Any) -> Any:
        """Apply the fused activation; record or shift its argument where this is wanted."""
        path = self.paths.get(id(layer))
        site = Site(path or "", self.counts.get(path or "", 1) - 1, "linear")
        wanted = path is not None and (site in self.record or site in self.shifts)
        if self.guide is not None:
            value = self.guide.linear(layer, value)
        return original(self._change(site, value) if wanted else value)

    def _change(self, site: Site, tensor: Any) -> Any:
        if site in self.at:
            new = self.at[site]
            if tuple(new.shape[1:]) != tuple(tensor.shape[1:]):
                raise BadInput(
                    f"values for layer '{site}' have shape {new.shape}, it gives {tensor.shape}"
                )
            tensor = ops.cast(new, tensor.dtype)
        if site in self.shifts:
            tensor = tensor + ops.cast(self.shifts[site], tensor.dtype)
        if site in self.record:
            self.found[site] = ops.cast(tensor, "float32")
        return tensor


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """Everything static about one kind of pass; holds no strong reference to the model."""

    model: Any  # weak reference
    layers: dict[str, Any]  # the layers shadowed, by path
    structure: Structure
    survey: Survey
    targets: Targets
    sites: tuple[Site, ...]  # where activations are recorded, and gradients where asked for
    replaced: tuple[Site, ...]
    kind: str
    score: str
    seam: Any
    dead: frozenset[Site] = frozenset()  # calls that nothing depends on once values are replaced
    rules: Rules | None = None  # how gradients are rewritten
    chart: Any = None  # what the rules found in the model

    @classmethod
    def of(
        cls,
        hooked: Any,
        kind: str,
        targets: Targets,
        sites: tuple[Site, ...],
        replaced: tuple[Site, ...],
        dead: frozenset[Site] = frozenset(),
        shifted: tuple[Site, ...] = (),
        rules: Rules | None = None,
        chart: Any = None,
    ) -> Plan:
        """Return the plan of a pass of a `HookedModel`."""
        tokens = tuple(hooked.survey.tokens.values()) if kind == "gradient" else ()
        wanted = (*sites, *replaced, *targets.sites(), *tokens, *dead, *shifted)
        layers = {site.path: hooked.table[site.path] for site in wanted}
        if rules is not None:
            layers = dict(hooked.table)
        # A layer without an activation of its own gives its linear value as its output.
        plain = tuple(
            site._replace(stage="output")
            if site.stage == "linear" and not has_fused_activation(layers[site.path])
            else site
            for site in sites
        )
        return cls(
            weakref.ref(hooked.model), layers, hooked.structure, hooked.survey, targets, plain,
            replaced, kind, hooked.score, hooked.seam, dead, rules, chart,
        )  # fmt: skip

    def call(self, x: dict[str, Any], tap: Tap) -> Outputs:
        """Run the model with `tap` in charge; returns what targets see."""
        linear = {site.path for site in self.sites if site.stage == "linear"}
        activations = [self.layers[path] for path in linear]
        if tap.guide is not None:
            activations = [layer for layer in self.layers.values() if has_fused_activation(layer)]
            tap.guide.inputs(x)
        with contextlib.ExitStack() as stack:
            tape = stack.enter_context(head_tape())
            stack.enter_context(shadowed(list(self.layers.values()), activations, tap))
            if tap.guide is not None:
                stack.enter_context(watched(tap.guide))
            tree = call_model(self.model(), self.structure.build(x))
        raw, scores = {}, {}
        for name, value in output_names(self.model(), tree).items():
            logits, kind = tape.logits(value)
            raw[name] = ops.cast(value, "float32")
            scores[name] = ops.cast(logits, "float32") if self.score == "logit" else raw[name]
            if self.score == "probability" and kind == "log_softmax":
                scores[name] = ops.exp(raw[name])
        given = {name: x[name] for name in self.structure.names}
        return Outputs(scores=scores, raw=raw, tree=tree, activations=tap.found, inputs=given)

    def _scores(self, outputs: Outputs, arrays: list[dict[str, Any]]) -> list[Any]:
        return [
            ops.cast(target.with_arrays(part)(outputs), "float32")
            for target, part in zip(self.targets, arrays, strict=True)
        ]

    def tap(
        self, at: dict[str, Any], shifts: Mapping[Site, Any], guide: Guide | None = None
    ) -> Tap:
        """Return the visitor that records, replaces, shifts and skips as this pass wants."""
        paths = {id(layer): path for path, layer in self.layers.items()}
        values = {site: at[str(i)] for i, site in enumerate(self.replaced)}
        skipped = {}
        for site in self.dead:
            call, rows = self.survey.call(site), next(iter(at.values())).shape[0]
            merge = self.survey.call(self.replaced[0]).merge
            shape = (rows // merge * call.merge, *call.shape)
            # A view of one zero: nothing is computed, nothing is stored.
            skipped[site] = ops.broadcast_to(ops.zeros((1,) * len(shape)), shape)
        record = (*self.sites, *self.targets.sites())
        return Tap(paths, record, values, shifts, skipped, guide)

    def forward(
        self, x: dict[str, Any], at: dict[str, Any], arrays: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """Run forward; returns scores, outputs and activations."""
        tap = self.tap(at, {})
        outputs = self.call(x, tap)
        return {
            "scores": self._scores(outputs, arrays),
            "raw": outputs.raw,
            "scores_of": outputs.scores,
            "activations": [tap.found[site] for site in self.sites],
        }

    def backward(
        self, x: dict[str, Any], at: dict[str, Any], arrays: list[dict[str, Any]], scale: Any
    ) -> dict[str, Any]:
        """Run forward and backward; a gradient at a site is one at a zero shift added there."""
        rows = next(iter(x.values())).shape[0]
        places = self._places()
        zeros: dict[str, Any] = {}
        for key, place in places.items():
            if isinstance(place, Site):
                call = self.survey.call(place)
                zeros[key] = ops.zeros((rows * call.merge, *call.shape), "float32")
            else:
                zeros[key] = ops.zeros(x[place].shape, "float32")

        def scores(shifts: dict[str, Any]) -> Any:
            moved = dict(x)
            at_sites = {}
            for key, place in places.items():
                if isinstance(place, Site):
                    at_sites[place] = shifts[key]
                else:
                    moved[place] = ops.cast(x[place], "float32") + shifts[key]
            guide = None if self.rules is None else self.rules.open(self.chart)
            if guide is not None:
                guide.reference(lambda: self._refer(x, guide))
            tap = self.tap(at, at_sites, guide)
            outputs = self.call(moved, tap)
            values = self._scores(outputs, arrays)
            rest = {
                "scores": values,
                "raw": outputs.raw,
                "scores_of": outputs.scores,
                "activations": [tap.found[site] for site in self.sites],
            }
            return [value * scale for value in values], rest

        (_, rest), pullback = self.seam.vjp(scores, zeros)
        return {**rest, "gradients": [pullback(k) for k in range(len(self.targets))]}

    def _refer(self, x: Mapping[str, Any], guide: Guide) -> None:
        """Run the model on the references, which come beside the inputs under `REFERENCE` names."""
        values, at = dict(x), {}
        for name in self.structure.names:
            value = ops.stop_gradient(x[REFERENCE + name])
            if name in self.survey.tokens:
                at[self.survey.tokens[name]] = value
            else:
                values[name] = value
        paths = {id(layer): path for path, layer in self.layers.items()}
        self.call(values, Tap(paths, (), at, {}, None, guide))

    def look(self, x: dict[str, Any]) -> Any:
        """Run forward once and return what the rules find in the model."""
        assert self.rules is not None
        guide = self.rules.open(None)
        self.call(x, self.tap({}, {}, guide))
        return guide.chart()

    def _places(self) -> dict[str, Any]:
        """Return where gradients are taken: keys to input names or sites."""
        places: dict[str, Any] = {}
        if self.kind == "gradient":
            for name in self.structure.names:
                places[f"in:{name}"] = self.survey.tokens.get(name, name)
        for i, site in enumerate(self.sites):
            places[f"at:{i}"] = site
        return places

    def bind(self, make: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
        """Return the pass as a function of NumPy arrays, made by `compiled` or `eager`."""
        if self.kind == "forward":
            forward = make(self.forward, self.model())

            def run_forward(x: Any, at: Any, arrays: Any, half: bool) -> dict[str, Any]:  # noqa: ARG001
                with self.seam.inference():
                    return self._unpack(forward(_tensors(x), _tensors(at), _tensors(arrays)))

            return run_forward
        backward = make(self.backward, self.model())

        def run_backward(x: Any, at: Any, arrays: Any, half: bool) -> dict[str, Any]:
            for scale in _HALF_SCALES if half else (1.0,):
                tensors = (_tensors(x), _tensors(at), _tensors(arrays))
                result = self._unpack(
                    backward(*tensors, ops.convert_to_tensor(scale, "float32")), scale
                )
                found = (*result["inputs"].values(), *result["layers"].values())
                if not half or all(np.isfinite(g).all() for g in found):
                    break
            return result

        return run_backward

    def _unpack(self, result: dict[str, Any], scale: float = 1.0) -> dict[str, Any]:
        """Return the result as NumPy arrays, targets stacked on axis 1."""
        host = keras.tree.map_structure(ops.convert_to_numpy, result)
        rows = len(next(iter(host["raw"].values())))
        scores = host["scores"]
        unpacked = {
            "scores": _stacked(scores) if scores else np.zeros((rows, 0), np.float32),
            "raw": host["raw"],
            "scores_of": host["scores_of"],
            "activations": dict(zip(self.sites, host["activations"], strict=True)),
            "inputs": {},
            "layers": {},
        }
        for key, place in self._places().items() if "gradients" in host else ():
            stacked = _stacked([part[key] for part in host["gradients"]])
            group, name = ("inputs", key[3:]) if key.startswith("in:") else ("layers", place)
            unpacked[group][name] = stacked / np.float32(scale) if scale != 1.0 else stacked
        return unpacked


def _stacked(arrays: list[Array]) -> Array:
    """Return the arrays of all targets stacked on axis 1; of one target, without a copy."""
    return arrays[0][:, None] if len(arrays) == 1 else np.stack(arrays, axis=1)


def _tensors(tree: Any) -> Any:
    return keras.tree.map_structure(ops.convert_to_tensor, tree)
