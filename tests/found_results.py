"""Results of a segmentation and of a detector, made by hand: no model runs."""

from __future__ import annotations

from typing import Any

import numpy as np

import fake_results
from kerascope.attribution import Attribution
from kerascope.method import method_class
from kerascope.targets.found import AREAS, BOX, BOXES, MOST, REGION, ROW

LABELS = ("sky", "tank", "road", "truck")


def areas(**changes: Any) -> Attribution:
    """Two pictures of 24 × 32, in each a tank on 3 of 16 blocks and a strip of road."""
    said = np.zeros((2, 24, 32), np.int16)
    said[:, 6:18, 8:20] = 1
    said[:, 22:, :24] = 2
    region = (said == 1).astype(np.float32)
    words = tuple("mean logit of 'tank' over its predicted area (9.5)" for _ in said)
    return _made("seg_grad_cam", said, {AREAS: said, REGION: region}, words, **changes)


def boxes(**changes: Any) -> Attribution:
    """Two pictures of 24 × 32 with a tank and a truck; the tank, box 3, is explained."""
    rows = np.full((2, MOST, ROW), -1, np.float32)
    rows[:, 0] = [8, 6, 16, 18, 1, 0.91, 3]
    rows[:, 1] = [18, 10, 30, 20, 3, 0.64, 5]
    words = tuple("similarity to box 3 of 'tank' at (8, 6, 16, 18) (9.5)" for _ in rows)
    return _made("d_rise", rows, {BOXES: rows, BOX: rows[:, 0]}, words, **changes)


def _made(
    method: str, given: np.ndarray, extras: dict[str, np.ndarray], words: Any, **more: Any
) -> Attribution:
    return fake_results.cam(
        2, method=method_class(method)(), layer=None, labels=LABELS, extras=extras, explained=words,
        predictions=given.astype(np.float32), **more,
    )  # fmt: skip
