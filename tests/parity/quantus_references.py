"""What Quantus gives on the same arrays, nets and draws.

Run by make_references.py in a process of its own: `python quantus_references.py FILE.npz`.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from parity import quantus_cases as cases

Array = np.ndarray
PLAIN = {"abs": False, "normalise": False, "disable_warnings": True, "display_progressbar": False}


class Layer(torch.nn.Linear):
    """A linear layer that resets to weights it was given."""

    def __init__(self, kernel: Array, bias: Array, fresh: list[Array]) -> None:
        super().__init__(*kernel.shape)
        self.fresh = fresh
        self.put(kernel, bias)

    def put(self, kernel: Array, bias: Array) -> None:
        with torch.no_grad():
            self.weight.copy_(torch.tensor(np.ascontiguousarray(kernel.T)))
            self.bias.copy_(torch.tensor(bias))

    def reset_parameters(self) -> None:
        if hasattr(self, "fresh"):
            self.put(*(values.astype(np.float32) for values in self.fresh))


class Net(torch.nn.Module):
    """The net of the cases."""

    def __init__(self) -> None:
        super().__init__()
        old, new = cases.weights(), cases.fresh()
        self.first = Layer(old[0], old[1], new[:2])
        self.head = Layer(old[2], old[3], new[2:])

    def forward(self, x: Any) -> Any:
        return self.head(torch.tanh(self.first(x.reshape(len(x), -1))))


def product(model: Any, inputs: Array, targets: Array, **_: Any) -> Array:
    """Return gradient × input."""
    x = torch.tensor(np.asarray(inputs, np.float32), requires_grad=True)
    model(x)[torch.arange(len(x)), torch.tensor(targets)].sum().backward()
    return (x * x.grad).detach().numpy()


def gradient(model: Any, inputs: Array, targets: Array, **_: Any) -> Array:
    """Return the gradient."""
    x = torch.tensor(np.asarray(inputs, np.float32), requires_grad=True)
    model(x)[torch.arange(len(x)), torch.tensor(targets)].sum().backward()
    return x.grad.numpy()


def in_turn() -> Callable[..., Array]:
    """Return a perturbation that gives the noisy pictures one after the other."""
    turns: Iterator[Array] = iter(cases.noisy())
    return lambda arr, **_: next(turns).reshape(arr.shape)


def of_maps(quantus: Any) -> dict[str, Array]:
    """Return the metrics of maps and masks alone."""
    maps, masks = cases.maps()[:, None], cases.masks()[:, None]
    own = {
        "pointing_game": quantus.PointingGame,
        "energy_pointing_game": quantus.AttributionLocalisation,
        "relevance_mass": quantus.RelevanceMassAccuracy,
        "relevance_rank": quantus.RelevanceRankAccuracy,
        "localization_auc": quantus.AUC,
        "entropy": quantus.Complexity,
        "sparseness": quantus.Sparseness,
    }
    made = {name: kind(**PLAIN) for name, kind in own.items()}
    made["top_k_intersection"] = quantus.TopKIntersection(k=cases.K, **PLAIN)
    given = {"model": None, "x_batch": np.zeros_like(maps), "y_batch": np.zeros(len(maps), int)}
    return {
        name: np.array(metric(a_batch=maps.copy(), s_batch=masks, **given), float)
        for name, metric in made.items()
    }


def of_net(quantus: Any) -> dict[str, Array]:
    """Return the metrics that explain again, of gradient × input of class 0."""
    model, x = Net().eval(), cases.pictures()[:, None]
    y = np.zeros(len(x), int)
    noise = {"nr_samples": cases.DRAWS, "return_nan_when_prediction_changes": True, **PLAIN}
    mprt = {"similarity_func": quantus.similarity_func.correlation_spearman, **PLAIN}
    made = {
        "max_sensitivity": quantus.MaxSensitivity(perturb_func=in_turn(), **noise),
        "avg_sensitivity": quantus.AvgSensitivity(perturb_func=in_turn(), **noise),
        "local_lipschitz": quantus.LocalLipschitzEstimate(perturb_func=in_turn(), **noise),
        "relative_input_stability": quantus.RelativeInputStability(perturb_func=in_turn(), **noise),
        "relative_output_stability": quantus.RelativeOutputStability(
            perturb_func=in_turn(), **noise
        ),
        "relative_representation_stability": quantus.RelativeRepresentationStability(
            perturb_func=in_turn(), layer_names=["first"], **noise
        ),
        "continuity": quantus.Continuity(nr_steps=len(cases.SHIFTS), **PLAIN),
        "random_logit": quantus.RandomLogit(
            num_classes=2, similarity_func=quantus.similarity_func.correlation_pearson, **PLAIN
        ),
        **{
            f"mprt/{order}": quantus.MPRT(
                layer_order=order, return_average_correlation=True, **mprt
            )
            for order in ("top_down", "bottom_up", "independent")
        },
        "efficient_mprt": quantus.EfficientMPRT(
            complexity_func_kwargs={"n_bins": cases.BINS}, **mprt
        ),
    }
    found = {}
    for name, metric in made.items():
        maps = product(model, x, y)
        values = metric(
            model=model, x_batch=x.copy(), y_batch=y, a_batch=maps, explain_func=product,
            channel_first=True, softmax=name == "efficient_mprt",
        )  # fmt: skip
        found[name] = np.array(values, float)
    return found


def _shifted(arr: Array, input_shift: float, **_: Any) -> Array:
    """Shift everything; Quantus's own way is never given the first position, and leaves it."""
    return arr + np.float32(input_shift)


def of_axioms(quantus: Any) -> dict[str, Array]:
    """Return the axiomatic metrics: truth values, and a number of features."""
    x, w = cases.linear()
    model = torch.nn.Linear(len(w), 2, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor(np.stack([w, -w])))
    y = np.zeros(len(x), int)
    given = {"model": model.eval(), "x_batch": x[:, None, None], "y_batch": y, "softmax": False,
             "channel_first": True, "explain_func": product}  # fmt: skip
    shaped = lambda maps: maps.reshape(len(x), 1, 1, -1).copy()  # noqa: E731
    flat = torch.nn.Sequential(torch.nn.Flatten(), model).eval()
    given["model"] = flat
    complete = quantus.Completeness(perturb_baseline=0.0, **PLAIN)
    silent = quantus.NonSensitivity(features_in_step=1, perturb_baseline=0.0, **PLAIN)
    found = {
        "completeness/whole": complete(a_batch=shaped(x * w), **given),
        "completeness/short": complete(a_batch=shaped(x * w + np.eye(1, len(w))), **given),
        "non_sensitivity": silent(a_batch=shaped(cases.sparse()), **given),
    }
    pictures, kernel, bias = cases.convolution()
    conv = torch.nn.Conv2d(1, kernel.shape[-1], 3)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))))
        conv.bias.copy_(torch.tensor(bias))
    net = torch.nn.Sequential(conv, torch.nn.Tanh(), torch.nn.AdaptiveAvgPool2d(1),
                              torch.nn.Flatten()).eval()  # fmt: skip
    batch = pictures[:, None]
    y = np.zeros(len(batch), int)
    for name, explain in (("gradient", gradient), ("gradient_x_input", product)):
        metric = quantus.InputInvariance(input_shift=cases.SHIFT, perturb_func=_shifted, **PLAIN)
        found[f"input_invariance/{name}"] = metric(
            model=net, x_batch=batch.copy(), y_batch=y, a_batch=explain(net, batch, y),
            explain_func=explain, channel_first=True, softmax=False,
        )  # fmt: skip
    return {name: np.array(values, float) for name, values in found.items()}


def main() -> None:
    # The registry's torchvision finds no binary operators beside another build of torch; only their
    # names are needed to import it.
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    warnings.simplefilter("ignore")
    import quantus

    found = {}
    for group in (of_maps, of_net, of_axioms):
        found |= group(quantus)
    np.savez(sys.argv[1], **found)


if __name__ == "__main__":
    main()
