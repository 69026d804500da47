"""Where it was measured: processor, memory, threads, versions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

_PACKAGES = (
    "kerascope", "keras", "tensorflow", "tensorflow-cpu", "jax", "torch", "numpy", "tf-keras-vis",
    "tf-explain", "xplique", "shap", "lime", "captum", "grad-cam",
)  # fmt: skip
_THREADS = (
    "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS",
    "XLA_FLAGS",
)  # fmt: skip


def machine() -> dict[str, Any]:
    """Return what a reader must know to compare: of the machine, its threads and its software."""
    import psutil
    from threadpoolctl import threadpool_info

    from kerascope import backend

    cores: list[int] = getattr(psutil.Process(), "cpu_affinity", list)()
    pools = {f"{p['internal_api']} {Path(p['filepath']).name.split('-')[0]}": p["num_threads"]
             for p in threadpool_info()}  # fmt: skip
    return {
        "processor": _processor(),
        "cores": len(cores) or os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "devices": backend.active().devices(),
        "threads": {name: os.environ.get(name, "not set") for name in _THREADS},
        "thread_pools": pools,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": {name: v for name in _PACKAGES if (v := _version(name))},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
