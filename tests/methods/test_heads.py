"""Where each head attends stands beside the maps of attention methods, and in documents."""

from __future__ import annotations

import numpy as np
import pytest

import kerascope as ks
import small_vit
from kerascope.report.blobs import read_array
from kerascope.report.document import document_of


@pytest.mark.parametrize("method", ["attention_rollout", "chefer", "legrad"])
def test_heads_are_those_of_raw_attention(method: str) -> None:
    net, pictures = small_vit.load(), small_vit.scenes(3, 5)[0]
    result = ks.explain(net, pictures, method, target="top-2")
    raw = ks.attention(net, pictures, kind="raw").maps()
    kept = {k.removeprefix("heads/"): v for k, v in result.extras.items() if k[:6] == "heads/"}
    assert len(kept) == small_vit.BLOCKS
    assert list(kept) == list(raw)
    for name, heads in kept.items():
        assert heads.shape == (3, small_vit.HEADS, small_vit.GRID, small_vit.GRID)
        np.testing.assert_allclose(heads, raw[name], atol=1e-6)


def test_a_document_holds_the_heads_of_its_sample() -> None:
    net, pictures = small_vit.load(), small_vit.scenes(3, 5)[0]
    result = ks.explain(net, pictures, "attention_rollout")
    found = document_of([result, ks.explain(net, pictures, "gradient")])
    with_heads = [one for one in found["maps"] if "attention" in one]
    assert [one["sample"] for one in with_heads] == [s["id"] for s in found["samples"]]
    for sample, one in enumerate(with_heads):
        layers = one["attention"]["layers"]
        assert [layer["name"] for layer in layers] == [k[6:] for k in result.extras]
        for layer in layers:
            wanted = result.extras[f"heads/{layer['name']}"][sample]
            shown = np.stack([read_array(head, found["blobs"]) for head in layer["heads"]])
            np.testing.assert_allclose(shown, wanted, atol=np.abs(wanted).max() / 30000)
