"""Targets: what of the model's output is explained, one score per sample."""

from kerascope.targets.base import Outputs, OutputSpec, Spec, Target, Targets
from kerascope.targets.classes import Class, Contrast, Output, Rank, Regression, Top
from kerascope.targets.detections import Detection
from kerascope.targets.inner import Direction, Weighted, WholeLayer
from kerascope.targets.next_token import NextToken
from kerascope.targets.parse import resolve_targets
from kerascope.targets.places import Box, Custom, Mask, Neuron

__all__ = [
    "Box",
    "Class",
    "Contrast",
    "Custom",
    "Detection",
    "Direction",
    "Mask",
    "Neuron",
    "NextToken",
    "Output",
    "OutputSpec",
    "Outputs",
    "Rank",
    "Regression",
    "Spec",
    "Target",
    "Targets",
    "Top",
    "Weighted",
    "WholeLayer",
    "resolve_targets",
]
