"""The best net at hand, with pictures for it: what every recipe starts from.

ImageNet weights of Keras Applications where they are on disk or can be fetched; else the networks
of the folder that `KERASCOPE_REAL` names; else the nets that come with Kerascope.
`KERASCOPE_NETS=real` or `KERASCOPE_NETS=bundled` leaves out what is before.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import kerascope as ks

REAL = Path(named) if (named := os.environ.get("KERASCOPE_REAL")) else None
KINDS = ("imagenet", "real", "bundled")


@dataclasses.dataclass(frozen=True, eq=False)
class AtHand:
    """A net and pictures.

    words: which net was taken. images: as `ks.load_images` gives them. pair: one picture with two
    things of different classes, in `rivals`. blocks: the last layer of every resolution.
    """

    words: str
    model: Any
    images: Any
    pair: Any
    rivals: tuple[int | str, int | str]

    @property
    def blocks(self) -> list[str]:
        """Layers by name, shallow to deep."""
        from kerascope.hooks.places import block_sites

        view = ks.HookedModel(self.model)
        return [str(site) for site in block_sites(view, view.read(self.images[:1]))]

    @property
    def grey(self) -> float:
        """Middle grey, as the model takes it."""
        picture = Image.fromarray(np.full((8, 8, 3), 128, np.uint8))
        return float(np.median(ks.load_images([picture], self.model).inputs))

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return int(self.model.output_shape[-1])


def at_hand(application: str = "MobileNetV2", pictures: tuple[str, ...] = ()) -> AtHand:
    """Return the best net for a recipe; `pictures` are files of your own to explain."""
    first = KINDS.index(os.environ.get("KERASCOPE_NETS", KINDS[0]))
    for kind in KINDS[first:]:
        try:
            found = {"imagenet": _imagenet, "real": _real}.get(kind, _bundled)(application)
        except (ks.BadModel, FileNotFoundError) as error:
            print(f"not {kind}: {error}", file=sys.stderr)
            continue
        if pictures:
            own = ks.load_images(list(pictures), found.model)
            found = dataclasses.replace(found, images=own, pair=own[:1])
        return found
    raise FileNotFoundError("no net at hand")


def _imagenet(application: str) -> AtHand:
    model = ks.load_model(f"keras:{application}")
    return _with_photographs(model, f"{application} with ImageNet weights")


def _real(_application: str) -> AtHand:
    if REAL is None:
        raise FileNotFoundError("KERASCOPE_REAL names no folder")
    path = REAL / "models" / "mobilenet_v2_100_224_imagenet.keras"
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} is not in the folder KERASCOPE_REAL")
    model = ks.load_model(path, labels=REAL / "imagenet_class_index.json")
    return _with_photographs(model, "MobileNetV2 of the folder KERASCOPE_REAL")


def _with_photographs(model: Any, words: str) -> AtHand:
    """Return a net of ImageNet's classes with a cat and a cup, and a dog beside a cat."""
    import skimage.data  # chelsea and coffee are dedicated to the public domain

    samples = {"cat": skimage.data.chelsea()[:, 70:370], "cup": skimage.data.coffee()[:, 80:480]}
    both = REAL and REAL / "images" / "gradcam_dog_cat_both.png"
    pair: Any = both
    rivals = (242, 282)  # boxer, tiger cat
    if both is None or not both.is_file():  # halves side by side, of the same height
        halves = [Image.fromarray(of).resize((224, 448)) for of in samples.values()]
        pair = [Image.fromarray(np.concatenate([np.asarray(half) for half in halves], axis=1))]
        rivals = (281, 967)  # tabby, espresso
    images = ks.load_images([Image.fromarray(of) for of in samples.values()], model)
    images = dataclasses.replace(images, names=tuple(samples))
    return AtHand(words, model, images, ks.load_images(pair, model), rivals)


def _bundled(_application: str) -> AtHand:
    """Return the demo's net that looks at vehicles, with its scenes."""
    from kerascope.demo.scenes import bundled_scenes
    from kerascope.demo.story import load_net, load_pictures

    model = load_net("object_net")
    scenes = bundled_scenes().images
    both = np.concatenate([_half(scenes[0]), _half(scenes[1])], axis=1)
    pair = ks.load_images([Image.fromarray(both)], model)
    return AtHand(
        "the net of the demo that looks at vehicles", model, load_pictures(model)[:2],
        dataclasses.replace(pair, names=("tank and truck",)), ("tank", "truck"),
    )  # fmt: skip


def _half(picture: np.ndarray) -> np.ndarray:
    """Return a picture at half its width."""
    height, width = picture.shape[:2]
    return np.asarray(Image.fromarray(picture).resize((width // 2, height)))


def run(main: Callable[..., Any], application: str = "MobileNetV2") -> None:
    """Run a recipe from the command line: `python RECIPE.py [FOLDER [PICTURE …]]`."""
    folder, *pictures = sys.argv[1:] or ["recipes-out"]
    Path(folder).mkdir(parents=True, exist_ok=True)
    found = at_hand(application, tuple(pictures))
    print(found.words)
    print(main(found, Path(folder)))
