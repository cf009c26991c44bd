"""Every kind of VISA resource that a peer can be made for: HiSLIP, VXI-11 and a serial line.

The raw socket has its own file. USB and GPIB need hardware: nobody has tried them here.
"""

from __future__ import annotations

import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.clock import RealClock
from bench.errors import LinkDown, LinkTimeout
from bench.links.visa import VisaLink
from instruments.kikusui_pcr import KikusuiPcr
from instruments.yokogawa_wt import YokogawaWt
from tests.bench.links.bus_peers import Answer, HislipPeer, PortMapper, SerialPeer, Vxi11Peer
from tests.instruments.bench_setting import setting
from tests.instruments.scripted import ScriptedPcr, ScriptedWt

pytestmark = pytest.mark.wire

KINDS = ("hislip", "vxi11", "serial")
VALUES = {"P,1": "-1.25E+03", "FU,1": "49.868E+00", "U,1": "201.5E+00", "I,1": "6.2E+00"}


@contextmanager
def served(kind: str, answer: Answer) -> Iterator[tuple[str, HislipPeer | Vxi11Peer | SerialPeer]]:
    """Serve ``answer`` over one kind of wire; yield its VISA resource and the peer."""
    peer: HislipPeer | Vxi11Peer | SerialPeer
    if kind == "hislip":
        peer = HislipPeer(answer)
        resource = f"TCPIP::127.0.0.1::hislip0,{peer.port}::INSTR"
    elif kind == "vxi11":
        peer = Vxi11Peer(answer)
        resource = f"TCPIP::127.0.0.1,{peer.port}::INSTR"
    else:
        peer = SerialPeer(answer)
        resource = f"ASRL{peer.path}::INSTR"
    try:
        yield resource, peer
    finally:
        peer.close()


def link_to(resource: str, timeout_s: float = 0.5) -> VisaLink:
    return VisaLink(resource, RealClock(), timeout_s=timeout_s)


@pytest.mark.parametrize("kind", KINDS)
def test_a_conversation(kind: str) -> None:
    answers = {"*IDN?": "ACME,EL100,1234,1.0", "V?": "101.1", "LONG?": ",".join(["+1.0000E+00"] * 600)}
    with served(kind, answers.get) as (resource, peer):
        link = link_to(resource)
        assert link.query("*IDN?") == answers["*IDN?"]
        link.write("VOLT 5")
        assert [link.query("V?") for _ in range(20)] == ["101.1"] * 20
        assert link.query("LONG?") == answers["LONG?"]
        assert peer.received[:3] == ["*IDN?", "VOLT 5", "V?"]
        assert link.generation == 1
        link.close()


@pytest.mark.parametrize("kind", KINDS)
def test_silence_is_a_time_out_and_the_next_answer_is_its_own(kind: str) -> None:
    answers = {"*IDN?": "ACME,EL100,1234,1.0", "V?": "101.1"}
    with served(kind, answers.get) as (resource, _):
        link = link_to(resource)
        link.query("*IDN?")
        with pytest.raises(LinkTimeout):
            link.query("SILENT?")
        assert link.query("V?") == "101.1"
        assert link.generation == 2
        link.close()


@pytest.mark.parametrize("kind", ["hislip", "vxi11"])
def test_a_peer_that_is_gone_is_down(kind: str) -> None:
    with served(kind, {"*IDN?": "ACME,EL100,1234,1.0"}.get) as (resource, peer):
        link = link_to(resource)
        link.query("*IDN?")
        peer.close()
        with pytest.raises((LinkDown, LinkTimeout)):
            link.query("*IDN?")
        with pytest.raises(LinkDown):
            link.query("*IDN?")


@pytest.mark.parametrize("kind", KINDS)
def test_an_analyzer_and_a_source_work_over_it(kind: str) -> None:
    meter = ScriptedWt(VALUES)
    with served(kind, meter.handle) as (resource, _):
        driver = YokogawaWt(setting("meter", resource, device_point=1))
        driver.prepare(0.1)
        assert driver.frequency_hz == pytest.approx(49.868)
        driver.close()
    source = ScriptedPcr()
    with served(kind, source.handle) as (resource, _):
        pcr = KikusuiPcr(setting("source", resource))
        pcr.identify()
        assert pcr.set("frequency_hz", 49.8) == pytest.approx(49.8)
        pcr.close()


def test_vxi_11_is_found_by_the_port_mapper() -> None:
    with served("vxi11", {"*IDN?": "YOKOGAWA,WT1804E,1,1.0"}.get) as (_, peer):
        assert isinstance(peer, Vxi11Peer)
        try:
            mapper = PortMapper(peer.port)
        except OSError as error:
            pytest.skip(f"port 111 cannot be had here: {error.strerror}")
        link = link_to("TCPIP::127.0.0.1::INSTR")
        assert link.query("*IDN?") == "YOKOGAWA,WT1804E,1,1.0"
        link.close()
        mapper.close()


def test_the_baud_rate_of_a_serial_line_is_the_station_files() -> None:
    with served("serial", {"*IDN?": "KIKUSUI,PCR500M,1,1.0"}.get) as (resource, peer):
        assert isinstance(peer, SerialPeer)
        pcr = KikusuiPcr(setting("source", resource, baud_rate=115200))
        pcr.identify()
        assert peer.speed == termios.B115200
        pcr.close()


def test_a_baud_rate_that_no_line_has_is_named() -> None:
    with served("serial", {}.get) as (resource, _):
        link = VisaLink(resource, RealClock(), timeout_s=0.3, baud_rate=10**12)
        with pytest.raises(LinkDown, match="1000000000000"):
            link.query("*IDN?")


def test_a_visa_library_that_is_not_installed_is_named_with_the_key() -> None:
    link = VisaLink("TCPIP::127.0.0.1::1::SOCKET", RealClock(), timeout_s=0.3, visa="@ivi")
    try:
        link.query("*IDN?")
    except LinkDown as error:
        said = str(error)
    if "[station] visa" not in said:
        pytest.skip("a vendor's VISA is installed here")
    assert 'visa = "@ivi"' in said
    assert "pyvisa-py" in said
