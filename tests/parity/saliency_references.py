"""What PAIR's `saliency` gives on the NumPy nets.

It is by the authors of blur-IG, guided IG and SmoothGrad, and asks for gradients through a
function, so it needs no framework. Run by make_references.py in a process of its own:
`python saliency_references.py FILE.npz`.
"""

from __future__ import annotations

import sys
from typing import Any
from unittest import mock

import numpy as np
from saliency import core

import numpy_net
import oracles
from numpy_net import Net
from parity import cases

Array = np.ndarray
K = cases.K


def asked(net: Net) -> Any:
    """Return the function through which the package asks a net for scores, maps and gradients."""

    def call(x: Array, call_model_args: Any = None, expected_keys: Any = None) -> dict[str, Array]:
        x = np.asarray(x, np.float64)
        maps = net.upto(x, net.top)
        return {
            "INPUT_OUTPUT_GRADIENTS": net.gradient(x, K),
            "OUTPUT_LAYER_VALUES": net.scores(x, K),
            "CONVOLUTION_LAYER_VALUES": maps,
            "CONVOLUTION_OUTPUT_GRADIENTS": net.gradient(maps, K, net.top),
        }

    return call


def each(net: Net, mask: Any, **options: Any) -> Array:
    """Return the mask of every picture."""
    return np.array([mask(one, asked(net), **options) for one in net.pictures])


def gradients() -> dict[str, Array]:
    """Return gradients, plain and smoothed with Kerascope's noise, Grad-CAM and occlusion."""
    net = numpy_net.net(cases.SALIENCY)
    found = {
        "gradient": each(net, core.GradientSaliency().GetMask),
        "integrated_gradients": each(
            net, core.IntegratedGradients().GetMask, x_steps=4000, batch_size=100,
            x_baseline=np.full(net.pictures.shape[1:], cases.COVER),
        ),
        "grad_cam": each(net, core.GradCam().GetMask, should_resize=False, three_dims=False),
        "occlusion": each(net, core.Occlusion().GetMask, size=cases.SQUARE, value=cases.COVER),
    }  # fmt: skip
    noise = oracles.noise(net.pictures, **cases.NOISE)
    for name, square in (("smooth_grad", False), ("smooth_grad_squared", True)):
        draws = iter(np.swapaxes(noise, 0, 1).reshape(-1, *net.pictures.shape[1:]))
        with mock.patch("numpy.random.normal", lambda mean, sigma, shape, draws=draws: next(draws)):
            smoothed = core.GradientSaliency().GetSmoothedMask
            found[name] = each(net, smoothed, nsamples=len(noise), magnitude=square)
    return found


def paths() -> dict[str, Array]:
    """Return guided IG and blur-IG."""
    quantile, net = np.quantile, numpy_net.net("smooth")

    def renamed(values: Array, q: float, interpolation: str) -> Any:
        """np.quantile, whose keyword `interpolation` became `method` and is gone in NumPy 2.4."""
        return quantile(values, q, method=interpolation)

    found = {}
    with mock.patch("numpy.quantile", renamed):
        for name, (steps, fraction, distance) in cases.GUIDED.items():
            options = {"x_steps": steps, "fraction": fraction, "max_dist": distance}
            found[f"guided_{name}"] = each(net, core.GuidedIG().GetMask, **options)
    for which in ("framed", "framed_linear"):
        framed = cases.pictured(which)[0]
        found[which] = each(
            framed, core.BlurIG().GetMask, max_sigma=cases.SIGMA, steps=400, grad_step=1e-4
        )
    return found


def regions() -> dict[str, Array]:
    """Return XRAI: its ranking, its segments, and all of it from gradients on."""
    attribution, masks = cases.regions()
    picture, found = np.zeros(attribution.shape), {}
    for algorithm in ("full", "fast"):
        result = core.XRAI().GetMaskWithDetails(
            picture, None, segments=list(masks), base_attribution=attribution,
            extra_parameters=told(algorithm, return_xrai_segments=True),
        )  # fmt: skip
        found[f"xrai_{algorithm}"] = result.attribution_mask
        found[f"xrai_{algorithm}_order"] = result.segments
    segments = core.xrai._get_segments_felzenszwalb(cases.scene())
    found["xrai_segments"] = np.packbits(np.array(segments, bool))
    found["xrai"] = each(
        numpy_net.net("smooth"), core.XRAI().GetMask, segments=list(masks), batch_size=100,
        extra_parameters=told("full", steps=2000),
    )  # fmt: skip
    return found


def told(algorithm: str, **options: Any) -> Any:
    """Return XRAI's parameters, with segments that add two positions at least."""
    parameters = core.XRAIParameters(algorithm=algorithm, **options)
    parameters.experimental_params = {"min_pixel_diff": cases.LEAST}
    return parameters


if __name__ == "__main__":
    np.savez(sys.argv[1], **gradients(), **paths(), **regions())
