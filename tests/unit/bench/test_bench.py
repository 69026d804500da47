"""The bench: floors, passes, cold calls, goals, peers, the table; mostly on made-up clocks."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zoo
from kerascope.bench import Floor, Job, Peer, Subject, load_peers, measure, results
from kerascope.bench import floor as floors
from kerascope.bench import rows as measures
from kerascope.bench.job import floor_passes
from kerascope.bench.peers import subjects
from kerascope.bench.settings import SETTINGS
from kerascope.errors import BadFile, Refused
from kerascope.hooks.store import store_of
from kerascope.method import Passes, registry
from once import only_on

pytestmark = only_on("torch")


@pytest.fixture
def job() -> Job:
    case = zoo.SHAPES["flat_functional"]()
    return Job(case.model, case.x)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls say by their return value how many seconds they took."""
    for module in (floors, measures):
        monkeypatch.setattr(module, "seconds", lambda call: call() or 0.0)


def takes(*times: float) -> Callable[[], float]:
    """Return a call that takes these times, and the last one from then on."""
    left = list(times)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def floor_of(**kinds: dict[int, float]) -> Floor:
    """Return a floor of passes that take so many seconds a picture at each batch size."""
    (sizes,) = map(tuple, kinds.values())
    return Floor(lambda kind, size: [takes(kinds[kind][size] * size)], sizes=sizes)


def test_floor_takes_the_fastest_batch_size(clock: None) -> None:
    floor = floor_of(forward={1: 0.3, 4: 0.2, 8: 0.25})
    assert floor.size("forward") == 4
    assert floor.cost({"forward": 5}, pictures=3) == pytest.approx(5 * 3 * 0.2)


def test_floor_takes_the_faster_of_two_ways(clock: None) -> None:
    floor = Floor(lambda kind, size: [takes(0.5), takes(0.1)], sizes=(1,))
    assert floor.cost({"forward": 1}) == pytest.approx(0.1)


def test_floor_stops_looking_where_larger_batches_are_much_slower() -> None:
    seen = []

    def make(kind: str, size: int) -> list[Callable[[], float]]:
        seen.append(size)
        return [lambda: None]

    times = {1: 0.1, 4: 1.0, 8: 0.1}
    floor = Floor(make, sizes=tuple(times))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(floors, "seconds", lambda call: times[seen[-1]] * seen[-1])
        assert floor.size("forward") == 1
    assert seen == [1, 4]


@pytest.mark.parametrize(
    ("declared", "counted", "layer", "wanted"),
    [
        (Passes(2, 16), {"forward": 2, "gradient": 16}, None, {"forward": 2, "gradient": 16}),
        (Passes(9, upper=True), {"forward": 4}, None, {"forward": 4, "gradient": 0}),
        (Passes(65), {"forward": 1, "incremental": 64}, None, {"forward": 65, "gradient": 0}),
        (Passes(0, 1), {"layer gradient": 1}, "c", {"forward": 0, "layer gradient:c": 1}),
        (Passes(0, 1), {"gradient": 1}, "c", {"forward": 0, "gradient": 1}),
    ],
)  # fmt: skip
def test_passes_of_the_floor(
    declared: Passes, counted: dict[str, float], layer: str | None, wanted: dict[str, float]
) -> None:
    assert floor_passes(declared, counted, layer) == wanted


@pytest.mark.parametrize("kind", ["forward", "gradient", "layer gradient"])
def test_passes_of_a_model_are_all_real(job: Job, kind: str) -> None:
    named = f"{kind}:{job.layer}" if kind == "layer gradient" else kind
    ways = job.floor.make(named, 4)
    assert len(ways) == (1 if kind == "layer gradient" else 2)
    for way in ways:
        found = way()
        arrays = found if isinstance(found, list) else [found.values if kind == "forward"
                                                        else found.scores]  # fmt: skip
        assert all(len(array) == 4 and np.isfinite(array).all() for array in arrays)


def test_a_plain_gradient_is_that_of_the_first_unit(job: Job) -> None:
    (plain,) = job.floor.make("gradient", 2)[1]()
    step = 1e-2
    x = job.inputs(2).astype(np.float32)
    where = np.unravel_index(np.abs(plain[0]).argmax(), plain[0].shape)
    moved = [x.copy(), x.copy()]
    moved[0][(0, *where)] += step
    moved[1][(0, *where)] -= step
    up, down = (np.asarray(job.model.predict(m, verbose=0))[0].reshape(-1)[0] for m in moved)
    assert plain[(0, *where)] == pytest.approx((up - down) / (2 * step), rel=0.1)


def test_cold_forgets_and_knows_again(job: Job) -> None:
    subject = job.subject("gradient")
    store = store_of(job.model)
    before = dict(store.compiled)
    assert before
    with job.forgetting():
        assert not store.compiled
        subject.make()()
        inside = dict(store.compiled)
    assert inside
    assert store.compiled.keys() == before.keys() | inside.keys()
    assert subject.passes() == {"forward": 0, "gradient": 1}


def test_every_setting_is_of_a_method(job: Job) -> None:
    assert SETTINGS.keys() <= registry().keys()
    for name in registry():
        assert job.method(name).name == name


def fake(library: str, call: Callable[[], Any], floor: float = 1.0, **fields: Any) -> Subject:
    own = Floor(lambda kind, size: [takes(floor)], sizes=(1,))
    return Subject(library, "m", "m", lambda: call, {"forward": 1}, own, **fields)


def test_rows_are_medians_of_paired_ratios(clock: None, job: Job) -> None:
    ours = fake("kerascope", takes(9.0, 1.2, 1.08, 1.5, 1.05))
    theirs = fake("peer", takes(5.0, 3.0, 4.0, 4.0, 4.0), floor=2.0)
    mine, other = measure(job, [ours, theirs], repeats=3)
    assert (mine.cold, mine.warm, mine.ratio, mine.spread) == (9.0, 1.08, 1.08, (1.05, 1.5))
    assert mine.goal
    assert other.against == pytest.approx(1.08 / 2.0)
    assert other.repeats == 3


@pytest.mark.parametrize(
    ("floor", "warm", "met"),
    [(1.0, 1.1, True), (1.0, 1.11, False), (0.01, 0.0129, True), (0.01, 0.0131, False)],
)
def test_goal(clock: None, job: Job, floor: float, warm: float, met: bool) -> None:
    (row,) = measure(job, [fake("kerascope", takes(warm), floor)], repeats=3)
    assert row.goal is met


def test_long_calls_are_repeated_less_often(clock: None, job: Job) -> None:
    (row,) = measure(job, [fake("kerascope", takes(20.0))], repeats=5)
    assert row.repeats == 2


def test_who_fails_fails_alone(clock: None, job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    def refuses() -> None:
        raise Refused("no maps here")

    def breaks() -> None:
        print("chatter")
        warnings.warn("more", stacklevel=1)
        raise ZeroDivisionError("on\ntwo lines")

    peers = [fake("a", refuses), fake("b", breaks)]
    mine, a, b = measure(job, [fake("kerascope", takes(1.0)), *peers], repeats=2)
    assert not mine.error
    assert (a.error, a.failed) == ("no maps here", False)
    assert (b.error, b.failed) == ("ZeroDivisionError: on two lines", True)
    assert not capsys.readouterr().out
    assert results.left_out([mine, a, b]) == [f"a m: {a.error}", f"b m: {b.error}"]


def test_memory_of_a_call_is_seen() -> None:
    with measures.peak() as memory:
        block = np.ones(2**28, np.uint8)
    assert 0.8 * block.nbytes < memory["growth"] < 2 * block.nbytes


def test_peers_come_from_a_file(tmp_path: Path, job: Job) -> None:
    (tmp_path / "beside.py").write_text("NAME = 'other'\n")
    (tmp_path / "adapter.py").write_text(
        "from beside import NAME\n"
        "from kerascope.bench import Peer\n"
        "def absent(job):\n    import no_such_library\n"
        "def broken(job):\n    raise ValueError('bad')\n"
        "def fine(job):\n"
        "    yield Peer(name=NAME, method='gradient', make=lambda: lambda: None,\n"
        "               passes={'layer gradient': 1})\n"
        "PEERS = {'absent': absent, 'broken': broken, 'fine': fine}\n"
    )
    found, notes = subjects(job, load_peers([tmp_path / "adapter.py"]))
    assert [subject.library for subject in found] == ["fine"]
    assert found[0].passes == {f"layer gradient:{job.layer}": 1}
    assert found[0].floor is job.floor
    assert [note.split(":")[0] for note in notes] == ["absent", "broken"]
    assert "not installed" in notes[0]
    assert "ValueError: bad" in notes[1]


@pytest.mark.parametrize(
    ("text", "words"), [(None, "does not exist"), ("1/0", "ZeroDivisionError"), ("x = 1", "PEERS")]
)
def test_bad_files_of_peers(tmp_path: Path, text: str | None, words: str) -> None:
    file = tmp_path / "peers.py"
    if text is not None:
        file.write_text(text)
    with pytest.raises(BadFile, match=words):
        load_peers([file])


def test_a_peer_says_its_passes_after_its_first_call(clock: None, job: Job) -> None:
    own = Floor(lambda kind, size: [takes(1.0)], sizes=(1,))
    peer = Peer(
        name="p", method="gradient", make=lambda: takes(4.0), passes=lambda: {"forward": 4},
        floor=own,
    )  # fmt: skip
    found, _ = subjects(job, {"lib": lambda job: [peer]})
    (row,) = measure(job, found, repeats=2)
    assert row.passes == {"forward": 4}
    assert row.ratio == 1.0


FACTS: dict[str, Any] = {
    "command": "kerascope bench x", "backend": "b", "model": "m", "inputs": "1", "explained": "c",
    "minutes": 0.1,
    "processor": "p", "cores": 2, "memory_gib": 1, "system": "s", "devices": ["CPU:0"],
    "load_before": 0.0, "threads": {"OMP_NUM_THREADS": "2"}, "thread_pools": {}, "python": "3",
    "packages": {"kerascope": "0"}, "units": {"forward": (4, 0.01)},
}  # fmt: skip


def test_sections_are_replaced_one_by_one(tmp_path: Path) -> None:
    slow = measures.Row("kerascope", "slow", "slow", floor=1.0, warm=2.0, ratio=2.0, goal=False)
    peer = measures.Row("lib", "Fast", "slow", floor=1.0, warm=1.0, ratio=1.0, against=2.0)
    fine = measures.Row("kerascope", "fine|e", "fine", floor=1.0, warm=1.0, ratio=1.0, goal=True)
    file = tmp_path / "R.md"
    results.write(file, "b, one", FACTS, [slow, peer], ["a note"])
    results.write(file, "b, two", FACTS, [fine], [])
    results.write(file, "b, one", FACTS, [fine], [])
    text = file.read_text()
    assert text.count("\n## ") == 2
    assert text.count("# Results\n") == 1
    assert "slow" not in text
    assert "fine\\|e" in text
    results.write(file, "b, one", FACTS, [slow, peer], ["a note"])
    one, two = file.read_text().split("\n## ")[1:]
    assert "- slow: 2.00 of its floor, 1e+03 ms over it" in one
    assert "- slow: 2.00 of lib Fast, in units of each library's own floor" in one
    assert "- a note" in one
    assert "- nowhere" in two
