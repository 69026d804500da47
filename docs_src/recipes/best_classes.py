"""Grad-CAM of the 1st, 2nd, 5th and 10th best class

Several targets take one forward pass. They share one colour scale, so a class that little speaks
for has a faint map, which a scale of its own would hide.
"""

from at_hand import AtHand, run

import kerascope as ks


def main(hand: AtHand, folder):
    """Write the pictures of this recipe; return the result."""
    model, image = hand.model, hand.images[:1]
    ranks = tuple(f"rank-{k}" for k in (1, 2, 5, 10) if k <= hand.classes)
    result = ks.explain(model, image, "grad_cam", target=ranks)
    result.plot().savefig(folder / "best_classes.png")
    return result


if __name__ == "__main__":
    run(main)
