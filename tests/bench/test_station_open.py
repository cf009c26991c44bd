"""Opening a station: all faults at once, nothing switched, nothing left open."""

from __future__ import annotations

import io
import json
import socket
from pathlib import Path

import pytest

from bench.clock import RealClock, VirtualClock
from bench.config.load import LoadedStation, load_station
from bench.errors import InstrumentError, UsageError, WrongInstrument
from bench.station import open_station
from tests.bench.still_driver import Still
from tests.bench.twin_station import HEAD, served, write_twin

STILL = 'driver = "tests.bench.still_driver:Still"'


def twin(folder: Path, **overrides: object) -> LoadedStation:
    keys = {key.replace("__", "."): value for key, value in overrides.items()}
    return load_station(str(write_twin(folder)), keys)


def replaced(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("link", ["direct", pytest.param("tcp", marks=pytest.mark.wire)])
def test_an_embedded_twin_is_opened_on_virtual_time_and_says_what_it_is(tmp_path: Path, link: str) -> None:
    with open_station(twin(tmp_path, twin__link=link)) as station:
        assert list(station.drivers) == ["source", "meter", "battery"]
        assert station.clock.kind == "virtual"
        assert station.simulated
        assert all(who.serial.startswith("SIM") for who in station.identities.values())
        scheme = "DIRECT::" if link == "direct" else "TCP"
        assert all(resource.startswith(scheme) for resource in station.resources.values())
        assert station.drivers["source"].read(["frequency_hz"])["frequency_hz"].value is not None
        assert station.clock.now_s() < 60.0, "opening takes the time of its exchanges and no more"


def test_opening_changes_nothing_on_the_instruments(tmp_path: Path) -> None:
    log = io.StringIO()
    with open_station(twin(tmp_path, twin__link="direct"), log=log):
        lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert lines, "the twin writes its initial values"
    assert {line["t_s"] for line in lines} == {0.0}
    names = [(line["instrument"], line["quantity"]) for line in lines]
    assert len(names) == len(set(names)), "no quantity was written a second time"
    assert {"instrument": "source", "quantity": "output", "value": 0, "t_s": 0.0} in lines


@pytest.mark.wire
def test_closing_frees_the_ports_and_may_be_repeated(tmp_path: Path) -> None:
    station = open_station(twin(tmp_path))
    port = int(station.resources["source"].split("::")[2])
    station.close()
    station.close()
    with pytest.raises(OSError, match=r"."):
        socket.create_connection(("127.0.0.1", port), timeout=1.0)


def test_a_twin_may_run_in_real_time(tmp_path: Path) -> None:
    with open_station(twin(tmp_path, twin__link="direct"), clock=RealClock()) as station:
        assert station.clock.kind == "real"


def test_virtual_time_never_meets_what_is_outside(tmp_path: Path) -> None:
    outside = {"meter": "TCPIP::192.0.2.11::INSTR", "battery": "TCP::192.0.2.20::502"}
    with pytest.raises(UsageError) as caught:
        open_station(load_station(str(write_twin(tmp_path, outside))))
    assert [fault.place.rpartition("/")[2] for fault in caught.value.faults] == [
        "twin.toml: instruments.meter.resource",
        "twin.toml: instruments.battery.resource",
    ]
    everything = {"source": "TCPIP::192.0.2.10::5025::SOCKET", **outside}
    real = load_station(str(write_twin(tmp_path, everything, twin=False)))
    with pytest.raises(UsageError, match="virtual time"):
        open_station(real, clock=VirtualClock())


@pytest.mark.wire
def test_ports_nobody_listens_on_are_all_named_at_once(tmp_path: Path) -> None:
    with served(tmp_path) as resources:
        dead = {
            **resources,
            "source": f"TCPIP::127.0.0.1::{free_port()}::SOCKET",
            "battery": f"TCP::127.0.0.1::{free_port()}",
        }
        with pytest.raises(InstrumentError) as caught:
            open_station(load_station(str(write_twin(tmp_path, dead, twin=False))))
    assert caught.value.exit_code == 3
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == ["source", "battery"]


@pytest.mark.wire
def test_the_wrong_instrument_at_an_address(tmp_path: Path) -> None:
    with served(tmp_path) as resources:
        swapped = {**resources, "source": resources["meter"], "meter": resources["source"]}
        with pytest.raises(WrongInstrument) as caught:
            open_station(load_station(str(write_twin(tmp_path, swapped, twin=False))))
    assert caught.value.exit_code == 3
    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["source", "meter"]


@pytest.mark.wire
def test_an_instrument_that_says_it_is_a_twin_makes_the_run_simulated_whatever_the_file_says(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as resources:
        loaded = load_station(str(write_twin(tmp_path, resources, twin=False)))
        assert not loaded.station.simulated
        with open_station(loaded) as station:
            assert station.simulated
            assert station.clock.kind == "real"


def test_another_serial_than_the_file_says(tmp_path: Path) -> None:
    path = replaced(write_twin(tmp_path), "device_point = 1", 'device_point = 1\nserial = "C3"')
    with pytest.raises(WrongInstrument, match=r"meter: .*'SIM000002'.*'C3'"):
        open_station(load_station(str(path), {"twin.link": "direct"}))
    found = load_station(str(replaced(path, '"C3"', '"SIM000002"')), {"twin.link": "direct"})
    with open_station(found) as station:
        assert station.identities["meter"].serial == "SIM000002"


def test_another_serial_is_noticed_whatever_the_driver(tmp_path: Path) -> None:
    text = HEAD + f'[instruments.source]\n{STILL}\nresource = "x"\nserial = "B-2"\n'
    path = tmp_path / "still.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(
        WrongInstrument, match="source: x answers with serial 'A-1'; the station file says 'B-2'"
    ):
        open_station(load_station(str(path)))
    path.write_text(text.replace("B-2", "A-1"), encoding="utf-8")
    with open_station(load_station(str(path))) as station:
        assert not station.simulated, "nothing here says that it is a twin"


def test_a_safe_state_the_instrument_has_not_is_laid_to_the_file(tmp_path: Path) -> None:
    path = write_twin(tmp_path)
    path.write_text(
        path.read_text(encoding="utf-8") + "[instruments.source.safe]\nouput = false\n", encoding="utf-8"
    )
    with pytest.raises(UsageError) as caught:
        open_station(load_station(str(path), {"twin.link": "direct"}))
    assert caught.value.faults[0].place.endswith("twin.toml: instruments.source.safe.ouput")
    assert "it can set: " in caught.value.faults[0].message


def test_a_safe_state_that_the_instrument_would_refuse_is_refused_before_anything_runs() -> None:
    wrong = {
        "instruments.source.safe.output": "maybe",
        "instruments.source.safe.voltage_v": 1e6,
        "instruments.battery.safe.mode": "standbye",
    }
    with pytest.raises(UsageError) as caught:
        open_station(load_station("twin", {"twin.link": "direct", **wrong}))
    assert [fault.place for fault in caught.value.faults] == [f"--set {key}" for key in wrong]
    good = {"instruments.source.safe.output": 0, "instruments.battery.safe.mode": "standby"}
    with open_station(load_station("twin", {"twin.link": "direct", **good})):
        pass


def test_a_wrong_twin_table_is_named_before_anything_is_opened(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        twin(tmp_path, twin__battery__delay_s=-1.0, twin__battery__dely_s=1.0, twin__link="wet")
    places = {fault.place for fault in caught.value.faults}
    assert places == {"--set twin.battery.delay_s", "--set twin.battery.dely_s", "--set twin.link"}


def test_a_driver_with_a_defect_leaves_nothing_open(tmp_path: Path) -> None:
    path = replaced(
        write_twin(tmp_path, {"source": "a", "meter": "b", "battery": "c"}, twin=False),
        'driver = "instruments.yokogawa_wt:YokogawaWt"',
        'driver = "tests.bench.still_driver:Broken"',
    )
    for old in ('driver = "instruments.kikusui_pcr:KikusuiPcr"', 'driver = "instruments.sunspec:SunSpec"'):
        replaced(path, old, STILL)
    replaced(path, "frequency_resolution_hz = 0.001\n", "")
    Still.closed.clear()
    with pytest.raises(InstrumentError, match="meter: its driver failed: ZeroDivisionError: a defect"):
        open_station(load_station(str(path)))
    assert Still.closed == ["battery", "meter", "source"]
