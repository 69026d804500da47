"""Numbers in the browser are those of Python: arrays, sizes, colours, words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from browser import scenes
from browser.watched import Modules
from kerascope.plot import picture as drawn
from kerascope.report.blobs import Blobs, read_array
from kerascope.resize import linear
from kerascope.wording import number, percentage

ARRAYS = {
    "noise": np.random.default_rng(0).normal(size=(13, 7)),
    "smooth": np.add.outer(np.linspace(-1, 1, 64), np.linspace(0, 1, 48)) * 1e-7,
    "nothing": np.zeros((3, 5)),
    "one": np.full((1, 1), -4.25),
    "two": np.random.default_rng(6).choice([-1, 0.37], (30, 30)),
    "large": np.random.default_rng(1).normal(size=(9, 9)) * 3e30,
}

ARRAY = """
  const { arrayOf } = await load("arrays.js");
  const book = { blob: (name) => given.blobs[name] };
"""


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_are_read_as_they_were_written(modules: Modules, name: str) -> None:
    blobs = Blobs()
    kept = blobs.array(ARRAYS[name])
    found = modules.run(
        ARRAY + "return Array.from(await arrayOf(book, given.array));",
        {"array": kept, "blobs": blobs.held},
    )
    wanted = read_array(kept, blobs.held)
    np.testing.assert_array_equal(np.float32(found).reshape(wanted.shape), wanted)
    np.testing.assert_allclose(wanted, ARRAYS[name], atol=kept["scale"] * 0.51, rtol=1e-6)


def test_every_packing_is_read(modules: Modules) -> None:
    seen = set()
    for values in ARRAYS.values():
        blobs = Blobs()
        seen.add(blobs.array(values)["packed"])
    assert seen == {"none", "deflate", "deflate-shuffled"}


def test_an_array_of_the_wrong_length_is_an_error(modules: Modules) -> None:
    blobs = Blobs()
    kept = blobs.array(ARRAYS["noise"]) | {"shape": [13, 8]}
    found = modules.run(
        ARRAY + "return arrayOf(book, given.array).catch((error) => error.message);",
        {"array": kept, "blobs": blobs.held},
    )
    assert found == "an array of 13 × 8 holds 91 numbers"


@pytest.mark.parametrize(
    ("old", "new"),
    [((7, 9), (96, 128)), ((7, 7), (7, 20)), ((96, 128), (13, 8)), ((1, 1), (4, 3))],
)
def test_maps_are_stretched_as_in_python(
    modules: Modules, old: tuple[int, int], new: tuple[int, int]
) -> None:
    values = np.random.default_rng(2).normal(size=old).astype(np.float32)
    found = modules.run(
        """const { stretched } = await load("arrays.js");
        const [values, old, size] = given;
        return Array.from(stretched(Float32Array.from(values.flat()), old, size));""",
        [values.tolist(), old, new],
    )
    np.testing.assert_allclose(np.reshape(found, new), linear(values, new), atol=2e-6)


@pytest.mark.parametrize("new", [(12, 15), (4, 5), (8, 11), (3, 4)])
def test_maps_under_grown_pictures_are_as_in_python(modules: Modules, new: tuple[int, int]) -> None:
    values = np.random.default_rng(3).normal(size=(4, 5)).astype(np.float32)
    found = modules.run(
        """const { fitted } = await load("arrays.js");
        return Array.from(fitted(Float32Array.from(given[0].flat()), [4, 5], given[1]));""",
        [values.tolist(), new],
    )
    wanted = drawn.fitted(values, new)
    np.testing.assert_allclose(np.reshape(found, new), wanted, atol=2e-6)


def _numbers() -> list[float]:
    rng = np.random.default_rng(4)
    sizes = 10.0 ** rng.uniform(-9, 9, 400)
    odd = [0.0, 1.0, -1.0, 0.5, 0.125, 2.5, 0.25, 1234.5, 999.5, 99.95, 0.00009995, 1e-5, 123456.0]
    return [*odd, *(float(n) for n in sizes * rng.choice([-1, 1], 400))]


def test_numbers_are_said_as_in_python(modules: Modules) -> None:
    given = _numbers()
    body = 'const { numberWords } = await load("colours.js"); return given.map(numberWords);'
    found = modules.run(body, given)
    assert dict(zip(given, found, strict=True)) == {n: number(n) for n in given}


def test_shares_are_said_as_in_python(modules: Modules) -> None:
    ends = [0.0, 1.0, 0.0005, 0.001, 0.9995, 0.999, 0.99, 0.995, 0.1, 0.0999, 0.125, 0.005]
    given = [*ends, *np.random.default_rng(5).uniform(size=300), *np.linspace(0, 1, 201)]
    given = [float(share) for share in given]
    body = 'const { percentWords } = await load("colours.js"); return given.map(percentWords);'
    found = modules.run(body, given)
    assert dict(zip(given, found, strict=True)) == {n: percentage(n) for n in given}


def test_colours_are_those_of_the_figures(modules: Modules) -> None:
    import matplotlib as mpl

    body = 'const { tableOf } = await load("colours.js"); return given.map((n) => [...tableOf(n)]);'
    names: dict[str, Any] = {"inferno": "inferno", "viridis": "viridis", "diverging": "RdBu_r"}
    found = modules.run(body, list(names))
    for table, theirs in zip(found, names.values(), strict=True):
        wanted = mpl.colormaps[theirs](np.arange(256))[:, :3] * 255
        assert np.abs(np.reshape(table, (256, 3)) - wanted).max() <= 1


def test_where_evidence_lies_is_said_as_in_python(modules: Modules) -> None:
    made = scenes.document(6)
    found = modules.run(
        """const { fieldOf } = await load("arrays.js");
        const { wordsOf } = await load("regions.js");
        const book = { blob: (name) => given.blobs[name] };
        return Promise.all(given.maps.map(async (map) => wordsOf(
          await fieldOf(book, map, map.values), map.size,
          { meaning: map.meaning, subject: map.target.subject })));""",
        made,
    )
    assert len(set(found)) > 20
    for map_, words in zip(made["maps"], found, strict=True):
        assert map_["caption"].startswith(words)
