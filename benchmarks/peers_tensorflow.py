"""tf-keras-vis, tf-explain, xplique, shap and lime on the Keras model, for `kerascope bench`.

All explain the logit of the class that Kerascope explains, on the same model, pictures and batch
size; where a library takes only the model's output as it is, it gets a model that ends in logits
and shares all other layers and weights. A batch size is left at a library's default where it cannot
be set.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
from squares import squares

from kerascope.bench import Job, Peer


def _logits(model: Any) -> Any:
    """Return the model without its softmax: layers and weights are shared."""
    last = model.layers[-1]
    if getattr(last, "activation", None) in (None, keras.activations.linear):
        return model
    head = keras.layers.Dense.from_config(last.get_config() | {"activation": None})
    outputs = head(last.input)
    head.set_weights(last.get_weights())
    return keras.Model(model.inputs, outputs)


class _Task:
    """What every adapter needs of a job: a model of pictures with classes."""

    def __init__(self, job: Job) -> None:
        if keras.backend.backend() != "tensorflow":
            raise ImportError("it needs the TensorFlow backend")
        if len(job.size) != 2 or job.target is None:
            raise ValueError("pictures and classes are needed")
        self.job, self.target, self.model = job, job.target, _logits(job.model)

    def pictures(self, count: int) -> np.ndarray:
        return np.ascontiguousarray(self.job.inputs(count))

    def batch(self, kind: str) -> int:
        """Return the batch size that is best for a kind of pass."""
        layer = f":{self.job.layer}" if kind == "layer gradient" else ""
        return self.job.batch_size or self.job.floor.size(kind + layer)

    def fields(self, name: str) -> dict[str, Any]:
        """Return the settings that Kerascope's method is measured with."""
        return dict(self.job.setting(name))

    def onehot(self, count: int) -> np.ndarray:
        classes = self.model.output_shape[-1]
        return np.eye(classes, dtype=np.float32)[[self.target] * count]


def tf_keras_vis(job: Job) -> Iterable[Peer]:
    """Grad-CAM, Grad-CAM++, Score-CAM (as many channels as ours), saliency, SmoothGrad."""
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
    from tf_keras_vis.saliency import Saliency
    from tf_keras_vis.scorecam import Scorecam
    from tf_keras_vis.utils.scores import CategoricalScore

    task = _Task(job)

    def peer(kind: Any, method: str, passes: dict[str, float], count: int, **fields: Any) -> Peer:
        def make() -> Callable[[], Any]:
            explainer, x = kind(task.model, clone=False), task.pictures(count)
            scores = CategoricalScore([task.target] * count)
            return lambda: explainer(scores, x, **fields)

        words = ", ".join(f"{k}={v}" for k, v in fields.items() if k != "penultimate_layer")
        return Peer(name=kind.__name__, method=method, make=make, passes=passes,
                    pictures=count, settings=words)  # fmt: skip

    layer, many = {"penultimate_layer": job.layer}, task.batch("layer gradient")
    yield peer(Gradcam, "grad_cam", {"layer gradient": 1}, many, **layer)
    yield peer(GradcamPlusPlus, "grad_cam_plus_plus", {"layer gradient": 1}, many, **layer)
    top, size = task.fields("score_cam")["top_k"], task.batch("forward")
    channels = task.model.get_layer(job.layer).output.shape[-1]
    yield peer(
        Scorecam, "score_cam", {"forward": 1 + min(top, channels)}, 1, max_N=min(top, channels),
        batch_size=size, **layer,
    )  # fmt: skip
    yield peer(Saliency, "gradient", {"gradient": 1}, task.batch("gradient"))
    samples = task.fields("smooth_grad")["samples"]
    yield peer(Saliency, "smooth_grad", {"gradient": samples}, 1, smooth_samples=samples)


def tf_explain(job: Job) -> Iterable[Peer]:
    """Grad-CAM, gradients, SmoothGrad, integrated gradients, occlusion."""
    from tf_explain.core.grad_cam import GradCAM
    from tf_explain.core.integrated_gradients import IntegratedGradients
    from tf_explain.core.occlusion_sensitivity import OcclusionSensitivity
    from tf_explain.core.smoothgrad import SmoothGrad
    from tf_explain.core.vanilla_gradients import VanillaGradients

    task = _Task(job)

    def peer(
        kind: Any, method: str, passes: dict[str, float], count: int = 1, *,
        explain: str = "explain", options: Any = None, **fields: Any,
    ) -> Peer:  # fmt: skip
        def make() -> Callable[[], Any]:
            run = getattr(kind(**(options or {})), explain)
            data = (task.pictures(count), None)
            return lambda: run(data, task.model, task.target, **fields)

        words = ", ".join(f"{k}={v}" for k, v in fields.items() if k != "layer_name")
        return Peer(name=kind.__name__, method=method, make=make, passes=passes,
                    pictures=count, settings=words)  # fmt: skip

    count = task.batch("layer gradient")
    yield peer(GradCAM, "grad_cam", {"layer gradient": 1}, count, layer_name=job.layer,
               use_guided_grads=False)  # fmt: skip
    yield peer(VanillaGradients, "gradient", {"gradient": 1}, task.batch("gradient"),
               explain="explain_score_model")  # fmt: skip
    samples = task.fields("smooth_grad")["samples"]
    yield peer(SmoothGrad, "smooth_grad", {"gradient": samples}, num_samples=samples)
    steps = task.fields("integrated_gradients")["steps"]
    yield peer(IntegratedGradients, "integrated_gradients", {"gradient": steps}, n_steps=steps)
    patch = task.fields("occlusion")["patch"]
    if job.size[0] == job.size[1]:
        positions = int(np.prod([-(-n // p) for n, p in zip(job.size, patch, strict=True)]))
        yield peer(OcclusionSensitivity, "occlusion", {"forward": positions},
                   options={"batch_size": task.batch("forward")}, patch_size=patch[0])  # fmt: skip


def xplique(job: Job) -> Iterable[Peer]:
    """Grad-CAM and ++, saliency, SmoothGrad, integrated gradients, occlusion, RISE, LIME, SHAP."""
    from xplique import attributions as xp

    task = _Task(job)
    gradient, forward = task.batch("gradient"), task.batch("forward")

    def peer(
        kind: Any, method: str, passes: dict[str, float], count: int, batch: int, **fields: Any
    ) -> Peer:
        def make() -> Callable[[], Any]:
            explainer = kind(task.model, batch_size=batch, **fields)
            x, y = task.pictures(count), task.onehot(count)
            return lambda: explainer(x, y)

        words = ", ".join(f"{k}={v}" for k, v in fields.items() if isinstance(v, (int, tuple)))
        return Peer(name=kind.__name__, method=method, make=make, passes=passes,
                    pictures=count, batch=batch, settings=words)  # fmt: skip

    many = task.batch("layer gradient")
    for kind, method in ((xp.GradCAM, "grad_cam"), (xp.GradCAMPP, "grad_cam_plus_plus")):
        yield peer(kind, method, {"layer gradient": 1}, many, many, conv_layer=job.layer)
    yield peer(xp.Saliency, "gradient", {"gradient": 1}, gradient, gradient)
    samples = task.fields("smooth_grad")["samples"]
    yield peer(xp.SmoothGrad, "smooth_grad", {"gradient": samples}, 1, gradient, nb_samples=samples)
    steps = task.fields("integrated_gradients")["steps"]
    yield peer(xp.IntegratedGradients, "integrated_gradients", {"gradient": steps}, 1, gradient,
               steps=steps)  # fmt: skip
    patch = task.fields("occlusion")["patch"]
    # It leaves out patches that end at the far edge exactly.
    places = int(np.prod([-(-(n - p) // p) for n, p in zip(job.size, patch, strict=True)]))
    yield peer(xp.Occlusion, "occlusion", {"forward": 1 + places}, 1, forward, patch_size=patch,
               patch_stride=patch)  # fmt: skip
    masks = task.fields("rise")["masks"]
    yield peer(xp.Rise, "rise", {"forward": masks}, 1, forward, nb_samples=masks)
    for kind, method in ((xp.Lime, "lime"), (xp.KernelShap, "kernel_shap")):
        fields = task.fields(method)
        yield peer(kind, method, {"forward": fields["samples"]}, 1, forward,
                   nb_samples=fields["samples"],
                   map_to_interpret_space=functools.partial(_segments, job, method))  # fmt: skip


def _segments(job: Job, method: str, _picture: Any) -> Any:
    return keras.ops.convert_to_tensor(squares(job, method))


def shap(job: Job) -> Iterable[Peer]:
    """GradientExplainer and PartitionExplainer with a mask of one colour."""
    import shap as library

    task = _Task(job)
    size = task.batch("gradient")
    samples = task.fields("expected_gradients")["samples"]

    def gradients() -> Callable[[], Any]:
        x = task.pictures(1)
        explainer = library.GradientExplainer(task.model, np.zeros_like(x), batch_size=size)
        # Of one output: with all of them every sample is differentiated for each.
        return lambda: explainer.shap_values(x, nsamples=samples, ranked_outputs=1)

    yield Peer(name="GradientExplainer", method="expected_gradients", make=gradients, batch=size,
               passes={"gradient": samples, "forward": 1},
               settings=f"nsamples={samples}")  # fmt: skip
    coalitions, batch = task.fields("owen")["coalitions"], task.batch("forward")
    counted: list[int] = []

    def partition() -> Callable[[], Any]:
        x, predict = task.pictures(1), _compiled(task.model)

        def scores(rows: np.ndarray) -> np.ndarray:
            counted.append(len(rows))
            return predict(rows)[:, task.target]

        masker = library.maskers.Image(np.zeros(x.shape[1:], np.float32), x.shape[1:])
        explainer = library.PartitionExplainer(scores, masker)

        def call() -> Any:
            counted.clear()
            return explainer(x, max_evals=coalitions, batch_size=batch, silent=True)

        return call

    yield Peer(name="PartitionExplainer", method="owen", make=partition, batch=batch,
               passes=lambda: {"forward": sum(counted)},
               settings=f"max_evals={coalitions}")  # fmt: skip


def lime(job: Job) -> Iterable[Peer]:
    """LimeImageExplainer over a compiled function, on a grid, all columns of it fitted."""
    from lime.lime_image import LimeImageExplainer

    task = _Task(job)
    samples, batch = task.fields("lime")["samples"], task.batch("forward")

    def make() -> Callable[[], Any]:
        explainer = LimeImageExplainer(random_state=0)
        picture, labels = task.pictures(1)[0].astype(np.float64), squares(job, "lime")
        predict = _compiled(task.model)
        return lambda: explainer.explain_instance(
            picture, lambda rows: predict(rows.astype(np.float32)), labels=(task.target,),
            top_labels=None, hide_color=0, num_samples=samples, batch_size=batch,
            segmentation_fn=lambda _: labels,
        )  # fmt: skip

    yield Peer(name="LimeImageExplainer", method="lime", make=make, batch=batch,
               passes={"forward": samples}, settings=f"num_samples={samples}")  # fmt: skip


def _compiled(model: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Return the model as a compiled function: `predict` is slower, and nobody's fault here."""
    import tensorflow as tf

    function = tf.function(lambda x: model(x, training=False), reduce_retracing=True)
    return lambda rows: function(tf.constant(rows)).numpy()


PEERS = {
    "tf-keras-vis": tf_keras_vis, "tf-explain": tf_explain, "xplique": xplique, "shap": shap,
    "lime": lime,
}  # fmt: skip
