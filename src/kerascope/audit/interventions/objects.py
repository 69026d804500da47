"""Objects and backgrounds apart, where masks say which is which."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from kerascope.types import Array

_SPREADS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # pixels at 64 pixels of side
_ROUGH = 0.02  # of a side, by which a rough mask is grown before an object is taken out


def without_objects(pictures: Array, masks: Array) -> Array:
    """Return pictures whose objects are filled in from what is around them.

    Normalised convolution (Knutsson and Westin 1993): means of the known pixels under a Gaussian,
    the narrowest that reaches any; then the grain of the rest of the picture.
    """
    return np.stack([_filled(p, m) for p, m in zip(pictures, masks, strict=True)])


def _filled(picture: Array, mask: Array) -> Array:
    side = min(mask.shape)
    hidden = ndimage.binary_dilation(mask, iterations=max(1, round(_ROUGH * side)))
    if not hidden.any() or hidden.all():
        return picture
    known = (~hidden).astype(np.float32)
    filled = np.where(hidden[..., None], np.nan, picture).astype(np.float32)
    for spread in _SPREADS:
        sigma = spread * side / 64
        weight = ndimage.gaussian_filter(known, sigma)
        means = ndimage.gaussian_filter(picture * known[..., None], (sigma, sigma, 0))
        new = np.isnan(filled[..., 0]) & (weight > 0.05)
        filled[new] = means[new] / weight[new][:, None]
    filled[np.isnan(filled[..., 0])] = picture[~hidden].mean(axis=0)
    return np.asarray(filled + _grain(picture, hidden)[..., None] * hidden[..., None])


def _grain(picture: Array, hidden: Array) -> Array:
    """Return fine grain like that of the known part: its own, mirrored."""
    grey = picture.mean(axis=-1)
    fine = grey - ndimage.gaussian_filter(grey, 1.0)
    edge = np.abs(fine) > 3 * np.median(np.abs(fine[~hidden])) + 1e-6
    fine[edge] = 0
    turned = fine[::-1, ::-1]
    return np.where(hidden[::-1, ::-1], 0, turned)


def zoomed(pictures: Array, masks: Array, by: Array) -> Array:
    """Return pictures enlarged, each by its own factor, around its object's centre.

    The picture is mirrored at its border. An object alone that is enlarged, and the rough mask's
    rim of ground with it, has edges that no photograph has; models follow it half as often.
    """
    found = [_zoomed(p, m, float(f)) for p, m, f in zip(pictures, masks, by, strict=True)]
    return np.stack(found)


def _zoomed(picture: Array, mask: Array, by: float) -> Array:
    centre = np.array(ndimage.center_of_mass(mask))
    offset = centre - centre / by
    channels = [
        ndimage.affine_transform(plane, np.full(2, 1 / by), offset, order=1, mode="mirror")
        for plane in np.moveaxis(picture, -1, 0)
    ]
    return np.stack(channels, axis=-1)
