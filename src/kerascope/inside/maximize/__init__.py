"""Feature visualization: inputs that maximise what a class, channel or neuron says."""

from kerascope.inside.maximize.front import maximize
from kerascope.inside.maximize.parametrizations import Fourier, MaCo, Parametrization, Pixel
from kerascope.inside.maximize.regularizers import Diversity, Norm, TotalVariation
from kerascope.inside.maximize.result import Visualization
from kerascope.inside.maximize.transforms import Transforms

__all__ = [
    "Diversity",
    "Fourier",
    "MaCo",
    "Norm",
    "Parametrization",
    "Pixel",
    "TotalVariation",
    "Transforms",
    "Visualization",
    "maximize",
]
