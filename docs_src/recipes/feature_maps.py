"""Feature maps of VGG16 in rows of 16

What a shallow and a deep layer give for one picture, the strongest maps first. Maps share one
colour scale by default; with `shared_scale=False` each has its own, so that weak ones can be seen.
"""

from at_hand import AtHand, run

import kerascope as ks


def main(hand: AtHand, folder):
    """Write the pictures of this recipe; return the activations."""
    model, image = hand.model, hand.images[:1]
    shallow, deep = hand.blocks[0], hand.blocks[-1]
    maps = ks.activations(model, image, [shallow, deep], sort="strength")
    for name, layer in (("shallow", shallow), ("deep", deep)):
        figure = maps.plot(layer=layer, most=63, columns=16, shared_scale=False)
        figure.savefig(folder / f"feature_maps_{name}.png")
    return maps


if __name__ == "__main__":
    run(main, "VGG16")
