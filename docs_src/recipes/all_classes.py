"""Activation maximisation over all classes

An input for every class that makes its score as large as the steps bring it. Of 1000 classes the
first 8 are taken here; `target="all"` takes all.
"""

from at_hand import AtHand, run

import kerascope as ks


def main(hand: AtHand, folder, steps=96):
    """Write the pictures of this recipe; return what was found."""
    model = hand.model
    target = "all" if hand.classes <= 12 else tuple(range(8))
    found = ks.maximize(model, target, steps=steps)
    found.plot().savefig(folder / "all_classes.png")
    return found


if __name__ == "__main__":
    run(main)
