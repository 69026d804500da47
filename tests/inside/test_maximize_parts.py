"""Parametrisations, views and charges against NumPy and SciPy, written from their definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from keras import ops
from scipy import ndimage

from kerascope import backend
from kerascope.inside.maximize import Diversity, Fourier, Norm, Pixel, TotalVariation, Transforms
from kerascope.inside.maximize.canvas import Canvas
from kerascope.inside.maximize.fourier import COLOURS, frequencies, inverse, matrices
from kerascope.inside.maximize.transforms import looked

SIZES = [(7,), (8,), (6, 5), (5, 8), (4, 3, 6)]


def host(tensor: Any) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def tensors(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    return {name: ops.convert_to_tensor(array) for name, array in arrays.items()}


@pytest.mark.parametrize("size", SIZES)
def test_the_inverse_transform_is_that_of_numpy(size: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    shape = (2, 3, *frequencies(size).shape)
    real, imaginary = rng.normal(0, 1, (2, *shape)).astype("float32")
    found = host(inverse(*map(ops.convert_to_tensor, (real, imaginary)), tensors(matrices(size))))
    expected = np.fft.irfftn(real + 1j * imaginary, s=size, axes=tuple(range(2, 2 + len(size))))
    assert np.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", [Fourier(), Pixel()])
def test_a_picture_comes_back_from_its_parameters(size: tuple[int, ...], kind: Any) -> None:
    canvas = Canvas(size, 3, bounded=True, colour=len(size) == 2)
    picture = np.random.default_rng(1).uniform(0.05, 0.95, (2, *size, 3)).astype("float32")
    known = tensors(kind.constants(canvas))
    back = host(kind.paint(canvas, tensors(kind.of(canvas, picture)), known))
    assert np.allclose(back, picture, atol=1e-4)


@pytest.mark.parametrize("size", SIZES)
def test_gradients_through_the_spectrum_are_finite_differences(size: tuple[int, ...]) -> None:
    rng = np.random.default_rng(2)
    canvas, kind = Canvas(size, 3, bounded=True, colour=len(size) == 2), Fourier()
    draws = [np.random.Generator(np.random.Philox(3))]
    parameters = {name: 30 * value for name, value in kind.begin(canvas, draws).items()}
    weights = rng.normal(0, 1, (1, *size, 3))
    known = tensors(kind.constants(canvas))

    def score(p: dict[str, Any]) -> Any:
        painted = kind.paint(canvas, p, known)
        return [ops.sum(painted**2 * ops.convert_to_tensor(weights.astype("float32")))], {}

    _, pullback = backend.active().vjp(score, tensors(parameters))
    gradients = {name: host(value) for name, value in pullback(0).items()}

    def by_definition(p: dict[str, np.ndarray]) -> float:
        waves = np.maximum(frequencies(size), 1 / max(size))
        energy = np.sqrt((waves**-2).sum() / (waves**-3).sum())  # that of 1/f
        scale = np.sqrt(np.prod(size)) * waves**-1.5 * energy / 4
        spectrum = (p["real"] + 1j * p["imaginary"]) * scale
        plain = np.fft.irfftn(spectrum, s=size, axes=tuple(range(2, 2 + len(size))))
        mixed = np.moveaxis(plain, 1, -1) @ (COLOURS if canvas.colour else np.eye(3))
        return float(((1 / (1 + np.exp(-mixed))) ** 2 * weights).sum())

    start = {name: value.astype(np.float64) for name, value in parameters.items()}
    for name, gradient in gradients.items():
        for flat in rng.choice(gradient.size, min(12, gradient.size), replace=False):
            place = np.unravel_index(flat, gradient.shape)
            sides = []
            for step in (1e-4, -1e-4):
                moved = {key: value.copy() for key, value in start.items()}
                moved[name][place] += step
                sides.append(by_definition(moved))
            slope = (sides[0] - sides[1]) / 2e-4
            assert np.isclose(gradient[place], slope, rtol=1e-3, atol=1e-4 * np.abs(gradient).max())


@pytest.mark.parametrize("size", [(9,), (8, 7), (5, 6, 4)])
def test_views_are_linear_sampling(size: tuple[int, ...]) -> None:
    canvas = Canvas(size, 2, bounded=True, colour=False)
    pictures = np.random.default_rng(0).random((2, *size, 2)).astype("float32")
    transforms = Transforms(jitter=0.2, scale=(0.7, 1.4), rotate=40.0, pad=0.1, views=2)
    places = transforms.draw(canvas, [np.random.default_rng(k) for k in range(2)])
    found = host(looked(*map(ops.convert_to_tensor, (pictures, places)), canvas, 2))
    middle = (np.array(size) - 1) / 2
    for row in range(4):
        matrix, shift = places[row, :, :-1], places[row, :, -1]
        offset = middle + shift - matrix @ middle
        for channel in range(2):
            expected = ndimage.affine_transform(
                np.pad(pictures[row // 2, ..., channel], 1, constant_values=0.5), matrix,
                offset + 1, output_shape=size, order=1, mode="grid-constant", cval=0.5,
            )  # fmt: skip
            assert np.allclose(found[row, ..., channel], expected, atol=1e-4)


def test_no_transformation_is_none() -> None:
    canvas = Canvas((5, 4), 3, bounded=True, colour=True)
    pictures = np.random.default_rng(0).random((1, 5, 4, 3)).astype("float32")
    places = Transforms.none().draw(canvas, [np.random.default_rng(0)])
    assert Transforms.none().still
    assert not Transforms().still
    view = host(looked(*map(ops.convert_to_tensor, (pictures, places)), canvas, 1))
    assert np.allclose(view, pictures, atol=1e-6)


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_charges_are_their_definitions(power: float) -> None:
    canvas = Canvas((5, 4), 3, bounded=True, colour=True)
    pictures = np.random.default_rng(0).random((2, 5, 4, 3)).astype("float32")
    tensor = ops.convert_to_tensor(pictures)
    expected = 2 * sum(
        (np.abs(np.diff(pictures, axis=axis)) ** power).mean(axis=(1, 2, 3)) for axis in (1, 2)
    )
    assert np.allclose(host(TotalVariation(2.0, power)(tensor, canvas)), expected, rtol=1e-5)
    sizes = 3 * (np.abs(pictures - 0.5) ** power).mean(axis=(1, 2, 3))
    assert np.allclose(host(Norm(3.0, power)(tensor, canvas)), sizes, rtol=1e-5)


def test_diversity_is_the_mean_cosine_of_gram_matrices() -> None:
    maps = np.random.default_rng(0).normal(0, 1, (6, 3, 2, 4)).astype("float32")
    found = host(Diversity("any", 2.0).charge(ops.convert_to_tensor(maps), 3))
    grams = [np.tensordot(m, m, axes=((0, 1), (0, 1))).ravel() for m in maps]
    for row in range(6):
        group = range(row // 3 * 3, row // 3 * 3 + 3)
        cosines = [
            grams[row] @ grams[k] / np.linalg.norm(grams[row]) / np.linalg.norm(grams[k])
            for k in group
            if k != row
        ]
        assert np.isclose(found[row], 2 * np.mean(cosines), rtol=1e-4)
