"""The second front door: methods and metrics in, a table of which to trust out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerascope.attribution import Attribution
from kerascope.checks import check_score, check_whole
from kerascope.defaults import on_series, on_tokens, or_horizon
from kerascope.errors import BadInput, BadTarget, Refused
from kerascope.explain import Again, taken, view_of
from kerascope.hooks import HookedModel
from kerascope.interrupts import stopping_together
from kerascope.memory import budget
from kerascope.method import AttributionMethod, Need, make_method, told_apart
from kerascope.metrics import CONTROLS, Evaluation, Metric, Require, control_maps, make_metric
from kerascope.metrics.evaluation import Entry
from kerascope.metrics.masks import masks_of
from kerascope.metrics.subject import Subject
from kerascope.perturb import spatial_size
from kerascope.run import Run
from kerascope.targets import Targets, resolve_targets
from kerascope.types import Array

DEFAULT_METHODS = ("gradient_x_input", "integrated_gradients", "grad_cam", "layer_cam")
DEFAULT_METRICS = ("deletion", "insertion", "mu_fidelity", "average_drop", "sparseness")
WITH_MASKS = ("pointing_game", "energy_pointing_game", "relevance_mass")


def evaluate(
    model: Any,
    inputs: Any,
    methods: Any = DEFAULT_METHODS,
    metrics: Any = None,
    *,
    target: Any = None,
    masks: Any = None,
    boxes: Any = None,
    score: str = "probability",
    controls: bool = True,
    seed: int = 0,
    batch_size: int | None = None,
    memory: int | str | None = None,
) -> Evaluation:
    """Measure how far explanations can be trusted, method by method on the same samples.

    Args:
        model: any Keras 3 model, a `HookedModel`, or a function of a batch for methods and metrics
            that need scores only.
        inputs: as in `explain`.
        methods: one or several: names, classes, values, or finished `Attribution`s of these inputs.
        metrics: one or several: names (see `metrics()`), classes or values. None: a few cheap ones
            of faithfulness and complexity, and of localization where masks or boxes are given.
        target: one target as in `explain`, the same for all methods.
        masks: where the object is: (sample, *spatial) true on it.
        boxes: instead, (x0, y0, x1, y1) in input pixels for every sample, or a list of such.
        score: what faithfulness is measured on: "probability", where the model ends in a softmax or
            sigmoid, else or with "logit" the score itself. Explained is the logit in any case.
        controls: measure a random map, a centre map and an edge map as well.
        seed: drives all sampling, of methods and of metrics.
        batch_size: as in `explain`.
        memory: as in `explain`.

    A method or metric that refuses this model is left out with a note. Ctrl-C gives the methods
    that are finished.

    Raises:
        BadInput: nothing to measure, several targets, masks that do not fit.
    """
    named = _named(methods)
    slopes = any((m.method if isinstance(m, Attribution) else m).asks_slopes for _, m in named)
    job = _Job(model, inputs, target, score, seed, batch_size, memory, slopes=slopes)
    chosen = _metrics_of(metrics, with_masks=masks is not None or boxes is not None)
    shown = masks_of(masks, boxes, job.spatial(job.where), len(job))
    for metric in chosen:
        if Require.MASKS in metric.requires and shown is None:
            raise BadInput(
                f"{metric.name} measures against where the object is: give masks= or boxes="
            )
    entries: list[Entry] = []
    every = [*named, *(((c, None) for c in CONTROLS) if controls else ())]
    with stopping_together() as stop:
        try:
            for name, method in every:
                entry = job.measured(name, method, chosen, shown)
                if stop.is_set():  # what sampled meanwhile has less than was asked for
                    raise KeyboardInterrupt
                entries += [entry] if entry is not None else []
        except KeyboardInterrupt:
            if not any(entry.method is not None for entry in entries):
                raise
            job.notes.append(f"stopped: {len(entries)} of {len(every)} maps are measured")
    if not any(entry.method is not None for entry in entries):
        raise Refused(f"no method could be measured: {'; '.join(job.notes)}")
    return Evaluation.of(entries, chosen, job.samples, job.words, tuple(job.notes), seed)


def _metrics_of(metrics: Any, *, with_masks: bool) -> list[Metric]:
    if metrics is None:
        metrics = (*DEFAULT_METRICS, *(WITH_MASKS if with_masks else ()))
    items = [metrics] if isinstance(metrics, (str, type, Metric)) else list(metrics)
    if not items:
        raise BadInput("metrics is empty: there is nothing to measure")
    found = [make_metric(item) for item in items]
    names = [metric.name for metric in found]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadInput(f"metric '{twice}' is given twice")
    return found


def _named(methods: Any) -> list[tuple[str, AttributionMethod | Attribution]]:
    """Return methods with a name each; equal names get their fields."""
    single = isinstance(methods, (str, type, AttributionMethod, Attribution))
    items = [methods] if single else list(methods)
    if not items:
        raise BadInput("methods is empty: there is nothing to measure")
    values = [m if isinstance(m, Attribution) else make_method(m, {}) for m in items]
    bare = [m.method.name if isinstance(m, Attribution) else m.name for m in values]
    return list(zip(told_apart(bare), values, strict=True))


class _Job:
    """What all methods of one call share: model, inputs, targets.

    slopes: some of them ask for slopes, so that targets are such as have some.
    """

    def __init__(
        self, model: Any, inputs: Any, target: Any, score: str, seed: int,
        batch_size: int | None, memory: int | str | None, *, slopes: bool,
    ) -> None:  # fmt: skip
        check_score(score)
        check_whole(1, batch_size=batch_size)
        model, inputs = taken(model, inputs)
        self.model, self.inputs, self.slopes = model, inputs, slopes
        self.reading = getattr(inputs, "reading", None)
        self.seed, self.batch_size, self.memory = seed, batch_size, budget(memory)
        self.notes: list[str] = []
        self._view("logit").read(inputs)  # builds what is not built, which names its inputs anew
        explained = self._view("logit")
        self.x = explained.read(inputs)
        if self.reading:  # of samples changed a little it is known only here
            self.model = explained
        self.targets = self._pinned(explained, target)
        self.view = self._measured_on(explained, target, score)
        names = getattr(inputs, "names", None)
        self.samples = tuple(names or (f"sample {i}" for i in range(len(self))))
        self.words = tuple(self.targets.items[0].words(i) for i in range(len(self)))

    def __len__(self) -> int:
        return len(next(iter(self.x.values())))

    @property
    def where(self) -> str:
        """Name of the input that masks and boxes are of: the first picture, or else the first."""
        axes = {name: self.view.axes(name, array.shape[1:]) for name, array in self.x.items()}
        return next((n for n, names in axes.items() if {"y", "x"} <= set(names)), next(iter(axes)))

    def spatial(self, name: str) -> tuple[int, ...]:
        """Return the spatial size of an input."""
        return spatial_size(self.view, name, self.x[name])

    def _pinned(self, view: Any, target: Any) -> Targets:
        spec = on_tokens(dataclasses.replace(view.spec(), gradients=self.slopes), view, self.x)
        spec = on_series(spec, self.inputs)
        target = or_horizon(target, spec)
        targets = resolve_targets(target, spec, len(next(iter(self.x.values()))))
        if len(targets) != 1:
            raise BadInput(f"{len(targets)} targets: a table is made for one; give a single target")
        view.fit_into(self.memory, gradients=False)
        view.scores(self.x, targets)
        return targets.pin(view.last["scores_of"])

    def _view(self, score: str) -> Any:
        needs = frozenset({Need.SCORES})
        return view_of(
            self.model, needs, score, self.batch_size, who="evaluate", reading=self.reading
        )

    def _measured_on(self, explained: Any, target: Any, score: str) -> Any:
        """Return the view that faithfulness scores with; set its targets."""
        self.measured_targets = self.targets
        if score == "logit" or not isinstance(explained, HookedModel):
            return explained
        view = self._view("probability")
        view.read(self.inputs)
        try:
            self.measured_targets = self._pinned(view, target)
        except BadTarget as error:
            if "needs a softmax" not in str(error):
                raise
            self.notes.append("no softmax or sigmoid at the end: scores are measured as they are")
            return explained
        return view

    def run(self) -> Run:
        """Return a run of its own for one method and metric."""
        return Run(seed=self.seed, memory=self.memory, batch=self.view.batch)

    def measured(
        self, name: str, method: Any, metrics: Sequence[Metric], masks: Array | None
    ) -> Entry | None:
        """Return the values of one method, or of a control where there is none; None: refused."""
        again: Again | _Control
        gaps = None
        if method is None:
            again = _Control(self, name)
            maps = again(self.x, np.arange(len(self)), seed=self.seed)
        else:
            value = method.method if isinstance(method, Attribution) else method
            again = Again(
                self.model, value, self.targets, self.view.structure, self.seed, self.batch_size,
                self.memory,
            )  # fmt: skip
            try:
                result = method if isinstance(method, Attribution) else again.explained(self.inputs)
            except Refused as error:
                self.notes.append(f"{name} is left out: {error}")
                return None
            again = dataclasses.replace(again, method=result.method)  # with what suits the inputs
            gaps = result.gap
            self.notes += [f"{name}: {note}" for note in result.notes]
            maps = self._own(name, result) if result is method else result.maps()
            self._check_maps(name, maps)
        values = np.full((len(metrics), len(self)), np.nan)
        for k, metric in enumerate(metrics):
            subject = Subject(
                self.view, self.x, self.measured_targets, maps, self.run(), masks, gaps, again,
                where=self.where,
            )  # fmt: skip
            try:
                values[k] = metric.measure(subject)
            except Refused as error:
                self.notes.append(f"{metric.name} of {name} is undefined: {error}")
            self.notes += [note for note in subject.notes if note not in self.notes]
        return Entry(name, None if method is None else value, values)

    def _own(self, name: str, result: Attribution) -> dict[str, Array]:
        """Return the maps of a finished explanation, if it is of these samples and this target."""
        maps, given = result.maps(), result.inputs
        inputs = dict(given) if isinstance(given, Mapping) else {next(iter(maps)): given}
        if len(inputs) == len(self.x) == 1:  # Keras makes names up: one input is that input
            only = next(iter(self.x))
            inputs, maps = ({only: next(iter(tree.values()))} for tree in (inputs, maps))
        if set(inputs) != set(self.x):
            raise BadInput(f"{name} is of inputs {sorted(inputs)}; measured are {sorted(self.x)}")
        for key, array in self.x.items():
            if inputs[key].shape != array.shape or not np.allclose(inputs[key], array, atol=1e-5):
                raise BadInput(f"{name} explains other samples than those given, in input '{key}'")
        if any(not isinstance(words, str) for words in result.explained):
            raise BadInput(f"{name} is of several targets: a table is made for one")
        for sample, (said, asked) in enumerate(zip(result.explained, self.words, strict=True)):
            if said.rpartition(" (")[0] not in (asked, asked.replace("logit", "probability", 1)):
                raise BadInput(
                    f"{name} explains the {said} of {self.samples[sample]}; measured is the "
                    f"{asked}: give target="
                )
        return maps

    def _check_maps(self, name: str, maps: Mapping[str, Array]) -> None:
        for key, array in maps.items():
            size = spatial_size(self.view, key, self.x[key])
            if array.shape != (len(self), *size):
                raise BadInput(
                    f"{name} has maps of shape {array.shape} for input '{key}'; they must be "
                    f"{(len(self), *size)}: one target, the same samples"
                )


@dataclasses.dataclass(frozen=True, eq=False)
class _Control:
    """A map that knows nothing of the model, made again for other inputs."""

    job: _Job
    name: str

    def __call__(
        self, x: Mapping[str, Array], rows: Array, *, model: Any = None,
        targets: Targets | None = None, seed: int = 0,
    ) -> dict[str, Array]:  # fmt: skip
        """Return maps (row, *spatial) by input name."""
        axes = {name: self.job.view.axes(name, array.shape[1:]) for name, array in x.items()}
        return control_maps(self.name, x, axes, rows, seed)
