"""The Ray engine on a cluster of several nodes: rows of the local engine, whatever is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerascope as ks
import zoo
from audit import fleet
from audit.data import folder, means
from audit.fleet import READ, Dying, Failing, series, slow
from kerascope.audit.collect import collect
from kerascope.audit.collected import Collected
from kerascope.engines import Ray
from kerascope.engines.ray_post import Post
from kerascope.errors import BadInput, KerascopeError
from once import once

pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:ray", "ignore::FutureWarning:ray", "ignore::ResourceWarning"
)
STORE = 80 * 2**20
TESTS = Path(__file__).parents[1]


class Nodes:
    """A cluster of a head without cores and two nodes of one core each."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        quick = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 300,
                 "health_check_timeout_ms": 2000, "health_check_failure_threshold": 3}  # fmt: skip
        self.cluster = Cluster()
        self.cluster.add_node(num_cpus=0, object_store_memory=STORE, _system_config=quick)
        self.nodes = [self.add(), self.add()]

    def add(self) -> Any:
        return self.cluster.add_node(num_cpus=1, object_store_memory=STORE)

    def kill(self) -> None:
        """Kill a node as a power cut does, with all that runs on it."""
        self.cluster.remove_node(self.nodes.pop(), allow_graceful=False)

    def mend(self) -> None:
        while len(self.nodes) < 2:
            self.nodes.append(self.add())


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    # Shared by the tests: to connect costs seconds.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray

        found = Nodes()
        ray.init(address=found.cluster.address, log_to_driver=False, logging_level="ERROR")
    yield found
    ray.shutdown()
    found.cluster.shutdown()


@pytest.fixture
def engine(nodes: Nodes) -> Ray:
    nodes.mend()
    return Ray(concurrency=2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = folder(tmp_path_factory.mktemp("data"), ("a", "b"), each=13)
    (root / "b" / "bad.png").write_bytes(b"x")
    return root


def close(found: Collected, wanted: Collected) -> None:
    """Compare all rows, numbers to 1e-5; their order says that none is lost or double."""
    assert found.complete
    one, other = found.table(), wanted.table()
    assert one.schema == other.schema
    for name in one.column_names:
        a, b = one.column(name).to_pylist(), other.column(name).to_pylist()
        for x, y in zip(a, b, strict=True):
            if name in ("scores", "embedding", "map"):  # 11 binary digits, of which one may turn
                np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-5)
            elif isinstance(x, float) or (isinstance(x, list) and isinstance(x[0], float)):
                np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-5)
            else:
                assert name == "explained" or x == y, name


@once
def test_rows_are_those_of_the_local_engine(engine: Ray, data: Path, tmp_path: Path) -> None:
    told: list[Any] = []
    boxes = [[1, 1, 5, 5] if i % 2 else None for i in range(27)]
    how = {**READ, "part_size": 4, "meta": {"n": list(range(27))}, "boxes": boxes}
    with ks.reporting(lambda *news: told.append(news)):
        found = collect(means, data, tmp_path / "ray", engine=engine, **how)
    wanted = collect(means, data, tmp_path / "local", **how)
    assert found.table().equals(wanted.table())
    assert (found.errors, found.rows) == (1, 53)
    assert told[-1] == ("samples", 27, 27)
    assert len(told) == 7


@once
def test_a_killed_node_loses_and_doubles_nothing(
    nodes: Nodes, engine: Ray, data: Path, tmp_path: Path
) -> None:
    parts: list[int] = []

    def kill(what: str, done: int, total: int) -> None:
        parts.append(done)
        if len(parts) == 2:
            nodes.kill()

    with ks.reporting(kill):
        found = collect(slow, data, tmp_path / "ray", engine=engine, **READ)
    assert len(nodes.nodes) == 1
    assert len(parts) == 14
    assert found.table().equals(collect(slow, data, tmp_path / "local", **READ).table())


@once
def test_a_part_that_is_written_is_not_waited_for() -> None:
    async def lost_after_its_result() -> list[Any]:
        post = Post()
        await post.bring(1, ["content"])
        first = await post.take(1)
        again = asyncio.create_task(post.take(2))
        await asyncio.sleep(0)
        await post.drop(1)
        await post.drop(2)
        return [first, await asyncio.wait_for(post.take(1), 5), await asyncio.wait_for(again, 5)]

    assert asyncio.run(lost_after_its_result()) == [(1, ["content"]), (0, None), (0, None)]


@once
def test_the_run_ends_with_the_last_result_though_ray_waits(
    engine: Ray, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    class Endless:
        """A data set whose last batch is never followed by its end."""

        def __init__(self, made: Any) -> None:
            self.made = made

        def map_batches(self, *args: Any, **options: Any) -> Endless:
            return Endless(self.made.map_batches(*args, **options))

        def iter_batches(self, **options: Any) -> Iterator[Any]:
            yield from self.made.iter_batches(**options)
            pytest.fail("the engine went on waiting")

    made = ray.data.from_items
    monkeypatch.setattr(ray.data, "from_items", lambda *args, **how: Endless(made(*args, **how)))
    assert collect(means, data, tmp_path / "ray", engine=engine, **READ).complete


@once
def test_an_iterable_is_read_once_also_when_a_worker_is_lost(engine: Ray, tmp_path: Path) -> None:
    how: dict[str, Any] = {"labels": [0] * 9, "part_size": 2}
    flag = tmp_path / "died"
    found = collect(Dying(flag), series(9), tmp_path / "ray", engine=engine, **how)
    assert flag.exists()
    wanted = collect(Dying(flag), list(series(9)), tmp_path / "local", **how)
    assert found.table().equals(wanted.table())
    assert found.errors == 1


@once
def test_what_a_worker_raises_is_raised_and_parts_stay(engine: Ray, tmp_path: Path) -> None:
    how: dict[str, Any] = {"labels": [0] * 9, "part_size": 2, "batch_size": 2}
    x = np.stack([*series(3), *series(3), *series(3)])
    with pytest.raises(RuntimeError, match="the service is gone"):
        collect(Failing(), x, tmp_path / "a", engine=Ray(concurrency=1), **how)
    assert Collected.load(tmp_path / "a").done == 1

    def short() -> Any:
        yield from series(3)

    with pytest.raises(BadInput, match="the samples end after 3, but 9 were announced"):
        collect(means, short(), tmp_path / "b", engine=engine, **how)


@once
def test_a_model_that_ends_its_workers_ends_the_run(engine: Ray, tmp_path: Path) -> None:
    with pytest.raises(KerascopeError, match=r"part \d ended 5 workers .* memory"):
        collect(Dying(None), np.ones((3, 4, 4, 3)), tmp_path, labels=[0] * 3, engine=engine)


@once
def test_ctrl_c_ends_after_parts_in_hand(engine: Ray, data: Path, tmp_path: Path) -> None:
    told: list[int] = []

    def stop(what: str, done: int, total: int) -> None:
        told.append(done)
        if len(told) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with ks.reporting(stop):
        found = collect(slow, data, tmp_path / "rows", engine=engine, **READ)
    assert 2 <= found.done <= 5  # two workers have one part in hand, and one was on its way
    assert f"stopped: {14 - found.done} of 14 parts are left; run again" in found.notes[-1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    rest = collect(slow, data, tmp_path / "rows", **READ)
    assert (rest.complete, rest.resumed) == (True, found.done)
    assert rest.table().equals(collect(slow, data, tmp_path / "local", **READ).table())


@once
def test_a_killed_driver_is_gone_on_from(
    nodes: Nodes, engine: Ray, data: Path, tmp_path: Path
) -> None:
    rows = tmp_path / "rows"
    program = [sys.executable, fleet.__file__, nodes.cluster.address, str(data), str(rows)]
    driver = subprocess.Popen(program, env={**os.environ, "PYTHONPATH": str(TESTS)})
    while len(list(rows.glob("part-*.parquet"))) < 3:
        assert driver.poll() is None
        time.sleep(0.02)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    done = len(list(rows.glob("part-*.parquet")))
    assert done < 14
    found = collect(slow, data, rows, engine=engine, **READ)
    assert (found.complete, found.resumed) == (True, done)
    assert found.table().equals(collect(slow, data, tmp_path / "local", **READ).table())


@once
def test_a_keras_net_reaches_the_workers(engine: Ray, tmp_path: Path) -> None:
    net = zoo.SHAPES["flat_functional"]().model
    ks.load_model(net, labels=["ant", "bee", "cat"])
    x = zoo.pictures(7)
    how: dict[str, Any] = {
        "methods": ["grad_cam", "smooth_grad"], "labels": [i % 3 for i in range(7)],
        "part_size": 3, "batch_size": 2,
    }  # fmt: skip
    found = collect(net, x, tmp_path / "ray", engine=engine, **how)
    wanted = collect(net, x, tmp_path / "local", **how)
    assert found.settings == wanted.settings
    assert found.rows == 7 * 2 * 2
    close(found, wanted)
