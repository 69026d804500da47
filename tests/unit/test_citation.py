"""CITATION.cff: the fields that readers of it need, and the version that is released."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

import kerascope
from once import once

pytestmark = once

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
CITED = yaml.safe_load((Path(__file__).parents[2] / "CITATION.cff").read_text(encoding="utf-8"))


def test_it_has_the_fields_that_the_format_asks_for() -> None:
    """Of https://citation-file-format.github.io, version 1.2.0."""
    assert CITED["cff-version"] == "1.2.0"
    assert CITED["message"]
    assert CITED["title"]
    assert all(set(one) & {"name", "family-names", "alias"} for one in CITED["authors"])
    assert CITED["license"] == "Apache-2.0"


def test_the_version_is_the_one_released() -> None:
    assert CITED["version"] == kerascope.__version__
    if "date-released" in CITED:
        assert isinstance(CITED["date-released"], dt.date)
