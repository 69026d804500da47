"""Models and pictures from wherever they are, in the form that Keras takes."""

from kerascope.loading.images import Images, load_images
from kerascope.loading.inputs import load_inputs
from kerascope.loading.models import check_weights, load_model
from kerascope.loading.preprocessing import AUTO, PREPROCESSINGS, range_hint
from kerascope.loading.texts import load_texts

__all__ = [
    "AUTO",
    "PREPROCESSINGS",
    "Images",
    "check_weights",
    "load_images",
    "load_inputs",
    "load_model",
    "load_texts",
    "range_hint",
]
