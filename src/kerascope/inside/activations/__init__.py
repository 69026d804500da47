"""What layers give for an input, and which inputs make a channel strongest."""

from kerascope.inside.activations.result import Activations, activations
from kerascope.inside.activations.top import TopImages, top_images

__all__ = ["Activations", "TopImages", "activations", "top_images"]
