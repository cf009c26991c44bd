"""The executor on the embedded twin, over the direct link."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bench.config.load import load_station, parse_overrides
from bench.errors import InstrumentError
from bench.execute import ExecutionResult, channel_units, execute
from bench.record.recorder import Recorder
from bench.station import open_station
from bench.timeline import Act, SetPoint, Timeline

PLAN = Timeline(
    profile="p",
    set_points=(
        SetPoint(0.0, "battery", "power_set_kw", 0.0, "baseline"),
        SetPoint(5.0, "battery", "power_set_kw", 3.0, "response"),
    ),
    acts=(Act(0.0, "battery", "start", "baseline"),),
    phases=(),
    end_s=20.0,
    sample_s=0.1,
    slow_sample_s=1.0,
)


def play(folder: Path, *sets: str) -> tuple[ExecutionResult, dict[str, Any], list[dict[str, Any]]]:
    """Return the result, what source and battery say afterwards, and the events."""
    folder.mkdir(exist_ok=True)
    loaded = load_station("twin", parse_overrides(['twin.link="direct"', *sets]).station)
    with open_station(loaded) as station:
        result = execute(PLAN, station, Recorder(folder, channel_units(station), {}, station.clock))
        after = {"output": station.drivers["source"].read(["output"])["output"].value, "mode": None}
        with suppress(InstrumentError):  # a battery that is still busy does not tell
            after["mode"] = station.drivers["battery"].read(["mode"])["mode"].value
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    return result, after, events


def test_the_same_seed_gives_the_same_samples(tmp_path: Path) -> None:
    for name in "ab":
        result, after, _ = play(tmp_path / name)
        assert (result.execution, result.safe_state.state) == ("done", "verified")
        assert result.settings_restored == {"battery": True, "site": True}
        assert after == {"output": 0.0, "mode": "auto"}
    one, other = ((tmp_path / name / "samples.parquet").read_bytes() for name in "ab")
    assert one == other
    play(tmp_path / "c", "twin.seed=2")
    assert (tmp_path / "c" / "samples.parquet").read_bytes() != one


def test_a_battery_that_gives_too_much_trips_the_limit(tmp_path: Path) -> None:
    result, after, events = play(tmp_path, "twin.battery.gain_ratio=2.6", "twin.battery.rated_kw=9.0")
    assert result.execution == "aborted"
    assert result.reason.startswith("meter.power_kw = ")
    assert "outside [-7, 7]" in result.reason
    assert 5.0 < result.reached_s < 8.0
    assert after["output"] == 0.0
    assert [event["reason"] for event in events if event["kind"] == "tripped"] == [result.reason]


@pytest.mark.parametrize("fault", ["refuses", "busy"])
def test_a_battery_that_refuses_is_an_error_and_the_output_is_off(tmp_path: Path, fault: str) -> None:
    result, after, _ = play(tmp_path, f'twin.battery.faults=["{fault}@5-1000"]')
    assert result.execution == "error"
    assert "refused with exception" in result.reason
    assert after["output"] == 0.0


def test_no_data_for_a_while_is_a_gap_of_that_length(tmp_path: Path) -> None:
    result, _, events = play(tmp_path, 'twin.meter.faults=["nan@8-10"]')
    assert result.execution == "done"
    gaps = [event for event in events if event["kind"] == "gap" and event["channel"] == "meter.power_kw"]
    assert [round(gap["to_s"] - gap["from_s"], 3) for gap in gaps] == [pytest.approx(2.0, abs=0.11)]
    assert gaps[0]["from_s"] == pytest.approx(8.0, abs=0.11)
