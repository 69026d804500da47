"""Points, thumbnails and the values a front end takes."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.manifold import trustworthiness

from audit.data import folder, means, picture
from audit.made import failed, made
from audit.test_strategies import rows_of, spots
from kerascope.audit import scatter as places
from kerascope.audit.browser import browser
from kerascope.audit.collect import collect
from kerascope.audit.pictures import Pictures, thumbnail
from kerascope.audit.scatter import placed, scatter
from kerascope.audit.source import source_of
from kerascope.audit.strategies import strategies
from kerascope.errors import BadInput
from once import once

pytestmark = once


def clouds(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return three clouds in 20 dimensions, and which is which."""
    rng = np.random.default_rng(seed)
    which = np.arange(count) % 3
    return rng.normal(size=(count, 20)) + 8 * np.eye(20)[which], which


class TestPlaces:
    def test_neighbours_stay_neighbours(self) -> None:
        features, which = clouds(90)
        xy, how = placed(features, 0)
        assert how.startswith("t-SNE with perplexity 30")
        assert trustworthiness(features, xy, n_neighbors=5) > 0.8
        far = np.linalg.norm(xy[:, None] - xy, axis=-1) + 9 * np.eye(90)
        assert (which[far.argmin(axis=1)] == which).mean() > 0.97
        assert np.abs(xy).max() == pytest.approx(1)
        np.testing.assert_array_equal(placed(features, 0)[0], xy)

    def test_many_few_and_equal_ones(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(places, "NEIGHBOURED", 50)
        for features in (clouds(60)[0], clouds(5)[0], np.ones((30, 4)), np.zeros((0, 4))):
            xy, how = placed(features, 0)
            assert how == "their first two principal components"
            assert xy.shape == (len(features), 2)
            assert np.isfinite(xy).all()
        one, _ = placed(np.outer(np.arange(20.0), [1, 2]), 0)
        assert np.abs(one[:, 1]).max() < 1e-6

    def test_points_are_by_what_there_is(self, tmp_path: Path) -> None:
        features, which = clouds(40)
        maps = spots(np.zeros(40, int), 0)
        scores = {"scores": features[:, :3], "confidence": np.linspace(0, 1, 40),
                  "predicted_index": which, "path": [f"{i}.png" for i in range(40)]}  # fmt: skip
        rows = rows_of(maps, which, embedding=features, target="predicted", **scores)
        found = scatter(made(tmp_path / "a", [*rows, failed(40)]))
        assert found.words == "40 of 40 samples by the model's embedding: " + placed(features, 0)[1]
        assert found.predicted.tolist() == which.tolist()
        assert found.labels.tolist() == [-1] * 40
        rows[7]["embedding"] = None
        assert "by their maps" in scatter(made(tmp_path / "b", rows)).words
        rows[7]["map"] = None
        assert "by their scores" in scatter(made(tmp_path / "c", rows)).words
        few = scatter(made(tmp_path / "d", rows), most=9, seed=1)
        assert len(few.ids) == len(few.paths) == len(few.xy) == 9
        assert few.confidence.tolist() == pytest.approx([i / 39 for i in few.ids])
        with pytest.raises(BadInput, match="most=0"):
            scatter(made(tmp_path / "d", rows), most=0)


class TestPictures:
    def test_files_are_as_the_model_sees_them(self, tmp_path: Path) -> None:
        root = folder(tmp_path / "d")
        (root / "cat" / "broken.png").write_bytes(b"no")
        source = source_of(root)
        pictures = Pictures(source, {"size": [10, 12], "fit": "squeeze"})
        assert source.paths is not None
        for i, path in enumerate(source.paths):
            if "broken" in path:
                assert pictures.rgb(i) is None
                continue
            with Image.open(root / path) as opened:
                wanted = opened.convert("RGB").resize((12, 10), Image.Resampling.BILINEAR)
            far = np.abs(pictures.rgb(i).astype(float) - np.asarray(wanted)).mean()  # type: ignore[union-attr]
            assert far < 12, path
        whole = Pictures(source, {"size": None, "fit": "squeeze"})
        last = len(source) - 1
        np.testing.assert_array_equal(
            whole.rgb(last), np.asarray(Image.open(root / source.paths[last]))
        )

    @pytest.mark.parametrize("form", ["bytes", "0…1", "−1…1", "0…255", "channels first", "grey"])
    def test_arrays(self, form: str) -> None:
        wanted = np.stack([picture(i) for i in range(3)])
        x: Any = wanted
        if form == "0…1":
            x = wanted / 255
        elif form == "−1…1":
            x = wanted / 127.5 - 1
        elif form == "0…255":
            x = wanted.astype(np.float32)
        elif form == "channels first":
            x = np.moveaxis(wanted, -1, 1) / 255
        elif form == "grey":
            x, wanted = wanted[..., :1], wanted[..., :1].repeat(3, axis=-1)
        found = Pictures(source_of(x), {})
        for i in range(3):
            np.testing.assert_allclose(np.float32(found.rgb(i)), wanted[i], atol=1)

    def test_other_samples(self) -> None:
        images = [Image.fromarray(picture(i)) for i in range(2)]
        np.testing.assert_array_equal(Pictures(source_of(images), {}).rgb(1), picture(1))
        series = np.zeros((3, 9, 2))
        assert Pictures(source_of(series), {}).rgb(0) is None
        stream = source_of(iter([picture(0)]), labels=[None])
        assert Pictures(stream, {}).rgb(0) is None
        mixed = [{"tokens": np.zeros(4), "image": picture(i) / 255} for i in range(2)]
        found = Pictures(source_of(mixed), {}).rgb(1)
        assert found is not None
        np.testing.assert_allclose(found.astype(float), picture(1), atol=1)

    def test_thumbnails(self) -> None:
        content = thumbnail(picture(0, 300, 200))
        small = Image.open(io.BytesIO(content))
        assert (small.format, small.size) == ("WEBP", (64, 96))
        wanted = np.asarray(Image.fromarray(picture(0, 300, 200)).resize((64, 96)), float)
        assert np.abs(np.asarray(small.convert("RGB"), float) - wanted).mean() < 6
        tiny = Image.open(io.BytesIO(thumbnail(picture(0, 5, 7))))
        assert tiny.size == (7, 5)


class TestBrowser:
    def test_of_files(self, tmp_path: Path) -> None:
        root = folder(tmp_path / "d", each=8)
        source = source_of(root, classes=["cat", "dog"])
        found = collect(means_of, source, tmp_path / "rows", "occlusion", size=(14, 16),
                        preprocess="none")  # fmt: skip
        both = strategies(found)
        page = json.loads(json.dumps(browser(found, source, strategies=both, side=8)))
        assert page["classes"] == {"0": "cat", "1": "dog"}
        assert page["points"]["id"] == list(range(16))
        assert page["points"]["label"] == [0] * 8 + [1] * 8
        assert page["points"]["strategy"] == [0] * 16
        assert [c["class"] for c in page["strategies"]] == ["cat", "dog"]
        assert sorted(map(int, page["thumbnails"])) == list(range(16))
        head, content = page["thumbnails"]["3"].split(",")
        assert head == "data:image/webp;base64"
        assert Image.open(io.BytesIO(base64.b64decode(content))).size == (8, 7)
        few = browser(found, source, strategies=both, thumbnails=3)["thumbnails"]
        assert set(few) <= {str(i) for s in both.classes[0].strategies for i in s.nearest}
        assert len(few) == 3
        assert str(tmp_path) not in json.dumps(page)

    def test_without_data_and_strategies(self, tmp_path: Path) -> None:
        x = np.stack([picture(i).astype("float32") for i in range(5)])
        found = collect(means, x, tmp_path)
        page = browser(found)
        assert page["thumbnails"] == {}
        assert page["strategies"] is None
        assert page["points"]["strategy"] == [None] * 5


def means_of(x: np.ndarray) -> np.ndarray:
    """A model that methods can ask: mean red and blue."""
    return means(x)
