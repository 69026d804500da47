"""Layer-wise relevance propagation: rules, composites, canonisation, the methods."""

from kerascope.lrp.composites import COMPOSITES
from kerascope.lrp.deep_taylor import DeepTaylor
from kerascope.lrp.excitation_backprop import ExcitationBackprop
from kerascope.lrp.method import LRP

__all__ = ["COMPOSITES", "LRP", "DeepTaylor", "ExcitationBackprop"]
