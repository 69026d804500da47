"""Layer-wise relevance propagation: rules, composites, canonisation, the methods."""

from kerascope.lrp.composites import COMPOSITES
from kerascope.lrp.method import LRP

__all__ = ["COMPOSITES", "LRP"]
