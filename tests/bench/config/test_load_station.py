"""A station file that is wrong: every fault at once, each with its address."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from bench.config.load import load_station
from bench.errors import UsageError
from tests.bench.config.paper_station import DRIVER, write_station


def faults(path: Path | str, overrides: dict[str, object] | None = None) -> dict[str, str]:
    """Return the faults by place, the file's folder left out."""
    with pytest.raises(UsageError) as caught:
        load_station(str(path), overrides)
    assert caught.value.exit_code == 2
    places = [fault.place for fault in caught.value.faults]
    assert len(places) == len(set(places)), "one fault a place"
    return {fault.place.rpartition("/")[2]: fault.message for fault in caught.value.faults}


def test_a_right_station_keeps_its_text(tmp_path: Path) -> None:
    path = write_station(tmp_path)
    loaded = load_station(str(path))
    assert loaded.text.encode() == path.read_bytes()
    assert (loaded.name, loaded.path, loaded.folder, loaded.overrides) == ("paper", path, tmp_path, {})
    assert loaded.station.device.rated_kw == 5.5
    assert loaded.station.instruments["source"].options() == {"resolution_hz": 0.001}


def test_line_ends_and_byte_order_marks_of_other_machines_are_read_and_kept(tmp_path: Path) -> None:
    path = write_station(tmp_path)
    data = b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n")
    path.write_bytes(data)
    assert load_station(str(path)).text.encode() == data


def test_every_fault_at_once_each_with_its_place(tmp_path: Path) -> None:
    path = write_station(
        tmp_path,
        ("nominal_hz = 50.0", "nominal_hz = 55.0"),
        ("rated_kw = 5.5", 'rated_kw = "5.5"'),
        ('serial = "1"\n', ""),
        ("device_point = 1", "device_point = 0"),
        ("voltage_v = [180.0, 225.0]", "voltage_v = [225.0, 180.0]"),
        ("sink_kw = 6.0", "sink_kw = true"),
        ("[instruments.battery]", "[instruments.batery]"),
    )
    found = faults(path)
    assert found["lab.toml: station.nominal_hz"] == "must be 50 or 60, found 55.0"
    assert found["lab.toml: device.rated_kw"] == "Input should be a valid number, found '5.5'"
    assert found["lab.toml: device.serial"] == "is needed and missing"
    assert "greater than or equal to 1, found 0" in found["lab.toml: instruments.meter.device_point"]
    assert found["lab.toml: limits.voltage_v"] == "the first number must be below the second"
    assert found["lab.toml: instruments.source.sink_kw"] == "Input should be a valid number, found True"
    assert "'battery'" in found["lab.toml: instruments.batery"]
    assert len(found) == 7


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("declared_drop_pct = 4.0", "device.declared_drop_pct", "did you mean 'declared_droop_pct'?"),
        ("[station.extra]\nx = 1", "station.extra", "unknown key"),
        ("[limit]\nx = 1", "limit", "did you mean 'limits'?"),
        ("[instruments.meter.calibration]\ncertificate = 'c'", "instruments.meter.calibration.due", "needed"),
        (
            "[instruments.meter.accuracy]\npower_readin_pct = 0.1",
            "instruments.meter.accuracy.power_readin_pct",
            "did you mean 'power_reading_pct'?",
        ),
        (
            "[instruments.meter.accuracy]\nfrequency_hz = -1.0",
            "instruments.meter.accuracy.frequency_hz",
            "must not be negative",
        ),
        ("[instruments.source.safe]\noutput = [1]", "instruments.source.safe.output", "valid"),
    ],
)
def test_one_fault_and_its_place(tmp_path: Path, text: str, place: str, hint: str) -> None:
    if text.startswith("declared"):
        path = write_station(tmp_path, ("declared_droop_pct = 4.0", text))
    else:
        path = write_station(tmp_path, add=text + "\n")
    found = faults(path)
    assert list(found) == [f"lab.toml: {place}"]
    assert hint in found[f"lab.toml: {place}"]


@pytest.mark.parametrize(
    ("old", "new", "place", "hint"),
    [
        ("[47.5, 51.5]", "[47.5, 49.5]", "limits.frequency_hz", "47.5 to 49.5 does not contain"),
        ("[180.0, 225.0]", "[90.0, 110.0]", "limits.voltage_v", "nominal_v 202"),
        ("[-7.0, 7.0]", "[1.0, 7.0]", "limits.power_kw", "at rest"),
        ("[-7.0, 7.0]", "[-7.0, nan]", "limits.power_kw[1]", "finite"),
        (
            f'"{DRIVER}"\nresource = "TCP::',
            '"no.such:Driver"\nresource = "TCP::',
            "instruments.battery.driver",
            "no",
        ),
        (
            f'"{DRIVER}"\nresource = "TCP::',
            '"bench.clock:Nope"\nresource = "TCP::',
            "instruments.battery.driver",
            "no",
        ),
        (
            f'"{DRIVER}"\nresource = "TCP::',
            '"nothing"\nresource = "TCP::',
            "instruments.battery.driver",
            "match",
        ),
        (
            f'"{DRIVER}"\nresource = "TCP::',
            '"tests.bench.config.paper_driver:NoDriver"\nresource = "TCP::',
            "instruments.battery.driver",
            "is not a driver: it has no identify",
        ),
        (
            "resolution_hz = 0.001",
            "resolutionhz = 0.001",
            "instruments.source.resolutionhz",
            "'resolution_hz'",
        ),
        ("resolution_hz = 0.001", 'range_v = "low"', "instruments.source.range_v", "integer"),
        ("unit_id = 1", 'map = "none.toml"', "instruments.battery.map", "no file 'none.toml'"),
        ('resource = "TCP::192.0.2.20::502"\n', "", "instruments.battery.resource", "no [twin]"),
    ],
)
def test_what_the_schema_cannot_see(tmp_path: Path, old: str, new: str, place: str, hint: str) -> None:
    found = faults(write_station(tmp_path, (old, new)))
    assert list(found) == [f"lab.toml: {place}"]
    assert hint in found[f"lab.toml: {place}"]


def test_faults_of_several_drivers_come_together(tmp_path: Path) -> None:
    path = write_station(
        tmp_path,
        ("resolution_hz = 0.001", "speed = 1"),
        ("unit_id = 1", "colour = 2"),
        ("[47.5, 51.5]", "[47.5, 49.5]"),
    )
    places = set(faults(path))
    assert places == {
        "lab.toml: instruments.source.speed",
        "lab.toml: instruments.battery.colour",
        "lab.toml: limits.frequency_hz",
    }


def test_a_syntax_error_carries_its_line(tmp_path: Path) -> None:
    path = tmp_path / "lab.toml"
    path.write_text('[station]\nname = "a"\nnominal_hz = \n', encoding="utf-8")
    assert list(faults(path)) == ["lab.toml: line 3"]
    path.write_text('[station]\nname = """a\n', encoding="utf-8")
    assert list(faults(path)) == ["lab.toml: line 3"]


def test_files_that_are_none(tmp_path: Path) -> None:
    assert faults(tmp_path / "none.toml") == {"none.toml": "no such file"}
    (tmp_path / "folder.toml").mkdir()
    assert faults(tmp_path / "folder.toml") == {"folder.toml": "is not a regular file"}
    (tmp_path / "b.toml").write_bytes(b"[station]\nname = \xff\xfe\n")
    assert faults(tmp_path / "b.toml") == {"b.toml: line 2": "is not UTF-8 text"}
    (tmp_path / "n.toml").write_bytes(b"\x00\x01\x02")
    assert list(faults(tmp_path / "n.toml")) == ["n.toml: line 1"]
    (tmp_path / "deep.toml").write_text("a = " + "[" * 100_000, encoding="utf-8")
    assert "too deeply" in next(iter(faults(tmp_path / "deep.toml").values()))
    (tmp_path / "long.toml").write_text("a = 1" + "0" * 10_000, encoding="utf-8")
    assert "not TOML" in next(iter(faults(tmp_path / "long.toml").values()))
    with (tmp_path / "big.toml").open("wb") as stream:
        stream.truncate(1_000_000_000)
    assert "larger than" in faults(tmp_path / "big.toml")["big.toml"]


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(UsageError, match="no station 'tvin'"):
        load_station("tvin")
    with pytest.raises(UsageError):
        load_station("a\0b")
    with pytest.raises(UsageError):
        load_station("x" * 5000)


def test_an_override_counts_as_if_it_were_written(tmp_path: Path) -> None:
    path = write_station(tmp_path)
    loaded = load_station(
        str(path),
        {
            "device.delta_kw": 3,
            "limits.power_kw": [-6.0, 6.0],
            "instruments.meter.calibration": {"certificate": "c", "due": dt.date(2030, 1, 1)},
            "instruments.meter.accuracy.power_reading_pct": 0.2,
            "instruments.source.resolution_hz": 0.01,
        },
    )
    assert loaded.station.device.delta_kw == 3.0
    assert loaded.station.limits.power_kw == (-6.0, 6.0)
    assert loaded.station.instruments["meter"].accuracy == {"power_reading_pct": 0.2}
    assert loaded.station.instruments["source"].options()["resolution_hz"] == 0.01
    assert loaded.overrides["device.delta_kw"] == 3
    assert "delta_kw" not in loaded.text


@pytest.mark.parametrize(
    ("key", "value", "place", "hint"),
    [
        ("device.ratedkw", 5.0, "device.ratedkw", "did you mean 'rated_kw'?"),
        ("devise.rated_kw", 5.0, "devise.rated_kw", "did you mean 'device'?"),
        ("device.rated_kw", "much", "device.rated_kw", "valid number"),
        ("device.rated_kw.x", 1, "device.rated_kw.x", "unknown key 'x'"),
        ("device.rated_kw", -1.0, "device.rated_kw", "greater than 0"),
        ("station.name", 5, "station.name", "valid string"),
        ("twin.battery.delay_s", 1.0, "twin.battery.delay_s", "no [twin] table"),
        ("instruments.gateway.unit_id", 1, "instruments.gateway.unit_id", "no [instruments.gateway]"),
        ("instruments.sauce.unit_id", 1, "instruments.sauce.unit_id", "did you mean 'source'?"),
        ("instruments.source.nonsense", 1, "instruments.source.nonsense", "unknown key"),
        ("instruments.source.driver", "x.y:Z", "instruments.source.driver", "cannot import"),
        ("limits.frequency_hz", [51.0, 52.0], "limits.frequency_hz", "does not contain"),
        ("station", 5, "station", "valid"),
        ("station.area", "hokaido", "station.area", "must be one of hokkaido, "),
        ("device.directions", ["up", "up"], "device.directions", "twice"),
        ("device.delta_kw", 5.6, "device.delta_kw", "above the rating, 5.5 kW"),
        ("device.rated_kw", 1e308, "device.rated_kw", "less than or equal"),
    ],
)
def test_a_wrong_override_is_laid_to_the_call(
    tmp_path: Path, key: str, value: object, place: str, hint: str
) -> None:
    found = faults(write_station(tmp_path), {key: value})
    assert list(found) == [f"--set {place}"]
    assert hint in found[f"--set {place}"]


def test_faults_of_file_and_override_come_together(tmp_path: Path) -> None:
    path = write_station(tmp_path, ("rated_kw = 5.5", "rated_kw = true"))
    assert set(faults(path, {"device.x": 1})) == {"--set device.x", "lab.toml: device.rated_kw"}
