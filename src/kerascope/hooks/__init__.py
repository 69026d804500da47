"""Hooks: scores, activations and gradients of any Keras model, without changing it."""

from kerascope.hooks.blackbox import BlackBox
from kerascope.hooks.identity import Identity, identity_of
from kerascope.hooks.model import HookedModel
from kerascope.hooks.names import Site
from kerascope.hooks.results import Gradients, Scores
from kerascope.hooks.store import store_of
from kerascope.hooks.survey import LayerCall, Survey

__all__ = [
    "BlackBox",
    "Gradients",
    "HookedModel",
    "Identity",
    "LayerCall",
    "Scores",
    "Site",
    "Survey",
    "identity_of",
    "store_of",
]
