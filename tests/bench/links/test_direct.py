"""The direct link and the factory: same errors as a wire, and the right link for each address."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bench.clock import VirtualClock
from bench.errors import InstrumentRefused, LinkDown, LinkTimeout, UsageError
from bench.links.base import RegisterKind
from bench.links.factory import LinkFactory
from bench.links.modbus import PymodbusLink
from bench.links.tap import WireRecord
from bench.links.visa import VisaLink


class Lines:
    def handle(self, line: str) -> str | None:
        if line == "DEAD?":
            raise ConnectionResetError("gone")
        return "5.0" if line == "X?" else None


class Registers:
    def __init__(self) -> None:
        self.values = [10, 20, 30]

    def read(self, unit: int, kind: RegisterKind, address: int, count: int) -> list[int] | int:
        if address == 99:
            raise TimeoutError
        return 2 if address + count > 3 else self.values[address : address + count]

    def write(self, unit: int, kind: RegisterKind, address: int, values: Sequence[int]) -> int | None:
        if address > 2:
            return 2
        self.values[address : address + len(values)] = values
        return None


@pytest.fixture
def factory() -> LinkFactory:
    return LinkFactory(VirtualClock(), endpoints={"source": Lines(), "battery": Registers()})


def test_lines(factory: LinkFactory) -> None:
    link = factory.scpi("DIRECT::source", timeout_s=1.0)
    assert link.query("X?") == "5.0"
    link.write("SET 1")
    with pytest.raises(LinkTimeout, match=r"no answer to 'NOTHING\?'"):
        link.query("NOTHING?")
    with pytest.raises(LinkDown, match="gone"):
        link.query("DEAD?")
    link.close()


def test_registers(factory: LinkFactory) -> None:
    link = factory.modbus("DIRECT::battery", unit_id=1, timeout_s=1.0)
    assert link.read("holding", 1, 2) == [20, 30]
    link.write("holding", 0, [7])
    assert link.read("holding", 0, 1) == [7]
    with pytest.raises(InstrumentRefused, match=r"exception 2 \(illegal data address\)"):
        link.read("holding", 2, 5)
    with pytest.raises(InstrumentRefused, match="exception 2"):
        link.write("holding", 9, [1])
    with pytest.raises(LinkTimeout):
        link.read("holding", 99, 1)
    link.close()


@pytest.mark.parametrize("role", ["meter", "battery", ""])
def test_no_such_endpoint_is_link_down(factory: LinkFactory, role: str) -> None:
    with pytest.raises(LinkDown, match="no simulated instrument"):
        factory.scpi(f"DIRECT::{role}", timeout_s=1.0)


def test_the_tap_sees_direct_messages() -> None:
    seen: list[WireRecord] = []
    clock = VirtualClock()
    factory = LinkFactory(clock, endpoints={"source": Lines(), "battery": Registers()}, tap=seen.append)
    clock.sleep_until(2.5)
    factory.scpi("DIRECT::source", timeout_s=1.0).query("X?")
    factory.modbus("DIRECT::battery", unit_id=1, timeout_s=1.0).read("holding", 0, 1)
    assert [(record.t_s, record.direction, record.text) for record in seen] == [
        (2.5, "out", "X?"),
        (2.5, "in", "5.0"),
        (2.5, "out", "read of 1 holding at 0"),
        (2.5, "in", "000a"),
    ]


def test_each_address_gets_its_link_and_nothing_is_opened() -> None:
    factory = LinkFactory(VirtualClock())
    assert isinstance(factory.scpi("TCPIP::192.0.2.1::5025::SOCKET", timeout_s=1.0), VisaLink)
    for resource in ("TCP::192.0.2.1::502", "TLS::192.0.2.1::802", "RTU::/dev/ttyUSB0::9600N81"):
        assert isinstance(factory.modbus(resource, unit_id=1, timeout_s=1.0), PymodbusLink)
    with pytest.raises(UsageError):
        factory.modbus("somewhere", unit_id=1, timeout_s=1.0)
