"""What captum gives for a small convolutional forecaster.

Run by make_references.py in a process of its own: `python series_references.py FILE.npz`.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from captum.attr import FeatureAblation, IntegratedGradients, ShapleyValues

from parity import series_cases as cases


class Twin(torch.nn.Module):
    """The forecaster in torch: (sample, time, channel) to (sample, step)."""

    def __init__(self) -> None:
        super().__init__()
        kernel, bias, dense = (torch.tensor(w) for w in cases.weights())
        self.kernel, self.bias, self.dense = kernel.permute(2, 1, 0), bias, dense

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.nn.functional.conv1d(x.permute(0, 2, 1), self.kernel, self.bias, padding="same")
        return torch.tanh(y).mean(dim=2) @ self.dense


def main(path: str) -> None:
    """Write integrated gradients, ablations and Shapley values of the second step ahead."""
    twin, x = Twin(), torch.tensor(cases.inputs())
    last = x[:, -1:].expand_as(x)
    windows = torch.tensor(cases.WINDOWS)[None]
    found = {
        "scores": twin(x),
        "integrated": IntegratedGradients(twin).attribute(
            x, last, target=1, n_steps=cases.STEPS, method="riemann_middle"
        ),
        "ablation": FeatureAblation(twin).attribute(x, last, target=1, feature_mask=windows),
        "shapley": ShapleyValues(twin).attribute(x, last, target=1, feature_mask=windows),
    }
    np.savez(path, **{name: value.detach().numpy() for name, value in found.items()})


if __name__ == "__main__":
    main(sys.argv[1])
