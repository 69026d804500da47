"""Which method finds the planted slice of a volume or film: the table of docs/volumes.md.

    KERAS_BACKEND=torch PYTHONPATH=tests python benchmarks/slices.py [--seed 9]

24 scenes that no net was trained on, of each net of `tests/series_nets.py`; the explained class is
the right one. Shown: scenes in which the slice with most positive evidence is the planted one, and
the mean share of the positive evidence that lies in the planted one.
"""

from __future__ import annotations

import argparse

import numpy as np

import kerascope as ks
import series_nets as nets

SCENES = 24
METHODS = {"integrated_gradients": {"baseline": "mean"}, "grad_cam": {}, "feature_ablation": {}}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=9)
    x, truth, place = nets.blobs(SCENES, seed=parser.parse_args().seed)
    print(f"| net | {' | '.join(METHODS)} |")
    for kind in nets.deep_bodies():
        model = nets.classifier(kind)
        cells = []
        for name, fields in METHODS.items():
            volumes = ks.load_volumes(x, model)
            result = ks.explain(model, volumes, name, target=truth.tolist(), **fields)
            if result.heatmap().ndim < 4:
                cells.append("one map for all slices")
                continue
            evidence = np.maximum(result.heatmap(), 0).sum(axis=(2, 3))
            first = int((evidence.argmax(axis=1) == place[:, 0]).sum())
            planted = evidence[np.arange(SCENES), place[:, 0]]
            share = float((planted / evidence.sum(axis=1)).mean())
            cells.append(f"{first}, {share:.0%}")
        print(f"| {kind} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
