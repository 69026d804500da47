"""Metrics: how far an explanation can be trusted, and which method further than another."""

from kerascope.metrics.axiomatic import Completeness, InputInvariance, NonSensitivity
from kerascope.metrics.base import Family, Metric, Require, make_metric, metrics
from kerascope.metrics.complexity import EffectiveComplexity, Entropy, Sparseness
from kerascope.metrics.controls import CONTROLS, control_maps
from kerascope.metrics.evaluation import Comparison, Evaluation
from kerascope.metrics.grid_pointing import GridPointingGame
from kerascope.metrics.localization import (
    EnergyPointingGame,
    LocalizationAuc,
    PointingGame,
    RelevanceMass,
    RelevanceRank,
    TopKIntersection,
)
from kerascope.metrics.masking import AverageDrop, AverageGain, AverageIncrease
from kerascope.metrics.randomization import (
    EfficientMprt,
    ModelParameterRandomization,
    RandomLogit,
    SmoothMprt,
)
from kerascope.metrics.relative_stability import (
    RelativeInputStability,
    RelativeOutputStability,
    RelativeRepresentationStability,
)
from kerascope.metrics.removal import (
    Comprehensiveness,
    Deletion,
    Insertion,
    PixelFlipping,
    Sufficiency,
)
from kerascope.metrics.road import Road
from kerascope.metrics.robustness import AvgSensitivity, Continuity, LocalLipschitz, MaxSensitivity
from kerascope.metrics.statistics import Difference, Mean
from kerascope.metrics.subject import Explain, Subject
from kerascope.metrics.subsets import (
    FaithfulnessCorrelation,
    Infidelity,
    MuFidelity,
    SensitivityN,
)

__all__ = [
    "CONTROLS",
    "AverageDrop",
    "AverageGain",
    "AverageIncrease",
    "AvgSensitivity",
    "Comparison",
    "Completeness",
    "Comprehensiveness",
    "Continuity",
    "Deletion",
    "Difference",
    "EffectiveComplexity",
    "EfficientMprt",
    "EnergyPointingGame",
    "Entropy",
    "Evaluation",
    "Explain",
    "FaithfulnessCorrelation",
    "Family",
    "GridPointingGame",
    "Infidelity",
    "InputInvariance",
    "Insertion",
    "LocalLipschitz",
    "LocalizationAuc",
    "MaxSensitivity",
    "Mean",
    "Metric",
    "ModelParameterRandomization",
    "MuFidelity",
    "NonSensitivity",
    "PixelFlipping",
    "PointingGame",
    "RandomLogit",
    "RelativeInputStability",
    "RelativeOutputStability",
    "RelativeRepresentationStability",
    "RelevanceMass",
    "RelevanceRank",
    "Require",
    "Road",
    "SensitivityN",
    "SmoothMprt",
    "Sparseness",
    "Subject",
    "Sufficiency",
    "TopKIntersection",
    "control_maps",
    "make_metric",
    "metrics",
]
