"""captum and pytorch-grad-cam on a PyTorch twin of the Keras model, for `kerascope bench`.

Weights, pictures, class, batches and number of passes are those of Kerascope. The floor is the
twin's own: plain forward passes without bookkeeping, and `autograd.grad` on frozen weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
from squares import squares
from torch_twin import tensor, twin

from kerascope.bench import Floor, Job, Peer


class _Task:
    """The twin of a job's model, frozen, with its floor; one for all libraries."""

    def __init__(self, job: Job) -> None:
        if keras.backend.backend() != "torch":
            raise ImportError("it needs the torch backend")
        if len(job.size) != 2 or job.target is None:
            raise ValueError("pictures and classes are needed")
        self.job, self.target, self.tensor = job, job.target, tensor
        self.net = twin(job.model, np.ascontiguousarray(job.inputs(1)))
        self.net.requires_grad_(False)
        self.layer = self.net.at[job.layer.replace(".", "_")]
        self.floor = Floor(self._passes)

    def pictures(self, count: int) -> Any:
        return self.tensor(self.job.inputs(count))

    def batch(self, kind: str) -> int:
        """Return the batch size that Kerascope is measured with."""
        layer = f":{self.job.layer}" if kind == "layer gradient" else ""
        return self.job.batch_size or self.job.floor.size(kind + layer)

    def fields(self, name: str) -> dict[str, Any]:
        return dict(self.job.setting(name))

    def _passes(self, kind: str, size: int) -> Sequence[Callable[[], Any]]:
        import torch

        x = self.pictures(size)
        if kind == "forward":

            def forward() -> Any:
                with torch.inference_mode():
                    return self.net(x)

            return [forward]
        kept: list[Any] = []

        def keep(_module: Any, _given: Any, output: Any) -> Any:
            kept.append(output.detach().requires_grad_())
            return kept[-1]

        def layer_gradient() -> Any:
            handle = self.layer.register_forward_hook(keep)
            try:
                score = self.net(x)[:, self.target].sum()
            finally:
                handle.remove()
            return torch.autograd.grad(score, kept.pop())

        def gradient() -> Any:
            leaf = x.clone().requires_grad_()
            return torch.autograd.grad(self.net(leaf)[:, self.target].sum(), leaf)

        return [gradient if kind == "gradient" else layer_gradient]


_tasks: dict[int, _Task] = {}


def _task(job: Job) -> _Task:
    if id(job) not in _tasks:
        _tasks[id(job)] = _Task(job)
    return _tasks[id(job)]


def captum(job: Job) -> Iterable[Peer]:
    """Gradients, Grad-CAM, SmoothGrad, integrated gradients, GradientShap, occlusion and games."""
    import torch
    from captum import attr

    task = _task(job)
    net, target = task.net, task.target
    forward, gradient = task.batch("forward"), task.batch("gradient")

    def peer(
        name: str, method: str, passes: dict[str, float], build: Callable[[], Any],
        count: int = 1, batch: int | None = None, **fields: Any,
    ) -> Peer:  # fmt: skip
        def make() -> Callable[[], Any]:
            explainer, x = build(), task.pictures(count)
            return lambda: explainer.attribute(x, target=target, **fields)

        words = ", ".join(f"{k}={v}" for k, v in fields.items() if isinstance(v, (int, str)))
        return Peer(name=name, method=method, make=make, passes=passes, pictures=count,
                    batch=batch, settings=words, floor=task.floor)  # fmt: skip

    many = task.batch("layer gradient")
    yield peer("LayerGradCam", "grad_cam", {"layer gradient": 1},
               lambda: attr.LayerGradCam(net, task.layer), many)  # fmt: skip
    yield peer("Saliency", "gradient", {"gradient": 1}, lambda: attr.Saliency(net), gradient,
               abs=False)  # fmt: skip
    yield peer("InputXGradient", "gradient_x_input", {"gradient": 1},
               lambda: attr.InputXGradient(net), gradient)  # fmt: skip
    samples = task.fields("smooth_grad")["samples"]
    yield peer("NoiseTunnel", "smooth_grad", {"gradient": samples},
               lambda: attr.NoiseTunnel(attr.Saliency(net)), 1, gradient,
               nt_samples=samples, nt_samples_batch_size=gradient, stdevs=0.3,
               abs=False)  # fmt: skip
    steps = task.fields("integrated_gradients")["steps"]
    yield peer("IntegratedGradients", "integrated_gradients", {"gradient": steps},
               lambda: attr.IntegratedGradients(net), 1, gradient, n_steps=steps,
               internal_batch_size=gradient)  # fmt: skip
    samples = task.fields("expected_gradients")["samples"]
    zero = task.pictures(1) * 0
    yield peer("GradientShap", "expected_gradients", {"gradient": samples},
               lambda: attr.GradientShap(net), baselines=zero, n_samples=samples)  # fmt: skip
    patch = task.fields("occlusion")["patch"]
    shape = (zero.shape[1], *patch)
    places = int(np.prod([-(-n // p) for n, p in zip(job.size, patch, strict=True)]))
    yield peer("Occlusion", "occlusion", {"forward": 1 + places}, lambda: attr.Occlusion(net), 1,
               forward, sliding_window_shapes=shape, strides=shape,
               perturbations_per_eval=forward)  # fmt: skip
    for kind, method in ((attr.KernelShap, "kernel_shap"), (attr.Lime, "lime"),
                         (attr.FeatureAblation, "feature_ablation")):  # fmt: skip
        mask = torch.tensor(squares(job, method).astype(np.int64))[None, None]
        more = {"n_samples": task.fields(method)["samples"]} if method != "feature_ablation" else {}
        evaluations = more.get("n_samples", int(mask.max()) + 1) + (not more)
        yield peer(kind.__name__, method, {"forward": evaluations}, lambda k=kind: k(net), 1,
                   forward, baselines=0, feature_mask=mask, perturbations_per_eval=forward,
                   **more)  # fmt: skip


def grad_cam(job: Job) -> Iterable[Peer]:
    """Grad-CAM, Grad-CAM++, XGrad-CAM, HiResCAM, LayerCAM, Eigen-CAM."""
    task = _task(job)
    _let_torchvision_in()
    import pytorch_grad_cam as library
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    kinds = {
        "GradCAM": "grad_cam", "GradCAMPlusPlus": "grad_cam_plus_plus", "XGradCAM": "x_grad_cam",
        "HiResCAM": "hires_cam", "LayerCAM": "layer_cam", "EigenCAM": "eigen_cam",
    }  # fmt: skip
    for name, method in kinds.items():
        kind = "layer gradient" if name != "EigenCAM" else "forward"
        count = task.batch(kind)

        def make(name: str = name, count: int = count) -> Callable[[], Any]:
            # It needs weights that are not frozen; the hooks of one explainer stay until it goes.
            net = type(task.net)(job.model)
            layer = net.at[job.layer.replace(".", "_")]
            explainer = getattr(library, name)(net, [layer])
            x, targets = task.pictures(count), [ClassifierOutputTarget(task.target)] * count
            return lambda: explainer(x, targets)

        yield Peer(name=name, method=method, make=make, passes={kind: 1}, pictures=count,
                   floor=task.floor)  # fmt: skip


def _let_torchvision_in() -> None:
    """Name the operators that torchvision looks for when it is imported.

    It has them in a binary that fits one build of torch only; nothing here detects boxes.
    """
    import torch

    if not hasattr(torch.ops.torchvision, "nms"):
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _kept.append(library)


_kept: list[Any] = []  # a library's definitions go with it


PEERS = {"captum": captum, "pytorch-grad-cam": grad_cam}
