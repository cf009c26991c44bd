"""The ECHONET Lite drivers against the twin's nodes, over real UDP and directly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.config.load import load_station
from bench.errors import InstrumentError, InstrumentRefused, UsageError
from bench.links.echonet import EchonetLink
from bench.rooms import room
from bench.station import OpenStation, open_station
from instruments.twins.fault_catalogue import ECHONET
from tests.bench.links.udp_node import PORT, frame, free_wire
from tests.instruments.twins.worlds import host

pytestmark = pytest.mark.wire


@pytest.fixture
def station() -> Iterator[Callable[..., OpenStation]]:
    open_now: list[OpenStation] = []

    def build(*behaviours: str, link: str = "tcp", mode: str = "auto") -> OpenStation:
        overrides = {"twin.link": link, "twin.battery.echonet": list(behaviours), "twin.battery.mode": mode}
        made = open_station(load_station("twin-echonet", overrides))
        open_now.append(made)
        made.drivers["source"].set("voltage_v", 202.0)
        made.drivers["source"].set("output", True)
        return made

    yield build
    for made in open_now:
        made.close()


def device_kw(station: OpenStation) -> float:
    power_kw = station.drivers["meter"].read(["power_kw"])["power_kw"].value
    assert isinstance(power_kw, float)
    return power_kw


@pytest.mark.parametrize("link", ["tcp", "direct"])
@pytest.mark.parametrize("behaviours", [(), ("late_change", "other_port", "mixed_sna", "no_status")], ids=len)
def test_the_twin_obeys_over_udp_and_directly(
    station: Callable[..., OpenStation], link: str, behaviours: tuple[str, ...]
) -> None:
    """What the driver reads is what the analyzer sees, whatever bad manners the node has."""
    made = station(*behaviours, link=link)
    made.drivers["meter"].prepare(1.0)
    battery, smart_meter = made.drivers["battery"], made.drivers["receiving_meter"]
    assert made.identities["battery"].simulated
    before = battery.snapshot()
    battery.do("start")
    for power_kw in (3.0, -2.0):
        assert battery.set("power_set_kw", power_kw) == pytest.approx(power_kw)
        made.clock.sleep_until(made.clock.now_s() + 20.0)
        assert device_kw(made) == pytest.approx(power_kw, abs=0.02)
        assert battery.read(["power_kw"])["power_kw"].value == pytest.approx(power_kw, abs=0.002)
        bought = smart_meter.read(["power_kw"])["power_kw"].value
        assert bought == pytest.approx(power_kw - 0.5, abs=0.02)  # the house takes half a kilowatt
    battery.do("stop")
    battery.restore(before)
    assert battery.snapshot() == before


def test_the_meters_counters_follow_the_energy(station: Callable[..., OpenStation]) -> None:
    made = station(link="direct")
    battery, meter = made.drivers["battery"], made.drivers["receiving_meter"]
    battery.do("start")
    battery.set("power_set_kw", 2.5)
    made.clock.sleep_until(made.clock.now_s() + 3600.0)
    values = {name: reading.value for name, reading in meter.read().items()}
    assert values["energy_discharged_kwh"] == pytest.approx(2.0, abs=0.101)
    assert values["energy_charged_kwh"] == pytest.approx(0.0, abs=0.1)
    assert values["half_hour_discharged_kwh"] == pytest.approx(2.0, abs=0.101)


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        ("refuses_listed", "refused with SetC_SNA 0x51 with OPC = 0, though the device lists it as settable"),
        ("ignores_set", "was acknowledged but not applied"),
    ],
)
def test_a_twin_that_does_not_obey_is_named(
    station: Callable[..., OpenStation], behaviour: str, says: str
) -> None:
    battery = station(behaviour).drivers["battery"]
    with pytest.raises(InstrumentError, match=says):
        battery.set("power_set_kw", 3.0)


def replies(*behaviours: str) -> list[tuple[int, bytes]]:
    """Set a power, then ask for it and for the state of health; return the replies, and each one's port."""
    station = host(link="tcp", battery={"dialect": "echonet", "echonet": list(behaviours)})
    found = []
    try:
        address = station.start()["battery"].split("::")[1]
        with free_wire() as wire:
            wire.settimeout(5.0)
            for number, (service, code, data) in enumerate(
                ((0x61, 0xEC, "00000BB8"), (0x62, 0xEC, ""), (0x62, 0xE5, ""))
            ):
                wire.sendto(frame(number, "05ff01", "027d01", service, (code, data)), (address, PORT))
                reply, (_, port) = wire.recvfrom(4096)
                found.append((port, reply))
    finally:
        station.close()
    return found


@pytest.mark.parametrize("behaviour", sorted(name for _, name in ECHONET))
def test_every_behaviour_of_the_catalogue_shows(behaviour: str) -> None:
    told, plain = replies(behaviour), replies()
    assert {port for port, _ in plain} == {PORT}
    if behaviour == "other_port":
        assert PORT not in {port for port, _ in told}
    else:
        assert told != plain


def test_a_twin_without_a_power_setting_gives_all_it_can(station: Callable[..., OpenStation]) -> None:
    made = station("no_power_setting", link="direct")
    made.drivers["meter"].prepare(1.0)
    made.drivers["battery"].set("power_set_kw", 3.0)
    made.clock.sleep_until(20.0)
    assert device_kw(made) == pytest.approx(5.5, abs=0.02)


def test_a_release_that_the_battery_ignores_reads_so(station: Callable[..., OpenStation]) -> None:
    """The twin's own faults show through its node: the driver names them."""
    overrides = {"twin.link": "direct", "twin.battery.faults": ["stays_remote"]}
    with open_station(load_station("twin-echonet", overrides)) as made:
        battery = made.drivers["battery"]
        battery.set("power_set_kw", 2.0)
        with pytest.raises(InstrumentRefused, match="DA = 46 was acknowledged but not applied"):
            battery.set("mode", "auto")


def test_a_gateway_of_its_own_beside_the_battery(tmp_path: Path) -> None:
    """What the gateway is told shows at the battery's own interface, later."""
    text = (room("fixtures") / "stations" / "twin-echonet.toml").read_text(encoding="utf-8")
    gateway = '[instruments.gateway]\ndriver = "instruments.echonet_battery:EchonetBattery"\n'
    path = tmp_path / "lab.toml"
    path.write_text(text.replace("[instruments.receiving_meter]", f"{gateway}[instruments.receiving_meter]"))
    overrides = {
        "twin.link": "direct",
        "twin.gateway.dialect": "echonet",
        "twin.gateway.command_delay_s": 2.0,
    }
    with open_station(load_station(str(path), overrides)) as made:
        assert {who.serial for who in made.identities.values()} >= {"SIM000011", "SIM000012"}
        made.drivers["gateway"].set("power_set_kw", 1.5)
        battery = made.drivers["battery"]
        made.clock.sleep_until(1.5)
        assert battery.read(["mode"])["mode"].value == "auto"
        made.clock.sleep_until(2.5)
        assert battery.read(["mode"])["mode"].value == "discharge"
        assert battery.read(["power_set_kw"])["power_set_kw"].value == pytest.approx(1.5)


def test_a_mode_is_announced_to_everybody(station: Callable[..., OpenStation]) -> None:
    made = station()
    battery: Any = made.drivers["battery"]
    battery.set("mode", "standby")
    link: EchonetLink = battery.link
    for _ in range(50):  # the announcement is a datagram of its own
        battery.read(["soc_pct"])
        if (0x027D01, 0xDA) in link.announced:
            break
    assert link.announced[0x027D01, 0xDA][1] == b"\x44"


def test_a_wrong_address_is_told_on_paper() -> None:
    for resource, says in (
        ("TCP::192.0.2.1::502", "expected ECHONET"),
        ("ECHONET::192.0.2.1::028801", "027D"),
    ):
        with pytest.raises(UsageError, match=says):
            load_station("twin-echonet", {"instruments.battery.resource": resource})
