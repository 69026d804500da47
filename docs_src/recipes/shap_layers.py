"""SHAP's expected gradients at a shallow and a deep layer, two ranked outputs

`layer=` takes the values of a layer as the features that are credited; the background is a set of
pictures, here the others. Blue speaks against the class.
"""

from at_hand import AtHand, run

import kerascope as ks
from kerascope.plot import sheet


def main(hand: AtHand, folder, samples=48):
    """Write the pictures of this recipe; return the results."""
    model, images = hand.model, hand.images
    background = ks.Data(images.inputs[1:])
    results = [
        ks.explain(
            model,
            images[:1],
            "expected_gradients",
            layer=layer,
            target="top-2",
            background=background,
            samples=samples,
        )
        for layer in (hand.blocks[0], hand.blocks[-1])
    ]
    sheet(results).savefig(folder / "shap_layers.png")
    return results


if __name__ == "__main__":
    run(main)
