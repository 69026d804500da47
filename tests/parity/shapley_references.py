"""What shap and captum give for segments of a NumPy net: exact values, and means of many runs.

Run by make_references.py in a process of its own: `python shapley_references.py FILE.npz`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import numpy_net
from oracles_shapley import NINE, SIX, TREE
from parity import cases

Array = np.ndarray
NET, K, COVER = "deep", cases.K, cases.COVER
RUNS = 200
TRUNCATED = 40  # coalitions that do not hold the whole hierarchy


def table() -> tuple[Callable[[Array], Array], Array, Array]:
    """Return a function of six columns, two samples, and a background."""
    rng = np.random.default_rng(8)
    weights = rng.normal(size=(6, 4)).astype(np.float32)
    function = lambda x: np.tanh(x @ weights) @ np.array([1.0, -2.0, 0.5, 1.5])  # noqa: E731
    return (
        function,
        rng.normal(size=(2, 6)).astype(np.float32),
        rng.normal(size=(5, 6)).astype("f4"),
    )


def covered(masks: Array, picture: Array, labels: Array) -> Array:
    """Return the logits of a picture with the segments shown that (row, segment) masks say."""
    shown = (np.asarray(masks) > 0.5)[:, labels][..., None]
    return numpy_net.net(NET).scores(np.where(shown, picture, COVER), K)


def shap() -> dict[str, Array]:
    """KernelExplainer with all coalitions, and with a background; PartitionExplainer."""
    import shap

    logging.getLogger("shap").setLevel(logging.ERROR)
    found: dict[str, list[Array]] = {"kernel": [], "partition": [], "truncated": []}
    sizes = [int(n) for n in _sizes(TREE)]
    clustering = np.column_stack([TREE, np.arange(1.0, len(TREE) + 1), sizes])
    nobody, everybody = np.zeros((1, 9)), np.ones((1, 9))
    for picture in numpy_net.net(NET).pictures:
        score = lambda masks, p=picture: covered(masks, p, NINE)  # noqa: E731
        kernel = shap.KernelExplainer(score, nobody)
        found["kernel"].append(
            kernel.shap_values(everybody, nsamples=600, l1_reg=0, silent=True)[0]
        )
        masker = shap.maskers.Partition(nobody, clustering=clustering)
        for key, most in (("partition", 10_000), ("truncated", TRUNCATED + 2)):
            explainer = shap.PartitionExplainer(score, masker)
            # As many splits at a time as Kerascope makes; the two ends are counted in max_evals.
            values = explainer(everybody, max_evals=most, batch_size=32, silent=True).values
            found[key].append(values[0])
    function, x, background = table()
    explainer = shap.KernelExplainer(function, background)
    values = explainer.shap_values(x, nsamples=100, l1_reg=0, silent=True)
    return {key: np.stack(value) for key, value in found.items()} | {"background": values}


def _sizes(children: Array) -> Array:
    sizes = [1] * (len(children) + 1)
    for left, right in children:
        sizes.append(sizes[left] + sizes[right])
    return np.array(sizes[len(children) + 1 :])


def captum() -> dict[str, Array]:
    """Exact Shapley values, feature ablation; mean and standard error of sampled Shapley values."""
    import torch
    from captum import attr

    net = numpy_net.net(NET)
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - captum draws from it

    def forward(x: Any) -> Any:
        return torch.tensor(net.scores(x.double().numpy(), K))

    x = torch.tensor(net.pictures)
    fields: dict[str, Any] = {"baselines": COVER, "feature_mask": mask(NINE)}
    run: dict[str, Callable[[Any], Any]] = {
        "sampling": lambda one: attr.ShapleyValueSampling(forward).attribute(
            one, n_samples=1, **fields
        ),
        "kernel": lambda one: attr.KernelShap(forward).attribute(one, n_samples=600, **fields),
    }
    found = {
        "exact": attr.ShapleyValues(forward)
        .attribute(x, baselines=COVER, feature_mask=mask(SIX), perturbations_per_eval=6)
        .numpy()[..., 0],
        "ablation": attr.FeatureAblation(forward).attribute(x, **fields).numpy()[..., 0],
    }
    for key, function in run.items():
        many = RUNS if key == "sampling" else RUNS // 10
        each = np.stack(
            [
                np.concatenate([function(x[i : i + 1]).numpy()[..., 0] for i in range(len(x))])
                for _ in range(many)
            ]
        )
        found[key] = each.mean(axis=0)
        found[f"{key} error"] = each.std(axis=0, ddof=1) / many**0.5
    return found


def mask(labels: Array) -> Any:
    """Return labels as captum takes them."""
    import torch

    return torch.tensor(np.ascontiguousarray(labels))[None, :, :, None]


if __name__ == "__main__":
    results = {
        f"{library.__name__}/{key}": value
        for library in (shap, captum)
        for key, value in library().items()
    }
    np.savez(sys.argv[1], **results)
