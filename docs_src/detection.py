"""Why a box: a detector of red and blue things, explained box by box by D-RISE.

Its weights are set by hand: a box's sureness and class hang on the colour in its cell of 8 × 8
pixels. Run it: `python docs_src/detection.py [FOLDER]` writes pictures and a page there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
from keras import ops

import kerascope as ks
from kerascope.facts import remember

LABELS = ("tank", "truck")
SIZE, CELL = (48, 64), 8
GRID = (SIZE[0] // CELL, SIZE[1] // CELL)
FORMAT = "cell_xywh+object+softmax(classes)"


def scenes(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pictures, the boxes of two things in each (sample, 2, 4), and their classes.

    A red thing is a tank, a blue one a truck; the second is fainter.
    """
    rng = np.random.default_rng(seed)
    pictures = rng.uniform(0.2, 0.4, (count, *SIZE, 3)).astype(np.float32)
    boxes, kinds = np.zeros((count, 2, 4)), np.zeros((count, 2), int)
    for i in range(count):
        for k, cell in enumerate(rng.choice(np.prod(GRID), 2, replace=False)):
            y, x = (CELL * n for n in np.unravel_index(cell, GRID))
            kinds[i, k] = (i + k) % 2
            pictures[i, y : y + CELL, x : x + CELL] = (1 - 0.25 * k) * np.eye(3)[2 * kinds[i, k]]
            boxes[i, k] = x, y, x + CELL, y + CELL
    return pictures, boxes, kinds


def grid_detector() -> keras.Model:
    """Return a detector with one output, a grid: in every cell a box, objectness, two classes."""
    layers = keras.layers
    i = keras.Input((*SIZE, 3), name="picture")
    x = layers.Conv2D(2, 1, activation="relu", name="colours")(i)
    x = layers.AveragePooling2D(CELL, name="cells")(x)
    inside = layers.Conv2D(5, 1, activation="sigmoid", name="boxes")(x)
    classes = layers.Conv2D(2, 1, name="classes")(x)
    net = keras.Model(i, layers.Concatenate(name="grid")([inside, classes]))
    size = [CELL / SIZE[1], CELL / SIZE[0]]
    offsets = [0, 0, *np.log(np.array(size) / (1 - np.array(size))), -6]
    for name, kernel, bias in (
        ("colours", [[1, -1], [-1, -1], [-1, 1]], [0, 0]),
        ("boxes", [[0, 0, 0, 0, 12], [0, 0, 0, 0, 12]], offsets),
        ("classes", [[6, 0], [0, 6]], [0, 0]),
    ):
        weights = [np.array(value, np.float32) for value in (kernel, bias)]
        net.get_layer(name).set_weights([weights[0][None, None], weights[1]])
    remember(net, labels=LABELS)
    return net


class Sorted(keras.Model):
    """The same detector with its boxes made into corners, as many detectors give them."""

    def __init__(self, grid: keras.Model) -> None:
        """Take the grid."""
        super().__init__()
        self.grid = grid

    def call(self, x: object) -> dict[str, object]:
        """Return corners in pixels, class probabilities and sureness of every cell."""
        found = self.grid(x)
        grid = np.meshgrid(*map(np.arange, GRID), indexing="ij")
        rows, columns = (ops.cast(each, "float32") for each in grid)
        width, height = found[..., 2] * SIZE[1], found[..., 3] * SIZE[0]
        x0 = (found[..., 0] + columns) * CELL - width / 2
        y0 = (found[..., 1] + rows) * CELL - height / 2
        corners = ops.stack([x0, y0, x0 + width, y0 + height], axis=-1)
        many = int(np.prod(GRID))
        return {
            "boxes": ops.reshape(corners, (-1, many, 4)),
            "probabilities": ops.softmax(ops.reshape(found[..., 5:], (-1, many, 2))),
            "scores": ops.reshape(found[..., 4], (-1, many)),
        }


def inside(result: ks.Attribution, boxes: np.ndarray) -> np.ndarray:
    """Return the share of each map's positive evidence that lies in its box."""
    maps = np.maximum(result.heatmap(), 0)
    parts = [
        one[int(y0) : int(y1), int(x0) : int(x1)].sum() / one.sum()
        for one, (x0, y0, x1, y1) in zip(maps, boxes, strict=True)
    ]
    return np.array(parts)


def main(folder: Path) -> None:
    """Explain the surest box, the two surest together, and one by its gradient."""
    net = grid_detector()
    remember(net, boxes=FORMAT)  # four numbers say where a box is: how, nobody can tell from them
    pictures, boxes, _ = scenes(2)
    result = ks.explain(net, pictures)  # D-RISE of the surest box
    print(result.explained[0])
    share, lies = CELL**2 / np.prod(SIZE), inside(result, boxes[:, 0]).mean()
    print(f"in its box: {lies:.0%} of the evidence, in {share:.1%} of the image")
    two = ks.explain(net, pictures, "d_rise", target="top-2", masks=500)
    two.plot().savefig(folder / "boxes.png")
    slope = ks.explain(net, pictures, "integrated_gradients", target="truck@detection")
    print(slope.explained[0])
    ks.report([two], folder / "boxes.html")


if __name__ == "__main__":
    place = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    place.mkdir(parents=True, exist_ok=True)
    main(place)
