"""Other libraries, measured beside Kerascope in the same run.

The adapters are files of their own, named on the command line (`--peers`), and no part of this
package: each imports a library that is none of Kerascope's requirements, on a framework that only
`kerascope.backend` may name. Kerascope's own are in `benchmarks/peers_*.py`.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from kerascope.bench.floor import Floor
from kerascope.bench.job import Job, Subject
from kerascope.errors import BadFile
from kerascope.plugins import run_file


@dataclasses.dataclass(frozen=True, kw_only=True)
class Peer:
    """What an adapter says of one method of its library.

    name: as the library calls it. method: the method of Kerascope that does the same. make: builds
    what the library needs and returns the call. passes: over one picture, by kind: "forward",
    "gradient", "layer gradient" (at the layer of the job); a function where they are known
    after the first call only. floor: of the library's own framework;
    None: the Keras model's.
    """

    name: str
    method: str
    make: Callable[[], Callable[[], Any]]
    passes: Mapping[str, float] | Callable[[], Mapping[str, float]]
    pictures: int = 1
    batch: int | None = None
    settings: str = ""
    floor: Floor | None = None


Adapter = Callable[[Job], Iterable[Peer]]


def load_peers(files: Iterable[Path]) -> dict[str, Adapter]:
    """Return the adapters that files define as `PEERS`, by the library's name.

    Raises:
        BadFile: a file is missing, does not run, or defines no `PEERS`.
    """
    found: dict[str, Adapter] = {}
    for file in files:
        if not file.is_file():
            raise BadFile(f"the file of adapters '{file}' does not exist")
        sys.path.insert(0, str(file.parent.resolve()))
        try:
            module = run_file(file)
        except Exception as error:
            raise BadFile(f"'{file}' does not run: {type(error).__name__}: {error}") from error
        finally:
            sys.path.pop(0)
        if not isinstance(getattr(module, "PEERS", None), dict):
            raise BadFile(f"'{file}' defines no PEERS: a dict of library names and functions")
        found |= module.PEERS
    return found


def subjects(job: Job, adapters: Mapping[str, Adapter]) -> tuple[list[Subject], list[str]]:
    """Return what installed libraries offer for a job, and notes on those that offer nothing."""
    result: list[Subject] = []
    notes: list[str] = []
    for library, adapter in adapters.items():
        try:
            peers = list(adapter(job))
        except ImportError as error:
            notes.append(f"{library}: not measured, as it is not installed ({error})")
            continue
        except Exception as error:  # a peer that fails takes nothing else with it
            notes.append(f"{library}: not measured: {type(error).__name__}: {one_line(error)}")
            continue
        result += [_subject(job, library, peer) for peer in peers]
    return result, notes


def one_line(error: BaseException) -> str:
    """Return an error's words on one short line."""
    return " ".join(str(error).split())[:200]


def _subject(job: Job, library: str, peer: Peer) -> Subject:
    passes = peer.passes
    if not callable(passes) and peer.floor is None:
        passes = {
            f"{kind}:{job.layer}" if kind == "layer gradient" else kind: count
            for kind, count in passes.items()
        }
    return Subject(
        library, peer.name, peer.method, peer.make, passes, peer.floor or job.floor,
        peer.pictures, peer.batch, peer.settings,
    )  # fmt: skip
