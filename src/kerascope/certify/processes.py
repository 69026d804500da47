"""One process per backend, one after the other: memory holds one framework at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from kerascope import errors
from kerascope.certify.job import REPORT
from kerascope.interrupts import uninterrupted
from kerascope.run import Run

_SURE = ("BadFile", "BadImage", "BadTarget")  # the same on every backend, as are samples
_WAIT = 5.0  # seconds that a child has to end when it is told to


def run_backends(backends: list[str], folder: Path) -> dict[str, dict[str, Any]]:
    """Return the report of every backend; {"error": …, "kind": …} of one that failed.

    A Ctrl-C stops the child that runs, and is raised again; so is what the user gave wrong.
    """
    progress, reports = Run(), {}
    for k, name in enumerate(backends):
        progress.report(name, k, len(backends))
        reports[name] = told = _run(name, folder)
        if told.get("sure") or told.get("kind") in _SURE:
            raise getattr(errors, told["kind"])(told["error"])
    progress.report(backends[-1], len(backends), len(backends))
    return reports


def _run(name: str, folder: Path) -> dict[str, Any]:
    environment = os.environ | {"KERAS_BACKEND": name, "PYTHONUNBUFFERED": "1"}
    environment |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))  # goes with the folder
    environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # -P: nothing in the working folder is imported by accident.
    command = [sys.executable, "-P", "-m", "kerascope.certify.child", str(folder)]
    process = None
    try:
        with uninterrupted():  # a Ctrl-C in here would leave a child that nobody knows
            process = subprocess.Popen(  # noqa: S603 — our own interpreter and module
                command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True, errors="replace",
            )  # fmt: skip
        _, said = process.communicate()
    except BaseException:
        if process is not None:
            _stop(process)
        raise
    report = folder / name / REPORT
    if report.exists():
        return json.loads(report.read_text(encoding="utf-8"))
    if process.returncode == -2:  # the terminal sent its Ctrl-C to the child too
        raise KeyboardInterrupt
    return {"error": _last_words(process.returncode, said), "kind": "crash"}


def _stop(process: subprocess.Popen[str]) -> None:
    """End a child, wait for its end, and close its pipe."""
    with uninterrupted(), process:
        process.terminate()
        try:
            process.wait(_WAIT)
        except subprocess.TimeoutExpired:
            process.kill()


def _last_words(code: int, said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = lines[-1] if lines else "it said nothing"
    if code == -9:
        return "it was killed, most likely because memory ran out"
    if code < 0:
        return f"it was ended by signal {-code}: {last}"
    return f"it crashed: {last}"
