"""What tf-keras-vis gives on the Keras twins of the nets.

Run by make_references.py in a process of its own, on the TensorFlow backend:
`python tensorflow_references.py FILE.npz`.
"""

from __future__ import annotations

import sys
from typing import Any
from unittest import mock

import numpy as np
import tensorflow as tf
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
from tf_keras_vis.layercam import Layercam
from tf_keras_vis.saliency import Saliency
from tf_keras_vis.scorecam import Scorecam
from tf_keras_vis.utils.scores import CategoricalScore

import numpy_net
import oracles
from parity import cases

Array = np.ndarray


def _whole(x: Array, net: numpy_net.Net, model: Any) -> dict[str, Array]:
    score = CategoricalScore([cases.K] * len(x))
    layer = numpy_net.keras_layer(net, net.top)
    plain = {"expand_cam": False, "normalize_cam": False}
    maps = {
        "grad_cam": Gradcam,
        "layer_cam": Layercam,
        "score_cam": Scorecam,
        "grad_cam_plus_plus": GradcamPlusPlus,
    }
    return {
        name: kind(model)(score, x, penultimate_layer=layer, **plain) for name, kind in maps.items()
    } | {"expanded": Gradcam(model)(score, x, penultimate_layer=layer, normalize_cam=False)}


def references() -> dict[str, Array]:
    """Return gradients and maps without any scaling; noise is drawn as Kerascope draws it."""
    found: dict[str, Any] = {}
    for name in cases.KERAS_VIS:
        net = numpy_net.net(name)
        model, x = numpy_net.keras_model(net, softmax=False), net.pictures.astype(np.float32)
        found |= {f"{name}/{key}": value for key, value in _whole(x, net, model).items()}
        found[f"{name}/scores"] = model(x)
    score = CategoricalScore([cases.K] * len(x))
    plain = {"keepdims": True, "normalize_map": False, "gradient_modifier": None}
    found["gradient"] = Saliency(model)(score, x, **plain)
    noise = oracles.noise(net.pictures, **cases.NOISE).astype(np.float32)
    with mock.patch("numpy.random.normal", lambda mean, sigma, shape: noise):
        found["smooth_grad"] = Saliency(model)(score, x, smooth_samples=len(noise), **plain)
    return {key: np.asarray(tf.convert_to_tensor(value)) for key, value in found.items()}


if __name__ == "__main__":
    np.savez(sys.argv[1], **references())
