"""Saliency with modifiers: none, guided, relu

What Keras's older tools call `backprop_modifier`: the gradient, guided backpropagation and the
deconvolution of Zeiler and Fergus. The last two are no gradients. Class activation maps take
`modifier="guided"` and `modifier="relu"`, for the rectifiers above their layer.
"""

from at_hand import AtHand, run

import kerascope as ks
from kerascope.plot import sheet


def main(hand: AtHand, folder):
    """Write the pictures of this recipe; return the results."""
    model, images = hand.model, hand.images
    names = ("gradient", "guided_backprop", "deconvnet")
    results = [ks.explain(model, images, name) for name in names]
    sheet(results).savefig(folder / "modifiers.png")
    return results


if __name__ == "__main__":
    run(main)
