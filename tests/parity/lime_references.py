"""What lime and captum give for segments of a NumPy net: on known masks, and means of many runs.

Run by make_references.py in a process of its own: `python lime_references.py FILE.npz`.
"""

from __future__ import annotations

import itertools
import sys
from typing import Any

import numpy as np

import numpy_net
from oracles_shapley import NINE
from parity import cases

Array = np.ndarray
NET, K, COVER = "deep", cases.K, cases.COVER
SAMPLES = 150  # of the run on known masks
RUNS, LONG = 60, 2000


def explained(picture: Array, samples: int, seed: int, alpha: float) -> tuple[Array, ...]:
    """Return lime's masks of a picture, weights by segment, intercept and R²."""
    from lime.lime_image import LimeImageExplainer
    from sklearn.linear_model import Ridge

    masks: list[Array] = []

    class Explainer(LimeImageExplainer):
        def data_labels(self, *args: Any, **options: Any) -> Any:
            data, labels = super().data_labels(*args, **options)
            masks.append(data)
            return data, labels

    net = numpy_net.net(NET)
    found = Explainer(random_state=seed).explain_instance(
        picture.astype(np.float64),
        lambda batch: net.upto(np.asarray(batch), len(net.layers)),
        labels=(K,), top_labels=None, hide_color=COVER, num_samples=samples, num_features=99,
        segmentation_fn=lambda _: NINE, batch_size=100, random_seed=0,
        model_regressor=Ridge(alpha=alpha),
    )  # fmt: skip
    weights = np.array([weight for _, weight in sorted(found.local_exp[K])])
    return masks[0], weights, np.array(found.intercept[K]), np.array(found.score)


def lime() -> dict[str, Array]:
    """LimeImageExplainer on masks that are kept; mean and standard error of long runs."""
    pictures = numpy_net.net(NET).pictures
    each = [explained(picture, SAMPLES, 3, 1.0) for picture in pictures]
    found = dict(
        zip(("masks", "weights", "intercept", "r2"), map(np.stack, zip(*each, strict=True)),
            strict=True)
    )  # fmt: skip
    runs = np.array([[explained(p, LONG, seed, 1e-6)[1] for p in pictures] for seed in range(RUNS)])
    return found | {"mean": runs.mean(axis=0), "error": runs.std(axis=0, ddof=1) / RUNS**0.5}


def captum(masks: Array) -> dict[str, Array]:
    """captum's Lime with a ridge of 1 and the kernel of lime, on given masks of each picture."""
    import torch
    from captum._utils.models.linear_model import SkLearnRidge
    from captum.attr import Lime

    net, found = numpy_net.net(NET), []
    labels = torch.tensor(np.ascontiguousarray(NINE))[None, :, :, None]

    def near(_original: Any, _perturbed: Any, mask: Any, **_: Any) -> Any:
        distance = 1 - float(mask.double().mean()) ** 0.5
        return torch.tensor(np.exp(-0.5 * (distance / 0.25) ** 2))

    for picture, rows in zip(net.pictures, masks, strict=True):
        left = itertools.cycle(rows)
        method = Lime(
            lambda x: torch.tensor(net.scores(x.double().numpy(), K)),
            interpretable_model=SkLearnRidge(alpha=1.0),
            similarity_func=near,
            perturb_func=lambda _x, left=left, **_: torch.tensor(next(left))[None].double(),
        )
        values = method.attribute(
            torch.tensor(picture)[None], baselines=COVER, feature_mask=labels, n_samples=len(rows)
        )
        found.append(values.numpy()[0, ..., 0])
    return {"map": np.stack(found)}


if __name__ == "__main__":
    ours = lime()
    results = {f"lime/{key}": value for key, value in ours.items()}
    results |= {f"captum/{key}": value for key, value in captum(ours["masks"]).items()}
    np.savez(sys.argv[1], **results)
