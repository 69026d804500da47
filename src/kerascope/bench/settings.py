"""What every method is measured with: enough passes to see its own cost, few enough to wait for.

A method without an entry runs on its defaults. Peers take their numbers from here too, so that
both sides do the same work.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

_SEGMENTS = "grid-49"  # superpixels are found before the first pass; a grid costs nothing


@dataclasses.dataclass(frozen=True)
class Setting:
    """Fields of a method; `batch`: its passes over one picture follow each other, so give more."""

    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    batch: bool = False


SETTINGS = {
    "ablation_cam": Setting(),
    "blur_ig": Setting({"steps": 32}),
    "d_rise": Setting({"masks": 64}),
    "expected_gradients": Setting({"samples": 32}),
    "extremal_perturbation": Setting({"steps": 4}, batch=True),
    "feature_ablation": Setting({"segments": "grid-64"}),
    "guided_ig": Setting({"steps": 4}, batch=True),
    "integrated_gradients": Setting({"steps": 32, "tolerance": None}),
    "kernel_shap": Setting({"segments": "grid-9", "samples": 64}),
    "lime": Setting({"segments": _SEGMENTS, "samples": 64}),
    "owen": Setting({"segments": _SEGMENTS, "coalitions": 64}),
    "rise": Setting({"masks": 64}),
    "score_cam": Setting({"top_k": 64}),
    "shapley_sampling": Setting({"segments": "grid-9", "samples": 64}),
    "smooth_grad": Setting({"samples": 32}),
    "smooth_grad_squared": Setting({"samples": 32}),
    "sobol": Setting({"segments": "grid-15", "designs": 4}),
    "var_grad": Setting({"samples": 32}),
    "xrai": Setting({"segments": _SEGMENTS, "steps": 16}),
}


def setting(name: str, size: tuple[int, ...]) -> Setting:
    """Return the setting of a method for inputs of spatial `size`."""
    if name == "occlusion" and size:  # eight patches along each axis, side by side
        patch = tuple(max(1, -(-n // 8)) for n in size)
        return Setting({"patch": patch, "stride": patch})
    return SETTINGS.get(name, Setting())
