"""``doctor`` looks at everything, hides nothing, changes nothing."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import pytest

from bench.clock import utc_now
from bench.config.load import load_station
from bench.doctor import DoctorRow, doctor
from bench.drivers.echonet import clock_of
from bench.rooms import room
from bench.template import station_template, unfilled
from tests.bench.still_driver import Clocked, Unscaled
from tests.bench.twin_station import HEAD, served, write_twin


def still(folder: Path, more: str = "", name: str = "Still", resource: str = "x") -> list[DoctorRow]:
    """Examine a station of one real-looking source."""
    text = (
        f'[instruments.source]\ndriver = "tests.bench.still_driver:{name}"\nresource = "{resource}"\n{more}'
    )
    path = folder / "still.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    return doctor(load_station(str(path)))


def row(rows: list[DoctorRow], role: str, check: str) -> DoctorRow:
    found = [each for each in rows if (each.role, each.check) == (role, check)]
    assert len(found) == 1, f"{len(found)} rows {role} {check}"
    return found[0]


@pytest.mark.parametrize("link", ["direct", pytest.param("tcp", marks=pytest.mark.wire)])
def test_a_good_station_has_no_fault_and_no_warning(tmp_path: Path, link: str) -> None:
    log = io.StringIO()
    rows = doctor(load_station(str(write_twin(tmp_path)), {"twin.link": link}), log=log)
    assert {each.status for each in rows} == {"ok"}
    for role in ("source", "meter", "battery"):
        assert row(rows, role, "reachable").text
        assert "simulated" in row(rows, role, "identity").text
    assert row(rows, "battery", "readings").text == "8 of 8 quantities have a value"
    assert "steps of 1 mHz" in row(rows, "source", "resolution").text
    assert "now 0" in row(rows, "source", "safe state").text
    quantities = [line for line in log.getvalue().splitlines() if '"source"' in line]
    assert len(quantities) == 3, "nothing was set: the log holds the initial values alone"


@pytest.mark.parametrize("name", ["twin-gateway", "twin-echonet"])
def test_a_bundled_station_has_no_fault(name: str) -> None:
    rows = doctor(load_station(name, {"twin.link": "direct"}))
    assert [each for each in rows if each.status == "fault"] == []


def test_what_cannot_be_read_is_named_before_a_run_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = row(still(tmp_path, name="Unscaled"), "source", "readings")
    assert (found.status, found.text) == ("fault", "701.W has a value, but its scale factor W_SF is missing")
    monkeypatch.setattr(Unscaled, "broken", False)
    found = row(still(tmp_path, name="Unscaled"), "source", "readings")
    assert (found.status, found.text) == ("warn", "1 of 2 quantities have a value; no data: power_kw")


def test_one_that_serves_a_single_client_is_found_out(tmp_path: Path) -> None:
    found = row(still(tmp_path, name="Alone", resource="TCP::192.0.2.1::502"), "source", "connections")
    assert found.status == "warn"
    assert found.text.startswith("serves no second connection (the peer closed the connection)")
    rows = still(tmp_path, "max_connections = 1\n", name="Alone", resource="TCP::192.0.2.1::502")
    assert row(rows, "source", "connections").text.startswith("takes one connection only")


@pytest.mark.wire
def test_a_dead_instrument_hides_none_of_the_others(tmp_path: Path) -> None:
    with served(tmp_path) as resources:
        wired = {**resources, "source": resources["meter"], "battery": "TCP::127.0.0.1::1"}
        rows = doctor(load_station(str(write_twin(tmp_path, wired, twin=False))))
    assert row(rows, "source", "identity").status == "fault"
    assert row(rows, "battery", "reachable").status == "fault"
    assert row(rows, "meter", "identity").status == "ok"


@pytest.mark.parametrize(
    ("days", "status", "text"),
    [(-1, "fault", "expired 1 days ago"), (10, "warn", "10 days left"), (400, "ok", "due")],
)
def test_a_calibration_has_a_day(tmp_path: Path, days: int, status: str, text: str) -> None:
    due = (utc_now().date() + dt.timedelta(days=days)).isoformat()
    rows = still(tmp_path, f'[instruments.source.calibration]\ncertificate = "C-1"\ndue = {due}\n')
    found = row(rows, "source", "calibration")
    assert found.status == status
    assert text in found.text


def test_what_a_real_station_lacks_is_warned_of(tmp_path: Path) -> None:
    rows = still(tmp_path)
    warned = {each.check for each in rows if each.status == "warn" and each.role == "source"}
    assert warned == {"calibration", "resolution", "sink", "connections", "limits"}
    assert row(rows, "source", "sink").text.startswith("takes back 4 kW: a discharge at the rating of 5.5 kW")
    assert "one connection only" in row(rows, "source", "connections").text
    assert row(rows, "meter", "present").status == "warn"


def test_a_safe_state_that_cannot_be_proved_is_told(tmp_path: Path) -> None:
    rows = still(tmp_path, "[instruments.source.safe]\nblind_kw = 0.0\n")
    assert row(rows, "source", "safe state").status == "warn"
    assert "cannot be proved" in row(rows, "source", "safe state").text
    refused = still(tmp_path, "[instruments.source.safe]\npower_kw = 0.0\n")
    assert any(each.status == "fault" and "cannot set it" in each.text for each in refused)


def test_a_source_left_out_of_the_safe_order_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "order.toml"
    text = HEAD.replace("timeout_s = 1.0", 'timeout_s = 1.0\nsafe_order = ["battery"]')
    path.write_text(
        text + '[instruments.source]\ndriver = "tests.bench.still_driver:Still"\nresource = "x"\n',
        encoding="utf-8",
    )
    assert row(doctor(load_station(str(path))), "source", "safe order").status == "fault"


def test_the_template_loads_and_says_what_is_still_to_be_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(station_template(), encoding="utf-8")
    loaded = load_station(str(path))
    assert set(loaded.station.instruments) == {"source", "meter", "battery"}
    assert len(unfilled(loaded.text)) == 4
    assert all("FILL IN" in loaded.text.splitlines()[line - 1] for line in unfilled(loaded.text))
    assert unfilled(loaded.text.replace("FILL IN", "Acme")) == []
    assert (room("fixtures") / "station_template.toml").is_file()


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_every_line_that_the_template_offers_loads_when_its_mark_is_taken_away(
    lang: str, tmp_path: Path
) -> None:
    lines = []
    for line in station_template(lang).splitlines():
        offered = line.startswith("# ") and ("=" in line or line.startswith("# ["))
        lines.append(line.removeprefix("# ") if offered else line)
    path = tmp_path / "all.toml"
    path.write_text("\n".join(lines).replace("FILL IN", "Acme"), encoding="utf-8")
    station = load_station(str(path)).station
    assert station.station.area == "tokyo"
    assert station.device.export_limit_kw == 9.9
    assert station.instruments["meter"].receiving_point == 2
    assert station.instruments["meter"].calibration is not None


@pytest.mark.parametrize(
    ("line", "check", "status", "says"),
    [
        ("sink_kw = 0.0", "sink", "fault", "cannot sink"),
        ("sink_kw = 2.0", "sink", "fault", "less than device.delta_kw 3"),
        ("sink_kw = 6.0", "sink", "ok", "takes back 6 kW"),
        ("frequency_resolution_hz = 0.05", "resolution", "fault", "too coarse for dead_band"),
        ("frequency_resolution_hz = 0.001", "resolution", "ok", "steps of 1 mHz"),
    ],
)
def test_a_source_that_cannot_do_it_is_named(
    tmp_path: Path, line: str, check: str, status: str, says: str
) -> None:
    path = write_twin(tmp_path)
    text = path.read_text(encoding="utf-8")
    text = text.replace("capacity_kwh = 15.0", "capacity_kwh = 15.0\ndelta_kw = 3.0")
    key = line.partition(" ")[0]
    lines = [line if each.startswith(key) else each for each in text.splitlines()]
    path.write_text("\n".join(lines), encoding="utf-8")
    found = row(doctor(load_station(str(path), {"twin.link": "direct"})), "source", check)
    assert found.status == status
    assert says in found.text


@pytest.mark.parametrize(
    ("ahead_s", "status", "says"),
    [(0, "ok", "shows"), (600, "fault", "ahead of"), (-7200, "fault", "behind")],
)
def test_a_clock_that_is_off_is_named(tmp_path: Path, ahead_s: float, status: str, says: str) -> None:
    text = HEAD + '[instruments.battery]\ndriver = "tests.bench.still_driver:Clocked"\nresource = "x"\n'
    path = tmp_path / "clock.toml"
    path.write_text(text, encoding="utf-8")
    Clocked.ahead_s = ahead_s
    found = row(doctor(load_station(str(path))), "battery", "clock")
    assert found.status == status
    assert says in found.text


def test_the_clock_of_an_echonet_device_is_two_properties() -> None:
    assert clock_of(bytes([23, 59]), bytes([0x07, 0xEA, 11, 21])) == dt.datetime(2026, 11, 21, 23, 59)  # noqa: DTZ001  (no zone)
    assert clock_of(bytes([24, 0]), bytes([0x07, 0xEA, 11, 21])) is None
    assert clock_of(None, bytes([0x07, 0xEA, 11, 21])) is None


@pytest.mark.wire
def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    with served(tmp_path) as resources:
        wired = {**resources, "meter": resources["source"], "battery": "TCP::127.0.0.1::1"}
        path = write_twin(tmp_path, wired, twin=False)
        text = path.read_text(encoding="utf-8").replace("sink_kw = 6.0", "sink_kw = 0.0\nmax_connections = 1")
        text = text.replace("frequency_resolution_hz = 0.001", "frequency_resolution_hz = 0.05")
        expired = '[instruments.source.calibration]\ncertificate = "C-1"\ndue = 2020-01-01\n'
        path.write_text(text + expired, encoding="utf-8")
        rows = doctor(load_station(str(path)))
    faults = {(each.role, each.check) for each in rows if each.status == "fault"}
    assert faults == {
        *(("meter", "identity"), ("battery", "reachable"), ("source", "calibration")),
        *(("source", "resolution"), ("source", "sink")),
    }
    assert row(rows, "source", "connections").status == "warn"
