"""Hooks: scores, activations and gradients of any Keras model, without changing it."""

from kerascope.hooks.blackbox import BlackBox
from kerascope.hooks.identity import broken_variable, model_sha256
from kerascope.hooks.model import Gradients, HookedModel, Scores, store_of
from kerascope.hooks.names import Site
from kerascope.hooks.survey import LayerCall, Survey

__all__ = [
    "BlackBox",
    "Gradients",
    "HookedModel",
    "LayerCall",
    "Scores",
    "Site",
    "Survey",
    "broken_variable",
    "model_sha256",
    "store_of",
]
