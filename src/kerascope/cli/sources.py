"""Targets of `kerascope explain` that name a file: a mask, or what an input is likened to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kerascope.errors import BadInput


def masked(net: Any, pictures: Any, target: str | None, mask: str) -> Any:
    """Return the target of a class, "tank" or "tank@mask", over the mask of a picture's file."""
    import keras

    from kerascope.hooks import BlackBox, HookedModel
    from kerascope.loading.masks import read_mask
    from kerascope.targets import Mask

    class_ = (target or "").removesuffix("@mask").strip() or None
    if class_ is not None and "@" in class_:
        raise BadInput(f"--mask says the place, and the target '{target}' has one of its own")
    view = HookedModel(net) if isinstance(net, keras.Model) else BlackBox(net)
    view.read(pictures[:1])
    size = view.spec().input_size
    display = getattr(pictures, "display", None)
    if len(size) != 2 or not display:
        raise BadInput("--mask is for pictures")
    return Mask(read_mask(mask, (size[0], size[1]), display[0].shape[:2], pictures.fit), class_)


def boxed(net: Any, pictures: Any, boxes: str) -> None:
    """Keep with the model how it writes boxes; raise `BadInput` where it writes none."""
    import keras

    from kerascope.facts import remember
    from kerascope.hooks import HookedModel
    from kerascope.targets.boxes import BoxFormat
    from kerascope.targets.detectors import detector_of

    remember(net, boxes=str(BoxFormat.parse(boxes)))
    if not isinstance(net, keras.Model):
        return
    view = HookedModel(net, compiled=False)
    view.read(pictures[:1])
    spec = view.spec()
    if detector_of(spec) is None:
        found = ", ".join(f"'{name}' {tuple(one.shape)}" for name, one in spec.outputs.items())
        raise BadInput(f"--boxes is for detectors; the outputs {found} hold no boxes")


def target_of(words: str | None, net: Any, **pictures: Any) -> Any:
    """Return a target whose words name a file, "like FILE [by distance]", with the file read.

    Raises:
        BadInput: the file is none that the model takes.
    """
    from kerascope.targets.similar import Similarity, like_words

    found = like_words(words)
    if found is None:
        return words
    from kerascope.loading import load_images

    path, measure = found
    if Path(path).suffix.lower() == ".npy":
        return Similarity(path, measure)
    return Similarity(load_images(path, net, **pictures), measure)
