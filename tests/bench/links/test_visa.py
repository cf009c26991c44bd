"""The VISA link against peers that are late, silent, split, wrong, or dead: no answer is ever misfiled."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from bench.clock import RealClock
from bench.errors import InstrumentError, LinkDown, LinkTimeout, WrongInstrument, WrongReply
from bench.links.tap import WireRecord
from bench.links.visa import VisaLink
from tests.bench.links.wire_peers import Peer, Reply, free_port, hang_up, in_pieces, late, scpi_peer

pytestmark = pytest.mark.wire

IDN = b"ACME,EL100,1234,1.0\n"


def link_to(peer: Peer | int, timeout_s: float = 0.3, **options: object) -> VisaLink:
    port = peer if isinstance(peer, int) else peer.port
    resource = f"TCPIP::127.0.0.1::{port}::SOCKET"
    return VisaLink(resource, RealClock(), timeout_s=timeout_s, **options)


@pytest.fixture
def good() -> Iterator[Peer]:
    with scpi_peer({"*IDN?": IDN, "MEAS:VOLT?": b"101.1\n", "MEAS:CURR?": b"5.5\n"}) as peer:
        yield peer


def test_an_exchange(good: Peer) -> None:
    link = link_to(good)
    assert link.query("*IDN?") == "ACME,EL100,1234,1.0"
    link.write("VOLT 5")
    assert link.query("MEAS:VOLT?") == "101.1"
    assert good.received == [b"*IDN?", b"VOLT 5", b"MEAS:VOLT?"]
    link.close()


def test_nothing_is_opened_before_the_first_exchange(good: Peer) -> None:
    link = link_to(good)
    assert link.generation == 0
    assert good.connections == 0
    link.query("*IDN?")
    assert link.generation == 1
    link.close()


def test_a_late_answer_is_never_the_next_ones() -> None:
    with scpi_peer({"*IDN?": IDN, "MEAS:VOLT?": late(b"101.1\n"), "MEAS:CURR?": b"5.5\n"}) as peer:
        link = link_to(peer)
        link.query("*IDN?")
        with pytest.raises(LinkTimeout, match=r"MEAS:VOLT\?.*0\.3 s"):
            link.query("MEAS:VOLT?")
        peer.gate.set()
        assert link.query("MEAS:CURR?") == "5.5"
        assert peer.received == [b"*IDN?", b"MEAS:VOLT?", b"*IDN?", b"MEAS:CURR?"], "identified again first"
        assert link.generation == 2
        link.close()


def test_bytes_nobody_asked_for_are_thrown_away() -> None:
    with scpi_peer({"*IDN?": IDN, "MEAS:VOLT?": b"101.1\n77.7\n", "MEAS:CURR?": b"5.5\n"}) as peer:
        link = link_to(peer)
        link.query("*IDN?")
        assert link.query("MEAS:VOLT?") == "101.1"
        assert link.query("MEAS:CURR?") == "5.5"
        link.close()


def test_a_refused_port_is_down_at_the_first_exchange() -> None:
    link = link_to(free_port())
    with pytest.raises(LinkDown):
        link.query("*IDN?")
    with pytest.raises(LinkDown):
        link.query("*IDN?")


def test_a_peer_that_hangs_up_is_down_at_once_and_found_again() -> None:
    answers = {"*IDN?": IDN, "MEAS:VOLT?": hang_up, "MEAS:CURR?": b"5.5\n"}
    with scpi_peer(answers) as peer:
        link = link_to(peer, timeout_s=5.0)
        link.query("*IDN?")
        with pytest.raises(LinkDown, match="closed the connection"):
            link.query("MEAS:VOLT?")
        assert link.query("MEAS:CURR?") == "5.5"
        link.close()


def test_an_instrument_that_restarted_between_two_exchanges_is_found_again(good: Peer) -> None:
    link = link_to(good)
    link.query("*IDN?")
    good.hang_up()
    assert link.query("MEAS:VOLT?") == "101.1"
    assert link.generation == 2
    link.close()


def test_one_reconnection_per_exchange() -> None:
    with scpi_peer({"*IDN?": IDN}) as peer:
        link = link_to(peer)
        link.query("*IDN?")
    for _ in range(3):
        with pytest.raises(LinkDown):
            link.query("*IDN?")
    assert peer.connections == 1


def test_another_instrument_after_reconnection_is_refused() -> None:
    names = iter([IDN, b"OTHER,X1,9,1.0\n", IDN])
    with scpi_peer(lambda command: next(names) if command == "*IDN?" else b"1\n") as peer:
        link = link_to(peer)
        link.query("*IDN?")
        peer.hang_up()
        with pytest.raises(WrongInstrument, match="OTHER"):
            link.query("MEAS:VOLT?")
        assert link.query("MEAS:VOLT?") == "1", "the right one is back"
        link.close()


def test_a_split_answer_is_whole() -> None:
    with scpi_peer({"X?": in_pieces(b"10", b"1.", b"1", b"\n")}) as peer:
        link = link_to(peer)
        assert link.query("X?") == "101.1"
        link.close()


def test_an_answer_without_end_is_a_time_out_not_a_value() -> None:
    with scpi_peer({"X?": b"101.1"}) as peer:
        link = link_to(peer)
        with pytest.raises(LinkTimeout):
            link.query("X?")
        link.close()


@pytest.mark.parametrize("garbage", [b"\xff\xfe\x00\x81\n", "電圧\n".encode()])
def test_bytes_that_are_no_text_are_a_wrong_reply(garbage: bytes) -> None:
    with scpi_peer({"X?": garbage}) as peer:
        link = link_to(peer)
        with pytest.raises(WrongReply, match="not text"):
            link.query("X?")
        link.close()


def test_a_flood_without_terminator_ends() -> None:
    def flood(peer: Peer, client: socket.socket) -> None:
        while not peer.gate.is_set():
            client.sendall(b"A" * 65536)

    with scpi_peer({"X?": flood}) as peer:
        link = link_to(peer)
        with pytest.raises(WrongReply, match="without a terminator"):
            link.query("X?")
        link.close()


def test_long_answers_arrive_whole() -> None:
    values = ",".join(f"{i}.5E+00" for i in range(2000))
    with scpi_peer({"X?": values.encode() + b"\r\n"}) as peer:
        link = link_to(peer, timeout_s=2.0)
        assert link.query("X?") == values
        link.close()


def test_two_threads_never_get_each_others_answers() -> None:
    with scpi_peer(lambda command: command.encode() + b"\n") as peer:
        link = link_to(peer, timeout_s=2.0)
        wrong: list[str] = []

        def hammer(name: str) -> None:
            for number in range(100):
                command = f"{name}{number}?"
                if link.query(command) != command:
                    wrong.append(command)

        threads = [threading.Thread(target=hammer, args=(name,)) for name in "ABC"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong
        assert len(peer.received) == 300
        link.close()


@pytest.mark.parametrize(
    "resource",
    ["nonsense", "TCPIP::127.0.0.1::1::INSTR", "ASRL/dev/there_is_no_such_port::INSTR", "GPIB0::5::INSTR"],
)
def test_whatever_the_library_raises_becomes_link_down(resource: str) -> None:
    link = VisaLink(resource, RealClock(), timeout_s=0.3)
    with pytest.raises(LinkDown):
        link.query("*IDN?")


def test_a_visa_library_that_is_missing_is_link_down() -> None:
    link = VisaLink("TCPIP::127.0.0.1::1::SOCKET", RealClock(), timeout_s=0.3, visa="@no_such_backend")
    with pytest.raises(LinkDown):
        link.query("*IDN?")


def test_the_pause_is_kept_between_commands(good: Peer) -> None:
    clock = RealClock()
    link = VisaLink(f"TCPIP::127.0.0.1::{good.port}::SOCKET", clock, timeout_s=1.0, pause_s=0.05)
    link.query("*IDN?")
    start_s = clock.now_s()
    link.query("MEAS:VOLT?")
    link.query("MEAS:VOLT?")
    assert clock.now_s() - start_s >= 0.09
    link.close()


def test_the_tap_sees_every_message(good: Peer) -> None:
    seen: list[WireRecord] = []
    link = link_to(good, tap=seen.append)
    link.query("*IDN?")
    link.close()
    assert [(record.direction, record.text) for record in seen] == [
        ("event", "opened"),
        ("out", "*IDN?"),
        ("in", "ACME,EL100,1234,1.0"),
        ("event", "closed"),
    ]
    assert {record.resource for record in seen} == {link.resource}


def test_close_never_raises_and_every_error_is_ours(good: Peer) -> None:
    link = link_to(good)
    link.close()
    link.query("*IDN?")
    good.close()
    link.close()
    link.close()
    with pytest.raises(InstrumentError):
        link.query("*IDN?")


def test_empty_lines_are_no_answers() -> None:
    answers: dict[str, Reply] = {"A?": b"\r\n1\r\n", "B?": b"2\r\n\r\n", "C?": b"\n"}
    with scpi_peer(answers) as peer:
        link = link_to(peer, timeout_s=0.2)
        assert [link.query(question) for question in ("A?", "B?", "A?", "B?")] == ["1", "2", "1", "2"]
        assert peer.connections == 1
        with pytest.raises(LinkTimeout):
            link.query("C?")
        link.close()


def test_a_greeting_is_not_the_identity() -> None:
    lines = b"Welcome to instrument control\r\nACME,EL100,SN1,1.0\r\n"
    with scpi_peer({"*IDN?": lines, "A?": b"1\n"}) as peer:
        link = link_to(peer)
        assert link.query("*IDN?") == "ACME,EL100,SN1,1.0"
        assert link.query("A?") == "1"
        link.close()
    with scpi_peer({"*IDN?": b"who is there\n"}) as peer:
        link = link_to(peer, timeout_s=0.2)
        assert link.query("*IDN?") == "who is there"
        link.close()


def test_a_peer_that_sends_empty_lines_without_end_holds_nobody_up() -> None:
    def babble(peer: Peer, client: socket.socket) -> None:
        client.sendall(b"ACME,EL100,SN1,1.0\n")
        while True:  # until the link hangs up
            client.sendall(b"\n" * 4096)

    with scpi_peer({"*IDN?": babble}) as peer:
        link = link_to(peer, timeout_s=0.2)
        assert link.query("*IDN?") == "ACME,EL100,SN1,1.0"
        failures: list[Exception] = []

        def ask() -> None:
            try:
                link.query("A?")
            except InstrumentError as error:
                failures.append(error)

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(20.0)
        assert [type(error) for error in failures] == [LinkTimeout]
        link.close()
