"""Xception block by block

Grad-CAM at the last layer of every resolution, from shallow to deep; on the command line
`kerascope explain keras:Xception cat.jpg --layer all-blocks`.
"""

from at_hand import AtHand, run

import kerascope as ks
from kerascope.plot import sheet


def main(hand: AtHand, folder):
    """Write the pictures of this recipe; return the results."""
    model, images = hand.model, hand.images
    results = [ks.explain(model, images, "grad_cam", layer=layer) for layer in hand.blocks]
    sheet(results).savefig(folder / "blocks.png")
    return results


if __name__ == "__main__":
    run(main, "Xception")
