"""Callbacks for `fit`; Keras is imported when one of them is first named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerascope.callbacks.training import ExplainDuringTraining

__all__ = ["ExplainDuringTraining"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'kerascope.callbacks' has no attribute '{name}'")
    from kerascope.backend import choose

    choose()
    from kerascope.callbacks import training

    return getattr(training, name)


def __dir__() -> list[str]:
    return list(__all__)
