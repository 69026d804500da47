"""SmoothGrad with 20 samples and 20 % noise

The noise is a share of the value range of the picture, as in the paper. The mean of signed
gradients is kept; the picture shows its size, the largest over the channels.
"""

from at_hand import AtHand, run

import kerascope as ks
from kerascope.plot import sheet


def main(hand: AtHand, folder, samples=20):
    """Write the pictures of this recipe; return both results."""
    model, images = hand.model, hand.images
    plain = ks.explain(model, images, "gradient")
    smooth = ks.explain(model, images, "smooth_grad", samples=samples, noise=0.2)
    sheet([plain, smooth]).savefig(folder / "smooth_grad.png")
    return [plain, smooth]


if __name__ == "__main__":
    run(main)
