"""Copies of pictures against a comparison of every pair; hashes of real copies are near."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from audit.made import failed, made
from kerascope.audit import duplicates as copies
from kerascope.audit.duplicates import duplicates, near_pairs, ones
from kerascope.audit.measures import perceptual_hash
from kerascope.errors import BadInput
from once import once

pytestmark = once


def rows_of(hashes: Any, digests: Any = None, labels: Any = None) -> list[dict[str, Any]]:
    digests = [f"{i:064x}" for i in range(len(hashes))] if digests is None else digests
    labels = [0] * len(hashes) if labels is None else labels
    return [
        {
            "id": i, "target": "predicted", "phash": None if h is None else f"{h:016x}",
            "sha256": digests[i], "label_index": None if labels[i] < 0 else labels[i],
        }
        for i, h in enumerate(hashes)
    ]  # fmt: skip


def planted(count: int, seed: int) -> np.ndarray:
    """Return hashes of which a third are others with up to 6 bits turned."""
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, count, dtype=np.uint64)
    for i in range(count // 3):
        turned = rng.choice(64, rng.integers(0, 7), replace=False)
        hashes[-1 - i] = hashes[i] ^ np.uint64(sum(1 << int(b) for b in turned))
    return hashes


def by_brute_force(hashes: np.ndarray, bits: int) -> set[frozenset[int]]:
    """Return groups by comparing all pairs and joining one by one."""
    group = list(range(len(hashes)))
    for i in range(len(hashes)):
        for j in range(i):
            if (int(hashes[i]) ^ int(hashes[j])).bit_count() <= bits:
                old, new = group[i], group[j]
                group = [new if g == old else g for g in group]
    found = {frozenset(k for k, g in enumerate(group) if g == one) for one in set(group)}
    return {one for one in found if len(one) > 1}


class TestAgainstAllPairs:
    @pytest.mark.parametrize("bits", [0, 1, 4, 6, 10])
    def test_groups(self, tmp_path: Path, bits: int) -> None:
        hashes = planted(120, bits)
        found = duplicates(made(tmp_path, rows_of(hashes), part=50), most_bits=bits)
        assert {frozenset(g.ids) for g in found.groups} == by_brute_force(hashes, bits)
        for group in found.groups:
            far = [(int(hashes[i]) ^ int(hashes[group.ids[0]])).bit_count() for i in group.ids]
            assert group.bits == max(far)
            assert not group.exact

    def test_many_in_one_bucket(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(copies, "_AT_ONCE", 64)
        values = np.unique(np.random.default_rng(0).integers(0, 2**9, 200, dtype=np.uint64))
        found = {tuple(sorted(pair)) for some in near_pairs(values, 3) for pair in some.tolist()}
        wanted = {
            (i, j) for j in range(len(values)) for i in range(j)
            if (int(values[i]) ^ int(values[j])).bit_count() <= 3
        }  # fmt: skip
        assert found == wanted

    def test_bits(self) -> None:
        values = np.random.default_rng(0).integers(0, 2**64, 500, dtype=np.uint64)
        values[:2] = 0, 2**64 - 1
        assert ones(values).tolist() == [int(v).bit_count() for v in values]

    def test_few_of_all_pairs_are_compared(self, monkeypatch: pytest.MonkeyPatch) -> None:
        compared = []
        monkeypatch.setattr(copies, "ones", lambda v: (compared.append(v.size), ones(v))[1])
        values = np.unique(planted(20_000, 0))
        found = sum(len(some) for some in near_pairs(values, 4))
        assert found >= 3_000
        assert sum(compared) < len(values) ** 2 / 400
        assert max(compared) <= 2**20


class TestKinds:
    def test_exact_and_near_and_conflicts(self, tmp_path: Path) -> None:
        base = 0xF0F0F0F0F0F0F0F0
        other = 0x123456789ABCDEF0
        hashes = [base, base, base ^ 1, other, other, None, None, 0x1111111122222222]
        digests = ["aa" * 32, "aa" * 32, "bb" * 32, "cc" * 32, "cc" * 32, "dd" * 32, "dd" * 32,
                   "ee" * 32]  # fmt: skip
        rows = [*rows_of(hashes, digests, [0, 0, 0, 0, 1, -1, 1, 0]), failed(8), failed(9)]
        found = duplicates(made(tmp_path, rows, classes=("cat", "dog")))
        assert [g.ids for g in found.groups] == [(3, 4), (0, 1, 2), (5, 6)]
        assert [g.exact for g in found.groups] == [True, False, True]
        assert [g.conflict for g in found.groups] == [True, False, False]
        assert (found.extra, found.samples, len(found.conflicts)) == (4, 8, 1)
        assert "4 of 8 pictures are copies of others, in 3 groups (2 of the same" in found.words
        plain = json.loads(json.dumps(found.to_json()))
        assert plain["groups"][0]["classes"] == ["cat", "dog"]
        assert plain["groups"][2]["classes"] == [None, "dog"]

    def test_flat_pictures_are_not_alike(self, tmp_path: Path) -> None:
        found = duplicates(made(tmp_path, rows_of([0, 0, 1, 3])))
        assert found.groups == ()
        assert "4 pictures are nearly flat" in found.notes[0]
        assert found.words == "no picture of 4 is there twice"

    def test_samples_that_are_no_pictures(self, tmp_path: Path) -> None:
        found = duplicates(made(tmp_path, rows_of([None, None], ["ab" * 32] * 2)))
        assert found.groups[0].exact
        assert "no pictures" in found.notes[0]

    def test_nothing_but_errors(self, tmp_path: Path) -> None:
        assert duplicates(made(tmp_path, [failed(0)])).groups == ()

    def test_wrong_number_of_bits(self, tmp_path: Path) -> None:
        found = made(tmp_path, rows_of([1]))
        for bad in (-1, 11, 1.5):
            with pytest.raises(BadInput, match="most_bits"):
                duplicates(found, most_bits=bad)  # type: ignore[arg-type]


def test_real_copies_are_near_and_others_far(tmp_path: Path) -> None:
    """Saved anew as JPEG, scaled, or brighter: a copy; another picture: none."""
    hashes, wanted = [], []
    for seed in range(12):
        coarse = np.random.default_rng(seed).integers(0, 256, (14, 16, 3), dtype=np.uint8)
        whole = Image.fromarray(coarse).resize((80, 64), Image.Resampling.BICUBIC)
        pixels = np.asarray(whole)
        buffer = io.BytesIO()
        whole.save(buffer, "JPEG", quality=50)
        forms = (
            pixels, np.asarray(Image.open(buffer)),
            np.asarray(whole.resize((120, 96))), np.clip(pixels * 0.9 + 8, 0, 255),
        )  # fmt: skip
        start = len(hashes)
        hashes += [int(perceptual_hash(np.float32(form)), 16) for form in forms]
        wanted.append(tuple(range(start, start + len(forms))))
    found = duplicates(made(tmp_path, rows_of(hashes)))
    assert sorted(group.ids for group in found.groups) == wanted
