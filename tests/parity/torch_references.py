"""What captum, pytorch-grad-cam and shap give on the torch twins of the nets.

Run by make_references.py in a process of its own: `python torch_references.py FILE.npz`.
"""

from __future__ import annotations

import sys
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import nn

import numpy_net
import oracles
from numpy_net import Net
from parity import cases

Array = np.ndarray
K = cases.K
torch.manual_seed(0)


class Rows(nn.Module):
    """Flatten with channels last, as the nets do."""

    def forward(self, x: Any) -> Any:
        return x.permute(0, 2, 3, 1).flatten(1) if x.ndim == 4 else x


def tensor(x: Array) -> Any:
    """Return (sample, y, x, channel) values as torch has them: (sample, channel, y, x)."""
    return torch.tensor(np.moveaxis(x, -1, 1).astype(np.float32))


def array(x: Any) -> Array:
    """Return (sample, channel, y, x) values with channels last."""
    return np.moveaxis(x.detach().numpy() if isinstance(x, torch.Tensor) else x, 1, -1)


def _module(layer: Any) -> nn.Module:
    if isinstance(layer, numpy_net.Conv):
        size = layer.kernel.shape
        new: Any = nn.Conv2d(
            size[2], size[3], size[:2], layer.stride, size[0] // 2 if layer.same else 0
        )
        values = {"weight": layer.kernel.transpose(3, 2, 0, 1), "bias": layer.bias}
    elif isinstance(layer, numpy_net.Norm):
        new = nn.BatchNorm2d(len(layer.beta), eps=layer.epsilon)
        values = {
            "weight": layer.gamma,
            "bias": layer.beta,
            "running_mean": layer.mean,
            "running_var": layer.variance,
        }
    elif isinstance(layer, numpy_net.Dense):
        new = nn.Linear(*layer.kernel.shape)
        values = {"weight": layer.kernel.T, "bias": layer.bias}
    elif isinstance(layer, numpy_net.Act):
        return nn.ReLU() if layer.kind == "relu" else nn.Softplus(threshold=100)
    else:
        return (
            Rows()
            if isinstance(layer, numpy_net.Flat)
            else nn.Sequential(nn.AdaptiveAvgPool2d(1), Rows())
        )
    new.load_state_dict(
        {k: torch.tensor(v.astype(np.float32)) for k, v in values.items()}, strict=False
    )
    return new


def twin(net: Net) -> nn.Sequential:
    """Return the torch module with a net's weights, which gives logits."""
    return nn.Sequential(*(_module(layer) for layer in net.layers)).eval()


def captum() -> dict[str, Array]:
    """Return captum's attributions; noise and baselines are drawn as Kerascope draws them."""
    from captum import attr

    net = numpy_net.net(cases.CAPTUM)
    model, x = twin(net), tensor(net.pictures)
    pooled = twin(numpy_net.net("pooled"))
    found = {
        "saliency": attr.Saliency(model).attribute(x, K, abs=False),
        "input_x_gradient": attr.InputXGradient(model).attribute(x, K),
        "occlusion": attr.Occlusion(model).attribute(
            x,
            (x.shape[1], *cases.PATCH),
            (x.shape[1], *cases.STRIDE),
            baselines=cases.COVER,
            target=K,
        ),
        "feature_ablation": attr.FeatureAblation(model).attribute(
            x,
            cases.COVER,
            K,
            feature_mask=torch.tensor(cases.tiles(net.pictures.shape[1:3]))[None, None],
        ),
        "layer_grad_cam": attr.LayerGradCam(model, model[net.top - 1]).attribute(x, K),
        "layer_gradient_x_activation": attr.LayerGradientXActivation(
            model, model[net.top - 1]
        ).attribute(x, K),
        "layer_feature_ablation": attr.LayerFeatureAblation(model, model[net.top - 1]).attribute(
            x, target=K, layer_mask=torch.arange(5).reshape(1, 5, 1, 1)
        ),
        "pooled_grad_cam": attr.LayerGradCam(pooled, pooled[3]).attribute(
            tensor(numpy_net.net("pooled").pictures), K
        ),
    }
    for name, (method, steps) in cases.RULES.items():
        ig = attr.IntegratedGradients(model)
        found[f"ig_{name}"] = ig.attribute(x, cases.COVER, K, n_steps=steps, method=method)
    noise = oracles.noise(net.pictures, **cases.NOISE)
    rows = torch.cat([tensor(noise[:, i]) for i in range(len(x))])
    for kind in ("smoothgrad", "smoothgrad_sq", "vargrad"):
        tunnel = attr.NoiseTunnel(attr.Saliency(model))
        with mock.patch("torch.normal", lambda mean, std: rows):
            found[kind] = tunnel.attribute(
                x, nt_type=kind, nt_samples=len(noise), target=K, abs=False
            )
    return {name: array(value) for name, value in found.items()} | {
        "scores": model(x).detach().numpy()
    }


def gradient_shap() -> dict[str, Array]:
    """Return captum's GradientShap with the baselines and places that Kerascope draws."""
    from captum import attr

    net = numpy_net.net("smooth")
    baselines, alphas = cases.places_on_paths(len(net.pictures))
    with (
        mock.patch("numpy.random.choice", lambda n, count: baselines.ravel()),
        mock.patch("numpy.random.uniform", lambda low, high, count: alphas.ravel()),
    ):
        found = attr.GradientShap(twin(net)).attribute(
            tensor(net.pictures),
            tensor(cases.background()),
            n_samples=alphas.shape[1],
            stdevs=0.0,
            target=K,
        )
    return {"values": array(found)}


def grad_cam() -> dict[str, Array]:
    """Return pytorch-grad-cam's maps: as computed, and as handed out (ReLU, enlarged, 0…1)."""
    # The registry's torchvision finds no binary operators beside another build of torch; only their
    # names are needed to import it, as nothing here detects boxes.
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import pytorch_grad_cam as pgc
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    kinds = {
        "grad_cam": pgc.GradCAM,
        "grad_cam_plus_plus": pgc.GradCAMPlusPlus,
        "x_grad_cam": pgc.XGradCAM,
        "hires_cam": pgc.HiResCAM,
        "layer_cam": pgc.LayerCAM,
        "eigen_cam": pgc.EigenCAM,
        "score_cam": pgc.ScoreCAM,
        "ablation_cam": pgc.AblationCAM,
        "full_grad": pgc.FullGrad,
    }
    found: dict[str, Array] = {}
    for name, nets in cases.GRAD_CAM.items():
        for which in nets:
            net, x = cases.pictured(which)
            model = twin(net)
            cam = kinds[name](model, [] if name == "full_grad" else [model[net.top - 1]])
            inner, raw = cam.get_cam_image, []

            def spy(*args: Any, inner: Any = inner, raw: list = raw, **options: Any) -> Any:
                raw.append(inner(*args, **options))
                return raw[-1]

            cam.get_cam_image = spy
            found[f"{name}/{which}"] = cam(tensor(x), [ClassifierOutputTarget(K)] * len(x))
            if raw:
                found[f"{name}/{which}/raw"] = np.array(raw[-1])
            found[f"scores/{which}"] = twin(net)(tensor(x)).detach().numpy()
    return found


def shap() -> dict[str, Array]:
    """Return the estimate of SHAP's GradientExplainer, and its standard error."""
    from shap import GradientExplainer

    net = numpy_net.net("smooth")
    explainer = GradientExplainer(twin(net), tensor(cases.background()))
    x = tensor(net.pictures)
    mean, spread = explainer.shap_values(
        x, nsamples=cases.SHAP_SAMPLES, rseed=1, return_variances=True
    )
    # Its "variance of the mean" is the variance divided by √n, not by n.
    error = np.sqrt(np.asarray(spread[K]) / cases.SHAP_SAMPLES**0.5)
    return {
        "mean": array(mean[..., K]),
        "error": array(error),
        "scores": twin(net)(x).detach().numpy(),
    }


if __name__ == "__main__":
    results = {
        f"{library.__name__}/{key}": value
        for library in (captum, gradient_shap, grad_cam, shap)
        for key, value in library().items()
    }
    np.savez(sys.argv[1], **results)
