"""All built-in methods, one file each; importing this package registers them."""

from kerascope.methods.ablation_cam import AblationCAM
from kerascope.methods.blur_ig import BlurIG
from kerascope.methods.cam import CAM
from kerascope.methods.eigen_cam import EigenCAM
from kerascope.methods.expected_gradients import ExpectedGradients
from kerascope.methods.full_grad import FullGrad
from kerascope.methods.grad_cam import GradCAM
from kerascope.methods.grad_cam_plus_plus import GradCAMPlusPlus
from kerascope.methods.gradient import Gradient
from kerascope.methods.gradient_x_input import GradientXInput
from kerascope.methods.guided_ig import GuidedIG
from kerascope.methods.hires_cam import HiResCAM
from kerascope.methods.integrated_gradients import IntegratedGradients
from kerascope.methods.layer_cam import LayerCAM
from kerascope.methods.occlusion import Occlusion
from kerascope.methods.score_cam import ScoreCAM
from kerascope.methods.smooth_grad import SmoothGrad, SmoothGradSquared, VarGrad
from kerascope.methods.x_grad_cam import XGradCAM

__all__ = [
    "CAM",
    "AblationCAM",
    "BlurIG",
    "EigenCAM",
    "ExpectedGradients",
    "FullGrad",
    "GradCAM",
    "GradCAMPlusPlus",
    "Gradient",
    "GradientXInput",
    "GuidedIG",
    "HiResCAM",
    "IntegratedGradients",
    "LayerCAM",
    "Occlusion",
    "ScoreCAM",
    "SmoothGrad",
    "SmoothGradSquared",
    "VarGrad",
    "XGradCAM",
]
