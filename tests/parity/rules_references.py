"""What captum and zennit give for backward rules on torch twins.

Run by make_references.py in a process of its own: `python rules_references.py FILE.npz`.
"""

from __future__ import annotations

import sys

import numpy as np
import torch

import numpy_net
from parity import cases, rule_nets
from parity.torch_references import array, tensor, twin

Array = np.ndarray


def captum() -> dict[str, Array]:
    """Return captum's guided backpropagation, deconvolution and guided Grad-CAM."""
    from captum import attr

    net = numpy_net.net(cases.CAPTUM)
    x, found = tensor(net.pictures), {}
    for name, kind in (("guided_backprop", attr.GuidedBackprop), ("deconvnet", attr.Deconvolution)):
        found[name] = array(kind(twin(net)).attribute(x, cases.K))
    model = twin(net)
    method = attr.GuidedGradCam(model, model[net.top - 1])
    found["guided_grad_cam"] = array(method.attribute(x, cases.K, interpolate_mode="bilinear"))
    return found


def deep_lift() -> dict[str, Array]:
    """Return captum's DeepLift and DeepLiftShap, and SHAP's DeepExplainer, with max-pooling."""
    from captum import attr
    from shap import DeepExplainer

    x, background = tensor(rule_nets.pictures()), tensor(rule_nets.background())
    found = {}
    for name in ("vgg", "resnet_bn"):
        model = rule_nets.plain_torch_net(name)
        value = attr.DeepLift(model).attribute(x, 0.5, target=rule_nets.K)
        found[f"{name}/deep_lift"] = array(value)
        value = attr.DeepLiftShap(model).attribute(x, background, target=rule_nets.K)
        found[f"{name}/deep_lift_shap"] = array(value)
    explainer = DeepExplainer(rule_nets.plain_torch_net("vgg"), background)
    found["vgg/deep_explainer"] = array(explainer.shap_values(x)[..., rule_nets.K])
    return found


def zennit() -> dict[str, Array]:
    """Return zennit's composites, with batch normalisation merged into the convolutions."""
    # The registry's torchvision finds no binary operators beside another build of torch; only their
    # names are needed to import it.
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from zennit import composites as zc
    from zennit.attribution import Gradient
    from zennit.canonizers import SequentialMergeBatchNorm
    from zennit.layer import Sum
    from zennit.rules import Norm
    from zennit.types import AvgPool

    found = {}
    for name in rule_nets.NETS:
        x = tensor(rule_nets.pictures())
        low, high = (f(x, dim=(1, 2, 3), keepdim=True) for f in (torch.amin, torch.amax))
        # Sums and means have no denominator of their own with us, and so no stabiliser.
        exact = {"layer_map": [(t, Norm(stabilizer=1e-12)) for t in (Sum, AvgPool)]}
        for words, kind, options in (
            ("epsilon_plus", zc.EpsilonPlus, {}),
            ("epsilon_plus_flat", zc.EpsilonPlusFlat, {}),
            ("epsilon_alpha2_beta1", zc.EpsilonAlpha2Beta1, {}),
            ("epsilon_alpha2_beta1_flat", zc.EpsilonAlpha2Beta1Flat, {}),
            ("epsilon_gamma_box", zc.EpsilonGammaBox, {"low": low, "high": high}),
            ("guided_backprop", zc.GuidedBackprop, {}),
            ("deconvnet", zc.DeconvNet, {}),
        ):
            for bias in ("keep", "drop"):
                rules = exact if bias == "keep" else {**exact, "zero_params": "bias"}
                if words in ("guided_backprop", "deconvnet"):
                    rules = {}
                model = rule_nets.torch_net(name)
                composite = kind(**options, **rules, canonizers=[SequentialMergeBatchNorm()])
                start = lambda y: torch.eye(rule_nets.CLASSES)[[rule_nets.K] * len(y)] * y  # noqa: E731
                if words in ("guided_backprop", "deconvnet"):
                    start = lambda y: torch.eye(rule_nets.CLASSES)[[rule_nets.K] * len(y)]  # noqa: E731
                with Gradient(model=model, composite=composite) as attributor:
                    scores, relevance = attributor(x.clone(), start)
                found[f"{name}/{words}/{bias}"] = array(relevance)
                found[f"{name}/scores"] = scores.detach().numpy()
    return found


if __name__ == "__main__":
    results = {
        f"{library.__name__}/{key}": value
        for library in (captum, zennit, deep_lift)
        for key, value in library().items()
    }
    np.savez(sys.argv[1], **results)
