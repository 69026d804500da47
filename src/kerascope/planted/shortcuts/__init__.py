"""Planted shortcuts: worlds in which one class has a cue that is not the class, and clean twins."""

from kerascope.planted.shortcuts.cues import CLEAN, KINDS, Kind
from kerascope.planted.shortcuts.world import World, cue_class, held_out, make_world, planted_pair

__all__ = [
    "CLEAN",
    "KINDS",
    "Kind",
    "World",
    "cue_class",
    "held_out",
    "make_world",
    "planted_pair",
]
