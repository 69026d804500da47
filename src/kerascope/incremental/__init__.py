"""Incremental occlusion: only what a patch can change is computed again.

The maps of the plain sample are computed once. For a patch, each layer is run on the window of its
map that the patch reaches, with base values around it, until the window has grown so far that the
ordinary pass is cheaper (Nakandala et al. 2019, "Incremental and Approximate Inference for Faster
Occlusion-based Deep CNN Explanations").
"""

from kerascope.incremental.batches import Incremental
from kerascope.incremental.planning import plan

__all__ = ["Incremental", "plan"]
