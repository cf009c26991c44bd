"""A battery behind a gateway whose report carries no time: new every second as asked, or every other."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.model import Outcome
from bench.rooms import bundled_stations
from tests.verdicts.judged import judged


def without_times(folder: Path) -> str:
    """Write the station of the gateway's twin with a map that does not know when a report was taken."""
    station = bundled_stations()["twin-gateway"]
    text = station.read_text("utf-8")
    (folder / "lab.toml").write_text(text.replace("../maps/twin_gateway.toml", "map.toml"), "utf-8")
    known = (station.parent / "../maps/twin_gateway.toml").read_text("utf-8")
    before, _, after = known.partition("[quantities.report_time_s]")
    kept = before + "[quantities." + after.partition("[quantities.")[2]
    (folder / "map.toml").write_text(kept, "utf-8")
    return str(folder / "lab.toml")


@pytest.mark.parametrize(
    ("every_s", "outcome", "roots"), [(1.0, Outcome.PASS, set()), (2.0, Outcome.FAIL, {"record"})]
)
def test_a_report_that_is_new_too_seldom_fails_the_record(
    tmp_path: Path, every_s: float, outcome: Outcome, roots: set[str]
) -> None:
    seldom = f"twin.gateway.telemetry_interval_s={every_s}"
    found = judged("primary", tmp_path, seldom, station=without_times(tmp_path))
    assert found.outcome is outcome, found.verdict.reason
    assert found.roots == roots
