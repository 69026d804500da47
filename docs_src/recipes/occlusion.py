"""Occlusion with a grey square, and the map of predicted classes

How far the score falls when a square is covered, and which class is predicted then.
"""

import matplotlib as mpl
import numpy as np
from at_hand import AtHand, run
from matplotlib.figure import Figure
from matplotlib.patches import Patch

import kerascope as ks
from kerascope.facts import facts_of


def main(hand: AtHand, folder, share=6):
    """Write the pictures of this recipe; return the result."""
    model, image = hand.model, hand.images[1:2]
    patch = image.shape[1] // share
    result = ks.explain(
        model, image, "occlusion", patch=patch, stride=max(1, patch // 4), baseline=hand.grey
    )
    result.plot().savefig(folder / "occlusion.png")

    predicted = result.extras["predicted"][0]  # (row, column) of the square: a class
    classes, places = np.unique(predicted, return_inverse=True)
    names = facts_of(model).labels
    figure = Figure(figsize=(5, 3), layout="constrained")
    axes = figure.add_subplot()
    colours = mpl.colormaps["tab20"].resampled(max(len(classes), 2))
    axes.imshow(places.reshape(predicted.shape), cmap=colours, vmin=0, vmax=colours.N - 1)
    axes.set(title="predicted class, by where the square is", xticks=[], yticks=[])
    patches = [Patch(color=colours(k), label=names[c]) for k, c in enumerate(classes)]
    figure.legend(handles=patches, loc="outside right", fontsize=7)
    figure.savefig(folder / "occlusion_classes.png")
    return result


if __name__ == "__main__":
    run(main)
