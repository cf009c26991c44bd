"""The AC sources against simulated instruments that speak their dialect, over sockets and in virtual time."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bench.clock import VirtualClock
from bench.config.station import Device, StationHead
from bench.drivers.ac_source import AcSource
from bench.drivers.base import ListStep
from bench.errors import InstrumentRefused, LinkTimeout, WrongInstrument
from bench.links.tap import WireRecord
from instruments.ametek_mx import AmetekMx
from instruments.chroma_61800 import Chroma61800
from instruments.keysight_ac6800 import KeysightAc6800
from instruments.kikusui_pcr import KikusuiPcr
from instruments.twins.host import TwinHost
from tests.bench.links.wire_peers import Peer, scpi_peer
from tests.instruments.bench_setting import setting, socket_resource

pytestmark = pytest.mark.wire

SOURCES: dict[str, type[AcSource]] = {
    "kikusui_pcr": KikusuiPcr,
    "keysight_ac6800": KeysightAc6800,
    "ametek_mx": AmetekMx,
    "chroma_61800": Chroma61800,
}
WITH_LIST = ["ametek_mx", "chroma_61800"]
DEVICE = Device(
    maker="x", model="x", serial="SIM-1", rated_kw=5.5, capacity_kwh=15.0,
    declared_droop_pct=4.0, declared_dead_band_hz=0.005,
)  # fmt: skip


@contextmanager
def served(dialect: str, **options: Any) -> Iterator[tuple[AcSource, TwinHost, VirtualClock]]:
    clock = VirtualClock()
    head = StationHead(name="test", nominal_hz=50.0)
    host = TwinHost({"source": {"dialect": dialect}}, head, DEVICE, clock)
    try:
        driver = SOURCES[dialect](setting("source", host.start()["source"], clock=clock, **options))
        yield driver, host, clock
        driver.close()
    finally:
        host.close()


@pytest.mark.parametrize("dialect", SOURCES)
def test_set_points_are_checked_and_read_back(dialect: str) -> None:
    with served(dialect, frequency_resolution_hz=0.001, sink_kw=6.0, slew_hz_per_s=10.0) as (driver, host, _):
        assert driver.identify().simulated
        assert driver.capabilities.resolution == {"frequency_hz": 0.001}
        assert driver.capabilities.slew_hz_per_s == 10.0
        assert driver.capabilities.native_list is (True if dialect in WITH_LIST else None)
        driver.prepare(0.1)
        driver.set("voltage_v", 202.0)
        for frequency_hz in (50.0, 49.801, 50.005):
            assert driver.set("frequency_hz", frequency_hz) == pytest.approx(frequency_hz, abs=1e-9)
            assert host.world.source.set_hz == pytest.approx(frequency_hz, abs=1e-9)
        assert driver.set("output", True) is True
        assert host.world.source.live(host.world.now_s)
        read = driver.read(["frequency_hz", "voltage_v"])
        assert driver.read()["frequency_hz"].value == pytest.approx(50.005)
        assert read["voltage_v"].value == pytest.approx(202.0)
        assert driver.set("output", False) is False
        assert not host.world.source.output
        assert driver.safe_values() == {"output": False}


@pytest.mark.parametrize("dialect", SOURCES)
def test_a_sample_asks_and_sets_nothing(dialect: str) -> None:
    seen: list[WireRecord] = []
    with served(dialect, tap=seen.append) as (driver, _, _):
        driver.identify()
        seen.clear()
        driver.read()
        asked = [unit for one in seen if one.direction == "out" for unit in one.text.split(";")]
        assert asked
        assert all(unit.endswith("?") for unit in asked)


@pytest.mark.parametrize("dialect", SOURCES)
def test_a_command_that_is_refused_is_named(dialect: str) -> None:
    with served(dialect) as (driver, _, _):
        driver.identify()
        with pytest.raises(InstrumentRefused, match="-113"):
            driver.tell("isnt:edit all")
        driver.set("voltage_v", 100.0)
        with pytest.raises(InstrumentRefused):
            driver.set("voltage_v", 5000.0)
        assert driver.read(["voltage_v"])["voltage_v"].value == pytest.approx(100.0)


@pytest.mark.parametrize("dialect", SOURCES)
def test_a_resolution_that_no_page_tells_is_unknown(dialect: str) -> None:
    with served(dialect) as (driver, _, _):
        assert driver.capabilities.resolution == {}
        assert driver.capabilities.slew_hz_per_s is None
        assert driver.capabilities.sink_kw is None


def test_the_kikusui_clears_its_protection_and_shows_its_coupling() -> None:
    with served("kikusui_pcr") as (driver, _, _):
        driver.do("clear_protection")
        assert driver.read(["coupling"])["coupling"].value == "AC"
        assert driver.set("coupling", "ACDC") == "ACDC"
        with pytest.raises(InstrumentRefused, match="no sequence 'dance'"):
            driver.do("dance")


def test_the_chroma_switches_its_relay_first_and_waits() -> None:
    with served("chroma_61800") as (driver, _, clock):
        driver.set("voltage_v", 202.0)
        with pytest.raises(InstrumentRefused, match="-221"):
            driver.tell("output:state on")
        before_s = clock.now_s()
        driver.set("output", True)
        assert clock.now_s() - before_s == pytest.approx(0.1)
        driver.set("output", False)
        assert driver.ask("output:relay?") == "0"


def test_a_chroma_that_refuses_a_part_of_it_is_switched_off_all_the_same() -> None:
    heard: list[str] = []
    errors: list[bytes] = []

    def answer(line: str) -> bytes | None:
        if line == "SYST:ERR?":
            return errors.pop() if errors else b"0\n"
        heard.append(line)
        if line == "trig off":
            errors.append(b"-113,Undefined header\n")
        return b"0\n" if line.endswith("?") else None

    with scpi_peer(answer) as peer:
        driver = Chroma61800(setting("source", socket_resource(peer.port), timeout_s=0.3))
        with pytest.raises(InstrumentRefused, match="trig off"):
            driver.set("output", False)
        assert heard == ["trig off", "output:state off", "output:relay off", "output:mode fixed"]
        heard.clear()
        with pytest.raises(InstrumentRefused, match="reads back 0"):
            driver.set("frequency_hz", 50.0)
        assert "source:freq 50" in heard, "a model that knows no lists can be set"
        driver.close()


def test_the_regenerative_mode_is_switched_on_where_the_station_asks() -> None:
    with served("ametek_mx", regenerate=True) as (driver, host, _):
        driver.set("output", True)
        driver.prepare(0.1)
        assert driver.ask("REGenerate:STATe?") == "1"
        assert not host.world.source.output, "switched with the output open"
    with served("ametek_mx") as (driver, _, _):
        driver.prepare(0.1)
        assert driver.ask("REGenerate:STATe?") == "0"


@pytest.mark.parametrize("dialect", WITH_LIST)
def test_a_list_is_played_by_the_sources_own_clock(dialect: str) -> None:
    with served(dialect, frequency_resolution_hz=0.001) as (driver, host, clock):
        driver.set("voltage_v", 202.0)
        driver.set("output", True)
        driver.load_list([ListStep(1.5, 50.0), ListStep(2.0, 49.801), ListStep(1.0, 50.2)])
        before = host.world.source.set_hz
        start_s = clock.now_s()
        driver.start_list()
        seen = []
        for after_s in (1.4, 1.6, 3.4, 3.6):
            clock.sleep_until(start_s + after_s)
            seen.append(driver.read(["frequency_hz"])["frequency_hz"].value)
        assert before == pytest.approx(50.0)
        assert seen == pytest.approx([50.0, 49.801, 49.801, 50.2])


# What the public drivers send to play a list, word for word: svpelab gridsim_ametek.py profile_load for three
# phases, and chroma_61845.py profile_load with the values of its own example.
PUBLIC_LISTS = {
    "ametek_mx": (
        ["outp on", "trig:tran:sour imm", "list:step auto", "abort",
         "abort;:inst:coup none;:list:coun 1;:freq:mode list;:freq:slew:mode list",
         ":inst:nsel 1;:volt:mode list;:volt:slew:mode list;:func:mode list",
         ":inst:nsel 2;:volt:mode list;:volt:slew:mode list;:func:mode list",
         ":inst:nsel 3;:volt:mode list;:volt:slew:mode list;:func:mode list",
         "inst:coup all", ":list:dwel 2.000,3.000", ":list:freq 50.000,49.500", ":list:freq:slew MAX,MAX",
         ":inst:nsel 1;:list:volt 202.000,202.000", ":list:volt:slew MAX,MAX", ":list:func SINE,SINE",
         ":inst:nsel 2;:list:volt 202.000,202.000", ":list:volt:slew MAX,MAX", ":list:func SINE,SINE",
         ":inst:nsel 3;:list:volt 202.000,202.000", ":list:volt:slew MAX,MAX", ":list:func SINE,SINE",
         ":list:rep 0,0", "trig:sync:sour imm", ":init"],
        [(1.0, 50.0), (2.5, 49.5)],
    ),
    "chroma_61800": (
        ["trig off", "output:mode fixed", "list:coup ALL", "list:count 1", "list:base TIME", "list:trig auto",
         "list:dwel 2000,2000,2000,2000,2000,0.0", "list:shape a,a,a,a,a",
         "list:volt:ac:star 60,60,120,120,60", "list:volt:ac:end 60,120,120,60,60",
         "list:freq:star 40,50,60,50,40",
         "list:freq:end 50,60,60,40,40",
         "output:mode list", "trig ON"],
        [(1.0, 40.0), (2.5, 50.0), (4.5, 60.0), (9.0, 40.0)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("dialect", PUBLIC_LISTS)
def test_the_twin_plays_what_the_public_driver_sends(dialect: str) -> None:
    sent, expected = PUBLIC_LISTS[dialect]
    with served(dialect) as (driver, host, clock):
        for command in sent:
            driver.tell(command)
        start_s = clock.now_s()
        for after_s, frequency_hz in expected:
            clock.sleep_until(start_s + after_s)
            host.advance()
            assert host.world.source.set_hz == pytest.approx(frequency_hz)
        with pytest.raises(InstrumentRefused, match="-113"):
            driver.tell("isnt:edit all")


def units(commands: list[str]) -> list[str]:
    """Return the headers sent, one by one: what follows a semicolon, without the numbers."""
    parts = [part.strip().lstrip(":") for command in commands for part in command.split(";")]
    return [re.sub(r"[\d.,]*\d$|(MAX|SINE|a)(,\1)*$", "", part).strip() for part in parts if part]


def test_our_driver_sends_a_list_as_the_public_driver_does() -> None:
    steps = [ListStep(2.0, 50.0), ListStep(3.0, 49.5)]
    with served("ametek_mx") as (driver, _, _):
        assert units(driver._list_commands(steps)) == units(PUBLIC_LISTS["ametek_mx"][0][1:-1])
    with served("chroma_61800") as (driver, _, _):
        assert sorted(units(driver._list_commands(steps))) == sorted(
            units(PUBLIC_LISTS["chroma_61800"][0][:-1])
        )


@pytest.mark.parametrize("dialect", WITH_LIST)
def test_a_list_that_is_stopped_goes_no_further(dialect: str) -> None:
    with served(dialect) as (driver, _, clock):
        driver.load_list([ListStep(1.0, 50.0), ListStep(1.0, 49.5)])
        driver.start_list()
        driver.stop_list()
        clock.sleep_until(clock.now_s() + 5.0)
        assert driver.read(["frequency_hz"])["frequency_hz"].value == pytest.approx(50.0)


@pytest.mark.parametrize("dialect", WITH_LIST)
def test_a_voltage_that_is_not_told_is_no_list_of_0_v(dialect: str) -> None:
    class Silent:
        heard: list[str] = []  # noqa: RUF012

        def handle(self, line: str) -> str | None:
            self.heard.append(line)
            return None if "?" not in line else '0,"No error"' if "ERR" in line.upper() else "9.91E37"

    endpoint = Silent()
    driver = SOURCES[dialect](
        setting("source", "DIRECT::source", clock=VirtualClock(), endpoints={"source": endpoint})
    )
    with pytest.raises(InstrumentRefused, match="voltage that is set"):
        driver.load_list([ListStep(1.0, 50.0), ListStep(1.0, 49.5)])
    assert not any("list" in line for line in endpoint.heard)


@pytest.mark.parametrize("dialect", WITH_LIST)
def test_playing_a_list_that_was_not_loaded_is_refused(dialect: str) -> None:
    with served(dialect) as (driver, _, _), pytest.raises(InstrumentRefused, match="-221"):
        driver.start_list()


@pytest.mark.parametrize("dialect", ["kikusui_pcr", "keysight_ac6800"])
def test_a_source_without_a_known_list_says_so(dialect: str) -> None:
    with served(dialect) as (driver, _, _):
        with pytest.raises(InstrumentRefused, match="shows a list"):
            driver.load_list([ListStep(1.0, 50.0)])
        with pytest.raises(InstrumentRefused, match="shows a list"):
            driver.start_list()


def test_a_list_with_a_step_of_no_length_is_refused() -> None:
    with served("ametek_mx") as (driver, _, _), pytest.raises(InstrumentRefused, match="longer than nothing"):
        driver.load_list([ListStep(0.0, 50.0)])


@pytest.mark.parametrize("dialect", SOURCES)
def test_another_makers_source_is_refused(dialect: str) -> None:
    with scpi_peer({"*IDN?": b"NF,DP045S,1,1.0\n"}) as peer:
        driver = SOURCES[dialect](setting("source", socket_resource(peer.port), timeout_s=0.3))
        with pytest.raises(WrongInstrument, match="NF DP045S"):
            driver.identify()
        driver.close()


def whole_lines(buffer: bytes) -> tuple[bytes, bytes]:
    """Take one line off the buffer, with whatever ends it."""
    line, end, rest = buffer.partition(b"\n")
    return (line + end, rest) if end else (b"", buffer)


def test_the_keysight_hears_on_and_off_each_ended_by_crlf() -> None:
    answers = {b"OUTP?": b"1\n", b"SYST:ERR:NEXT?": b'0,"No error"\n'}
    peer = Peer(lambda line: answers.get(line.strip()), split=whole_lines)
    try:
        driver = KeysightAc6800(setting("source", socket_resource(peer.port), pause_s=0.0))
        driver.set("output", True)
        driver.close()
        assert b"OUTP ON\r\n" in peer.received
        assert all(line.endswith(b"\r\n") for line in peer.received)
    finally:
        peer.close()


def test_the_keysight_frees_sessions_that_a_dead_client_left() -> None:
    dead = ["a client that is gone"]
    with (
        scpi_peer(lambda line: b"Keysight Technologies,AC6804B,1,1.0\n" if not dead else None) as peer,
        socket.create_server(("127.0.0.1", 0)) as door,
    ):
        free = socket_resource(door.getsockname()[1])

        def let_go() -> None:
            door.accept()[0].close()
            dead.clear()

        waiting = threading.Thread(target=let_go, daemon=True)
        waiting.start()
        resource = socket_resource(peer.port)
        driver = KeysightAc6800(setting("source", resource, timeout_s=0.2, free_resource=free))
        # the door's accept and the second question race: ask until the session is free
        for _ in range(20):
            try:
                assert driver.identify().model == "AC6804B"
                break
            except LinkTimeout:
                waiting.join(1)
        else:
            pytest.fail("the session was never freed")
        driver.close()
    with scpi_peer({}) as silent:
        driver = KeysightAc6800(setting("source", socket_resource(silent.port), timeout_s=0.2))
        with pytest.raises(LinkTimeout):
            driver.identify()
        driver.close()


def test_the_keysight_keeps_50_ms_between_commands_unless_told_otherwise() -> None:
    asked = KeysightAc6800(setting("source", socket_resource(1)))
    assert asked.options.pause_s == 0.05
    assert asked.link._pause_s == 0.05  # type: ignore[attr-defined]  # what the link was opened with
    asked.close()
