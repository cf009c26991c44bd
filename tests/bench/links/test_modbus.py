"""The Modbus link against TCP peers that are late, silent, split, wrong, or dead."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable

import pytest

from bench.clock import RealClock
from bench.errors import InstrumentRefused, LinkDown, LinkTimeout, UsageError, WrongReply
from bench.links.modbus import PymodbusLink
from bench.links.tap import WireRecord
from tests.bench.links.wire_peers import Peer, Reply, free_port, hang_up, in_pieces, late, modbus_peer

pytestmark = pytest.mark.wire


def reply_to(frame: bytes, body: bytes) -> bytes:
    """Return a Modbus TCP answer to ``frame`` with its transaction and unit."""
    return frame[:2] + b"\0\0" + struct.pack(">H", len(body) + 1) + frame[6:7] + body


def registers(frame: bytes, *values: int) -> bytes:
    return reply_to(frame, struct.pack(f">BB{len(values)}H", frame[7], 2 * len(values), *values))


def link_to(
    peer: Peer, timeout_s: float = 0.3, tap: Callable[[WireRecord], None] | None = None
) -> PymodbusLink:
    return PymodbusLink(f"TCP::127.0.0.1::{peer.port}", RealClock(), unit_id=7, timeout_s=timeout_s, tap=tap)


def test_reads_and_writes_go_out_as_the_protocol_says() -> None:
    def answer(frame: bytes) -> bytes:
        function = frame[7]
        if function in (3, 4):
            return registers(frame, 0x1234, 0xFFFF)
        if function in (1, 2):
            return reply_to(frame, bytes([function, 1, 0b101]))
        return reply_to(frame, frame[7:12])

    with modbus_peer(answer) as peer:
        link = link_to(peer)
        assert link.read("holding", 100, 2) == [0x1234, 0xFFFF]
        assert link.read("input", 100, 2) == [0x1234, 0xFFFF]
        assert link.read("coil", 5, 3) == [1, 0, 1]
        assert link.read("discrete", 5, 3) == [1, 0, 1]
        link.write("holding", 200, [9])
        link.write("holding", 200, [9, 10])
        link.write("coil", 3, [1, 0])
        pdus = [frame[6:].hex(" ") for frame in peer.received]
        assert pdus == [
            "07 03 00 64 00 02",
            "07 04 00 64 00 02",
            "07 01 00 05 00 03",
            "07 02 00 05 00 03",
            "07 06 00 c8 00 09",
            "07 10 00 c8 00 02 04 00 09 00 0a",
            "07 0f 00 03 00 02 01 01",
        ]
        link.close()


def test_a_device_that_hangs_up_after_each_answer_is_asked_again_and_never_told_twice() -> None:
    answered: list[int] = []

    def answer(frame: bytes) -> Reply:
        if answered and answered[-1] == peer.connections:
            return hang_up  # the question crossed the end of the connection
        answered.append(peer.connections)
        return registers(frame, 7) if frame[7] == 3 else reply_to(frame, frame[7:12])

    with modbus_peer(answer) as peer:
        link = link_to(peer)
        assert [link.read("holding", 0, 1) for _ in range(2)] == [[7], [7]]
        with pytest.raises(LinkDown):
            link.write("holding", 1, [5])
        assert [frame[7] for frame in peer.received].count(6) == 1
        assert [link.read("holding", 0, 1) for _ in range(3)] == [[7]] * 3
        link.write("holding", 1, [5])  # by now it is known to hang up: on a connection of its own
        assert peer.connections == len(answered)
        link.close()
    with pytest.raises(LinkDown):
        link.read("holding", 0, 1)


def test_an_exception_reply_is_a_refusal_that_names_it() -> None:
    with modbus_peer(lambda frame: reply_to(frame, bytes([frame[7] | 0x80, 2]))) as peer:
        link = link_to(peer)
        with pytest.raises(
            InstrumentRefused, match=r"read of 2 holding at 9 .*exception 2 \(illegal data address\)"
        ):
            link.read("holding", 9, 2)
        with pytest.raises(InstrumentRefused, match="exception 2"):
            link.write("holding", 9, [1, 2])
        assert peer.connections == 1, "a refusal is an answer: the session is sound"
        link.close()


def test_a_device_without_function_6_is_written_with_16() -> None:
    def answer(frame: bytes) -> bytes:
        return reply_to(frame, bytes([0x86, 1]) if frame[7] == 6 else frame[7:12])

    with modbus_peer(answer) as peer:
        link = link_to(peer)
        link.write("holding", 4, [1])
        link.write("holding", 4, [2])
        assert [frame[7] for frame in peer.received] == [6, 16, 16]
        link.close()


def test_silence_is_one_time_out_without_retries() -> None:
    with modbus_peer(lambda frame: None) as peer:
        link = link_to(peer)
        clock = RealClock()
        with pytest.raises(LinkTimeout, match=r"read of 1 holding at 100 within 0\.3 s"):
            link.read("holding", 100, 1)
        assert clock.now_s() < 1.0
        assert len(peer.received) == 1
        link.close()


def test_a_late_answer_is_never_the_next_ones() -> None:
    def answer(frame: bytes) -> bytes | Callable[[Peer, socket.socket], None]:
        address = struct.unpack(">H", frame[8:10])[0]
        return late(registers(frame, 1111)) if address == 100 else registers(frame, 2222)

    with modbus_peer(answer) as peer:
        link = link_to(peer)
        with pytest.raises(LinkTimeout):
            link.read("holding", 100, 1)
        peer.gate.set()
        assert link.read("holding", 200, 1) == [2222]
        assert link.generation == 2
        link.close()


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda frame: b"\xee\xee" + registers(frame, 1)[2:], id="transaction"),
        pytest.param(lambda frame: registers(frame, 1)[:6] + b"\x09" + registers(frame, 1)[7:], id="unit"),
        pytest.param(lambda frame: registers(frame, 1)[:-1], id="truncated"),
        pytest.param(lambda frame: b"HTTP/1.1 400 Bad Request\r\n\r\n", id="http"),
        pytest.param(lambda frame: os.urandom(64), id="noise"),
    ],
)
def test_an_answer_that_is_not_ours_is_never_a_value(wrong: Callable[[bytes], bytes]) -> None:
    with modbus_peer(wrong) as peer:
        link = link_to(peer)
        with pytest.raises((LinkTimeout, WrongReply, LinkDown)):
            link.read("holding", 100, 1)
        link.close()


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda frame: registers(frame, 1, 2), id="count"),
        pytest.param(lambda frame: reply_to(frame, bytes([4, 2, 0, 1])), id="function"),
        pytest.param(lambda frame: reply_to(frame, bytes([0x2B, 0x0E, 1])), id="undecodable"),
        pytest.param(lambda frame: reply_to(frame, bytes([3])), id="nothing in it"),
    ],
)
def test_an_answer_to_another_question_is_a_wrong_reply(wrong: Callable[[bytes], bytes]) -> None:
    with modbus_peer(wrong) as peer:
        link = link_to(peer)
        with pytest.raises(WrongReply):
            link.read("holding", 100, 1)
        link.close()


def test_a_write_answered_for_another_address_is_a_wrong_reply() -> None:
    with modbus_peer(lambda frame: reply_to(frame, struct.pack(">BHH", 6, 999, 1))) as peer:
        link = link_to(peer)
        with pytest.raises(WrongReply, match="address 999"):
            link.write("holding", 100, [1])
        link.close()


def test_a_split_answer_is_whole() -> None:
    def answer(frame: bytes) -> Callable[[Peer, socket.socket], None]:
        reply = registers(frame, 1, 2, 3)
        return in_pieces(reply[:4], reply[4:9], reply[9:])

    with modbus_peer(answer) as peer:
        link = link_to(peer, timeout_s=2.0)
        assert link.read("holding", 0, 3) == [1, 2, 3]
        link.close()


def test_a_peer_that_hangs_up_is_down_and_found_again() -> None:
    acts = iter([hang_up, None])

    def answer(frame: bytes) -> bytes | Callable[[Peer, socket.socket], None]:
        return next(acts, None) or registers(frame, 5)

    with modbus_peer(answer) as peer:
        link = link_to(peer, timeout_s=5.0)
        with pytest.raises(LinkDown):
            link.read("holding", 0, 1)
        assert link.read("holding", 0, 1) == [5]
        link.close()


def test_a_device_that_restarted_between_two_exchanges_is_found_again() -> None:
    with modbus_peer(lambda frame: registers(frame, 5)) as peer:
        link = link_to(peer)
        link.read("holding", 0, 1)
        peer.hang_up()
        assert link.read("holding", 0, 1) == [5]
        assert link.generation == 2
        link.close()


def test_nobody_listens(capfd: pytest.CaptureFixture[str]) -> None:
    link = PymodbusLink(f"TCP::127.0.0.1::{free_port()}", RealClock(), unit_id=1, timeout_s=0.3)
    for _ in range(2):
        with pytest.raises(LinkDown):
            link.read("holding", 0, 1)
    assert capfd.readouterr() == ("", ""), "the library must not print what we raise"


def test_threads_share_a_link() -> None:
    def answer(frame: bytes) -> bytes:
        return registers(frame, struct.unpack(">H", frame[8:10])[0])

    with modbus_peer(answer) as peer:
        link = link_to(peer, timeout_s=2.0)
        wrong: list[int] = []

        def hammer(first: int) -> None:
            wrong.extend(a for a in range(first, first + 100) if link.read("holding", a, 1) != [a])

        threads = [threading.Thread(target=hammer, args=(first,)) for first in (0, 1000, 2000)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        link.close()


@pytest.mark.parametrize(
    "resource", ["127.0.0.1:502", "TCP::host", "TCP::host::port", "RTU::/dev/x::fast", "UDP::h::1"]
)
def test_an_address_of_no_known_form_is_a_usage_error(resource: str) -> None:
    with pytest.raises(UsageError, match="expected TCP::host::port"):
        PymodbusLink(resource, RealClock(), unit_id=1, timeout_s=0.3)


def test_input_registers_cannot_be_written() -> None:
    link = PymodbusLink("TCP::127.0.0.1::1", RealClock(), unit_id=1, timeout_s=0.3)
    with pytest.raises(InstrumentRefused, match="input at 3 cannot be written"):
        link.write("input", 3, [1])


def test_the_tap_sees_every_exchange() -> None:
    seen: list[WireRecord] = []
    with modbus_peer(lambda frame: registers(frame, 255)) as peer:
        link = link_to(peer, tap=seen.append)
        link.read("holding", 100, 1)
        link.close()
    assert [(record.direction, record.text) for record in seen] == [
        ("event", "opened"),
        ("out", "read of 1 holding at 100"),
        ("in", "00ff"),
        ("event", "closed"),
    ]
