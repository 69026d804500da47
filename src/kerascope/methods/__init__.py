"""All built-in methods, one file each; importing this package registers them."""

from kerascope.methods.grad_cam import GradCAM
from kerascope.methods.gradient import Gradient

__all__ = ["GradCAM", "Gradient"]
