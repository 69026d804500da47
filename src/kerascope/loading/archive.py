"""Keras's own .keras files: a zip of JSON and weights, looked through before Keras opens it."""

from __future__ import annotations

import copy
import io
import json
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

from kerascope.errors import BadModel
from kerascope.loading.config import refuse_code, uncompile_nested
from kerascope.loading.hdf5 import check_hdf5, opened
from kerascope.loading.rebuild import Custom, rebuild

SIGNATURE = b"PK"
_CONFIG, _WEIGHTS = "config.json", ("model.weights.h5", "model.weights.npz")
_LARGE = 1 << 28  # 256 MiB: below this an archive member that expands cannot hurt
_EXPANSION = 100  # Keras stores members uncompressed


def read_archive(path: Path, name: str) -> dict[str, Any]:
    """Return the configuration in a .keras file after checking every member; raise `BadModel`."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            for info in archive.infolist():
                _check_member(info, name)
            if len(set(names)) != len(names):
                raise BadModel(f"model '{name}' holds two files of the same name: not loaded")
            if _CONFIG not in names:
                raise BadModel(
                    f"'{name}' is a zip archive but no Keras model: it holds no {_CONFIG}"
                )
            config = json.loads(archive.read(_CONFIG))
            if not any(member in names for member in _WEIGHTS):
                raise BadModel(f"model '{name}' holds no weights ({' or '.join(_WEIGHTS)})")
            if _WEIGHTS[0] in names:
                with opened(io.BytesIO(archive.read(_WEIGHTS[0])), name) as file:
                    check_hdf5(file, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise BadModel(
            f"model file '{name}' is cut off or damaged ({error}); copy or download it again"
        ) from error
    except ValueError as error:  # JSON and its encoding
        if isinstance(error, BadModel):
            raise
        raise BadModel(f"model file '{name}' is damaged: its {_CONFIG} is not JSON") from error
    if not isinstance(config, dict) or "class_name" not in config:
        raise BadModel(f"model file '{name}' is damaged: its {_CONFIG} describes no model")
    return config


def _check_member(info: zipfile.ZipInfo, name: str) -> None:
    """Raise `BadModel` for a member that would leave its folder when unpacked, or fill the disk."""
    place = PurePosixPath(info.filename.replace("\\", "/"))
    link = stat.S_ISLNK(info.external_attr >> 16)
    if place.is_absolute() or ".." in place.parts or ":" in place.parts[0] or link:
        raise BadModel(
            f"model '{name}' holds '{info.filename}', which lies outside the model: not loaded"
        )
    if info.file_size > max(_LARGE, _EXPANSION * info.compress_size):
        raise BadModel(
            f"model '{name}' claims {info.file_size / 2**30:.1f} GiB for '{info.filename}' and "
            "stores next to nothing: not loaded"
        )


def load_archive(
    path: Path, name: str, custom: Custom, *, unsafe: bool
) -> tuple[Any, tuple[str, ...]]:
    """Return the model of a .keras file and notes on what was mended; raise `BadModel`."""
    config = read_archive(path, name)
    if not unsafe:
        refuse_code(config, name)
    original = copy.deepcopy(config)
    uncompile_nested(config)

    def construct(wanted: dict[str, Any]) -> Any:
        import keras

        with tempfile.TemporaryDirectory(prefix="kerascope-") as folder:
            file = path
            if wanted != original or path.suffix != ".keras":  # Keras goes by the name
                file = _rewritten(path, wanted, Path(folder, "model.keras"))
            return keras.saving.load_model(
                file, custom_objects=custom, compile=False, safe_mode=not unsafe
            )

    return rebuild(config, construct, name)


def _rewritten(path: Path, config: dict[str, Any], target: Path) -> Path:
    """Write a copy of a .keras file with another configuration; return its path."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            if info.filename == _CONFIG:
                new.writestr(_CONFIG, json.dumps(config))
            elif not info.is_dir():
                with (
                    old.open(info) as source,
                    new.open(info.filename, "w", force_zip64=True) as out,
                ):
                    while chunk := source.read(1 << 20):
                        out.write(chunk)
    return target
