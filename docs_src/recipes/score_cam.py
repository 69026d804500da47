"""Score-CAM and Grad-CAM++ side by side

A sheet has a column for every result. Each column has its own scale: units differ between methods.
Score-CAM runs the net once for every channel; `top_k=64` takes the strongest.
"""

from at_hand import AtHand, run

import kerascope as ks
from kerascope.plot import sheet


def main(hand: AtHand, folder, top_k=64):
    """Write the pictures of this recipe; return the results."""
    model, images = hand.model, hand.images
    results = [
        ks.explain(model, images, "grad_cam"),
        ks.explain(model, images, "grad_cam_plus_plus"),
        ks.explain(model, images, "score_cam", top_k=top_k),
    ]
    sheet(results).savefig(folder / "score_cam.png")
    return results


if __name__ == "__main__":
    run(main)
