"""The demo: two nets, two reasons, one report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from once import only_on


@only_on("tensorflow")
def test_demo_tells_the_nets_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from kerascope.cli.demo import demo

    demo(output=tmp_path, scenes=40, as_json=True)
    told = json.loads(capsys.readouterr().out)
    sky, vehicle = told["findings"]
    assert "the top third" in told["audit"]["sky_net"]  # where the sky is
    assert "the bottom third" in told["audit"]["object_net"]  # where vehicles stand
    assert sky["share_inside_object"] <= 0.2
    assert vehicle["share_inside_object"] >= 0.6
    assert sky["interval_95"][1] < vehicle["interval_95"][0]
    assert sky["share_in_sky"] > 0.5 > 0.1 > vehicle["share_in_sky"]
    other = "integrated_gradients_interval_95"
    assert sky[other][1] < vehicle[other][0]
    page = (tmp_path / "report.html").read_text()
    assert "Right for the wrong reason" in page
    assert page.count('class="versus"') == 10  # every bundled picture, explained for both nets
    assert "truck, overcast" in page
    assert str(tmp_path) not in page
