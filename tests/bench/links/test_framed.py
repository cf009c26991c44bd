"""Framed messages after a login, against a peer written from the maker's description alone."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bench.clock import RealClock
from bench.errors import LinkDown, LinkTimeout, UsageError, WrongInstrument, WrongReply
from bench.links.framed import FramedLink
from bench.links.tap import WireRecord
from instruments.yokogawa_wt import YokogawaWt
from tests.bench.links.wire_peers import Peer, Reply, hang_up, in_pieces, late
from tests.instruments.bench_setting import setting, socket_resource
from tests.instruments.scripted import ScriptedWt

pytestmark = pytest.mark.wire

IDN = "YOKOGAWA,760304-40-MV,0,F6.01"


def framed(text: str, *, last: bool = True) -> bytes:
    return (b"\x80" if last else b"\x00") + struct.pack(">I", len(text))[1:] + text.encode()


def split_frames(buffer: bytes) -> tuple[bytes, bytes]:
    """Take one frame off the buffer, with its head: an empty message is still one."""
    if len(buffer) < 4:
        return b"", buffer
    end = 4 + int.from_bytes(buffer[1:4], "big")
    return (buffer[:end], buffer[end:]) if len(buffer) >= end else (b"", buffer)


class Server(Peer):
    """Greets whoever connects, takes user and password, then answers by ``answers``."""

    def __init__(self, answers: Callable[[str], Reply], password: str) -> None:
        self._answers, self._password = answers, password
        self._said: dict[int, int] = {}
        super().__init__(lambda frame: self._act(frame), split=split_frames)

    def _serve(self, client: socket.socket) -> None:
        client.sendall(framed("Please login: "))
        super()._serve(client)

    def _act(self, frame: bytes) -> Reply:
        message = frame[4:].decode()

        def act(peer: Peer, client: socket.socket) -> None:
            said = self._said[id(client)] = self._said.get(id(client), 0) + 1
            if said == 1:
                client.sendall(framed("Password: "))
            elif said == 2 and message == self._password:
                client.sendall(framed("login OK"))
            elif said == 2:
                hang_up(peer, client)
            else:
                reply = self._answers(message)
                if callable(reply):
                    reply(peer, client)
                elif reply is not None:
                    client.sendall(reply)

        return act


@contextmanager
def server(answers: dict[str, Reply] | Callable[[str], Reply], password: str = "") -> Iterator[Server]:
    peer = Server(answers if callable(answers) else answers.get, password)
    try:
        yield peer
    finally:
        peer.close()


def link_to(peer: Peer, **options: object) -> FramedLink:
    resource = f"TCPIP::127.0.0.1::{peer.port}::SOCKET"
    return FramedLink(resource, RealClock(), timeout_s=0.3, user="anonymous", **options)  # type: ignore[arg-type]


def test_it_logs_in_with_an_empty_password_and_asks() -> None:
    with server({"*IDN?": framed(IDN + "\n")}) as peer:
        link = link_to(peer)
        assert link.query("*IDN?") == IDN
        link.write(":COMM:REM ON")
        assert link.query("*IDN?") == IDN
        assert peer.received[:2] == [b"\x80\x00\x00\x09anonymous", b"\x80\x00\x00\x00"]
        assert peer.received[2] == b"\x80\x00\x00\x05*IDN?"
        assert link.generation == peer.connections == 1
        link.close()


def test_a_wrong_password_is_named_and_never_recorded() -> None:
    seen: list[WireRecord] = []
    with server({"*IDN?": framed(IDN)}, password="right") as peer:
        link = link_to(peer, password="wrong", tap=seen.append)
        with pytest.raises(LinkDown, match="are user and password right"):
            link.query("*IDN?")
        assert not any("wrong" in record.text for record in seen)


def test_a_message_in_parts_and_in_pieces_is_whole() -> None:
    parts = framed("1.0,2", last=False) + framed(".0,3.0")
    with server({"V?": parts, "W?": in_pieces(parts[:2], parts[2:7], parts[7:])}) as peer:
        link = link_to(peer)
        assert [link.query("V?"), link.query("W?")] == ["1.0,2.0,3.0"] * 2
        link.close()


def test_a_late_answer_is_never_the_next_ones() -> None:
    with server({"*IDN?": framed(IDN), "U?": late(framed("201.5")), "I?": framed("5.5")}) as peer:
        link = link_to(peer)
        link.query("*IDN?")
        with pytest.raises(LinkTimeout):
            link.query("U?")
        peer.gate.set()
        assert link.query("I?") == "5.5"
        assert link.generation == 2
        link.close()


def test_another_instrument_after_reconnection_is_refused() -> None:
    names = [IDN, "YOKOGAWA,WT230,0,1.0"]
    with server(lambda message: framed(names.pop(0)) if message == "*IDN?" else hang_up) as peer:
        link = link_to(peer)
        link.query("*IDN?")
        with pytest.raises(LinkDown):
            link.query("V?")
        with pytest.raises(WrongInstrument, match="WT230"):
            link.query("V?")


@pytest.mark.parametrize("reply", [b"201.5\n201.5\n", framed("\xff\xfe")])
def test_what_is_no_frame_of_text_is_no_answer(reply: bytes) -> None:
    with server({"V?": reply}) as peer, pytest.raises((WrongReply, LinkTimeout)):
        link_to(peer).query("V?")


@pytest.mark.parametrize("resource", ["GPIB0::1::INSTR", "TCPIP::127.0.0.1::75537::SOCKET"])
def test_only_a_socket_can_be_logged_in_to(resource: str) -> None:
    with pytest.raises(UsageError, match="TCPIP::host::port::SOCKET"):
        FramedLink(resource, RealClock(), timeout_s=1.0, user="anonymous")


def test_a_password_that_cannot_be_sent_leaves_no_half_open_session() -> None:
    with server({}) as peer, pytest.raises(UsageError, match="must be ASCII") as error:
        link_to(peer, password="pässword")
    assert "pässword" not in str(error.value)


def test_the_analyzer_is_read_after_a_login() -> None:
    analyzer = ScriptedWt({"P,1": "-1.25E+03", "FU,1": "49.868E+00", "U,1": "201.5E+00", "I,1": "6.2E+00"})

    def answer(message: str) -> Reply:
        reply = analyzer.handle(message)
        return None if reply is None else framed(reply + "\n")

    with server(answer) as peer:
        driver = YokogawaWt(setting("meter", socket_resource(peer.port), user="anonymous", device_point=1))
        driver.prepare(0.1)
        assert driver.frequency_hz == pytest.approx(49.868)
        assert driver.power_kw == pytest.approx(-1.25)
        driver.close()
