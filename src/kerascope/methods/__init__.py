"""All built-in methods, one file each; importing this package registers them."""

from kerascope.methods.ablation_cam import AblationCAM
from kerascope.methods.attention_flow import AttentionFlow
from kerascope.methods.attention_rollout import AttentionRollout
from kerascope.methods.attention_x_gradient import AttentionXGradient
from kerascope.methods.blur_ig import BlurIG
from kerascope.methods.cam import CAM
from kerascope.methods.chefer import Chefer
from kerascope.methods.d_rise import DRISE
from kerascope.methods.deconvnet import Deconvnet
from kerascope.methods.deep_lift import DeepLIFT
from kerascope.methods.deep_shap import DeepSHAP
from kerascope.methods.eigen_cam import EigenCAM
from kerascope.methods.expected_gradients import ExpectedGradients
from kerascope.methods.extremal_perturbation import ExtremalPerturbation
from kerascope.methods.feature_ablation import FeatureAblation
from kerascope.methods.full_grad import FullGrad
from kerascope.methods.grad_cam import GradCAM
from kerascope.methods.grad_cam_plus_plus import GradCAMPlusPlus
from kerascope.methods.gradient import Gradient
from kerascope.methods.gradient_x_input import GradientXInput
from kerascope.methods.guided_backprop import GuidedBackprop
from kerascope.methods.guided_grad_cam import GuidedGradCAM
from kerascope.methods.guided_ig import GuidedIG
from kerascope.methods.hires_cam import HiResCAM
from kerascope.methods.integrated_gradients import IntegratedGradients
from kerascope.methods.kernel_shap import KernelSHAP
from kerascope.methods.layer_cam import LayerCAM
from kerascope.methods.legrad import LeGrad
from kerascope.methods.lime import LIME
from kerascope.methods.occlusion import Occlusion
from kerascope.methods.owen import Owen
from kerascope.methods.rect_grad import RectGrad
from kerascope.methods.rise import RISE
from kerascope.methods.score_cam import ScoreCAM
from kerascope.methods.seg_grad_cam import SegGradCAM
from kerascope.methods.shapley_sampling import ShapleySampling
from kerascope.methods.smooth_grad import SmoothGrad, SmoothGradSquared, VarGrad
from kerascope.methods.sobol import Sobol
from kerascope.methods.x_grad_cam import XGradCAM
from kerascope.methods.xrai import XRAI

__all__ = [
    "CAM",
    "DRISE",
    "LIME",
    "RISE",
    "XRAI",
    "AblationCAM",
    "AttentionFlow",
    "AttentionRollout",
    "AttentionXGradient",
    "BlurIG",
    "Chefer",
    "Deconvnet",
    "DeepLIFT",
    "DeepSHAP",
    "EigenCAM",
    "ExpectedGradients",
    "ExtremalPerturbation",
    "FeatureAblation",
    "FullGrad",
    "GradCAM",
    "GradCAMPlusPlus",
    "Gradient",
    "GradientXInput",
    "GuidedBackprop",
    "GuidedGradCAM",
    "GuidedIG",
    "HiResCAM",
    "IntegratedGradients",
    "KernelSHAP",
    "LayerCAM",
    "LeGrad",
    "Occlusion",
    "Owen",
    "RectGrad",
    "ScoreCAM",
    "SegGradCAM",
    "ShapleySampling",
    "SmoothGrad",
    "SmoothGradSquared",
    "Sobol",
    "VarGrad",
    "XGradCAM",
]
