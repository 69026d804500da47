"""What a Keras model says of samples: the numbers of `explain`, out of shared passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import kerascope as ks
import zoo
from audit.data import folder, picture
from kerascope.audit.collect import collect
from kerascope.audit.maps import lowered, rounded
from kerascope.engines import Local
from kerascope.errors import BadInput, BadMethod, BadModel, BadTarget, Refused
from kerascope.hooks import HookedModel
from kerascope.hooks.store import store_of
from once import only_on

pytestmark = only_on("torch")

COUNT = 7
SHAPES = (
    "rescaling_and_nested_base", "sequential_unbuilt", "image_and_vector", "two_outputs",
    "single_sigmoid", "regression_head", "softmax_in_nested_head", "logits_head", "series_conv",
    "token_ids", "attention_tuple", "segmentation", "volume", "mixed_float16",
)  # fmt: skip


@pytest.fixture(scope="module")
def net() -> Any:
    case = zoo.SHAPES["flat_functional"]()
    ks.load_model(case.model, labels=["ant", "bee", "cat"])
    return case.model


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return zoo.pictures(COUNT)


def of(found: Any, column: str, target: str = "predicted", method: str = "grad_cam") -> list[Any]:
    return [r[column] for r in found if r["target"] == target and r["method"] == method]


def close(found: Any, wanted: Any) -> None:
    """Compare up to the rounding of rows, and what another batch size changes."""
    wanted = np.asarray(wanted)
    np.testing.assert_allclose(
        np.asarray(found), wanted, rtol=6e-4, atol=2e-5 * max(1e-9, float(np.abs(wanted).max()))
    )


METHODS = ("grad_cam", "gradient_x_input", "integrated_gradients", "occlusion")


@pytest.fixture(scope="module")
def found(net: Any, x: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return collect(
        net, x, tmp_path_factory.mktemp("rows"), METHODS, labels=[i % 3 for i in range(7)],
        batch_size=4, part_size=5, map_size=5,
    )  # fmt: skip


class TestNumbers:
    def test_predictions(self, net: Any, x: np.ndarray, found: Any) -> None:
        chances = keras.ops.convert_to_numpy(net(x))
        close(of(found, "probability"), chances.max(axis=1))
        close(of(found, "confidence", "true"), chances.max(axis=1))
        close(of(found, "probability", "true"), chances[np.arange(7), np.arange(7) % 3])
        assert of(found, "predicted_index") == chances.argmax(axis=1).tolist()
        names = ["ant", "bee", "cat"]
        assert of(found, "predicted") == [names[i] for i in chances.argmax(axis=1)]
        assert of(found, "label") == [names[i % 3] for i in range(7)]
        scores = np.array(of(found, "scores"))
        shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        close(shares, chances)
        for row in found:
            assert rounded(np.float32([row["score"]]))[0] == row["scores"][row["target_index"]]
            assert row["explained"] == f"logit of '{row['target_name']}' ({row['score']:.3g})"

    def test_there_is_a_row_for_every_target_and_method(self, found: Any) -> None:
        keys = [(row["id"], row["target"], row["method"]) for row in found]
        wanted = [(i, t, m) for i in range(7) for t in ("true", "predicted") for m in METHODS]
        assert keys == wanted
        assert (found.rows, found.errors) == (7 * 2 * 4, 0)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("target", ["true", "predicted"])
    def test_maps_are_those_of_explain(
        self, net: Any, x: np.ndarray, found: Any, method: str, target: str
    ) -> None:
        fields = {"relu": False} if method == "grad_cam" else {}
        asked = [i % 3 for i in range(7)] if target == "true" else None
        result = ks.explain(net, x, method, target=asked, **fields)
        low = lowered(result.heatmap(), (5, 5))
        assert of(found, "map_shape", target, method) == [[5, 5]] * 7
        close(of(found, "map", target, method), low.reshape(7, -1))
        close(of(found, "score", target, method), result.scores)
        assert low.min() < 0 < low.max()

    def test_measures_are_of_the_whole_map(self, net: Any, x: np.ndarray, found: Any) -> None:
        maps = ks.explain(net, x, "gradient_x_input").heatmap()
        above, below = np.maximum(maps, 0).mean((1, 2)), np.minimum(maps, 0).mean((1, 2))
        close(of(found, "map_positive", method="gradient_x_input"), above)
        close(of(found, "map_negative", method="gradient_x_input"), below)
        assert above.min() > 0 > below.max()

    def test_the_embedding_is_what_the_head_reads(
        self, net: Any, x: np.ndarray, found: Any
    ) -> None:
        wanted = HookedModel(net)
        values = wanted.activations(wanted.read(x), ["gap"])
        wanted_values = next(iter(values.values()))
        close(of(found, "embedding"), wanted_values)
        assert np.ptp(wanted_values, axis=0).min() > 0

    def test_the_last_layer_is_grad_cams(self, found: Any) -> None:
        assert set(of(found, "layer")) == {"conv2"}
        assert set(of(found, "layer", method="gradient_x_input")) == {None}


class TestPasses:
    def test_one_gradient_pass_gives_all(self, net: Any, x: np.ndarray, tmp_path: Path) -> None:
        predicted = ks.explain(net, x).predictions.argmax(axis=1)
        wrong = [0, 4]
        labels = [int((p + (i in wrong)) % 3) for i, p in enumerate(predicted)]
        passes = store_of(net).passes
        collect(net, x, tmp_path / "warm", labels=labels, batch_size=4)
        before = passes.copy()
        collect(net, x, tmp_path / "rows", labels=labels, batch_size=4)
        made = {kind: count for kind, count in (passes - before).items() if count}
        # To find the embedding and whether the method is refused, one sample each; then 7 samples
        # and two other classes, in batches of 4.
        assert made == {"forward": 1, "layer gradient": 1 + 4 + 4 + 4}

    def test_rows_do_not_hang_on_batch_and_threads(
        self, net: Any, x: np.ndarray, tmp_path: Path
    ) -> None:
        how: dict[str, Any] = {"labels": [0] * COUNT, "methods": ["grad_cam", "smooth_grad"]}
        one = collect(
            net, x, tmp_path / "a", batch_size=4, engine=Local(threads=1, ahead=1), **how
        ).table()
        same = collect(net, x, tmp_path / "b", batch_size=4, engine=Local(threads=4), **how).table()
        other = collect(net, x, tmp_path / "c", batch_size=3, part_size=2, **how)
        assert same.equals(one)
        for mine, row in zip(one.to_pylist(), other, strict=True):
            close(row["map"], mine["map"])
            close(row["scores"], mine["scores"])

    def test_part_of_a_run_is_as_the_whole(self, net: Any, x: np.ndarray, tmp_path: Path) -> None:
        how: dict[str, Any] = {"labels": [1] * COUNT, "part_size": 3, "batch_size": 2}
        whole = collect(net, x, tmp_path / "a", **how).table()
        collect(net, x, tmp_path / "b", **how)
        (tmp_path / "b" / "part-000001.parquet").unlink()
        again = collect(net, x, tmp_path / "b", **how)
        assert again.resumed == 2
        assert again.table().equals(whole)

    def test_without_methods_there_are_predictions(
        self, net: Any, x: np.ndarray, tmp_path: Path
    ) -> None:
        passes = store_of(net).passes
        before = passes.copy()
        found = collect(net, x, tmp_path, (), batch_size=4)
        assert {kind: n for kind, n in (passes - before).items() if n} == {"forward": 1 + 4 + 4}
        assert of(found, "map", method=None) == [None] * COUNT  # type: ignore[arg-type]
        assert all(len(row["embedding"]) == 5 for row in found)

    def test_the_model_is_as_before(self, net: Any, x: np.ndarray, tmp_path: Path) -> None:
        before = [np.array(keras.ops.convert_to_numpy(v)) for v in net.weights]
        collect(net, x, tmp_path, labels=[1] * COUNT)
        after = [keras.ops.convert_to_numpy(v) for v in net.weights]
        assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


class TestModels:
    @pytest.mark.parametrize("name", SHAPES)
    def test_any_shape(self, name: str, tmp_path: Path) -> None:
        case = zoo.SHAPES[name]()
        first = next(iter(case.x.values())) if isinstance(case.x, dict) else case.x
        samples = case.x
        if isinstance(case.x, dict):
            samples = [{k: v[i] for k, v in case.x.items()} for i in range(len(first))]
        found = collect(case.model, samples, tmp_path, labels=[0] * len(first), batch_size=2)
        assert (found.rows, found.errors) == (2 * len(first), 0)
        for row in found:
            assert row["method"] == "grad_cam"
            assert np.ptp(row["map"]) > 0
            assert np.prod(row["map_shape"]) == len(row["map"])
            assert len(row["embedding"]) > 1
            assert 0 <= row["predicted_index"] < case.classes
            assert len(row["scores"]) == case.classes

    def test_no_spatial_layer(self, tmp_path: Path) -> None:
        i = keras.Input((6,))
        hidden = layers.Dense(5, activation="relu")(i)
        model = keras.Model(i, layers.Dense(3, activation="softmax")(hidden))
        data = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
        found = collect(model, data, tmp_path / "a", labels=[0] * 4)
        notes = " ".join(found.notes)
        assert "no Grad-CAM maps: the model has no layer with spatial positions" in notes
        assert "Gradient × input instead" in notes or "instead" in notes
        wanted = ks.explain(model, data, "gradient_x_input").heatmap()
        close(of(found, "map", method="gradient_x_input"), wanted)
        assert all(row["brightness"] is None for row in found)
        with pytest.raises(Refused, match="no layer with spatial positions"):
            collect(model, data, tmp_path / "b", "grad_cam", labels=[0] * 4)
        assert collect(model, data, tmp_path / "b", "gradient", labels=[0] * 4).complete

    def test_a_function_with_a_method_for_functions(self, x: np.ndarray, tmp_path: Path) -> None:
        def model(batch: Any) -> Any:
            means = np.asarray(batch).mean(axis=(1, 2))
            shares = np.exp(means)
            return shares / shares.sum(axis=1, keepdims=True)

        found = collect(model, x, tmp_path / "a", "occlusion", labels=[0] * COUNT, map_size=4)
        result = ks.explain(model, x, "occlusion")
        close(
            of(found, "map", method="occlusion"),
            lowered(result.heatmap(), (4, 4)).reshape(COUNT, -1),
        )
        assert found.to_pandas()["embedding"].isna().all()
        with pytest.raises(BadMethod, match="needs"):
            collect(model, x, tmp_path / "b", "grad_cam")
        with pytest.raises(BadModel, match="not str"):
            collect("model", x, tmp_path / "b")

    def test_a_map_that_is_not_finite_is_an_error_of_its_row(
        self, net: Any, x: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from kerascope.methods.grad_cam import GradCAM

        real = GradCAM.combine

        def broken(self: Any, activations: Any, gradients: Any) -> Any:
            maps = real(self, activations, gradients)
            if len(maps) > 1:
                maps[1] = np.nan
            return maps

        monkeypatch.setattr(GradCAM, "combine", broken)
        found = collect(net, x, tmp_path, batch_size=4)
        errors = [row for row in found if row["error"]]
        assert [row["id"] for row in errors] == [1, 5]
        assert all(row["map"] is None and row["score"] is not None for row in errors)


class TestPictures:
    def test_files_give_what_load_images_gives(self, net: Any, tmp_path: Path) -> None:
        root = folder(tmp_path / "d", ("ant", "cat"), each=3)
        found = collect(net, root, tmp_path / "rows", preprocess="tf", batch_size=4)
        images = ks.load_images(sorted(root.rglob("*.*")), net, preprocess="tf")
        result = ks.explain(net, images, "grad_cam", relu=False)
        close(of(found, "score"), result.scores)
        low = lowered(result.heatmap(), (12, 16))
        close(of(found, "map"), low.reshape(6, -1))
        assert of(found, "label_index") == [0, 0, 0, 2, 2, 2]
        assert of(found, "format") == ["PNG", "JPEG", "BMP"] * 2
        raw = ks.load_images(sorted(root.rglob("*.*")), net, preprocess="none").inputs
        np.testing.assert_allclose(of(found, "red"), raw[..., 0].mean(axis=(1, 2)), rtol=1e-5)

    def test_evidence_on_the_object(self, net: Any, x: np.ndarray, tmp_path: Path) -> None:
        masks = np.zeros((COUNT, 12, 16), bool)
        masks[:, :6] = True
        found = collect(net, x, tmp_path, masks=masks)
        maps = np.array(of(found, "map")).reshape(COUNT, 12, 16)
        above = np.maximum(maps, 0)
        shares = above[:, :6].sum((1, 2)) / above.sum((1, 2))
        close(of(found, "map_inside"), shares)
        assert 0 < shares.min() < shares.max() < 1

    def test_names_of_classes(self, net: Any, tmp_path: Path) -> None:
        root = folder(tmp_path / "d", ("ant", "bug"))
        with pytest.raises(BadTarget, match="'bug' is no class of the model"):
            collect(net, root, tmp_path / "rows", preprocess="tf")
        with pytest.raises(BadInput, match="2 class names were given"):
            collect(net, root, tmp_path / "rows", preprocess="tf", classes=["ant", "bug"])
        plain = zoo.SHAPES["flat_functional"]().model
        with pytest.raises(BadTarget, match=r"name 2 classes.*the model has 3 and no names"):
            collect(plain, root, tmp_path / "rows", preprocess="tf")

    def test_a_model_that_takes_no_pictures(self, tmp_path: Path) -> None:
        case = zoo.SHAPES["series_conv"]()
        with pytest.raises(BadInput, match="which is no picture"):
            collect(case.model, folder(tmp_path / "d", ("a", "b", "c")), tmp_path / "rows")

    def test_other_weights_are_another_run(self, x: np.ndarray, tmp_path: Path) -> None:
        model = zoo.SHAPES["flat_functional"]().model
        collect(model, x, tmp_path)
        model.get_layer("head").bias.assign([1.0, 2.0, 3.0])
        with pytest.raises(BadInput, match=r"rows of another run.*model_sha256"):
            collect(model, x, tmp_path)
        with pytest.raises(BadInput, match=r"methods: .*gradient"):
            collect(model, x, tmp_path, "gradient")


def test_wrong_options(net: Any, x: np.ndarray, tmp_path: Path) -> None:
    for bad in (
        {"score": "loss"}, {"map_size": 0}, {"part_size": 0.5}, {"batch_size": 0}, {"fit": "pad"},
        {"preprocess": "imagenet"},
    ):  # fmt: skip
        with pytest.raises(BadInput):
            collect(net, x if "fit" not in bad else [picture(0)], tmp_path, **bad)
    assert not list(tmp_path.glob("part-*"))
