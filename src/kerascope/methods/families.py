"""Which methods are kin: the order in which tables and pages show them."""

from __future__ import annotations

FAMILIES = {
    "Gradients": (
        "gradient", "gradient_x_input", "smooth_grad", "smooth_grad_squared", "var_grad",
        "integrated_gradients", "blur_ig", "guided_ig", "expected_gradients", "full_grad",
    ),
    "Class activation maps": (
        "cam", "grad_cam", "grad_cam_plus_plus", "x_grad_cam", "hires_cam", "layer_cam",
        "eigen_cam", "score_cam", "ablation_cam", "seg_grad_cam",
    ),
    "Segments, covered and shown": (
        "feature_ablation", "lime", "kernel_shap", "shapley_sampling", "owen", "sobol",
    ),
    "Masks": ("occlusion", "rise", "extremal_perturbation", "d_rise", "xrai"),
    "Backward rules": (
        "guided_backprop", "deconvnet", "rect_grad", "guided_grad_cam", "lrp", "deep_lift",
        "deep_shap", "excitation_backprop", "deep_taylor",
    ),
    "Attention": (
        "attention_rollout", "attention_flow", "chefer", "attention_x_gradient", "legrad",
    ),
}  # fmt: skip
