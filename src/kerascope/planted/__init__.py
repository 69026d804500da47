"""Scenes whose deciding evidence is known by construction, nets that use it, and a benchmark."""

from kerascope.planted.scenes import CUES, Planted, make_planted

__all__ = ["CUES", "Planted", "make_planted"]
