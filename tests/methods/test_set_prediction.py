"""Set prediction, as DETR and D-FINE write it: queries, each with logits and a box, in no order."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import kerascope as ks
import places_nets
from kerascope.facts import remember
from kerascope.hooks import HookedModel
from kerascope.targets.found import BOX, BOXES

ROWS, COLUMNS, CELL = 6, 8, 8
COUNT = ROWS * COLUMNS
ORDER = np.random.default_rng(5).permutation(COUNT)  # which cell a query looks at


class Decoder(keras.layers.Layer):
    """Queries with a place of their own attend to tokens, and say a box each."""

    def build(self, shape: Any) -> None:
        self.places = self.add_weight(shape=(COUNT, COUNT), name="places")
        self.references = self.add_weight(shape=(COUNT, 4), name="references")

    def call(self, tokens: Any) -> Any:
        seen = ops.softmax(self.places, axis=-1) @ tokens
        return seen, ops.sigmoid(self.references + 0 * seen[..., :1])


def net(*, nothing: bool, stages: bool) -> keras.Model:
    """Return a detector of red and blue cells; its weights are set by hand.

    nothing: a last class for "no object", as DETR has. stages: what D-FINE gives besides.
    """
    layers = keras.layers
    i = keras.Input((ROWS * CELL, COLUMNS * CELL, 3), name="picture")
    x = layers.Conv2D(2, 1, activation="relu", name="colours")(i)
    tokens = layers.Reshape((COUNT, 2))(layers.AveragePooling2D(CELL)(x))
    seen, boxes = Decoder(name="decoder")(tokens)
    logits = layers.Dense(3 if nothing else 2, name="class_head")(seen)
    outputs = {"logits": logits, "pred_boxes": boxes}
    if stages:
        pair = lambda one: layers.Lambda(lambda t: ops.stack([t / 2, t], axis=1))(one)  # noqa: E731
        outputs |= {"intermediate_logits": pair(logits), "intermediate_corners": pair(boxes),
                    "enc_topk_logits": logits / 2, "enc_topk_bboxes": boxes / 2}  # fmt: skip
    model = keras.Model(i, outputs)
    colours = np.array([[1, -1], [-1, -1], [-1, 1]], np.float32)[None, None]
    model.get_layer("colours").set_weights([colours, np.zeros(2, np.float32)])
    rows, columns = np.unravel_index(ORDER, (ROWS, COLUMNS))
    shares = np.stack([(columns + 0.5) / COLUMNS, (rows + 0.5) / ROWS,
                       np.full(COUNT, 1 / COLUMNS), np.full(COUNT, 1 / ROWS)], axis=1)  # fmt: skip
    model.get_layer("decoder").set_weights(
        [30 * np.eye(COUNT)[ORDER], np.log(shares / (1 - shares))]
    )
    kernel, bias = 12 * np.eye(2), np.full(2, -6.0)
    if nothing:
        kernel, bias = np.pad(kernel, ((0, 0), (0, 1))), np.array([0, 0, 6.0])
    model.get_layer("class_head").set_weights([kernel, bias])
    names = ("tank", "truck", "no object") if nothing else ("tank", "truck")
    remember(model, labels={"logits": names})
    if nothing:
        remember(model, boxes="rel_center_xywh+softmax(classes)")
    return model


HEADS = {"detr": {"nothing": True, "stages": False}, "d_fine": {"nothing": False, "stages": True}}


@pytest.fixture(scope="module", params=HEADS)
def head(request: pytest.FixtureRequest) -> Any:
    return HookedModel(net(**HEADS[request.param]), compiled=False)


def test_the_surest_queries_are_the_things(head: Any) -> None:
    case = places_nets.detection()
    found = ks.explain(head, case.x, masks=60)
    assert found.method.name == "d_rise"
    for i, (boxes, kinds) in enumerate(zip(case.boxes, case.kinds, strict=True)):
        shown = found.extras[BOXES][i][:2]
        assert np.abs(shown[:, :4] - boxes).max() < 1e-3  # in pixels
        assert shown[:, 4].tolist() == kinds.tolist()
        query = int(shown[0, 6])
        x0, y0 = boxes[0, :2]
        assert ORDER[query] == y0 / CELL * COLUMNS + x0 / CELL
        assert f"similarity to box {query} of '{case.labels[kinds[0]]}'" in found.explained[i]
        y, x = np.unravel_index(found.heatmap()[i].argmax(), found.heatmap()[i].shape)
        assert x0 - CELL / 2 <= x < x0 + 1.5 * CELL
        assert y0 - CELL / 2 <= y < y0 + 1.5 * CELL


@pytest.mark.parametrize("target", ["detection", "detection-2"])
def test_slopes_of_a_query_lie_in_its_box(head: Any, target: str) -> None:
    case = places_nets.detection()
    row = int(target == "detection-2")
    found = ks.explain(head, case.x, "gradient", target=target)
    assert case.inside(found, case.boxes[:, row]).min() > 1 - 1e-5
    assert f" of '{case.labels[case.kinds[0, row]]}' in box" in found.explained[0]
    assert np.abs(found.extras[BOX][:, :4] - case.boxes[:, row]).max() < 1e-3


def test_a_box_of_ones_own_picks_the_query_on_it(head: Any) -> None:
    case = places_nets.detection()
    given = ks.Box(tuple(case.boxes[0, 0] + 1), case.labels[case.kinds[0, 0]])
    for method in ("gradient", "lrp"):
        mine = ks.explain(head, case.x[:1], method, target=given)
        known = ks.explain(head, case.x[:1], method, target="detection")
        assert np.allclose(mine.values, known.values, atol=1e-6)
        assert case.inside(mine, case.boxes[:1, 0]).min() > 1 - 1e-5
    covered = ks.explain(head, case.x[:1], "occlusion", target=given, patch=CELL, stride=CELL)
    row, column = np.unravel_index(covered.values[0].argmax(), covered.values[0].shape)
    assert (column * CELL, row * CELL) == tuple(case.boxes[0, 0, :2])
