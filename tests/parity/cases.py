"""What is compared with other libraries: nets, pictures, settings; read by both sides."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

import numpy_net
import oracles
from numpy_net import Act, Flat, Maker, Net

Array = np.ndarray
K = 0  # the class explained
CAPTUM = "deep"
SALIENCY = "deep"
COVER = 0.5  # baseline of path methods and of occlusion
PATCH, STRIDE = (3, 4), (2, 3)
NOISE = {"samples": 6, "share": 0.25, "seed": 7}
RULES = {
    "gauss": ("gausslegendre", 32),
    "uniform": ("riemann_middle", 16),
}  # spacing: captum's name, steps
SAMPLES = 24  # of expected gradients, drawn as Kerascope draws them
SHAP_SAMPLES = 3000
GUIDED = {"near": (24, 0.25, 0.02), "far": (12, 0.5, 0.3)}  # steps, fraction, distance
SQUARE = 3  # side of the patch of occlusion in PAIR saliency
SIGMA = 2.0  # strongest blur

# pytorch-grad-cam's method: the nets it is compared on
GRAD_CAM = {
    "grad_cam": ["smooth", "pooled", "raw"],
    "grad_cam_plus_plus": ["steep"],
    "x_grad_cam": ["smooth", "pooled"],
    "hires_cam": ["smooth", "pooled", "raw"],
    "layer_cam": ["smooth", "pooled", "raw"],
    "eigen_cam": ["centred", "smooth"],
    "score_cam": ["whole"],
    "ablation_cam": ["deep", "whole"],
    "full_grad": ["single"],
}
LEAST = 2  # positions that a segment of XRAI adds
KERAS_VIS = ["raw", "whole"]  # nets for tf-keras-vis; gradients on the last


def background() -> Array:
    """Return baselines for the nets of expected gradients."""
    shape = numpy_net.net("smooth").pictures.shape[1:]
    return np.random.default_rng(3).normal(size=(3, *shape)).astype(np.float32)


def places_on_paths(samples: int, seed: int = 0) -> tuple[Array, Array]:
    """Return (sample, draw): the baseline and the place on its path, as they are documented.

    Every baseline is used equally often; its path is cut into equal parts, with one place at random
    in each.
    """
    count = len(background())
    parts = SAMPLES // count
    draws = np.arange(count * parts)
    jitter = np.array([[oracles.draw(seed, i, d).random() for d in draws] for i in range(samples)])
    return np.tile(draws // parts, (samples, 1)), (draws % parts + jitter) / parts


def regions(size: tuple[int, ...] = (9, 12)) -> tuple[Array, Array]:
    """Return an attribution (y, x, channel), and segments (segment, y, x) that overlap."""
    rng = np.random.default_rng(9)
    share = rng.uniform(0.02, 0.3, (25, *(1,) * len(size)))
    return rng.normal(size=(*size, 4)), rng.random((25, *size)) < share


def scene() -> Array:
    """Return a picture (224, 224, 3) of soft shapes, 0 to 255, to be cut into segments."""
    noise = np.random.default_rng(10).normal(size=(14, 14, 3))
    smooth = np.kron(noise, np.ones((16, 16, 1)))
    y, x = np.indices((224, 224)) / 223
    smooth += 2 * np.sin(9 * x * y + 3 * y)[..., None]
    return ((smooth - smooth.min()) / np.ptp(smooth) * 255).astype(np.float32)


def tiles(size: tuple[int, int]) -> Array:
    """Return a number for every pixel: which patch without overlap it belongs to."""
    rows, columns = (-(-n // p) for n, p in zip(size, PATCH, strict=True))
    y, x = np.indices(size)
    assert rows * columns > 4
    return y // PATCH[0] * columns + x // PATCH[1]


@functools.cache
def pictured(name: str) -> tuple[Net, Array]:
    """Return a net and its pictures: those of `numpy_net`, and some for one comparison only."""
    if name in ("framed", "framed_linear"):
        return _framed(name)
    net = numpy_net.net({"centred": "raw", "steep": "smooth"}.get(name, name))
    if name == "steep":
        # pytorch-grad-cam adds 1e-6 to a sum of squared gradients: nothing where they are large.
        head = net.layers[-1]
        head = dataclasses.replace(head, kernel=300 * head.kernel, bias=300 * head.bias)
        net = dataclasses.replace(net, layers=(*net.layers[:-1], head))
    if name == "centred":
        # Maps whose mean over positions is zero, so that centring them changes nothing.
        maps = net.upto(net.pictures[:1], net.top)
        last = net.layers[net.top - 1]
        last = dataclasses.replace(last, bias=last.bias - maps.mean(axis=(0, 1, 2)))
        layers = (*net.layers[: net.top - 1], last, *net.layers[net.top :])
        net = dataclasses.replace(net, layers=layers, pictures=net.pictures[:1])
    return net, net.pictures


def _framed(name: str) -> tuple[Net, Array]:
    """Return soft blobs within a wide frame of zeros.

    There blurring with zeros outside is blurring with mirrors, and a kernel of samples of a
    Gaussian, narrow as it may be, does what a Gaussian does.
    """
    maker, (height, width) = Maker(name), (25, 28)
    y, x = np.indices((height, width))
    blobs = [(11, 12, 1.0, 0), (13, 16, -0.8, 0), (12, 14, 0.7, 1), (14, 13, -0.5, 1)]
    pictures = np.zeros((1, height, width, 2))
    for row, column, strength, channel in blobs:
        pictures[0, :, :, channel] += strength * np.exp(
            -((y - row) ** 2 + (x - column) ** 2) / (2 * 1.4**2)
        )
    if name == "framed_linear":
        return Net(name, (Flat(), maker.dense(height * width * 2, 3)), pictures), pictures
    stem = maker.conv(2, 4), Act("softplus"), maker.conv(4, 4, stride=2), Act("softplus")
    after = ((height - 5) // 2 + 1) * ((width - 5) // 2 + 1) * 4
    return Net(name, (*stem, Flat(), maker.dense(after, 3, 8.0)), pictures), pictures
