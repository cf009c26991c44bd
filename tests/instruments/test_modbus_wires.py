"""The battery twin over every Modbus wire: another client on TCP, our drivers on a serial line and in TLS."""

from __future__ import annotations

import contextlib
import datetime as dt
import ssl
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyModbusTCP.client import ModbusClient

from bench.clock import VirtualClock
from bench.config.load import load_station
from bench.errors import LinkDown
from bench.rooms import room
from bench.station import OpenStation, open_station
from instruments.modbus_map import ModbusMap
from instruments.sunspec import SunSpec
from instruments.twins.ports import ModbusPort
from tests.bench.links.modbus_peers import RtuPeer, rtu, tls_server
from tests.instruments.bench_setting import setting
from tests.instruments.twins.worlds import host

pytestmark = pytest.mark.wire

EXAMPLE = str(room("fixtures") / "maps" / "example_battery.toml")


def serve(port: ModbusPort, unit: int, request: bytes) -> bytes:
    """Return the reply PDU of the twin to a request PDU (functions 3, 6 and 16)."""
    function, address = request[0], int.from_bytes(request[1:3], "big")
    if function == 3:
        answer: Any = port.read(unit, "holding", address, int.from_bytes(request[3:5], "big"))
        if isinstance(answer, list):
            return bytes((3, 2 * len(answer))) + struct.pack(f">{len(answer)}H", *answer)
    else:
        data = request[3:5] if function == 6 else request[6:]
        answer = port.write(unit, "holding", address, struct.unpack(f">{len(data) // 2}H", data))
        if answer is None:
            return request[:5]
    return bytes((function | 0x80, answer))


@pytest.fixture
def serial_line() -> Iterator[Callable[[ModbusPort], str]]:
    """Put a twin at the other end of a pseudo terminal; return its device name."""
    with contextlib.ExitStack() as open_now:

        def build(port: ModbusPort) -> str:
            def answer(request: bytes) -> bytes | None:
                sound = rtu(request[:-2]) == request
                return rtu(request[:1] + serve(port, request[0], request[1:-2])) if sound else None

            return open_now.enter_context(RtuPeer(answer)).device

        yield build


def battery_port(**twin: Any) -> ModbusPort:
    port = host(battery=twin).endpoints["battery"]
    assert isinstance(port, ModbusPort)
    return port


def works(driver: SunSpec | ModbusMap) -> None:
    """Identify, take over, set, read back, give back."""
    assert driver.identify().simulated
    before = driver.snapshot()
    driver.do("start")
    assert driver.set("power_set_kw", -1.25) == pytest.approx(-1.25)
    assert driver.read(["soc_pct"])["soc_pct"].value == pytest.approx(90.0)
    driver.restore(before)
    assert driver.snapshot() == before


def test_sunspec_over_a_serial_line(serial_line: Callable[[ModbusPort], str]) -> None:
    device = serial_line(battery_port())
    driver = SunSpec(setting("battery", f"RTU::{device}::115200N81", clock=VirtualClock(), longest_read=60))
    works(driver)
    driver.close()


def test_a_map_over_a_serial_line(serial_line: Callable[[ModbusPort], str]) -> None:
    device = serial_line(battery_port(dialect="modbus"))
    driver = ModbusMap(setting("battery", f"RTU::{device}::9600N81", clock=VirtualClock(), map=EXAMPLE))
    works(driver)
    driver.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a test authority and a certificate for ``localhost`` that it signed; return their folder."""
    folder = tmp_path_factory.mktemp("authority")
    now = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("ca", "server")}
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    for name, subject in (("ca", ca_name), ("server", x509.Name([]))):
        extension: x509.ExtensionType = (
            x509.BasicConstraints(ca=True, path_length=0)
            if name == "ca"
            else x509.SubjectAlternativeName([x509.DNSName("localhost")])
        )
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(ca_name)
            .public_key(keys[name].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + dt.timedelta(days=36500))
            .add_extension(extension, critical=True)
            .sign(keys["ca"], hashes.SHA256())
        )
        (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        (folder / f"{name}.key").write_bytes(
            keys[name].private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    return folder


@pytest.fixture
def tls_port(authority: Path) -> Iterator[int]:
    """Serve the battery twin inside TLS."""
    port = battery_port(dialect="modbus")

    def talk(client: ssl.SSLSocket) -> None:
        while head := client.recv(7):
            request = client.recv(int.from_bytes(head[4:6], "big") - 1)
            reply = serve(port, head[6], request)
            client.sendall(head[:4] + struct.pack(">H", len(reply) + 1) + head[6:] + reply)

    with tls_server(str(authority / "server.pem"), str(authority / "server.key"), talk) as served:
        yield served


def over_tls(name: str, port: int) -> ModbusMap:
    return ModbusMap(setting("battery", f"TLS::{name}::{port}", clock=VirtualClock(), map=EXAMPLE))


def test_a_map_inside_tls(tls_port: int, authority: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
    driver = over_tls("localhost", tls_port)
    works(driver)
    driver.close()


@pytest.mark.parametrize(("name", "trusted"), [("127.0.0.1", True), ("localhost", False)])
def test_another_name_or_authority_is_refused(
    tls_port: int, authority: Path, monkeypatch: pytest.MonkeyPatch, name: str, trusted: bool
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
    driver = over_tls(name, tls_port)
    with pytest.raises(LinkDown, match="certificate"):
        driver.identify()
    driver.close()


def another_client(station: OpenStation) -> ModbusClient:
    _, address, port = station.resources["battery"].split("::")
    return ModbusClient(host=address, port=int(port), unit_id=1, timeout=2.0, auto_open=True)


def test_another_client_and_our_driver_see_one_battery() -> None:
    """pyModbusTCP writes, our driver reads, and the other way round."""
    overrides = {"instruments.battery.driver": "instruments.modbus_map:ModbusMap",
                 "instruments.battery.map": EXAMPLE, "twin.battery.dialect": "modbus"}  # fmt: skip
    with open_station(load_station("twin", overrides)) as station:
        client, driver = another_client(station), station.drivers["battery"]
        assert client.read_holding_registers(16, 1) == [9000]  # 90 %, in hundredths
        assert client.write_multiple_registers(0, [1, 0x10000 - 1500])
        assert driver.read(["mode"])["mode"].value == "remote"
        assert driver.read(["power_set_kw"])["power_set_kw"].value == pytest.approx(-1.5)
        driver.set("power_set_kw", 2.0)
        assert client.read_holding_registers(1, 1) == [2000]
        assert not client.write_single_register(1, 6000)  # beyond the rating of 5.5 kW
        assert client.last_except == 3
        client.close()


def test_another_client_finds_the_sunspec_mark() -> None:
    with open_station(load_station("twin")) as station:
        client = another_client(station)
        assert client.read_holding_registers(40000, 3) == [0x5375, 0x6E53, 1]
        assert client.read_input_registers(40000, 1) is None
        assert client.last_except == 1
        client.close()


def test_a_command_goes_through_the_gateway_late_and_news_come_at_an_interval() -> None:
    overrides = {"twin.gateway.command_delay_s": 5.0, "twin.gateway.telemetry_interval_s": 10.0}
    with open_station(load_station("twin-gateway", overrides)) as station:
        source, meter, gateway = (station.drivers[role] for role in ("source", "meter", "battery"))
        source.set("voltage_v", 202.0)
        source.set("output", True)
        meter.prepare(0.5)
        gateway.do("start")
        station.clock.sleep_until(30.0)
        gateway.set("power_set_kw", 3.0)
        sent_s = station.clock.now_s()

        def seen_kw() -> tuple[float, float]:
            return tuple(float(d.read(["power_kw"])["power_kw"].value or 0.0) for d in (meter, gateway))  # type: ignore[return-value]

        station.clock.sleep_until(sent_s + 4.5)
        assert seen_kw() == pytest.approx((0.0, 0.0), abs=0.02)
        station.clock.sleep_until(sent_s + 9.0)
        assert seen_kw() == pytest.approx((3.0, 0.0), abs=0.02)
        station.clock.sleep_until(sent_s + 12.0)
        assert seen_kw() == pytest.approx((3.0, 3.0), abs=0.02)
