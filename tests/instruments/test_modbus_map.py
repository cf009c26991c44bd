"""The map driver against a server that is none of ours (pyModbusTCP), over TCP; serial and TLS beside it."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyModbusTCP.server import DataBank, ModbusServer

from bench.clock import VirtualClock
from bench.config.load import load_station
from bench.drivers.base import Driver
from bench.errors import InstrumentRefused, UsageError, WrongInstrument, WrongReply
from bench.links.tap import WireRecord
from bench.rooms import room
from instruments.modbus_map import ModbusMap
from tests.bench.links.modbus_peers import RtuPeer, rtu
from tests.bench.links.wire_peers import free_port
from tests.instruments.bench_setting import setting

pytestmark = pytest.mark.wire

MAP = """name = "Acme B5"
pause_after_write_s = 3.0
max_connections = 1
[quantities.mode]
register = 40000
type = "uint16"
access = "rw"
codes = {auto = 0, remote = 1, frequency_response = 2}
confirm = true
[quantities.power_set_kw]
register = 40001
type = "int16"
scale = 0.001
access = "rw"
confirm = true
[quantities.power_kw]
register = 40002
type = "int16"
scale = -0.001
[quantities.energy_charged_kwh]
register = 40003
type = "uint32"
word_order = "little"
scale = 0.01
[quantities.soc_pct]
register = 100
kind = "input"
type = "float32"
scale = 1.0
[quantities.frequency_hz]
register = 102
kind = "input"
type = "uint16"
scale = 0.001
offset = 45.0
missing = [65535]
[quantities.alarm]
register = 7
kind = "discrete"
[quantities.reserve_pct]
register = 40010
type = "uint16"
scale = 1.0
access = "rw"
"""


class Bank(DataBank):
    """The registers of a battery; ``deaf`` holding registers keep their value whatever is written."""

    def __init__(self) -> None:
        super().__init__(coils_size=10, d_inputs_size=10, h_regs_size=40011, i_regs_size=103)
        self.deaf: set[int] = set()
        self.writes: list[tuple[int, list[int]]] = []

    def set_holding_registers(self, address: int, word_list: list[int], srv_info: Any = None) -> bool:
        if srv_info is not None:
            self.writes.append((address, list(word_list)))
            if self.deaf & set(range(address, address + len(word_list))):
                return True
        return bool(super().set_holding_registers(address, word_list, srv_info))


Make = Callable[..., tuple[Bank, ModbusMap]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    open_now: list[Any] = []

    def build(text: str = MAP, **options: Any) -> tuple[Bank, ModbusMap]:
        bank, port = Bank(), free_port()
        bank.set_holding_registers(40000, [0, 0, 1500, 0x0002, 0x0001])
        bank.set_input_registers(100, [*struct.unpack(">HH", struct.pack(">f", 87.5)), 4990])
        server = ModbusServer("127.0.0.1", port, no_block=True, data_bank=bank)
        server.start()
        path = tmp_path / "acme_b5.toml"
        path.write_text(text, encoding="utf-8")
        clock = options.pop("clock", VirtualClock())
        driver = ModbusMap(
            setting("battery", f"TCP::127.0.0.1::{port}", clock=clock, map=str(path), **options)
        )
        open_now.append((driver, server))
        return bank, driver

    yield build
    for driver, server in open_now:
        driver.close()
        threading.Thread(target=server.stop, daemon=True).start()  # it polls for half a second


def test_types_scales_signs_and_orders(make: Make) -> None:
    _, driver = make()
    assert isinstance(driver, Driver)
    assert driver.identify().model == "Acme B5"
    values = {name: reading.value for name, reading in driver.read().items()}
    assert values == pytest.approx(
        {
            "mode": "auto",
            "power_set_kw": 0.0,
            "power_kw": -1.5,  # the device counts charging as positive
            "energy_charged_kwh": 655.38,  # 0x00010002 hundredths, low word first
            "soc_pct": 87.5,
            "frequency_hz": 49.99,
            "alarm": 0.0,
            "reserve_pct": 0.0,
        }
    )
    assert driver.capabilities.max_connections == 1
    assert driver.capabilities.resolution["power_set_kw"] == 0.001


def test_neighbours_are_read_together(make: Make) -> None:
    heard: list[WireRecord] = []
    _, driver = make(tap=heard.append)
    driver.read()
    asked = [record.text for record in heard if record.direction == "out"]
    assert asked == [
        "read of 5 holding at 40000",
        "read of 1 holding at 40010",
        "read of 3 input at 100",
        "read of 1 discrete at 7",
    ]


def test_a_gap_is_read_along_only_where_the_map_allows(make: Make) -> None:
    heard: list[WireRecord] = []
    _, driver = make(MAP.replace("max_connections = 1", "longest_gap = 7"), tap=heard.append)
    driver.read(["mode", "reserve_pct", "power_kw"])
    assert [r.text for r in heard if r.direction == "out"] == ["read of 11 holding at 40000"]


def test_no_data_is_none(make: Make) -> None:
    bank, driver = make()
    bank.set_input_registers(100, [0x7FC0, 0, 65535])
    bank.set_holding_registers(40000, [9])
    readings = driver.read(["soc_pct", "frequency_hz", "mode"])
    assert {name: (r.value, r.quality) for name, r in readings.items()} == dict.fromkeys(
        readings, (None, "missing")
    )


def test_setting_writes_the_raw_number_and_waits(make: Make) -> None:
    clock = VirtualClock()
    bank, driver = make(clock=clock)
    assert driver.set("power_set_kw", -2.5) == pytest.approx(-2.5)
    assert bank.writes == [(40001, [0x10000 - 2500])]
    assert clock.now_s() >= 3.0


def test_a_write_that_is_not_applied_is_named(make: Make) -> None:
    bank, driver = make()
    bank.deaf = {40000, 40001, 40010}
    with pytest.raises(
        InstrumentRefused, match=r"power_set_kw was set to 3.0 kW and reads back 0.0: not applied"
    ):
        driver.set("power_set_kw", 3.0)
    with pytest.raises(InstrumentRefused, match="mode was set to remote"):
        driver.do("start")
    assert driver.set("reserve_pct", 20.0) == 0.0  # without confirm the read-back is told, and nothing more


def test_what_does_not_fit_is_never_sent(make: Make) -> None:
    bank, driver = make()
    for name, value in (("power_set_kw", 40.0), ("mode", "holiday"), ("power_kw", 1.0), ("soc", 1.0)):
        with pytest.raises(InstrumentRefused):
            driver.set(name, value)
    assert bank.writes == []


def test_sequences_and_prior(make: Make) -> None:
    bank, driver = make()
    bank.set_holding_registers(40000, [2])
    driver.snapshot()
    driver.do("start")
    assert driver.read(["mode"])["mode"].value == "remote"
    driver.set("power_set_kw", 1.0)
    driver.do("stop")
    assert bank.get_holding_registers(40000, 2) == [2, 0]
    with pytest.raises(InstrumentRefused, match="schedule"):
        driver.do("schedule")


def test_the_maps_own_sequences(make: Make) -> None:
    own = (
        MAP
        + '[sequences]\nstart = ["power_set_kw = 0.5", "mode = remote"]\nschedule = ["reserve_pct = 30"]\n'
    )
    bank, driver = make(own)
    driver.do("start")
    driver.do("schedule")
    assert bank.writes == [(40001, [500]), (40000, [1]), (40010, [30])]


def test_stop_without_a_prior_mode_refuses(make: Make) -> None:
    _, driver = make()
    with pytest.raises(InstrumentRefused, match="mode before the run is not known"):
        driver.do("stop")


def test_settings_are_put_back_even_a_mode_without_a_word(make: Make) -> None:
    bank, driver = make()
    bank.set_holding_registers(40000, [7, 250])
    before = driver.snapshot()
    assert before == {"mode": 7.0, "power_set_kw": 0.25, "reserve_pct": 0.0}
    driver.do("start")
    driver.set("power_set_kw", 2.0)
    driver.set("reserve_pct", 15.0)
    driver.restore(before)
    assert driver.snapshot() == before
    assert bank.get_holding_registers(40000, 2) == [7, 250]


def test_restore_writes_only_what_changed(make: Make) -> None:
    bank, driver = make()
    driver.restore(driver.snapshot())
    assert bank.writes == []


def test_the_safe_state_is_what_the_map_has(make: Make) -> None:
    _, driver = make()
    assert driver.safe_values() == {"mode": "remote", "power_set_kw": 0.0}
    _, meter = make('name = "M"\n[quantities.power_kw]\nregister = 40002\ntype = "int16"\nscale = 0.001\n')
    assert meter.safe_values() == {}


def test_a_map_of_another_device_is_the_wrong_instrument(make: Make) -> None:
    other = '[quantities.soh_pct]\nregister = 50000\ntype = "uint16"\nscale = 1.0\n'
    _, driver = make(MAP + other)
    with pytest.raises(WrongInstrument, match=r"soh_pct.*illegal data address"):
        driver.identify()


def test_a_text_in_registers_tells_another_device(make: Make) -> None:
    bank, driver = make(MAP + '[identity.serial]\nregister = 300\ncount = 4\nexpect = "B5-00007"\n')
    bank.set_holding_registers(300, [int.from_bytes(b"B5-00008"[i : i + 2], "big") for i in (0, 2, 4, 6)])
    with pytest.raises(WrongInstrument, match="B5-00008"):
        driver.identify()
    bank.set_holding_registers(303, [int.from_bytes(b"07", "big")])
    assert driver.identify().serial == "B5-00007"


def test_the_examples_of_the_protocol(tmp_path: Path) -> None:
    """Each example as bytes on a serial line, against our reading of it."""
    path = tmp_path / "map.toml"
    path.write_text(
        'name = "x"\n'
        '[quantities.power_kw]\nregister = 107\ntype = "uint16"\nscale = 1.0\n'
        '[quantities.soc_pct]\nregister = 108\ntype = "uint16"\nscale = 1.0\n'
        '[quantities.soh_pct]\nregister = 109\ntype = "uint16"\nscale = 1.0\n'
        '[quantities.frequency_hz]\nregister = 8\nkind = "input"\ntype = "uint16"\nscale = 1.0\n'
        '[quantities.reserve_pct]\nregister = 1\ntype = "uint16"\nscale = 1.0\naccess = "w"\n',
        encoding="utf-8",
    )
    shown = {example.sent: bytes.fromhex(example.reply or "") for example in ModbusMap.EXAMPLES}
    answer = by_function({3: shown["read holding 107 x 3"], 4: shown["read input 8 x 1"]})
    with RtuPeer(answer) as line:
        driver = ModbusMap(setting("battery", f"RTU::{line.device}::19200N81", map=str(path)))
        values = driver.read(["power_kw", "soc_pct", "soh_pct", "frequency_hz"])
        assert [reading.value for reading in values.values()] == [555, 0, 100, 10]
        assert driver.set("reserve_pct", 3.0) is None
        assert line.requests[-1][:6] == bytes.fromhex("010600010003")
        driver.close()


def by_function(data: dict[int, bytes]) -> Callable[[bytes], bytes]:
    """Return what a device answers that gives ``data`` to the function of a read and echoes a write."""

    def answer(request: bytes) -> bytes:
        if request[1] == 6:
            return request
        return rtu(request[:2] + bytes((len(data[request[1]]),)) + data[request[1]])

    return answer


def test_a_short_answer_on_the_serial_line_is_no_value(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text('name = "x"\n[quantities.power_kw]\nregister = 1\ntype = "int32"\nscale = 1.0\n')
    with RtuPeer(by_function({3: b"\x00\x01"})) as line:
        driver = ModbusMap(setting("battery", f"RTU::{line.device}::19200N81", map=str(path), timeout_s=0.3))
        with pytest.raises(WrongReply):
            driver.read(["power_kw"])
        driver.close()


def station(folder: Path, battery: str) -> str:
    text = (room("fixtures") / "stations" / "twin.toml").read_text(encoding="utf-8")
    head = text.split("[instruments.battery]")[0]
    (folder / "lab.toml").write_text(f"{head}[instruments.battery]\n{battery}\n[twin]\n", encoding="utf-8")
    return str(folder / "lab.toml")


def test_a_wrong_map_is_told_when_the_station_is_loaded(tmp_path: Path) -> None:
    """On paper: exit 2, the place in the map, and nothing opened."""
    driver = 'driver = "instruments.modbus_map:ModbusMap"\n'
    (tmp_path / "bad.toml").write_text('name = "x"\n[quantities.power_kw]\nregister = 1\ntype = "int16"\n')
    with pytest.raises(UsageError, match=r"bad\.toml: quantities\.power_kw: scale is needed"):
        load_station(station(tmp_path, driver + 'map = "bad.toml"'))
    with pytest.raises(UsageError, match=r"instruments\.battery\.map: is needed"):
        load_station(station(tmp_path, driver))
    with pytest.raises(UsageError, match=r"no file 'none\.toml'"):
        load_station(station(tmp_path, driver + 'map = "none.toml"'))
