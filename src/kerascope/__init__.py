"""Kerascope: a microscope for Keras 3 models.

    import kerascope as ks
    result = ks.explain(model, images, "grad_cam", target="top-3")
    result.plot()

Importing this package loads neither NumPy nor Keras; names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_ROOMS = {
    "Activations": "inside.activations",
    "Area": "targets",
    "Architecture": "inside.architecture",
    "Attention": "inside.attention.result",
    "Attribution": "attribution",
    "AttributionMethod": "method",
    "Audit": "audit.result",
    "Box": "targets",
    "Certificate": "certify",
    "Class": "targets",
    "Contrast": "targets",
    "Craft": "concepts.craft",
    "Custom": "targets",
    "Data": "method",
    "Detection": "targets",
    "Diff": "diff",
    "Direction": "targets",
    "Dependence": "tabular.dependence",
    "Diversity": "inside.maximize",
    "Effects": "tabular.effects",
    "Evaluation": "metrics",
    "ExpectedRank": "targets",
    "Filters": "inside.filters",
    "Finding": "audit.finding",
    "Fourier": "inside.maximize",
    "Grade": "verdict",
    "HookedModel": "hooks",
    "Horizon": "targets",
    "Importance": "tabular.permutation",
    "Interactions": "tabular.interactions",
    "MaCo": "inside.maximize",
    "Mask": "targets",
    "Neuron": "targets",
    "NextToken": "targets",
    "Norm": "inside.maximize",
    "Output": "targets",
    "Pixel": "inside.maximize",
    "Point": "targets",
    "Predicted": "targets",
    "Probes": "concepts.probe",
    "Rank": "targets",
    "ReconstructionError": "targets",
    "Regression": "targets",
    "Replay": "replay",
    "Similarity": "targets",
    "Surrogate": "tabular.surrogate",
    "TCAV": "concepts.tcav",
    "Table": "columns",
    "Target": "targets",
    "Top": "targets",
    "TotalVariation": "inside.maximize",
    "Transforms": "inside.maximize",
    "Visualization": "inside.maximize",
    "Weighted": "targets",
    "WholeLayer": "targets",
    "activations": "inside.activations",
    "ale": "tabular.effects",
    "architecture": "inside.architecture",
    "attention": "inside.attention.front",
    "audit": "audit.front",
    "certify": "certify",
    "craft": "concepts.craft",
    "benchmark": "planted.benchmark",
    "diff": "diff",
    "evaluate": "evaluate",
    "explain": "explain",
    "filters": "inside.filters",
    "grade": "grade",
    "interactions": "tabular.interactions",
    "load_images": "loading",
    "load_inputs": "loading",
    "load_model": "loading",
    "load_several": "loading.several",
    "load_table": "loading.tables",
    "load_series": "loading",
    "load_texts": "loading",
    "load_volumes": "loading",
    "maximize": "inside.maximize",
    "metrics": "metrics.base",
    "partial_dependence": "tabular.dependence",
    "permutation_importance": "tabular.permutation",
    "probe": "concepts.probe",
    "replay": "replay",
    "report": "report",
    "reporting": "run",
    "surrogate": "tabular.surrogate",
    "tcav": "concepts.tcav",
    "top_images": "inside.activations",
}
_MODULES = ("callbacks",)
_ERRORS = (
    "BadFile", "BadImage", "BadInput", "BadLayer", "BadMethod", "BadModel", "BadTarget",
    "KerascopeError", "MissingDependency", "Refused",
)  # fmt: skip

__all__ = [  # noqa: PLE0604 — sorted by construction, and checked by a test
    *sorted([*_ROOMS, *_MODULES, *_ERRORS, "methods"])
]


def methods() -> list[str]:
    """Return the names of all methods that `explain` takes, sorted."""
    _choose_backend()
    from kerascope.method import registry

    return list(registry())


def _choose_backend() -> None:
    from kerascope.backend import choose

    choose()


def __getattr__(name: str) -> Any:
    if name in _ERRORS:
        return getattr(importlib.import_module("kerascope.errors"), name)
    if name in _MODULES:
        return importlib.import_module(f"kerascope.{name}")
    if name in _ROOMS:
        _choose_backend()
        return getattr(importlib.import_module(f"kerascope.{_ROOMS[name]}"), name)
    raise AttributeError(f"module 'kerascope' has no attribute '{name}'")


class _Package(ModuleType):
    """The package: functions such as `explain` stay, although rooms of the same name exist.

    Importing a submodule sets it on its package; here public names win.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
