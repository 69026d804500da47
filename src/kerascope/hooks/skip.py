"""Which layer calls a pass may leave out once the outputs of others are given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import ops

from kerascope.hooks.names import Site
from kerascope.hooks.passes import Plan
from kerascope.targets import Targets
from kerascope.types import Array

_DRAWS = 8  # a choice between two that hangs on what was left out stays unseen once in 2⁸


def skippable(
    hooked: Any,
    targets: Targets,
    sites: tuple[Site, ...],
    values: Mapping[str, Array],
    replaced: Mapping[Site, Array],
) -> frozenset[Site]:
    """Return the calls that no output, recorded value or target depends on any more.

    Found on one sample, by asking for the gradient at every call, and confirmed there by random
    numbers in their place: what acts without a gradient, through an argmax say, changes the rest.
    """
    leaves = [c for c in hooked.survey.calls if c.leaf and c.site not in replaced]
    merge = {site: hooked.survey.call(site).merge for site in replaced}
    x = {name: ops.convert_to_tensor(array[:1]) for name, array in values.items()}
    at = {
        str(i): ops.convert_to_tensor(array[: merge[site]])
        for i, (site, array) in enumerate(replaced.items())
    }

    def tensors(shifts: Mapping[Site, Any], instead: Mapping[Site, Any]) -> list[Any]:
        calls = (*shifts, *instead)
        plan = Plan.of(hooked, "forward", targets, sites, tuple(replaced), shifted=calls)
        tap = plan.tap(at, shifts)
        tap.skipped = instead
        outputs = plan.call(x, tap)
        found = [*outputs.raw.values(), *outputs.scores.values(), *tap.found.values()]
        return [ops.cast(tensor, "float32") for tensor in found]

    def look() -> frozenset[Site]:
        calls = {str(i): call for i, call in enumerate(leaves)}
        zeros = {key: ops.zeros((c.merge, *c.shape), "float32") for key, c in calls.items()}
        names = hooked.seam.unreached(
            lambda shifts: tensors({calls[k].site: v for k, v in shifts.items()}, {}), zeros
        )
        dead = [calls[name] for name in names]
        wanted = tensors({}, {})
        for draw in range(_DRAWS):
            random = np.random.default_rng(draw)
            instead = {c.site: _normal(random, (c.merge, *c.shape)) for c in dead}
            pairs = zip(wanted, tensors({}, instead), strict=True)
            if not all(np.array_equal(_host(a), _host(b), equal_nan=True) for a, b in pairs):
                return frozenset()
        return frozenset(c.site for c in dead)

    return hooked.seam.eager(look, hooked.model)()


def _normal(random: np.random.Generator, shape: tuple[int, ...]) -> Any:
    return ops.convert_to_tensor(random.normal(size=shape).astype(np.float32))


def _host(tensor: Any) -> Array:
    return ops.convert_to_numpy(ops.stop_gradient(tensor))
