"""Read one picture: any common format, upright, opaque, nothing kept but pixels."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from kerascope.errors import BadImage
from kerascope.types import Array

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff")
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF")
_NAMES = "JPEG, PNG, BMP, WebP, GIF or TIFF"
MOST_PIXELS = 89_478_485  # Pillow's own default, kept also where someone lifted that
_GREY = ("1", "L", "LA", "La", "F")


def read_picture(path: str | os.PathLike[str]) -> Image.Image:
    """Return the first frame of a picture file in mode RGB, L or F (16-bit grey scaled to 0…255).

    Rotation from EXIF is applied, transparency laid over white; nothing but pixels is kept.
    Raises `BadImage` in one line with the file's name.
    """
    name = Path(path).name
    if Path(path).is_dir():
        raise BadImage(f"'{name}' is a folder, not a picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata that is thrown away
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as picture:
                return plain_picture(picture, name)
    except BadImage:
        raise
    except FileNotFoundError as error:
        raise BadImage(f"picture '{path}' does not exist") from error
    except UnidentifiedImageError as error:
        what = "is empty" if _is_empty(path) else f"is not a picture ({_NAMES}), or is damaged"
        raise BadImage(f"'{name}' {what}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadImage(f"'{name}' is refused: {_too_large()}") from error
    except Exception as error:  # decoders raise anything on damaged files
        what = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadImage(f"'{name}' is cut off or damaged ({what})") from error


def _is_empty(path: str | os.PathLike[str]) -> bool:
    return Path(path).stat().st_size == 0


def _too_large() -> str:
    most = f"{MOST_PIXELS / 1e6:.0f} million"
    return f"it has more than {most} pixels, which may be a decompression bomb"


def plain_picture(picture: Image.Image, name: str) -> Image.Image:
    """Return a picture upright and opaque, in mode RGB, L or F, without metadata, or `BadImage`."""
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise BadImage(f"'{name}' is {width}×{height} pixels and refused: {_too_large()}")
    if width * height == 0:
        raise BadImage(f"'{name}' is {width}×{height} pixels: it holds nothing")
    picture.load()
    return _opaque(_upright(picture), name)


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # a damaged EXIF block says nothing about the rotation
        return picture


def _opaque(picture: Image.Image, name: str) -> Image.Image:
    """Return RGB, L or F with transparency laid over white."""
    if picture.mode.startswith("I"):
        return _sixteen_bit(picture, name)
    if picture.mode == "F":
        raise BadImage(
            f"'{name}' holds floating-point values, whose range is unknown; give it as .npy"
        )
    if picture.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in picture.info:
        clear = picture.convert("RGBA")
        white = Image.new("RGBA", clear.size, (255, 255, 255, 255))
        flat = Image.alpha_composite(white, clear).convert("RGB")
        return flat.convert("L") if picture.mode in _GREY else _bare(flat)
    return _bare(picture.convert("L" if picture.mode in _GREY else "RGB"))


def _bare(picture: Image.Image) -> Image.Image:
    """Return the pixels alone: `convert` keeps EXIF, GPS and comments in `info`."""
    bare = picture.copy()
    bare.info = {}
    return bare


def _sixteen_bit(picture: Image.Image, name: str) -> Image.Image:
    """Return 16-bit grey as float 0…255: Pillow would clip it to white."""
    values = np.asarray(picture).astype(np.float32)
    if values.min() < 0 or values.max() > 65535:
        raise BadImage(f"'{name}' holds 32-bit values, whose range is unknown; give it as .npy")
    return Image.fromarray(values / np.float32(257))


def pixels(picture: Image.Image, channels: int) -> Array:
    """Return (height, width, channels) float32 in 0…255; `channels` is 1 (luminance) or 3."""
    if channels == 1:
        grey = picture if picture.mode in ("L", "F") else picture.convert("L")
        return np.asarray(grey, np.float32)[..., None]
    if picture.mode in ("L", "F"):
        return np.repeat(np.asarray(picture, np.float32)[..., None], 3, axis=2)
    return np.asarray(picture, np.float32)


def shown(picture: Image.Image, side: int) -> Array:
    """Return the picture as (height, width, 3) uint8, its long side at most `side`."""
    if picture.mode == "F":
        picture = Image.fromarray(np.clip(np.rint(np.asarray(picture)), 0, 255).astype(np.uint8))
    small = picture.convert("RGB")
    if max(small.size) > side:
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.array(small, np.uint8)


def cropped(picture: Image.Image, height: int, width: int) -> Image.Image:
    """Return the largest central part with the proportions of `height` × `width`."""
    scale = min(picture.width / width, picture.height / height)
    w, h = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (picture.width - w) // 2, (picture.height - h) // 2
    return picture.crop((left, top, left + w, top + h))


def squeezed(picture: Image.Image, height: int, width: int) -> Image.Image:
    """Return the picture resized; bilinear with the support of the scale, so nothing is skipped."""
    if picture.size == (width, height):
        return picture
    return picture.resize((width, height), Image.Resampling.BILINEAR)


def is_picture(value: Any) -> bool:
    """Say whether a value is a Pillow image."""
    return isinstance(value, Image.Image)
