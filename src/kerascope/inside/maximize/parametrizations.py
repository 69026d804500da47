"""What is optimised in place of the pixels, and how a picture is made of it."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from keras import ops

from kerascope.errors import BadMethod
from kerascope.inside.maximize.canvas import Canvas, squash, unsquashed
from kerascope.inside.maximize.fourier import COLOURS, forward, frequencies, inverse, matrices
from kerascope.method import Data
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parametrization(ABC):
    """Parameters that stand for a picture.

    rate: step size of Adam, in units of the parameters.
    """

    reference: ClassVar[str]
    rate: float = 0.05

    def __post_init__(self) -> None:
        if not (np.isfinite(self.rate) and self.rate > 0):
            raise BadMethod(f"rate={self.rate} must be positive")

    def constants(self, canvas: Canvas) -> dict[str, Array]:
        """Return what `paint` needs beside the parameters and never changes."""
        return {}

    @abstractmethod
    def begin(
        self, canvas: Canvas, draws: list[np.random.Generator], loud: float = 1.0
    ) -> dict[str, Array]:
        """Return parameters of random pictures, one row for every generator.

        loud: factor of the noise.
        """

    @abstractmethod
    def of(self, canvas: Canvas, pictures: Array) -> dict[str, Array]:
        """Return the parameters of given pictures (row, *size, channel)."""

    @abstractmethod
    def paint(self, canvas: Canvas, parameters: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
        """Return the pictures (row, *size, channel); differentiable."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pixel(Parametrization):
    """The pixels themselves, before the sigmoid that keeps them in range.

    noise: standard deviation of the pixels at the start.
    """

    reference: ClassVar[str] = (
        "Erhan, Bengio, Courville, Vincent (2009). Visualizing Higher-Layer Features of a Deep "
        "Network."
    )
    noise: float = 0.01

    def begin(
        self, canvas: Canvas, draws: list[np.random.Generator], loud: float = 1.0
    ) -> dict[str, Array]:
        """Return noise."""
        shape = (*canvas.size, canvas.channels)
        return {"pixels": _float(np.stack([d.normal(0, loud * self.noise, shape) for d in draws]))}

    def of(self, canvas: Canvas, pictures: Array) -> dict[str, Array]:
        """Return the pixels before the sigmoid."""
        return {"pixels": _float(unsquashed(pictures, canvas))}

    def paint(self, canvas: Canvas, parameters: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
        """Return the pixels in range."""
        return squash(parameters["pixels"], canvas)


class _Spectral(Parametrization):
    """Base of those that paint a spectrum: (row, channel, *frequency), colours uncorrelated."""

    def _colours(self, canvas: Canvas) -> Array:
        return COLOURS if canvas.colour else np.eye(canvas.channels)

    def constants(self, canvas: Canvas) -> dict[str, Array]:
        """Return waves and colours."""
        if not canvas.size:
            raise BadMethod(
                f"{type(self).__name__} needs an input with positions; use Pixel() for a vector"
            )
        return {**matrices(canvas.size), "colours": _float(self._colours(canvas))}

    def _spectrum(self, canvas: Canvas, pictures: Array) -> Array:
        """Return the spectra of pictures (row, *size, channel) before the sigmoid."""
        plain = unsquashed(pictures, canvas) @ np.linalg.inv(self._colours(canvas))
        return forward(np.moveaxis(plain, -1, 1))

    def _painted(self, canvas: Canvas, real: Any, imaginary: Any, known: Mapping[str, Any]) -> Any:
        plain = ops.moveaxis(inverse(real, imaginary, known), 1, -1)
        return squash(ops.matmul(plain, known["colours"]), canvas)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fourier(_Spectral):
    """The spectrum, scaled so that a step changes waves as strongly as they are in photographs.

    decay: a wave of frequency f is scaled by 1/f to this power; 0 for none. 1 is lucid's, and what
        photographs have; steeper, objects come out larger and are known by other networks too.
    noise: standard deviation of the spectrum at the start.
    Colours are uncorrelated where the channels are red, green and blue.
    """

    reference: ClassVar[str] = "Olah, Mordvintsev, Schubert (2017). Feature Visualization. Distill."
    rate: float = 0.1
    decay: float = 1.5
    noise: float = 0.01

    def _scale(self, canvas: Canvas) -> Array:
        waves = np.maximum(frequencies(canvas.size), 1 / max(canvas.size))
        plain, steep = 1 / waves, waves**-self.decay
        # Equal energy whatever the decay: it says where the picture changes, not how much.
        steep *= np.sqrt((plain**2).sum() / (steep**2).sum())
        return np.sqrt(np.prod(canvas.size)) * steep / 4

    def constants(self, canvas: Canvas) -> dict[str, Array]:
        """Return waves, colours and the scale of every frequency."""
        return {**super().constants(canvas), "scale": _float(self._scale(canvas))}

    def begin(
        self, canvas: Canvas, draws: list[np.random.Generator], loud: float = 1.0
    ) -> dict[str, Array]:
        """Return a spectrum of noise."""
        shape = (2, canvas.channels, *frequencies(canvas.size).shape)
        noise = np.stack([draw.normal(0, loud * self.noise, shape) for draw in draws], axis=1)
        return {"real": _float(noise[0]), "imaginary": _float(noise[1])}

    def of(self, canvas: Canvas, pictures: Array) -> dict[str, Array]:
        """Return the spectra of pictures."""
        spectrum = self._spectrum(canvas, pictures) / self._scale(canvas)
        return {"real": _float(spectrum.real), "imaginary": _float(spectrum.imag)}

    def paint(self, canvas: Canvas, parameters: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
        """Return the pictures of the spectra."""
        real, imaginary = (parameters[name] * known["scale"] for name in ("real", "imaginary"))
        return self._painted(canvas, real, imaginary, known)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MaCo(_Spectral):
    """Magnitude constrained: the phases of a spectrum whose magnitudes stay (Fel et al. 2023).

    magnitudes: of pictures given as `Data((sample, *size, channel))` in 0 … 1; without, a model of
        photographs, 1/f^`exponent`. The paper takes the mean over ImageNet, which is not ours to
        ship.
    contrast: standard deviation of the picture before the sigmoid, with the model of photographs.
    """

    reference: ClassVar[str] = (
        "Fel, Boissin, Boutin, et al. (2023). Unlocking Feature Visualization for Deeper Networks "
        "with MAgnitude Constrained Optimization. NeurIPS."
    )
    rate: float = 0.1
    magnitudes: Data | None = None
    exponent: float = 1.3
    contrast: float = 1.0

    def constants(self, canvas: Canvas) -> dict[str, Array]:
        """Return waves, colours and magnitudes (channel, *frequency)."""
        known = super().constants(canvas)
        if self.magnitudes is None:
            return {**known, "magnitude": _float(self._model(canvas))}
        pictures = np.asarray(self.magnitudes.array, np.float32)
        if pictures.ndim != len(canvas.size) + 2 or pictures.shape[1:] != (
            *canvas.size,
            canvas.channels,
        ):
            raise BadMethod(
                f"magnitudes are taken from pictures of shape {pictures.shape}; they must be "
                f"(sample, {', '.join(map(str, (*canvas.size, canvas.channels)))}) in 0 … 1"
            )
        return {**known, "magnitude": _float(np.abs(self._spectrum(canvas, pictures)).mean(axis=0))}

    def _model(self, canvas: Canvas) -> Array:
        waves = frequencies(canvas.size)
        magnitude = np.where(waves > 0, np.maximum(waves, 1e-9) ** -self.exponent, 0.0)
        # By Parseval: the mean square of a picture is the sum of its squared magnitudes / size².
        count = np.prod(canvas.size)
        halves = np.full(waves.shape[-1], 2.0)
        halves[0] = 1.0
        if canvas.size[-1] % 2 == 0:
            halves[-1] = 1.0
        square = (halves * magnitude**2).sum() / count**2
        mixed = (self._colours(canvas) ** 2).sum() / canvas.channels
        scaled = magnitude * self.contrast / np.sqrt(square * mixed)
        return np.repeat(scaled[None], canvas.channels, axis=0)

    def begin(
        self, canvas: Canvas, draws: list[np.random.Generator], loud: float = 1.0
    ) -> dict[str, Array]:
        """Return random phases."""
        shape = (canvas.channels, *frequencies(canvas.size).shape)
        return {"phase": _float(np.stack([d.uniform(-np.pi, np.pi, shape) for d in draws]))}

    def of(self, canvas: Canvas, pictures: Array) -> dict[str, Array]:
        """Return the phases of pictures; their magnitudes are not kept."""
        return {"phase": _float(np.angle(self._spectrum(canvas, pictures)))}

    def paint(self, canvas: Canvas, parameters: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
        """Return the pictures of the phases."""
        phase, magnitude = parameters["phase"], known["magnitude"]
        return self._painted(canvas, magnitude * ops.cos(phase), magnitude * ops.sin(phase), known)


def _float(array: Array) -> Array:
    return np.ascontiguousarray(array, np.float32)
