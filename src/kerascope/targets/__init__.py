"""Targets: what of the model's output is explained, one score per sample."""

from kerascope.targets.base import Outputs, OutputSpec, Spec, Target, Targets
from kerascope.targets.classes import Class, Contrast, Output, Predicted, Rank, Top
from kerascope.targets.detections import Detection
from kerascope.targets.horizon import Horizon
from kerascope.targets.inner import Direction, Weighted, WholeLayer
from kerascope.targets.next_token import NextToken
from kerascope.targets.parse import resolve_targets, settled
from kerascope.targets.places import Box, Custom, Neuron
from kerascope.targets.reconstruction import ReconstructionError
from kerascope.targets.regions import Area, Mask, Point
from kerascope.targets.similar import Similarity
from kerascope.targets.values import ExpectedRank, Regression

__all__ = [
    "Area",
    "Box",
    "Class",
    "Contrast",
    "Custom",
    "Detection",
    "Direction",
    "ExpectedRank",
    "Horizon",
    "Mask",
    "Neuron",
    "NextToken",
    "Output",
    "OutputSpec",
    "Outputs",
    "Point",
    "Predicted",
    "Rank",
    "ReconstructionError",
    "Regression",
    "Similarity",
    "Spec",
    "Target",
    "Targets",
    "Top",
    "Weighted",
    "WholeLayer",
    "resolve_targets",
    "settled",
]
