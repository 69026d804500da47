"""A real network looked into: published numbers, and contributions that add up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerascope as ks

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def model(real: Path) -> Any:
    labels = real / "imagenet_class_index.json"
    return ks.load_model(real / "models" / "mobilenet_v2_100_224_imagenet.keras", labels=labels)


def test_mobilenet_v2_costs_what_its_paper_says(model: Any) -> None:
    result = ks.architecture(model)
    # Sandler et al. 2018, table 4: 3.4 M parameters, 300 M multiply-adds.
    assert round(result.multiply_adds / 1e6) == 301
    assert result.parameters == model.count_params()
    rows = {row.path: row for row in result.values}
    sums = [row for row in result.values if row.kind == "Add"]
    assert len(sums) == 10
    for row in sums:  # each reads the block's projection and what went into the block
        apart = [result.values[k].path.rsplit("_", 2)[0] for k in row.reads]
        assert len(row.reads) == 2
        assert len(set(apart)) == 2
    (field,) = rows["block_5_add"].receptive_field.values()
    assert field == (59, 59)
    assert rows["out_relu"].marks == ("CAM default",)


def test_contributions_of_the_last_maps_add_up_to_the_logit(model: Any, real: Path) -> None:
    pictures = ks.load_images(real / "images" / "captum_zebra.jpg", model)
    found = ks.activations(model, pictures, "out_relu", target="zebra")
    bias = model.get_layer("predictions").bias
    index = 340
    logit = float(found.explained[0].rpartition("(")[2].rstrip(")"))
    assert "zebra" in found.explained[0]
    assert found.contribution["out_relu"].sum() + float(np.asarray(bias.numpy())[index]) == (
        pytest.approx(logit, abs=0.02)
    )


def test_stuck_units_of_a_real_net_stay_stuck(model: Any, real: Path) -> None:
    pictures = ks.load_images(real / "images", model)
    found = ks.filters(model, data=pictures)
    conv1 = next(item for item in found.statistics if item.name == "Conv1")
    first = next(item for item in found.activity if item.layer == "Conv1_relu")
    values = ks.activations(model, pictures, "Conv1_relu").values
    assert conv1.dead
    assert set(first.never) == set(np.flatnonzero(values.max(axis=(0, 1, 2)) <= 0))
