"""Two contradicting animals in one picture

A map for each, and for why the one rather than the other: positive where the picture speaks for the
first, negative where it speaks for the second.
"""

from at_hand import AtHand, run

import kerascope as ks


def main(hand: AtHand, folder):
    """Write the pictures of this recipe; return the result."""
    model, image = hand.model, hand.pair
    one, other = hand.rivals
    result = ks.explain(
        model, image, "grad_cam", target=(one, other, ks.Contrast(one, other)), relu=False
    )
    result.plot().savefig(folder / "two_animals.png")
    return result


if __name__ == "__main__":
    run(main)
