"""``commission``: a fault for each thing it is there to find, and stations that must be proved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.commission import Check, Commissioned, commission, tripped_by
from bench.config.load import load_station
from bench.errors import UsageError
from bench.measure.commissioning import _consensus
from bench.model import Outcome
from bench.rescore import verify

SHORT = ("profile.hold_s=6",)


def prove(folder: Path, *sets: str, link: str = "direct", power_w: float = 100.0) -> Commissioned:
    overrides = [f'twin.link="{link}"', *SHORT, *sets]
    return commission("twin", power_w=power_w, overrides=overrides, out=folder)


def wrong(done: Commissioned) -> dict[str, Check]:
    return {check.check: check for check in done.checks if check.outcome != "PASS"}


@pytest.mark.parametrize("link", ["direct", pytest.param("tcp", marks=pytest.mark.wire)])
def test_a_sound_station_is_proved_and_left_safe(tmp_path: Path, link: str) -> None:
    done = prove(tmp_path, link=link)
    assert done.outcome is Outcome.PASS
    assert {check.check for check in done.checks} == {
        *("battery", "device_point", "receiving_point", "elements", "report"),
        *("frequency", "frequency_offset", "voltage"),
    }
    assert not any(check.do for check in done.checks)
    assert done.folder is not None
    info = json.loads((done.folder / "run.json").read_text(encoding="utf-8"))
    assert info["safe_state"]["state"] == "verified"
    assert {one["settings_restored"] for one in info["instruments"]} <= {True, None}
    assert verify(done.folder) == []


@pytest.mark.parametrize(
    ("setting", "check", "outcome", "says"),
    [
        ("instruments.meter.device_point_sign=-1", "device_point", "INVALID", "device_point_sign = 1"),
        ('twin.meter.faults=["wrong_sign"]', "device_point", "INVALID", "device_point_sign = -1"),
        ('twin.meter.faults=["swapped"]', "elements", "INVALID", "swapped"),
        ("twin.house.bypass=true", "receiving_point", "INVALID", "bypass"),
        ("twin.meter.gain_ratio=0.001", "device_point", "INVALID", "1000 times too small"),
        ("twin.meter.gain_ratio=2.0", "device_point", "INVALID", "CT ratio"),
        ('twin.battery.faults=["reports_wrong_sign"]', "report", "FAIL", "other sign"),
        ('twin.battery.faults=["not_applied"]', "battery", "FAIL", "did not follow"),
        ("twin.battery.gain_ratio=-1.0", "battery", "FAIL", "wrong way"),
        ('twin.source.faults=["stuck"]', "frequency", "INVALID", "frequency"),
        ('twin.source.faults=["low_voltage"]', "voltage", "INVALID", "VT ratio"),
        ("twin.house.load_kw=0.0", "elements", "INCONCLUSIVE", "kettle"),
    ],
)
def test_each_fault_is_named_with_what_to_do(
    tmp_path: Path, setting: str, check: str, outcome: str, says: str
) -> None:
    done = prove(tmp_path, setting)
    found = wrong(done)
    assert check in found
    assert found[check].outcome == outcome == done.outcome.value
    assert says in found[check].do
    assert found[check].do_ja
    along = {"receiving_point", "elements"} if "meter." in setting else set()
    assert set(found) <= {check} | along


def test_what_a_station_has_not_is_not_asked_for(tmp_path: Path) -> None:
    text = Path(load_station("twin").path).read_text(encoding="utf-8")
    path = tmp_path / "one.toml"
    path.write_text(text.replace("receiving_point = 2", "# receiving_point = 2"), encoding="utf-8")
    done = commission(str(path), overrides=['twin.link="direct"', *SHORT], out=tmp_path / "out")
    assert done.outcome is Outcome.PASS
    assert not {"receiving_point", "elements"} & {check.check for check in done.checks}


def test_a_reading_a_thousand_times_too_large_trips_and_is_named(tmp_path: Path) -> None:
    done = prove(tmp_path, "twin.meter.gain_ratio=10.0", "limits.power_kw=[-0.5, 0.5]")
    assert done.outcome is Outcome.ABORTED
    assert [check.check for check in done.checks] == ["power"]
    line = {"kind": "tripped", "reading": {"channel": "meter.power_kw", "value": 98.0, "low": -7, "high": 7}}
    (tmp_path / "events.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    (units,) = tripped_by(tmp_path, 0.1, load_station("twin"))
    assert "factor of 1000" in units.do


@pytest.mark.parametrize("power_w", [0.0, -100.0, float("nan"), 1e9])
def test_a_step_that_cannot_be_is_refused(tmp_path: Path, power_w: float) -> None:
    with pytest.raises(UsageError):
        prove(tmp_path, power_w=power_w)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"command": 1.0, "device": -1.0, "receiving": -1.0, "report": 1.0}, 1.0),
        ({"command": 1.0, "device": -1.0, "receiving": -1.0, "report": -1.0}, -1.0),
        ({"command": 1.0, "device": 0.0, "receiving": 0.0, "report": 0.0}, 0.0),
        ({"command": 1.0, "device": -1.0, "receiving": -1.0}, 1.0),
        ({"command": 1.0, "device": 1000.0, "receiving": 1000.0, "report": 1.0}, 1.0),
        ({"command": 1.0, "device": 0.001, "receiving": 0.001, "report": 0.001}, 0.001),
    ],
)
def test_most_witnesses_are_believed(said: dict[str, float], what: float) -> None:
    assert _consensus(said) == pytest.approx(what)
