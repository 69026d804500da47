"""What captum gives for several inputs: integrated gradients of all, Shapley values of whole ones.

Run by make_references.py in a process of its own: `python kind_references.py FILE.npz`.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from captum.attr import IntegratedGradients, ShapleyValues

from parity import kind_nets as nets

ENCODE, KNOWN = torch.tensor(nets.ENCODE), torch.tensor(nets.KNOWN)


def alike(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Return the cosine of both embeddings."""
    return torch.nn.functional.cosine_similarity(
        torch.tanh(left @ ENCODE), torch.tanh(right @ ENCODE), dim=1
    )


def whole(left: torch.Tensor, right: torch.Tensor, facts: torch.Tensor) -> torch.Tensor:
    """Return the cosine and what the facts say of the first input."""
    told = (torch.tanh(left @ ENCODE) * torch.tanh(facts @ KNOWN)).sum(dim=1)
    return alike(left, right) + told


def main(path: str) -> None:
    """Write both methods' values by input, and the similarity of one input to another."""
    given = tuple(torch.tensor(a) for a in (nets.LEFT, nets.RIGHT, nets.FACTS))
    base = tuple(torch.tensor(nets.BASE[n])[None] for n in ("left", "right", "facts"))
    steps = {"n_steps": nets.STEPS, "method": "gausslegendre"}
    paths = IntegratedGradients(whole).attribute(given, base, **steps)
    masks = tuple(torch.full((1, a.shape[1]), i) for i, a in enumerate(given))
    spread = tuple(b.expand_as(a).contiguous() for a, b in zip(given, base, strict=True))
    players = ShapleyValues(whole).attribute(given, spread, feature_mask=masks)
    one = IntegratedGradients(alike).attribute(
        given[0], base[0], additional_forward_args=(given[1],), **steps
    )
    found = {"one": one, "scores": whole(*given)}
    for name, way, player in zip(("left", "right", "facts"), paths, players, strict=True):
        found |= {f"path {name}": way, f"player {name}": player[:, 0]}
    np.savez(path, **{name: value.detach().numpy() for name, value in found.items()})


if __name__ == "__main__":
    main(sys.argv[1])
