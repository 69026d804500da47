"""Models and pictures from wherever they are, in the form that Keras takes."""

from kerascope.loading.images import Images, load_images
from kerascope.loading.inputs import load_inputs
from kerascope.loading.models import check_weights, load_model
from kerascope.loading.preprocessing import AUTO, PREPROCESSINGS, range_hint
from kerascope.loading.series import Series, load_series
from kerascope.loading.texts import load_texts
from kerascope.loading.volumes import Volumes, load_volumes

__all__ = [
    "AUTO",
    "PREPROCESSINGS",
    "Images",
    "Series",
    "Volumes",
    "check_weights",
    "load_images",
    "load_inputs",
    "load_model",
    "load_series",
    "load_texts",
    "load_volumes",
    "range_hint",
]
