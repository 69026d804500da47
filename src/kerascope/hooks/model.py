"""`HookedModel`: everything a method may ask of a Keras model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kerascope.errors import BadModel
from kerascope.facts import facts_of
from kerascope.hooks.chunks import in_chunks, padded
from kerascope.hooks.functions import chart_of, dead_calls, pass_function, ready
from kerascope.hooks.inputs import check_passes_gradients
from kerascope.hooks.names import Site
from kerascope.hooks.passes import REFERENCE
from kerascope.hooks.read import ReadModel
from kerascope.hooks.results import Gradients, Scores
from kerascope.hooks.rules import Rules
from kerascope.labels import Labels
from kerascope.targets import Spec, Targets
from kerascope.types import Array

_NOTHING = Targets(())


class HookedModel(ReadModel):
    """Scores, activations and gradients of one real forward pass of a Keras model.

    Cheap to make; what is compiled is kept with the model. The model is the same before and after,
    also after an error. Its arguments are those of `ReadModel`.
    """

    def spec(self, labels: Labels | None = None) -> Spec:
        """Return what targets must know of the model, for the inputs last read."""
        first = next(iter(self.survey.outputs), None)
        if first is None:
            raise BadModel("the model has no output")
        return Spec(
            outputs=self.survey.outputs,
            score=self.score,
            labels=labels if labels is not None else facts_of(self.model).labels,
            input_size=self._size,
            axes=self._axes,
            boxes=facts_of(self.model).boxes,
            anchors=self._anchors(),
            layers={call.site: call.shape for call in self.survey.calls},
            find_layer=self.site,
            inputs=self._shapes,
            embed=self._embed,
        )

    def _embed(self, x: Mapping[str, Array], place: str | Site) -> Array:
        """Return an output, or a layer's, of inputs by name: (sample, …)."""
        if isinstance(place, Site):
            return self.activations(x, [place])[place]
        return self.predict(x)[0][place]

    def predict(self, x: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return the outputs as the model gives them, and what `score` asks for, by output."""
        result = self._pass("forward", x, Targets(()), (), {}, None)
        return result["raw"], result["scores_of"]

    def scores(
        self,
        x: Mapping[str, Array],
        targets: Targets,
        *,
        at: Mapping[Any, Array] | None = None,
        pad: int | None = None,
    ) -> Scores:
        """Return the scores of all targets, no gradient; `at` and `pad` as in `gradients`."""
        result = self._pass("forward", x, targets, (), at or {}, pad)
        return Scores(result["scores"], result["raw"], result["scores_of"])

    def activations(
        self,
        x: Mapping[str, Array],
        layers: Sequence[Any],
        targets: Targets = _NOTHING,
        *,
        pad: int | None = None,
    ) -> dict[Site, Array]:
        """Return the outputs of layers, by site: (sample, …) float32."""
        sites = tuple(self.site(layer) for layer in layers)
        return self._pass("forward", x, targets, sites, {}, pad)["activations"]

    def features(self, x: Mapping[str, Array]) -> dict[str, Array]:
        """Return what inputs are explained by: themselves, or the embeddings of tokens."""
        tokens = self.survey.tokens
        embedded = self.activations(x, list(tokens.values())) if tokens else {}
        return {
            name: embedded[tokens[name]] if name in tokens else array
            for name, array in x.items()
            if name not in self.held
        }

    def gradients(
        self,
        x: Mapping[str, Array],
        targets: Targets,
        layers: Sequence[Any] = (),
        *,
        inputs: bool = True,
        at: Mapping[Any, Array] | None = None,
        pad: int | None = None,
        rules: Rules | None = None,
        reference: Mapping[str, Array] | None = None,
    ) -> Gradients:
        """Return scores, activations and gradients of one pass; K targets share the forward.

        Args:
            x: the inputs by name.
            targets: resolved targets.
            layers: sites or path names where a gradient is asked for, beside the inputs.
            inputs: False leaves out the gradient at the inputs, and with it the work below the
                layers.
            at: values to put in place of features (by input name) or of layer outputs (by site).
            pad: rows to pad a smaller chunk to, so that it is not traced again.
            rules: how gradients are rewritten on their way back; see `hooks.rules`.
            reference: for rules that compare, a value for each feature (by input name).
        """
        sites = tuple(x_ if isinstance(x_, Site) else self.site(x_) for x_ in layers)
        if inputs:
            asked = [name for name in x if name not in self.held]
            found = check_passes_gradients(self.model, asked, self.survey.tokens)
            self.notes += [note for note in found if note not in self.notes]
        kind = "gradient" if inputs else "layer gradient"
        beside = {REFERENCE + name: array for name, array in (reference or {}).items()}
        result = self._pass(kind, {**x, **beside}, targets, sites, at or {}, pad, rules)
        return Gradients(
            result["scores"],
            {n: array for n, array in result["inputs"].items() if n not in self.held},
            result["layers"],
            result["activations"],
            result["raw"],
            result["scores_of"],
        )

    def _pass(
        self,
        kind: str,
        x: Mapping[str, Array],
        targets: Targets,
        sites: tuple[Site, ...],
        at: Mapping[Any, Array],
        pad: int | None,
        rules: Rules | None = None,
    ) -> dict[str, Any]:
        """Run one kind of pass over all rows, in chunks that the memory holds."""
        tokens = self.survey.tokens
        values: dict[str, Array] = dict(x)
        replaced: dict[Site, Array] = {}
        for place, array in at.items():
            if isinstance(place, Site):
                replaced[place] = array
            elif place in tokens:
                replaced[tokens[place]] = array
            else:
                values[place] = array
        rows = len(next(iter(values.values())))
        arrays = targets.arrays()
        dead = dead_calls(self, targets, sites, values, replaced)
        chart = None if rules is None else self.chart(rules, x)
        function = pass_function(self, kind, targets, sites, tuple(replaced), dead, rules, chart)

        def run(rows_: slice, size: int) -> dict[str, Any]:
            cut = lambda array: padded(array[rows_], size)  # noqa: E731
            return function(
                {k: cut(v) for k, v in values.items()},
                {k: cut(v) for k, v in replaced.items()},
                [{k: cut(v) for k, v in part.items()} for part in arrays],
            )

        self.store.passes[kind] += rows
        if kind != "forward":
            self.store.passes["extra backward"] += rows * max(0, len(targets) - 1)
        result = in_chunks(run, rows, self.batch, pad, self.seam.out_of_memory)
        if len(targets) and not at:
            self.last = result
        return result

    def chart(self, rules: Rules, x: Mapping[str, Array]) -> Any:
        """Return what rules find in the model, by one look at one sample of inputs like `x`."""
        return chart_of(self, rules, x)

    def compile(self, fn: Callable[..., Any], model: Any) -> Callable[..., Any]:
        """Return a function of tensors ready to run: compiled, counting its traces, or eager."""
        return ready(self, fn, model)
