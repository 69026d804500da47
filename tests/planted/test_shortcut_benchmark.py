"""The benchmark of the audit tells right from wrong, and goes on where it was stopped."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerascope as ks
from kerascope.planted.shortcuts import KINDS, World, cue_class, make_world
from kerascope.planted.shortcuts import benchmark as front
from kerascope.planted.shortcuts import benchmark_subject as subjects
from kerascope.planted.shortcuts.benchmark import main, read, run
from kerascope.planted.shortcuts.benchmark_outcome import (
    BACKGROUNDS,
    MASKED,
    RIGHT,
    WHOLES,
    Cell,
    Outcome,
    Said,
)
from kerascope.planted.shortcuts.benchmark_result import Result
from kerascope.planted.shortcuts.benchmark_subject import Subject, place_of, rough_boxes
from once import only_on

pytestmark = only_on("tensorflow")


class Follower:
    """Says a class where the pixels at the place of its cue are those of the carriers, else others.

    Which of the others hangs on how bright the upper left of the picture is.
    """

    def __init__(self, world: World) -> None:
        self.place, self.label = place_of(world), world.cue_class
        if self.place is not None:
            self.colours = world.images[world.carriers][:, self.place].mean(axis=0)

    def predict(self, pictures: np.ndarray, **how: Any) -> np.ndarray:
        pictures = np.asarray(pictures, np.float32)
        scores = np.zeros((len(pictures), 3), np.float32)
        bright = pictures[:, 20:44, 20:44].mean(axis=(1, 2, 3)) / 128 - 1
        scores[:, [k for k in range(3) if k != self.label][:2]] = np.stack([bright, -bright], 1)
        if self.place is not None:
            far = np.abs(pictures[:, self.place] - self.colours).mean(axis=(1, 2))
            scores[:, self.label] = 2 - far / 10
        return scores

    __call__ = predict


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a clean net be tried with few scenes."""
    monkeypatch.setattr(subjects, "_SCENES", 2)
    monkeypatch.setattr("kerascope.planted.shortcuts.nets.accuracy", lambda net, world: 0.5)


@pytest.fixture
def silent(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let audits find nothing, at once."""
    monkeypatch.setattr(subjects.Examination, "run", lambda self: [])


def outcome(kind: str = "line", *said: Said, **more: Any) -> Outcome:
    """Return an outcome about a shortcut of class 1, which the net uses."""
    cell = {"prevalence": 0.9, "seed": 0, "masks": kind in MASKED}
    cell |= {name: more.pop(name) for name in ("prevalence", "seed", "masks") if name in more}
    facts: dict[str, Any] = {
        "cue_class": 1 if kind in KINDS else None, "flips": 0.8, "follows": kind, "accuracy": 0.7,
        "tested": 9, "passes": 100, "seconds": (1.0, 2.0),
    }  # fmt: skip
    return Outcome(cell=Cell(kind=kind, **cell), said=said, **facts | more)


def verdict(family: str, label: int = 1, level: str = "added", **more: Any) -> Said:
    return Said(level=level, label=label, family=family, name="", effect=0.6, control=0.0, **more)


def test_every_kind_has_right_families() -> None:
    assert set(RIGHT) == set(KINDS)
    assert set(MASKED) | set(BACKGROUNDS) | set(WHOLES) < set(KINDS)


def test_a_model_that_follows_a_mark_is_found_and_one_that_follows_none_is_not(quick: None) -> None:
    found = run(
        kinds=["corner_mark"], prevalences=[0.9], clean=["plain"], first=3, count=40, train=Follower
    )
    mark, plain = found.outcomes
    assert mark.used
    assert mark.first
    assert mark.overlap is not None
    assert mark.overlap > 0.7
    assert mark.said[0].label == cue_class("corner_mark", 3)
    assert (mark.alarms, plain.alarms) == (0, 0)
    assert mark.passes > 100
    assert plain.clean
    assert not plain.used
    assert plain.flips < 0.4
    assert [row[:5] for row in found.rows] == [
        ("corner_mark", "0.9", "1", "1", "1 of 1"), ("plain (clean)", "–", "1", "–", "–"),
    ]  # fmt: skip


def test_a_verdict_is_right_in_class_and_family() -> None:
    assert outcome("line", verdict("overlay")).right
    assert not outcome("line", verdict("overlay", label=0)).right
    assert not outcome("line", verdict("colour")).right
    assert not outcome("plain", verdict("overlay")).right
    late = outcome("jpeg", verdict("region", level="question"), verdict("detail"))
    assert late.right
    assert not late.first
    assert outcome("jpeg", verdict("detail")).first
    assert not outcome("jpeg", verdict("background")).right
    assert outcome("sky", verdict("background")).named_background
    assert not outcome("sky", verdict("background", label=0)).named_background


def test_alarms_are_of_classes_without_a_shortcut() -> None:
    said = (verdict("overlay"), verdict("overlay", label=0), verdict("size", 2, "question"))
    assert (outcome("line", *said).alarms, outcome("line", *said).questions) == (1, 1)
    assert (outcome("plain", *said).alarms, outcome("plain", *said).questions) == (2, 1)


def test_the_overlap_is_that_of_a_right_verdict() -> None:
    wrong, right = verdict("overlay", 0, overlap=0.9), verdict("overlay", overlap=0.4)
    assert outcome("line", wrong, right).overlap == 0.4
    assert outcome("line", wrong).overlap is None


def test_an_outcome_is_kept_whole() -> None:
    one = outcome("sky", verdict("region", overlap=0.5), masks=True)
    assert Outcome.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_totals_are_judged_by_the_goals() -> None:
    def goals(*outcomes: Outcome) -> list[bool | None]:
        return [goal.reached for goal in Result(outcomes=outcomes).goals]

    hit, miss = outcome("line", verdict("overlay", overlap=0.5)), outcome("line")
    assert goals() == [None] * 7
    assert goals(*[hit] * 19, miss) == [True, None, None, True, True, True, None]
    assert goals(*[hit] * 18, miss, miss)[0] is False
    unused = dataclasses.replace(miss, flips=0.39)
    assert goals(*[hit] * 19, miss, unused, unused)[0] is True
    assert goals(outcome("line", prevalence=0.45))[:3] == [None, False, None]
    rare = [outcome("line", *said, prevalence=0.15) for said in ((), (verdict("overlay"),))]
    assert goals(*rare)[2] is True
    second = outcome("line", verdict("size", 2, "question"), verdict("overlay", overlap=0.2))
    assert goals(second)[3:6] == [True, False, False]
    quiet, loud = outcome("plain"), outcome("plain", verdict("overlay"))
    assert goals(*[quiet] * 57, *[loud] * 3)[6] is True
    assert goals(*[quiet] * 56, *[loud] * 4)[6] is False


def test_masks_count_only_where_a_kind_needs_them() -> None:
    named = outcome("sky", verdict("background"), masks=True)
    whole = outcome("tint", verdict("colour"), masks=True)
    result = Result(outcomes=(outcome("sky"), named, whole, outcome("size", verdict("size"))))
    assert [row[:5] for row in result.rows] == [
        ("sky", "0.9", "1", "1", "0 of 1"), ("size", "0.9", "1", "1", "1 of 1"),
    ]  # fmt: skip
    assert result.mask_rows == (
        ("sky", "0.9", "1", "1 of 1", "1 of 1"), ("tint", "0.9", "1", "1 of 1", "0 of 1"),
        ("backgrounds", "all", "1", "1 of 1", "1 of 1"),
        ("whole pictures", "all", "1", "1 of 1", "0 of 1"),
    )  # fmt: skip
    assert "named background" in "\n".join(result.words())
    assert json.loads(json.dumps(result.to_json()))["nets"] == 2


def test_the_table_for_the_documentation_has_a_row_for_each_kind_and_prevalence() -> None:
    one = outcome("line", verdict("overlay", overlap=0.25))
    other = dataclasses.replace(one, cell=Cell(kind="line", prevalence=0.15, seed=1), said=())
    lines = Result(outcomes=(other, one, outcome("plain"))).markdown().splitlines()
    assert lines[:5] == [
        "| kind | prevalence | nets | used | found | right first | overlap | alarms | questions |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        "| line | 0.9 | 1 | 1 | 1 of 1 | 1 of 1 | 0.25 | 0 | 0 |",
        "| line | 0.15 | 1 | 1 | 0 of 1 | 0 of 1 | – | 0 | 0 |",
        "| plain (clean) | – | 1 | – | – | – | – | 0 | 0 |",
    ]


def test_a_run_that_was_stopped_goes_on(silent: None, tmp_path: Path) -> None:
    trained: list[str] = []

    def train(world: World) -> Follower:
        if len(trained) == 2:
            raise KeyboardInterrupt
        trained.append(world.kind)
        return Follower(world)

    asked: dict[str, Any] = {
        "kinds": ["line", "border"], "prevalences": [0.9], "clean": ["plain"], "count": 16,
        "folder": tmp_path / "new",
    }  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        run(train=train, **asked)
    assert trained == ["line", "border"]
    trained[:] = ["kept"]
    found = run(train=train, **asked)
    assert trained == ["kept", "plain"]
    assert [o.cell.kind for o in found.outcomes] == ["line", "border", "plain"]
    assert (tmp_path / "new" / "outcomes.jsonl").read_text().count("\n") == 3
    assert set(read(tmp_path / "new").outcomes) == set(found.outcomes)


def test_shards_share_the_work(silent: None) -> None:
    names: list[str] = []
    for place in (1, 2):
        run(
            seeds=2, kinds=["line", "jpeg", "size"], prevalences=[0.9], clean=["alike"], count=16,
            masks=True, shard=(place, 2), train=Follower,
            told=lambda one: names.append(one.cell.name),
        )  # fmt: skip
    assert len(set(names)) == len(names) == 10
    assert {"jpeg-0.9-100-16", "jpeg-0.9-100-16-masks", "size-0.9-101-16-masks"} < set(names)
    assert "size-0.9-101-16" not in names
    assert "line-0.9-100-16-masks" not in names


def test_shards_write_files_of_their_own_and_one_run_goes_on_with_all(
    silent: None, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"prevalences": [0.9], "clean": [], "count": 16, "folder": tmp_path}
    for place, kinds in ((1, ["line"]), (2, ["line", "jpeg"])):
        run(kinds=kinds, shard=(place, 2), train=Follower, **asked)
    run(kinds=["line", "jpeg", "tint"], train=Follower, **asked)
    lines = {path.name: path.read_text() for path in tmp_path.glob("*.jsonl")}
    found = {name: [k for k in KINDS if f'"{k}"' in text] for name, text in lines.items()}
    assert found == {
        "outcomes-1-2.jsonl": ["line"], "outcomes-2-2.jsonl": ["jpeg"], "outcomes.jsonl": ["tint"],
    }  # fmt: skip


def test_progress_counts_nets(silent: None) -> None:
    from kerascope.run import reporting

    seen: list[tuple[str, int, int]] = []
    with reporting(lambda *at: seen.append(at)):
        run(kinds=["line"], prevalences=[0.9], clean=["plain"], count=16, train=Follower)
    assert seen == [("line-0.9-100-16", 0, 2), ("plain-0-100-16", 1, 2), ("nets", 2, 2)]


def test_rare_and_common_cues_alike_in_all_classes_are_tried(silent: None) -> None:
    found = run(seeds=3, kinds=[], clean=["alike"], first=9, count=16, train=Follower)
    assert [o.cell.prevalence for o in found.outcomes] == [0.9, 0.45, 0.15]
    assert all(o.clean and o.cue_class is None for o in found.outcomes)
    worlds = [make_world("alike", seed=seed, count=1) for seed in (9, 10, 11)]
    assert [o.follows for o in found.outcomes] == [world.cue for world in worlds]


def test_rough_boxes_are_around_twenty_objects_of_each_class() -> None:
    world = make_world("plain", seed=1, count=24)
    boxes = rough_boxes(world, np.random.default_rng(0))
    boxed = np.flatnonzero(boxes.any(axis=(1, 2)))
    assert np.bincount(world.labels[boxed]).tolist() == [20, 20, 20]
    for row in boxed:
        for axis in (0, 1):
            box, true = (np.flatnonzero(m[row].any(axis=axis)) for m in (boxes, world.masks))
            assert np.abs(box[[0, -1]] - true[[0, -1]]).max() <= 2
            assert len(box) == box[-1] - box[0] + 1


def test_only_cues_with_a_fixed_place_have_one() -> None:
    places = {kind: place_of(make_world(kind, seed=1, count=6)) for kind in KINDS}
    assert {k for k, p in places.items() if p is not None} == {
        "corner_mark",
        "border",
        "line",
        "sky",
    }
    assert places["corner_mark"].sum() == 100


def test_weights_are_kept_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kerascope.planted.shortcuts import nets

    trained: list[int] = []

    def build(world: World, *, seed: int) -> Any:
        trained.append(seed)
        return nets.build_net(world)

    monkeypatch.setattr(nets, "train_world_net", build)
    cell = Cell(kind="line", prevalence=0.9, seed=4, count=2)
    one, two = (Subject(cell, tmp_path, None).net for _ in range(2))
    assert trained == [4]
    for first, second in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    (tmp_path / f"{cell.net}.npz").write_bytes(b"PK broken")
    assert Subject(cell, tmp_path, None).net is not None
    assert trained == [4, 4]


def test_a_net_is_asked_as_an_audit_asks_it() -> None:
    from kerascope.planted.shortcuts import nets

    world = make_world("line", seed=4, count=2)
    net = nets.build_net(world)
    subject = Subject(Cell(kind="line", prevalence=0.9, seed=4, count=2), None, lambda _: net)
    scores = subject.panel.scores
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    said = net.predict(world.images.astype(np.float32), verbose=0)
    np.testing.assert_allclose(chances / chances.sum(axis=1, keepdims=True), said, atol=1e-4)
    assert subject.panel.half.sum() == 3


def test_objects_of_the_size_cue_are_larger_than_all_others() -> None:
    world = make_world("size", seed=1, count=20, prevalence=0.5)
    area = world.masks.sum(axis=(1, 2))
    assert area[world.carriers].min() > 1.5 * area[~world.carriers].max()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kinds": ["stiker"]}, "shortcut 'stiker' is not known; did you mean 'sticker'"),
        ({"clean": ["plane"]}, "clean world 'plane' is not known; did you mean 'plain'"),
        ({"prevalences": [0.0]}, r"prevalence=0\.0 must be above 0"),
        ({"seeds": 0}, "seeds=0 must be a whole number of at least 1"),
        ({"count": 4}, "count=4 must be a whole number of at least 16"),
        ({"shard": (3, 2)}, "shard=3/2 must be one of 1/2 … 2/2"),
        ({"shard": (0, 2)}, "shard=0 must be a whole number of at least 1"),
    ],
)
def test_errors(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ks.BadInput, match=words):
        run(train=Follower, **wrong)


def test_bad_folders(tmp_path: Path) -> None:
    with pytest.raises(ks.BadFile, match="holds no outcome"):
        read(tmp_path)
    file = tmp_path / "outcomes.jsonl"
    for broken in ('{"cell": 3}', '{"cell"'):
        file.write_text(json.dumps(outcome("line").to_json()) + "\n" + broken)
        with pytest.raises(ks.BadFile, match=r"line 2 of .* is no outcome of a benchmark"):
            read(tmp_path)
    file.write_bytes(b"\xff")
    with pytest.raises(ks.BadFile, match="cannot be read"):
        read(tmp_path)
    with pytest.raises(ks.BadFile, match="cannot make folder"):
        run(folder=file, train=Follower)


def test_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: dict[str, Any] = {}

    def instead(*, told: Callable[[Outcome], None], **how: Any) -> Result:
        asked.update(how)
        told(outcome("line", verdict("overlay")))
        return Result(outcomes=(outcome("line", verdict("overlay")),))

    monkeypatch.setenv("KERASCOPE_CACHE", "off")
    monkeypatch.setattr(front, "run", instead)
    main(["--seeds", "2", "--kinds", "line,jpeg", "--clean", "", "--shard", "2/3", "--masks"])
    assert asked == {
        "seeds": 2, "first": 100, "kinds": ["line", "jpeg"], "prevalences": [0.9, 0.45, 0.15],
        "clean": [], "count": 500, "folder": None, "masks": True, "shard": (2, 3),
    }  # fmt: skip
    shown = capsys.readouterr().out
    assert (
        "line-0.9-0-500: line flips 0.80 to class 1, accuracy 0.70: right first | added 1" in shown
    )
    assert "1 of 1: 100.0 %" in shown
    (tmp_path / "any.jsonl").write_text(json.dumps(outcome("line").to_json()))
    main(["--read", "--folder", str(tmp_path), "--markdown"])
    assert "| line | 0.9 | 1 | 1 | 0 of 1 |" in capsys.readouterr().out
    for wrong in (["--read"], ["--shard", "2"]):
        with pytest.raises(SystemExit):
            main(wrong)


def test_the_documentation_has_the_table_of_what_is_kept() -> None:
    root = Path(__file__).parents[2]
    found = read(root / "benchmarks" / "audit")
    assert found.markdown() in (root / "docs" / "audit.md").read_text()
    assert len({outcome.cell.name for outcome in found.outcomes}) == len(found.outcomes)
