"""The ``[twin]`` table: defaults of the contract, every fault at once, with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.config.load import load_station
from bench.errors import UsageError
from bench.rooms import bundled_stations
from instruments.twins.config import read_twin
from instruments.twins.faults import CATALOGUE, FaultSet, known
from tests.instruments.twins.worlds import world


def test_the_defaults_are_those_of_the_contract() -> None:
    twin = read_twin({})
    battery, meter, source = twin.battery, twin.meter, twin.source
    assert (battery.rated_kw, battery.capacity_kwh, battery.soc_pct) == (5.5, 15.0, 90.0)
    assert (battery.soc_min_pct, battery.soc_max_pct, battery.efficiency_ratio) == (10.0, 100.0, 0.95)
    assert (battery.delay_s, battery.time_constant_s, battery.ramp_kw_per_s) == (0.5, 0.3, 5.0)
    assert (battery.droop_pct, battery.dead_band_hz, battery.hysteresis_hz) == (4.0, 0.005, 0.0)
    assert (battery.frequency_offset_hz, battery.measurement_interval_s) == (0.0, 0.05)
    assert (battery.command_delay_s, battery.gain_ratio, battery.faults) == (0.5, 1.0, ())
    assert (meter.noise_kw, meter.noise_hz, meter.update_s) == (0.002, 0.001, 0.1)
    assert (source.resolution_hz, source.offset_hz, twin.link) == (0.001, 0.0, "tcp")


def places(table: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(UsageError) as caught:
        read_twin(table)
    return {fault.place: fault.message for fault in caught.value.faults}


def test_every_fault_is_told_at_once() -> None:
    found = places(
        {
            "sed": 1,
            "battery": {"delay_s": -1, "gain": 2, "droop_pct": 0, "faults": ["nonsense"]},
            "meter": {"update_s": "fast"},
        }
    )
    assert set(found) == {
        "twin.sed",
        "twin.battery.delay_s",
        "twin.battery.gain",
        "twin.battery.droop_pct",
        "twin.battery.faults",
        "twin.meter.update_s",
    }
    assert found["twin.battery.gain"] == "unknown key"


def test_an_unknown_fault_names_those_known() -> None:
    message = places({"meter": {"faults": ["nann@1-2"]}})["twin.meter.faults"]
    assert "nann" in message
    for name in known("meter"):
        assert name in message


@pytest.mark.parametrize("spec", ["nan@20-10", "nan@5-5", "nan@x-y", "nan@5", "wrong_sign@1-2-3"])
def test_a_bad_stretch_is_refused(spec: str) -> None:
    assert "twin.meter.faults" in places({"meter": {"faults": [spec]}})


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("battery", "gain_ratio", float("nan")),
        ("battery", "delay_s", float("inf")),
        ("battery", "ramp_kw_per_s", float("nan")),
        ("source", "slew_hz_per_s", 0),
        ("house", "load_kw", -1),
        ("battery", "delay_s", "0.5"),
        ("battery", "gain_ratio", True),
        ("house", "bypass", "yes"),
    ],
)
def test_what_is_out_of_range_or_of_another_type_is_refused(part: str, key: str, value: object) -> None:
    assert f"twin.{part}.{key}" in "".join(places({part: {key: value}}))


def test_soc_limits_must_be_in_order() -> None:
    assert "below" in places({"battery": {"soc_min_pct": 80, "soc_max_pct": 20}})["twin.battery"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot read"),
        ("a,b\n1,2\n", "line 2"),
        ("t_s,pv_kw\n0,1\n0,2\n", "line 3"),
        ("t_s,pv_kw\n0,-1\n", "line 2"),
        ("t_s,pv_kw\n", "no rows"),
    ],
)
def test_a_bad_profile_of_the_sun_is_refused(tmp_path: Path, text: str | None, says: str) -> None:
    if text is not None:
        (tmp_path / "pv.csv").write_text(text)
    with pytest.raises(UsageError) as caught:
        world(folder=tmp_path, house={"pv_kw": "pv.csv"})
    assert caught.value.faults[0].place == "twin.house.pv_kw"
    assert says in str(caught.value)


def test_a_fault_acts_in_its_stretch_alone() -> None:
    faults = FaultSet("meter", ["nan@10-20", "frozen"])
    assert [faults.active("nan", t_s) for t_s in (9.9, 10.0, 19.9, 20.0)] == [False, True, True, False]
    assert faults.active("frozen", 1e6)
    assert not faults.active("inf", 15.0)
    assert sorted(faults.edges_s()) == [10.0, 20.0]


def test_the_catalogue_says_what_each_fault_does() -> None:
    assert len({name for _, name in CATALOGUE}) >= 45
    assert sum(bool(kind.caught_by) for kind in CATALOGUE.values()) >= 35
    parts = ("battery", "gateway", "meter", "source", "house")
    assert all(kind.doc and kind.part in parts for kind in CATALOGUE.values())
    assert len({(kind.part, kind.name) for kind in CATALOGUE.values()}) == len(CATALOGUE)


@pytest.mark.parametrize("name", ["twin", "twin-60hz"])
def test_the_bundled_stations_load(name: str) -> None:
    assert name in bundled_stations()
    station = load_station(name, {}).station
    assert station.station.name == name
    assert station.twin is not None
    twin = read_twin(station.twin)
    assert (twin.battery.rated_kw, twin.battery.capacity_kwh) == (
        station.device.rated_kw,
        station.device.capacity_kwh,
    )
    assert twin.battery.droop_pct == station.device.declared_droop_pct
    assert twin.battery.dead_band_hz == station.device.declared_dead_band_hz
    low, high = station.limits.frequency_hz
    assert low < station.station.nominal_hz < high
