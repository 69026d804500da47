"""What captum and shap give for tokens of the smooth text net.

Run by make_references.py in a process of its own: `python text_references.py FILE.npz`.
"""

from __future__ import annotations

import logging
import sys

import numpy as np
import torch
from captum.attr import FeatureAblation, LayerIntegratedGradients, ShapleyValues

import text_nets

Array = np.ndarray


class Twin(torch.nn.Module):
    """The smooth net in torch."""

    def __init__(self) -> None:
        super().__init__()
        table, first, second = (torch.tensor(w) for w in text_nets.smooth_weights())
        self.embed = torch.nn.Embedding.from_pretrained(table, freeze=False)
        self.first, self.second = first, second

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.embed(ids).mean(dim=1) @ self.first) @ self.second


def main(path: str) -> None:
    """Write integrated gradients at the embedding, ablations and Shapley values of class 1."""
    import shap

    logging.getLogger("shap").setLevel(logging.ERROR)
    twin, ids = Twin(), torch.tensor(text_nets.SMOOTH_IDS)
    base = torch.full_like(ids, text_nets.COVER)
    path_maps = LayerIntegratedGradients(twin, twin.embed).attribute(
        ids, base, target=1, n_steps=text_nets.STEPS, method="riemann_middle"
    )
    found = {
        "scores": twin(ids).detach().numpy(),
        "integrated": path_maps.sum(dim=-1).detach().numpy(),
        "ablation": FeatureAblation(twin).attribute(ids, base, target=1).numpy(),
        "shapley": ShapleyValues(twin).attribute(ids, base, target=1).numpy(),
    }
    kernel = []
    for row in text_nets.SMOOTH_IDS:

        def worth(masks: Array, row: Array = row) -> Array:
            shown = np.where(masks > 0.5, row, text_nets.COVER)
            return twin(torch.tensor(shown)).detach().numpy()[:, 1]

        explainer = shap.KernelExplainer(worth, np.zeros((1, 5)))
        kernel.append(
            explainer.shap_values(np.ones((1, 5)), nsamples=100, l1_reg=0, silent=True)[0]
        )
    np.savez(path, **found, kernel=np.array(kernel))


if __name__ == "__main__":
    main(sys.argv[1])
