"""Feature visualization on a real network: it beats photographs, and another network agrees."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import kerascope as ks
from kerascope.hooks import HookedModel
from kerascope.inside.maximize import maximize
from kerascope.targets import resolve_targets
from once import only_on

pytestmark = [pytest.mark.real, only_on("tensorflow")]
CLASSES = ("goldfish", "zebra", "tabby")


def test_classes_of_mobilenet_v2_beat_every_photograph(real: Path) -> None:
    labels = real / "imagenet_class_index.json"
    net = ks.load_model(real / "models" / "mobilenet_v2_100_224_imagenet.keras", labels=labels)
    other = ks.load_model(real / "models" / "mobilenet_v1_025_224_imagenet.keras")
    index = json.loads(labels.read_text())
    classes = [next(int(k) for k, v in index.items() if v[1] == name) for name in CLASSES]
    found = maximize(net, CLASSES, steps=48)
    photographs = ks.load_images(real / "images", net)
    view = HookedModel(net)
    x = view.read(photographs)
    for score, class_ in zip(found.scores, classes, strict=True):
        best = view.scores(x, resolve_targets(class_, view.spec(), len(photographs))).values.max()
        assert score > best
    said = net.predict(found.values, verbose=0)
    assert (said.argmax(axis=1) == classes).all()
    heard = other.predict(found.values, verbose=0)
    ranks = [int((row > row[class_]).sum()) for row, class_ in zip(heard, classes, strict=True)]
    # Never used in the optimisation: chance is a rank of 500.
    assert np.median(ranks) < 25
