"""Results of samples explained one by one, as the command line does, put together into one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerascope as ks
import zoo
from contract_checks import refusals, run, small
from kerascope.cli.explained import join
from kerascope.method import registry
from once import only_on

pytestmark = only_on("torch")
REFUSED = refusals()
SHAPES = ("flat_functional", "image_and_vector", "token_ids", "vit")


def unlike(x: Any) -> list[Any]:
    """Return three samples of other content, which fall into other numbers of segments."""
    generator = np.random.default_rng(0)
    if isinstance(x, dict):
        cut = {name: unlike(array) for name, array in x.items()}
        return [{name: arrays[k] for name, arrays in cut.items()} for k in range(3)]
    one = np.asarray(x)[:1]
    if one.dtype.kind in "iu":
        return [np.roll(one, k, axis=-1) for k in range(3)]
    plain = np.where(np.arange(one.shape[1]).reshape(-1, *[1] * (one.ndim - 2)) < 3, 1.0, -1.0)
    noise = generator.normal(size=one.shape)
    return [a.astype(one.dtype) for a in (one, plain + 0 * one, noise)]


@pytest.mark.parametrize("name", sorted(registry()))
def test_every_method(name: str) -> None:
    tried = 0
    for shape in SHAPES:
        if shape in REFUSED.get(name, {}):
            continue
        case = zoo.SHAPES[shape]()
        results = [run(small(name), case, x=x) for x in unlike(case.x)]
        whole, turned = join(results), join(results[::-1])
        assert len(whole) == 3
        assert set(turned.extras) == set(whole.extras)
        for k, own in enumerate(results):
            for key, held in own.extras.items():
                kept = whole.extras[key][k]
                assert np.array_equal(kept[tuple(map(slice, held[0].shape))], held[0])
                assert np.count_nonzero(kept) == np.count_nonzero(held[0])
        tried += 1
    assert tried


def test_pictures_of_other_numbers_of_segments(cli: Any, tmp_path: Path) -> None:
    case = zoo.SHAPES["flat_functional"]()
    results = [run(small("lime"), case, x=x) for x in unlike(case.x)]
    assert len({r.extras["segment_values"].shape for r in results}) > 1
    case.model.save(tmp_path / "m.keras")
    np.save(tmp_path / "x.npy", np.concatenate(unlike(case.x)))
    data = [tmp_path / name for name in ("m.keras", "x.npy")]
    code, _, err = cli("explain", *data, "-m", "lime:samples=60", "-o", tmp_path / "o")
    assert code == 0, err
    assert (tmp_path / "o" / "report.html").is_file()
    saved = sorted((tmp_path / "o").glob("*.safetensors"))
    assert len([ks.Attribution.load(file) for file in saved]) == 3
