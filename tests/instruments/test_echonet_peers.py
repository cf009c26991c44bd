"""Independent ECHONET Lite implementations: pychonet and the npm package echonet-lite.

Both control the twin's node, and our driver works a device that the npm package hosts. No code of ours is on
both sides. The npm package comes with ``make peers`` (node and npm are needed); without it these tests say so
and are skipped.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pychonet.echonetapiclient import ECHONETAPIClient
from pychonet.lib.udpserver import UDPServer
from pychonet.LowVoltageSmartElectricEnergyMeter import LowVoltageSmartElectricEnergyMeter
from pychonet.StorageBattery import StorageBattery

from bench.clock import RealClock
from bench.config.load import load_station
from bench.station import OpenStation, open_station
from instruments.echonet_battery import EchonetBattery
from tests.instruments.bench_setting import setting

pytestmark = pytest.mark.wire

PEERS = Path(__file__).resolve().parent.parent / "peers"
needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not (PEERS / "node_modules" / "echonet-lite").is_dir(),
    reason="node or the package echonet-lite is missing: make peers installs it",
)


@pytest.fixture(autouse=True)
def one_at_a_time() -> Iterator[None]:
    """Keep other workers' peers away: two that listen to every address would take each other's replies."""
    with (Path(tempfile.gettempdir()) / "drready-udp-3610.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def twin() -> Iterator[OpenStation]:
    with open_station(load_station("twin-echonet")) as station:
        station.drivers["source"].set("voltage_v", 202.0)
        station.drivers["source"].set("output", True)
        yield station


def address(station: OpenStation, role: str) -> str:
    return station.resources[role].split("::")[1]


@needs_node
def test_the_npm_package_controls_the_twin(twin: OpenStation) -> None:
    done = subprocess.run(
        ["node", "controller.js", address(twin, "battery")],
        cwd=PEERS,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    replies = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(reply["esv"], *reply["details"].items()) for reply in replies] == [
        ("72", ("d6", "01027d01")),
        ("72", ("9e", "09a6a7aaabc1c2daebec")),
        ("72", ("e4", "5a")),
        ("71", ("c2", "")),
        ("71", ("ec", "")),
        ("71", ("da", "")),
        ("72", ("da", "43")),
        ("51", ("da", "99")),  # refused: it comes back as it was sent
    ]
    twin.drivers["meter"].prepare(1.0)
    twin.clock.sleep_until(20.0)
    assert twin.drivers["meter"].read(["power_kw"])["power_kw"].value == pytest.approx(2.0, abs=0.02)


@needs_node
def test_our_driver_works_a_battery_of_the_npm_package() -> None:
    with subprocess.Popen(
        ["node", "device.js"], cwd=PEERS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if "EADDRINUSE" in line:
            pytest.skip("another program holds UDP port 3610 of every address")
        assert line.strip() == "ready", line + process.stdout.readline()
        driver = EchonetBattery(setting("battery", "ECHONET::127.0.0.1", clock=RealClock(), timeout_s=2.0))
        try:
            assert driver.identify().firmware == "release R"
            before = driver.snapshot()
            values = {name: reading.value for name, reading in driver.read().items()}
            assert values["power_kw"] == pytest.approx(3.0)  # it says ff ff f4 48: 3 kW of discharge
            assert values["soc_pct"] == 90.0
            driver.do("start")
            assert driver.set("power_set_kw", 2.5) == pytest.approx(2.5)
            assert driver.read(["mode", "mode_actual"])["mode_actual"].value == "discharge"
            assert driver.set("power_set_kw", -1.5) == pytest.approx(-1.5)
            driver.restore(before)
            assert driver.snapshot() == before
        finally:
            driver.close()
            process.kill()


async def ask_with_pychonet(battery: str, meter: str) -> dict[str, Any]:
    """Discover both nodes and read them with pychonet's own decoders; then have the battery discharge."""
    udp = UDPServer(local_ip="127.0.0.1")
    udp.run(f"127.4.{os.getpid() >> 8 & 0xFF}.{os.getpid() & 0xFF}", 3610, loop=asyncio.get_running_loop())
    client = ECHONETAPIClient(server=udp)
    client._message_timeout = 30  # tenths of a second
    try:
        for host in (battery, meter):
            assert await client.discover(host)
        await client.getAllPropertyMaps(battery, 0x02, 0x7D, 0x01)
        await client.getAllPropertyMaps(meter, 0x02, 0x88, 0x01)
        storage = StorageBattery(battery, client, 0x01)
        smart = LowVoltageSmartElectricEnergyMeter(meter, client, 0x01)
        found: dict[str, Any] = {
            "set_map": sorted(client._state[battery]["instances"][0x02][0x7D][0x01][0x9E]),
            "before": await storage.update([0xDA, 0xE4, 0xA9, 0xC9, 0xD3]),
        }
        assert await storage.setMessages(
            [{"EPC": 0xC2, "PDC": 1, "EDT": 3}, {"EPC": 0xEC, "PDC": 4, "EDT": 2000}]
        )
        assert await storage.setMessage(0xDA, 0x43)
        found["after"] = await storage.update([0xDA, 0xEC])
        found["meter"] = await smart.update([0xE1, 0xE7])
        return found
    finally:
        udp.close()


def test_pychonet_understands_the_twin(twin: OpenStation) -> None:
    found = asyncio.run(ask_with_pychonet(address(twin, "battery"), address(twin, "receiving_meter")))
    assert found["set_map"] == [0xA6, 0xA7, 0xAA, 0xAB, 0xC1, 0xC2, 0xDA, 0xEB, 0xEC]
    assert found["before"][0xDA] == "auto"
    assert found["before"][0xE4] == 90
    assert found["before"][0xC9] == "0/5500"
    assert found["after"] == {0xDA: "discharging", 0xEC: 2000}
    assert found["meter"][0xE1] == 0.1
    assert found["meter"][0xE7] == 500  # the house buys half a kilowatt
    twin.drivers["meter"].prepare(1.0)
    twin.clock.sleep_until(20.0)
    assert twin.drivers["meter"].read(["power_kw"])["power_kw"].value == pytest.approx(2.0, abs=0.02)
