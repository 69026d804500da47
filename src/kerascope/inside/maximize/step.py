"""One step of the optimisation, compiled once: state in, new state and scores out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from keras import ops

from kerascope.hooks import HookedModel, Site
from kerascope.hooks.functions import KEPT
from kerascope.hooks.passes import Plan
from kerascope.inside.maximize.canvas import Canvas
from kerascope.inside.maximize.parametrizations import Parametrization
from kerascope.inside.maximize.regularizers import Diversity
from kerascope.inside.maximize.transforms import Transforms, looked
from kerascope.targets import Targets

_FIRST, _SECOND, _TINY = 0.9, 0.999, 1e-8  # Adam's (Kingma & Ba 2015)
_SEEN = "seen"  # the name of a shift of zero on what the model sees
_HALF = 2.0**8  # float16 gradients of pixels underflow; Adam does not mind a factor


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything static about a step.

    name: of the input that is optimised. count: pictures of one target, side by side. first: the
    input has its channels first.
    """

    name: str
    canvas: Canvas
    parametrization: Parametrization
    transforms: Transforms
    regularizers: tuple[Any, ...]
    diversity: Diversity | None
    count: int
    first: bool


def step_function(view: HookedModel, targets: Targets, recipe: Recipe) -> Callable[..., Any]:
    """Return the compiled step; it is kept with the model.

    It takes tensors only — state, number of the step, places of views, other inputs, arrays of the
    targets, constants — so no step is traced twice.
    """
    site = None if recipe.diversity is None else view.site(recipe.diversity.layer)
    key = (
        "maximize", recipe, site, targets.key(), view.score, view.compiled, view.structure,
        tuple(view.survey.tokens.items()), view.fingerprint(),
    )  # fmt: skip
    kept = view.store.compiled
    with view.store.lock:
        if key not in kept:
            sites = () if site is None else (site,)
            plan = Plan.of(view, "forward", targets, sites, ())
            axis = 1 if view.layout == "channels_first" else -1
            step = _Step(plan, recipe, site, axis, _HALF if view.half else 1.0)
            kept[key] = view.compile(step, view.model)
            while len(kept) > KEPT:
                kept.popitem(last=False)
        kept.move_to_end(key)
        return kept[key]


@dataclasses.dataclass(frozen=True, eq=False)
class _Step:
    plan: Plan
    recipe: Recipe
    site: Site | None
    axis: int  # of the channels of `site`
    factor: float

    def __call__(
        self,
        state: dict[str, dict[str, Any]],
        number: Any,
        places: Any,
        others: dict[str, Any],
        arrays: list[dict[str, Any]],
        known: dict[str, Any],
    ) -> tuple[dict[str, Any], Any, Any, Any]:
        """Return the new state; scores, pictures, and whether the model was flat, before the step.

        Scores: (row,). Pictures: (row, …). Flat: (row,) bool.
        """
        canvas, views = self.recipe.canvas, self.recipe.transforms.views
        rows = next(iter(state["parameters"].values())).shape[0]

        def loss(parameters: dict[str, Any]) -> Any:
            pictures = self.recipe.parametrization.paint(canvas, parameters, known)
            seen = self._seen(pictures, places) + parameters[_SEEN]
            gain, scores = self._gain(pictures, seen, others, arrays, known)
            return [-self.factor * gain], {
                "scores": ops.stop_gradient(scores),
                "pictures": ops.stop_gradient(pictures),
            }

        # A shift of zero: its gradient is what the model says, without what a picture is charged.
        shift = ops.zeros((rows * views, *canvas.size, canvas.channels))
        (_, rest), pullback = self.plan.seam.vjp(loss, {**state["parameters"], _SEEN: shift})
        gradients = pullback(0)
        flat = ops.all(ops.reshape(gradients[_SEEN], (rows, -1)) == 0, axis=1)
        moved = _adam(state, gradients, number, known["rate"])
        return moved, rest["scores"], rest["pictures"], flat

    def _seen(self, pictures: Any, places: Any) -> Any:
        """Return the views of pictures (row · view, *size, channel)."""
        recipe = self.recipe
        if recipe.transforms.still or not recipe.canvas.size:
            return ops.repeat(pictures, recipe.transforms.views, axis=0)
        return looked(pictures, places, recipe.canvas, recipe.transforms.views)

    def _gain(
        self,
        pictures: Any,
        seen: Any,
        others: Mapping[str, Any],
        arrays: list[dict[str, Any]],
        known: Mapping[str, Any],
    ) -> tuple[Any, Any]:
        """Return what is to grow, and the mean scores over the views: (row,) both."""
        recipe = self.recipe
        x = inputs_of(seen, known, first=recipe.first)
        found = self.plan.forward({**others, recipe.name: x}, {}, arrays)
        rows = pictures.shape[0]
        scores = ops.mean(ops.reshape(found["scores"][0], (rows, -1)), axis=1)
        gain = scores
        for charge in recipe.regularizers:
            gain = gain - charge(pictures, recipe.canvas)
        if recipe.diversity is not None:
            layer = ops.moveaxis(found["activations"][0], self.axis, -1)
            first = ops.reshape(layer, (rows, -1, *layer.shape[1:]))[:, 0]
            gain = gain - recipe.diversity.charge(first, recipe.count)
        return gain, scores


def inputs_of(pictures: Any, known: Mapping[str, Any], *, first: bool) -> Any:
    """Return model inputs of pictures (row, *size, channel); channels first where it says so."""
    whole = len(known["matrix"].shape) == 2
    scaled = ops.matmul(pictures, known["matrix"]) if whole else pictures * known["matrix"]
    values = scaled + known["offset"]
    return ops.moveaxis(values, -1, 1) if first else values


def _adam(
    state: Mapping[str, Mapping[str, Any]], gradients: Mapping[str, Any], number: Any, rate: Any
) -> dict[str, dict[str, Any]]:
    """Return the state after one step of Adam; the first step has number 1."""
    moved: dict[str, dict[str, Any]] = {"parameters": {}, "first": {}, "second": {}}
    for name, value in state["parameters"].items():
        gradient = gradients[name]
        # Where float16 overflowed, this entry waits a step.
        gradient = ops.where(ops.isfinite(gradient), gradient, ops.zeros_like(gradient))
        first = _FIRST * state["first"][name] + (1 - _FIRST) * gradient
        second = _SECOND * state["second"][name] + (1 - _SECOND) * gradient * gradient
        mean, square = first / (1 - _FIRST**number), second / (1 - _SECOND**number)
        moved["parameters"][name] = value - rate * mean / (ops.sqrt(square) + _TINY)
        moved["first"][name], moved["second"][name] = first, second
    return moved
