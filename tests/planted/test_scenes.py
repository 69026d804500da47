"""Planted scenes: what decides is where the mask says, and nothing else says anything."""

from __future__ import annotations

import numpy as np
import pytest

import kerascope as ks
from kerascope.planted import CUES, make_planted
from once import once

pytestmark = once


@pytest.mark.parametrize("cue", CUES)
def test_a_scene_follows_from_its_seed_alone(cue: str) -> None:
    few, many = make_planted(cue, 3, seed=4), make_planted(cue, 6, seed=4)
    assert np.array_equal(few.images, many.images[:3])
    assert np.array_equal(few.labels, many.labels[:3])
    assert not np.array_equal(few.images, make_planted(cue, 3, seed=5).images)
    assert many.labels.sum() == 3


@pytest.mark.parametrize("cue", CUES)
def test_without_its_cue_a_scene_changes_there_alone(cue: str) -> None:
    whole = make_planted(cue, 8, seed=2)
    bare = make_planted(cue, 8, seed=2, without=True)
    changed = (whole.images != bare.images).any(axis=-1)
    assert not (changed & ~whole.evidence).any()
    assert (changed & whole.evidence).sum() > 0.8 * whole.evidence.sum()
    assert not bare.evidence.any()
    assert np.array_equal(whole.distractors, bare.distractors)


@pytest.mark.parametrize("cue", CUES)
def test_all_else_can_be_drawn_anew(cue: str) -> None:
    whole = make_planted(cue, 8, seed=2)
    other = make_planted(cue, 8, seed=2, other=True)
    assert np.array_equal(whole.evidence, other.evidence)
    assert np.array_equal(whole.labels, other.labels)
    outside = ~whole.evidence
    assert (whole.images[outside] != other.images[outside]).mean() > 0.9
    inside = np.abs(whole.images[~outside].astype(int) - other.images[~outside])
    assert inside.mean() < 12  # the grain alone


@pytest.mark.parametrize("cue", CUES)
def test_evidence_and_distractors_are_apart_and_there(cue: str) -> None:
    scenes = make_planted(cue, 40, seed=0)
    assert (scenes.evidence.sum(axis=(1, 2)) > 12).all()
    assert (scenes.distractors.sum(axis=(1, 2)) > 30).all()
    assert not (scenes.evidence & scenes.distractors).any()
    counts = [scenes.distractors[scenes.labels == label].sum(axis=(1, 2)) for label in (0, 1)]
    assert abs(counts[0].mean() - counts[1].mean()) < 30


def test_errors() -> None:
    with pytest.raises(ks.BadInput, match="cue 'smell' is not known"):
        make_planted("smell", 2, seed=0)
    with pytest.raises(ks.BadInput, match="count=0"):
        make_planted("shape", 0, seed=0)
