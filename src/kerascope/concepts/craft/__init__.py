"""CRAFT: the concepts that a layer is made of, found in crops, ranked by what they change."""

from kerascope.concepts.craft.front import craft
from kerascope.concepts.craft.result import Craft
from kerascope.concepts.craft.windows import Crops

__all__ = ["Craft", "Crops", "craft"]
