"""What a Keras model says of samples: predictions, embedding and maps, out of shared passes."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from kerascope.attribution import heatmap_of
from kerascope.audit.embedding import embedding_site, pooled, small_enough
from kerascope.audit.maps import grid_of, lowered, map_measures
from kerascope.audit.seen import Maps, Seen, like_probabilities
from kerascope.checks import check_weights
from kerascope.errors import Refused
from kerascope.explain import view_of
from kerascope.facts import facts_of
from kerascope.hooks import Gradients, HookedModel, Site
from kerascope.hooks.chunks import padded
from kerascope.memory import budget
from kerascope.method import AttributionMethod, Need, make_method, told_apart
from kerascope.run import Run
from kerascope.targets import Targets
from kerascope.targets.pick import pick
from kerascope.types import Array

DEFAULT = ("grad_cam", "gradient_x_input")  # the first that the model's shape allows


class Watching(HookedModel):
    """A model's view that also keeps a layer's output of the gradient passes that others make."""

    watched: Site | None = None
    kept: Array | None = None

    @contextlib.contextmanager
    def watching(self, site: Site | None) -> Iterator[None]:
        """Keep the output of a layer as long as this lasts."""
        self.watched, self.kept = site, None
        try:
            yield
        finally:
            self.watched = None

    def gradients(self, x: Any, targets: Any, layers: Any = (), **how: Any) -> Gradients:
        """Return what `HookedModel.gradients` does; one more layer costs nothing to speak of."""
        sites = tuple(self.site(layer) for layer in layers)
        site = None if how.get("at") or how.get("rules") is not None else self.watched
        more = () if site is None or site in sites else (site,)
        found = super().gradients(x, targets, (*sites, *more), **how)
        if site is not None:
            self.kept = found.activations[site]
        return found


@dataclasses.dataclass
class _Numbered(Run):
    """A run whose draws belong to the samples' own numbers, not to their places in the batch."""

    ids: Array = dataclasses.field(default_factory=lambda: np.zeros(0, int))

    def generator(self, sample: int, draw: int = 0) -> np.random.Generator:
        """Return the generator of one draw for one sample."""
        return super().generator(int(self.ids[sample]), draw)


class Features:
    """Looks at batches with a Keras model, or with a function and methods that need scores only.

    methods: names, classes or values; None takes Grad-CAM, or gradient × input where no layer has
    positions. first: a batch of one sample.
    """

    def __init__(
        self, model: Any, methods: Any, first: Any, names: tuple[str, ...] | None, *,
        score: str = "logit", batch_size: int | None = None, memory: int | str | None = None,
        seed: int = 0, side: int = 16,
    ) -> None:  # fmt: skip
        self.seed, self.side, self.held = seed, side, budget(memory)
        values = [make_method(m, {}) for m in (DEFAULT if methods is None else _several(methods))]
        self._noted: list[str] = []
        self.view = _view(model, values, first, score, batch_size)
        x = self.view.read(first)
        check_weights(self.view.identity.broken)
        self.view.fit_into(self.held, gradients=bool(values))
        self.batch = self.view.batch.size
        self.spec = self.view.spec(names)
        self.output = self.spec.output(None)
        self.classes = 2 if self.output.single and not self.output.number else self.output.classes
        self.site = self._embedding(x)
        if methods is None:
            values = self._default(values, x)
        self.values = [_signed(value) for value in values]
        self.methods = tuple(told_apart([value.name for value in self.values]))
        self.settings = {
            "model": facts_of(self.view.model).source or getattr(self.view.model, "name", "model"),
            "model_sha256": self.view.identity.sha256,
            "methods": [value.to_json() for value in self.values],
            "score": self.view.score,
            "seed": seed,
            "map": side,
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to know of the model."""
        return (*self._noted, *self.view.notes)

    def look(self, inputs: Any, ids: Array) -> Seen:
        """Return what the model says of a batch, with maps of the predicted class."""
        x, n = self.view.read(inputs), len(ids)
        targets = self._targets(n, rank=1)
        maps, kept, last = self._shared(x, targets, ids)
        if kept is None and self.site is not None:
            kept, _ = self._forward(x, targets)
        scores_of = {name: array[:n] for name, array in last["scores_of"].items()}
        targets = targets.pin(scores_of)
        for i, name in enumerate(self.methods):
            if name not in maps:
                maps[name] = self._map(i, x, targets, ids, last["scores"][:n])
        raw, scored = last["raw"][self.output.name][:n], scores_of[self.output.name]
        return Seen(
            scores=self._by_class(scored, 0.5 if self.view.score == "probability" else 0.0),
            probabilities=self._probabilities(raw),
            # One number is no class: its only index is 0.
            predicted=targets.items[0].arrays()["index"] * (not self.output.number),
            embedding=None if kept is None else pooled(self.view, kept[:n]),
            maps=maps,
        )

    def towards(self, inputs: Any, ids: Array, classes: Array) -> dict[str, Maps]:
        """Return the maps of other classes, one for each sample, by method."""
        if not self.values:
            return {}
        x, targets = self.view.read(inputs), self._targets(len(ids), index=classes)
        scores = None
        if not all(value.one_pass for value in self.values):
            scores = self._forward(x, targets)[1]["scores"][: len(ids)]
        return {
            name: self._map(i, x, targets, ids, None if self.values[i].one_pass else scores)
            for i, name in enumerate(self.methods)
        }

    def scores_of(self, inputs: Any) -> Array:
        """Return (sample, class) scores of a batch of at most `batch`: one forward pass."""
        x = self.view.read(inputs)
        n = len(next(iter(x.values())))
        wide, targets, _ = self._full(x, self._targets(n, rank=1), np.zeros(n, int))
        self.view.scores(wide, targets)
        scores = self.view.last["scores_of"][self.output.name][:n]
        return self._by_class(scores, 0.5 if self.view.score == "probability" else 0.0)

    def words(self, index: int) -> str:
        """Say what the score of a class is."""
        return pick(self.spec, 1, output=self.output.name, index=index).words(0)

    # --- passes --------------------------------------------------------------------------------

    def _targets(self, rows: int, **which: Any) -> Targets:
        return Targets((pick(self.spec, rows, output=self.output.name, **which),))

    def _shared(
        self, x: Mapping[str, Array], targets: Targets, ids: Array
    ) -> tuple[dict[str, Maps], Any, dict[str, Any]]:
        """Return maps of a method, the embedding's layer and `view.last`, of one pass for all.

        No maps where no method makes do with one pass.
        """
        i = next((i for i, value in enumerate(self.values) if value.one_pass), None)
        if i is None:
            return {}, *self._forward(x, targets)
        with self._watching():
            maps = {self.methods[i]: self._map(i, x, targets, ids)}
        return maps, getattr(self.view, "kept", None), dict(self.view.last)

    def _watching(self) -> contextlib.AbstractContextManager[None]:
        if isinstance(self.view, Watching):
            return self.view.watching(self.site)
        return contextlib.nullcontext()

    def _forward(self, x: Mapping[str, Array], targets: Targets) -> tuple[Any, dict[str, Any]]:
        """Return the embedding's layer and what `view.last` has, of a full batch."""
        wide, targets, _ = self._full(x, targets, np.zeros(len(next(iter(x.values()))), int))
        if self.site is None:
            self.view.scores(wide, targets)
            return None, dict(self.view.last)
        found = self.view.activations(wide, [self.site], targets)
        return found[self.site], dict(self.view.last)

    def _full(
        self, x: Mapping[str, Array], targets: Targets, ids: Array
    ) -> tuple[dict[str, Array], Targets, Array]:
        """Return a batch filled up with copies of its last sample: another shape costs a trace."""
        rows = np.arange(len(ids))
        rows = padded(rows, self.batch) if len(rows) < self.batch else rows
        return {name: array[rows] for name, array in x.items()}, targets.take(rows), ids[rows]

    def _map(
        self, i: int, x: Mapping[str, Array], targets: Targets, ids: Array,
        scores: Array | None = None,
    ) -> Maps:  # fmt: skip
        method, n = self.values[i], len(ids)
        if method.one_pass:
            x, targets, ids = self._full(x, targets, ids)
        run = _Numbered(
            seed=self.seed, memory=self.held, batch=self.view.batch, ids=ids, progress=_silent,
            scores=np.zeros((0, 0), np.float32) if scores is None else scores,
        )  # fmt: skip
        raw = method.attribute(self.view, x, targets, run)
        name = self._where(raw.axes)
        axes = tuple(axis for axis in raw.axes[name] if axis != "target")
        shape = x[name].shape
        known = ("sample", *self.view.axes(name, shape[1:]))
        maps = heatmap_of(method, raw.values[name][:n, 0], axes, known, shape, method.reduce)
        grid = grid_of(maps.shape[1:], self.side)
        layer = raw.layer.get(name) if isinstance(raw.layer, Mapping) else raw.layer
        return Maps(lowered(maps, grid), map_measures(maps), layer)

    @staticmethod
    def _where(axes: Mapping[str, tuple[str, ...]]) -> str:
        """Return the input whose map is kept: the first with height and width, or the first."""
        return next((n for n, names in axes.items() if {"y", "x"} <= set(names)), next(iter(axes)))

    # --- what the outputs say ------------------------------------------------------------------

    def _by_class(self, values: Array, middle: float) -> Array:
        """Return (sample, class); a single unit becomes its two sides, as targets see it."""
        values = np.asarray(values, np.float32)
        if self.output.single and not self.output.number:
            unit = values.reshape(-1, 1)
            return np.concatenate([2 * middle - unit, unit], axis=1)
        return values.reshape(len(values), -1, values.shape[-1]).mean(axis=1)

    def _probabilities(self, raw: Array) -> Array | None:
        kind = self.output.kind
        if kind == "log_softmax":
            return self._by_class(np.exp(raw), 0.5)
        values = self._by_class(raw, 0.5)
        if kind in ("softmax", "sigmoid"):
            return values
        return values if kind == "unknown" and like_probabilities(values) else None

    # --- what is settled at the start ----------------------------------------------------------

    def _embedding(self, x: Mapping[str, Array]) -> Site | None:
        if not isinstance(self.view, HookedModel):
            return None
        site = embedding_site(self.view, x, self.output.classes)
        return None if site is None else small_enough(self.view, site)

    def _default(self, values: list[AttributionMethod], x: Any) -> list[AttributionMethod]:
        """Return the first method that the model does not refuse, alone, with a note."""
        for value in values:
            try:
                value.attribute(self.view, x, self._targets(1, rank=1), Run(batch=self.view.batch))
            except Refused as error:
                self._noted.append(f"no {value.title} maps: {error}")
                continue
            if self._noted:
                self._noted.append(f"maps are made by {value.title} instead")
            return [value]
        return []


def _silent(what: str, done: int, total: int) -> None:
    """Report nothing: the progress of an audit is counted in samples."""


def _several(methods: Any) -> list[Any]:
    single = isinstance(methods, (str, type, AttributionMethod))
    return [methods] if single else list(methods)


def _signed(method: AttributionMethod) -> AttributionMethod:
    """Return the method without the ReLU that would hide evidence against the class."""
    fields = {field.name for field in dataclasses.fields(method)}
    return make_method(method, {"relu": False}) if "relu" in fields else method


def _view(
    model: Any, values: list[AttributionMethod], first: Any, score: str, batch_size: int | None
) -> Any:
    needs = frozenset(need for value in values for need in value.needs) or frozenset({Need.SCORES})
    who = ", ".join(value.name for value in values) or "audit"
    view = view_of(model, needs, score, batch_size, who=who)
    if not isinstance(view, HookedModel):
        return view
    view.read(first)  # what is not built is built, which names its inputs anew
    return Watching(view.model, score=score, batch_size=view.batch_size, compiled=view.compiled)
