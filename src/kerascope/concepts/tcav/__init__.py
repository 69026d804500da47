"""TCAV: how much a class depends on a concept that examples show."""

from kerascope.concepts.tcav.front import tcav
from kerascope.concepts.tcav.result import TCAV

__all__ = ["TCAV", "tcav"]
