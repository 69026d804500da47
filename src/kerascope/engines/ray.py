"""The engine of a Ray cluster: Ray Data spreads the parts over actors that hold the model.

An actor asks for the content of a part when it comes to it, works on the part as the local engine
does, and sends the result back; the caller's process alone writes, so the machines need to share
the data but no folder for results, and a part is written whole or not at all, once, whatever is
lost on the way. What is in memory at any time are the parts in hand. Ray Data tries again what a
lost actor or machine had in hand.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import logging
import math
import os
import sys
import sysconfig
import threading
import warnings
from collections.abc import Iterator
from typing import Any

from kerascope.checks import check_whole
from kerascope.engines.base import Engine, Job
from kerascope.engines.ray_post import Feeder
from kerascope.engines.ray_worker import Worker
from kerascope.errors import BadInput, KerascopeError, MissingDependency

_INSTALL = "the ray engine needs Ray Data, which is not installed: pip install 'kerascope[ray]'"
# What is below is there on every machine.
_INSTALLED = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
_FORWARDED = ("KERASCOPE_CACHE", "TF_CPP_MIN_LOG_LEVEL", "XLA_FLAGS", "OMP_WAIT_POLICY")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ray(Engine):
    """Works on parts in the actors of a Ray cluster, each of which loads the model once.

    Kerascope, and the data where it is files, must be at the same place on every machine.

    address: "host:port" of a cluster; "local" starts one on this machine; None: the one of
        RAY_ADDRESS or that runs on this machine, else one is started, and ended afterwards.
    concurrency: actors, or (least, most) of them; None: as many as the cluster has room for.
    num_cpus: of one actor: threads that read, and threads that compute.
    num_gpus: of one actor; None: 1 where the cluster has any, else 0.
    ahead: samples that an actor has read and not yet computed, at most.
    """

    address: str | None = None
    concurrency: int | tuple[int, int] | None = None
    num_cpus: int = 1
    num_gpus: float | None = None
    ahead: int = 32

    def __post_init__(self) -> None:
        check_whole(1, num_cpus=self.num_cpus, ahead=self.ahead)
        several = self.concurrency if isinstance(self.concurrency, tuple) else (self.concurrency,)
        if len(several) > 2 or (len(several) == 2 and not _in_order(several)):
            raise BadInput(
                f"concurrency={self.concurrency!r} must be a number of actors or (least, most)"
            )
        check_whole(1, concurrency=several[0])
        if self.num_gpus is not None and not self.num_gpus >= 0:
            raise BadInput(f"num_gpus={self.num_gpus!r} must be at least 0")
        if self.address is not None and self.address.startswith("ray://"):
            raise BadInput(
                f"address='{self.address}': Ray Client is not supported; run on a machine of the "
                "cluster and give host:port"
            )
        if importlib.util.find_spec("ray") is None:
            raise MissingDependency(_INSTALL)

    def run(self, job: Job, parts: list[int], stop: threading.Event) -> Iterator[int]:
        """Yield the number of every part that was written; end after those in hand on `stop`.

        Raises what the work raised; `BadInput` where the cluster has no room, `KerascopeError`
        where a part ends its actors again and again.
        """
        if not parts:
            return
        ray = imported()
        with _quiet(ray), _connected(ray, self.address):
            self.options(ray, len(parts))  # raises where there is no room
            recipe = ray.put(ray.cloudpickle.dumps(job.recipe()))
            with contextlib.closing(Feeder(ray, job, parts, stop)) as feeder:
                results = _Results(ray, self, feeder, recipe)
                while feeder.left:
                    for part, result in results.once():
                        job.write(part, result)
                        feeder.written(part)
                        yield part
                    if stop.is_set():
                        return

    def options(self, ray: Any, parts: int) -> dict[str, Any]:
        """Return what Ray Data is to know of the actors."""
        gpus = self.num_gpus
        if gpus is None:
            gpus = 1 if ray.cluster_resources().get("GPU", 0) >= 1 else 0
        wanted = self.concurrency or _room(ray, self.num_cpus, gpus)
        least, most = wanted if isinstance(wanted, tuple) else (wanted, wanted)
        pool = ray.data.ActorPoolStrategy(
            min_size=min(least, parts),
            max_size=min(most, parts),
            # Parts are long, and fetched by the actor itself: none is to wait behind another. But
            # only from waiting parts does Ray Data see that more actors would be of use.
            max_tasks_in_flight_per_actor=1 if least == most else 2,
        )
        return {
            "compute": pool,
            "num_cpus": self.num_cpus,
            "num_gpus": gpus,
            "runtime_env": {"env_vars": _environment(self.num_cpus)},
        }


class _Results:
    """Results of parts as they come, and again of what did not come."""

    def __init__(self, ray: Any, engine: Ray, feeder: Feeder, recipe: Any) -> None:
        self.ray, self.engine, self.feeder, self.recipe = ray, engine, feeder, recipe

    def once(self) -> Iterator[tuple[int, Any]]:
        """Yield part and result of all that is left; less where machines that held some are lost.

        Raises `KerascopeError` where nothing came at all.
        """
        left, lost = len(self.feeder.left), None
        try:
            yield from self._streamed()
        except self.ray.exceptions.RayError as error:
            lost = error
        if len(self.feeder.left) == left and not self.feeder.idle:
            first = (str(lost).splitlines() or [type(lost).__name__])[0]
            raise KerascopeError(f"the Ray cluster gave no result: {first}") from lost

    def _streamed(self) -> Iterator[tuple[int, Any]]:
        data, engine, todo = self.ray.data, self.engine, sorted(self.feeder.left)
        how = ([self.recipe], self.feeder.post, engine.num_cpus, engine.ahead)
        rows = data.from_items([{"part": part} for part in todo], override_num_blocks=len(todo))
        made = rows.map_batches(
            Worker, fn_constructor_args=how, batch_size=1, **engine.options(self.ray, len(todo))
        ).iter_batches(batch_size=1, batch_format="pyarrow", prefetch_batches=0)
        with contextlib.closing(iter(made)) as coming:  # its end is the end of the actors
            while True:
                # Ray tells of lost machines on standard output, where a caller's JSON may be.
                with contextlib.redirect_stdout(sys.stderr):
                    batch = next(coming, None)
                self.feeder.check()
                if batch is None:
                    return
                for row in batch.to_pylist():
                    yield from self._opened(row["part"], row["result"], error=row["error"])
                if self.feeder.idle or not self.feeder.left:
                    return  # Ray may still wait for the actor that gave the last result

    def _opened(self, part: int, content: bytes | None, *, error: bool) -> Iterator[Any]:
        """Yield part and result, where there is one that is still wanted; raise an error."""
        if content is None:
            return
        result = self.ray.cloudpickle.loads(content)
        if error:
            raise result
        if part in self.feeder.left:
            yield part, result


def _in_order(pair: tuple[Any, ...]) -> bool:
    check_whole(1, concurrency=pair[0])
    check_whole(1, concurrency=pair[1])
    return None not in pair and pair[0] <= pair[1]


def _room(ray: Any, cpus: float, gpus: float) -> int:
    """Return how many actors the cluster has room for; raise `BadInput` for none."""
    room = 0
    for node in ray.nodes():
        have = node["Resources"] if node["Alive"] else {}
        room += math.floor(
            min(
                have.get("CPU", 0) / cpus,
                have.get("GPU", 0) / gpus if gpus else math.inf,
            )
        )
    if not room:
        words = f"{cpus:g} CPUs" + (f" and {gpus:g} GPUs" if gpus else "")
        raise BadInput(
            f"no machine of the Ray cluster has {words}, which an actor is to have; ask for less, "
            "or say concurrency= where the cluster grows when asked"
        )
    return room


def _environment(cpus: int) -> dict[str, str]:
    """Return the environment of an actor: backend and modules of this process, as many threads."""
    threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    tensorflow = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    found = dict.fromkeys((*threads, *tensorflow, "PJRT_NPROC"), str(cpus))
    # Several actors may share a GPU: none is to take all of its memory at once.
    found |= {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    found |= {name: os.environ[name] for name in _FORWARDED if name in os.environ}
    own = [place for place in map(os.path.abspath, sys.path) if not place.startswith(_INSTALLED)]
    found["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(own))
    keras = sys.modules.get("keras")
    backend = os.environ.get("KERAS_BACKEND") if keras is None else keras.backend.backend()
    return found | ({"KERAS_BACKEND": backend} if backend else {})


def imported() -> Any:
    """Return Ray with Ray Data; raise `MissingDependency` without it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster made here tells nobody
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray about its own settings
        try:
            import ray
            import ray.data
        except ImportError as error:
            raise MissingDependency(_INSTALL) from error
        ray.data.DataContext.get_current()
    return ray


@contextlib.contextmanager
def _connected(ray: Any, address: str | None) -> Iterator[None]:
    """Be connected to a cluster; a connection made here ends here."""
    if ray.is_initialized():
        yield
        return
    try:
        with contextlib.redirect_stdout(sys.stderr):
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadInput(f"no Ray cluster answers at {address or 'its address'}: {first}") from error
    try:
        yield
    finally:
        with contextlib.redirect_stdout(sys.stderr):
            ray.shutdown()


@contextlib.contextmanager
def _quiet(ray: Any) -> Iterator[None]:
    """Keep Ray Data from drawing bars and telling of its plans."""
    logger, context = logging.getLogger("ray.data"), ray.data.DataContext.get_current()
    before = context.enable_progress_bars, context.print_on_execution_start, logger.level
    context.enable_progress_bars = context.print_on_execution_start = False
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        context.enable_progress_bars, context.print_on_execution_start, level = before
        logger.setLevel(level)
