"""The station as a whole: both links, the log, the gateway, real time."""

from __future__ import annotations

import io
import json
import socket
from typing import Any

import pytest

from bench.clock import RealClock, VirtualClock
from bench.errors import UsageError
from bench.links.base import ModbusEndpoint, ScpiEndpoint
from instruments.twins.host import TwinHost
from instruments.twins.ports import ModbusPort, ScpiPort
from tests.instruments.twins.worlds import DEVICE, HEAD, host


def scpi(twin: TwinHost, role: str) -> ScpiPort:
    port = twin.endpoints[role]
    assert isinstance(port, ScpiPort)
    return port


def modbus(twin: TwinHost, role: str) -> ModbusPort:
    port = twin.endpoints[role]
    assert isinstance(port, ModbusPort)
    return port


def test_the_direct_link_has_endpoints_and_no_sockets() -> None:
    twin = host()
    assert twin.start() == {role: f"DIRECT::{role}" for role in ("source", "meter", "battery")}
    source: ScpiEndpoint = scpi(twin, "source")
    battery: ModbusEndpoint = modbus(twin, "battery")
    answer = source.handle("*IDN?")
    assert answer is not None
    assert "SIM" in answer
    assert battery.read(1, "holding", 40000, 2) == [0x5375, 0x6E53]
    assert battery.read(2, "holding", 40000, 2) == 11
    assert battery.read(1, "input", 40000, 2) == 1
    assert battery.read(1, "holding", 39999, 2) == 2
    assert battery.read(1, "holding", 40000, 126) == 3
    assert battery.write(1, "holding", 40000, [1]) == 2
    twin.close()


def test_a_wrong_table_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(UsageError, match=r"twin\.battery\.delay_s"):
        TwinHost({"battery": {"delay_s": -1}}, HEAD, DEVICE, VirtualClock())


def script(twin: TwinHost, clock: VirtualClock) -> list[str | None]:
    """Run a small test over the direct link or the wires alike; return what the analyzer said."""
    source, meter = scpi(twin, "source"), scpi(twin, "meter")
    meter.handle(":COMM:HEAD OFF;:NUM:NORM:NUM 3;ITEM1 P,1;ITEM2 FU,1;ITEM3 P,2")
    source.handle("VOLT 202;:OUTP 1")
    said = []
    for k in range(200):
        clock.sleep_until(0.1 * k)
        if k == 50:
            source.handle("FREQ 49.8")
        said.append(meter.handle(":NUM:NORM:VAL?"))
    return said


def test_two_stations_with_one_seed_say_the_same() -> None:
    runs = []
    for seed in (1, 1, 2):
        clock = VirtualClock()
        runs.append(script(host(clock, seed=seed, battery={"mode": "frequency_response"}), clock))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


@pytest.mark.wire
def test_wires_say_what_the_direct_link_says() -> None:
    clock = VirtualClock()
    expected = script(host(clock), clock)
    clock = VirtualClock()
    twin = host(clock, link="tcp")
    resources = twin.start()
    files: dict[str, Any] = {}
    for role in ("source", "meter"):
        _, address, port, _ = resources[role].split("::")
        files[role] = socket.create_connection((address, int(port)), timeout=5).makefile("rwb")

    def say(role: str, line: str) -> str:
        files[role].write(line.encode() + b"\n")
        files[role].flush()
        return files[role].readline().decode().strip() if line.endswith("?") else ""

    say("meter", ":COMM:HEAD OFF;:NUM:NORM:NUM 3;ITEM1 P,1;ITEM2 FU,1;ITEM3 P,2;*OPC?")
    say("source", "VOLT 202;:OUTP 1;*OPC?")
    said: list[str | None] = []
    for k in range(200):
        clock.sleep_until(0.1 * k)
        if k == 50:
            say("source", "FREQ 49.8;*OPC?")
        said.append(say("meter", ":NUM:NORM:VAL?"))
    for file in files.values():
        file.close()
    twin.close()
    assert said == expected


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_the_log_begins_with_everything_and_goes_on_with_changes() -> None:
    clock, log = VirtualClock(), io.StringIO()
    clock.sleep_until(3.0)
    twin = TwinHost({"link": "direct"}, HEAD, DEVICE, clock, log=log)
    assert log.getvalue() == ""
    twin.start()
    first = {(line["instrument"], line["quantity"]): line["value"] for line in lines(log)}
    assert first == {
        ("source", "output"): 0,
        ("source", "frequency_hz"): 50.0,
        ("source", "voltage_v"): 0.0,
        ("battery", "power_set_kw"): 0.0,
        ("battery", "mode"): "auto",
    }
    clock.sleep_until(5.5)
    source, battery = scpi(twin, "source"), modbus(twin, "battery")
    source.handle("FREQ 49.8;FREQ 49.8;VOLT 202;:OUTP 1")
    source.handle("FREQ 600")
    assert [(line["t_s"], line["quantity"], line["value"]) for line in lines(log)[5:]] == [
        (2.5, "frequency_hz", 49.8),
        (2.5, "voltage_v", 202.0),
        (2.5, "output", 1),
    ]
    point = twin_point(twin, 704, "WSetEna")
    assert battery.write(1, "holding", point, [1]) is None
    assert battery.write(1, "holding", point, [1]) is None
    assert battery.write(1, "holding", twin_point(twin, 704, "WSet"), [0, 1500]) is None
    assert [(line["instrument"], line["quantity"], line["value"]) for line in lines(log)[8:]] == [
        ("battery", "mode", "remote"),
        ("battery", "power_set_kw", 1.5),
    ]
    twin.close()


def twin_point(twin: TwinHost, model: int, name: str) -> int:
    from instruments.twins.sunspec_battery import SunSpecBattery

    dialect = SunSpecBattery(twin.world, DEVICE, 202.0)
    return dialect.image.points[model, name].address


def signed32(words: list[int] | int) -> int:
    assert isinstance(words, list)
    return int.from_bytes(b"".join(word.to_bytes(2, "big") for word in words), "big", signed=True)


def test_the_gateway_relays_late_and_reports_at_intervals() -> None:
    clock = VirtualClock()
    twin = host(clock, gateway={"command_delay_s": 3.0, "telemetry_interval_s": 10.0})
    twin.start()
    scpi(twin, "source").handle("VOLT 202;:OUTP 1")
    gateway = modbus(twin, "gateway")
    clock.sleep_until(12.0)
    assert gateway.write(1, "holding", 0, [1, 2000]) is None
    assert gateway.read(1, "holding", 0, 2) == [1, 2000]
    clock.sleep_until(14.9)
    twin.advance()
    assert twin.world.battery.settings.mode == "auto"
    clock.sleep_until(15.1)
    twin.advance()
    assert twin.world.battery.settings.mode == "remote"
    clock.sleep_until(19.9)
    assert signed32(gateway.read(1, "holding", 10, 2)) == 500  # what it heard at 10 s
    clock.sleep_until(20.0)
    assert signed32(gateway.read(1, "holding", 10, 2)) == 2000
    assert signed32(gateway.read(1, "holding", 30, 2)) == 20000
    assert gateway.write(1, "holding", 1, [0xFFFF & -6000]) == 3
    assert gateway.write(1, "holding", 0, [9]) == 3
    assert gateway.write(1, "holding", 10, [1]) == 2
    assert gateway.read(1, "holding", 90, 3) == [0x5349, 0x4D30, 0x3030]
    twin.close()


def test_a_gateway_only_where_it_is_asked_for() -> None:
    assert "gateway" not in host().endpoints
    assert "gateway" in host(roles=("source", "meter", "battery", "gateway")).endpoints


def test_a_second_meter_has_the_receiving_point_first() -> None:
    clock = VirtualClock()
    twin = host(
        clock,
        roles=("source", "meter", "battery", "receiving_meter"),
        battery={"mode": "standby"},
        house={"load_kw": 2.0},
    )
    twin.start()
    scpi(twin, "source").handle("VOLT 202;:OUTP 1")
    clock.sleep_until(10.0)
    meter = scpi(twin, "receiving_meter")
    meter.handle(":NUM:NORM:NUM 1;ITEM1 P,1")
    answer = meter.handle(":NUM:NORM:VAL?")
    assert answer is not None
    assert float(answer) == pytest.approx(-2000.0, abs=15)


@pytest.mark.wire
def test_close_frees_the_ports_and_may_be_repeated() -> None:
    twin = host(link="tcp")
    ports = [int(resource.split("::")[2]) for resource in twin.start().values()]
    twin.close()
    twin.close()
    for port in ports:
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()


@pytest.mark.wire
def test_on_a_real_clock_the_world_moves_by_itself() -> None:
    clock, log = RealClock(), io.StringIO()
    twin = TwinHost({"gateway": {"command_delay_s": 0.2}}, HEAD, DEVICE, clock, log=log)
    twin.start()
    modbus(twin, "gateway").write(1, "holding", 1, [1500])
    deadline_s = clock.now_s() + 10.0
    while clock.now_s() < deadline_s and not any(
        line["instrument"] == "battery" and line["value"] == 1.5 for line in lines(log)
    ):
        clock.sleep_until(clock.now_s() + 0.02)
    twin.close()
    heard = {
        (line["instrument"], line["quantity"]): line["t_s"] for line in lines(log) if line["value"] == 1.5
    }
    assert heard["battery", "power_set_kw"] == pytest.approx(heard["gateway", "power_set_kw"] + 0.2, abs=0.01)
