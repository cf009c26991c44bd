"""The ECHONET Lite link against a peer that is late, silent, elsewhere, wrong, or talks unasked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.clock import RealClock
from bench.errors import LinkTimeout, UsageError, WrongReply
from bench.links.echonet import EchonetLink, Hubs, parse_resource
from bench.links.echonet_frame import Frame, decode_map, encode_map
from bench.links.echonet_udp import PORT
from tests.bench.links.udp_node import UdpNode, codes, frame

pytestmark = pytest.mark.wire

BATTERY = 0x027D01
US, IT = "05ff01", "027d01"


def reply(request: bytes, service: int, *properties: tuple[int, str], tid: int | None = None) -> bytes:
    number = int.from_bytes(request[2:4], "big") if tid is None else tid
    return frame(number, IT, US, service, *properties)


@pytest.fixture
def node() -> Iterator[UdpNode]:
    peer = UdpNode(lambda request: [reply(request, 0x72, *((code, "5a") for code in codes(request)))])
    yield peer
    peer.close()


@pytest.fixture
def link(node: UdpNode) -> Iterator[EchonetLink]:
    session = EchonetLink(f"ECHONET::{node.address}", RealClock(), timeout_s=0.1, hubs=Hubs())
    yield session
    session.close()


def test_a_get_on_the_wire(node: UdpNode, link: EchonetLink) -> None:
    assert link.get(BATTERY, [0xE4, 0xE5]) == {0xE4: b"\x5a", 0xE5: b"\x5a"}
    request = node.heard[0]
    assert request[:2] == b"\x10\x81"
    assert request[4:] == bytes.fromhex("05ff01 027d01 62 02 e400 e500")
    assert node.asker[1] == PORT, "devices answer to port 3610, so that must be where we listen"


def test_many_properties_go_in_small_requests(node: UdpNode, link: EchonetLink) -> None:
    assert len(link.get(BATTERY, range(0xA0, 0xB4))) == 20
    assert [request[11] for request in node.heard] == [8, 8, 4]


def test_a_reply_from_another_port_is_ours(node: UdpNode, link: EchonetLink) -> None:
    node.mouth = node.other
    assert link.get(BATTERY, [0xE4]) == {0xE4: b"\x5a"}


def test_a_reply_from_another_address_is_not(node: UdpNode, link: EchonetLink) -> None:
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.bind(("127.0.3.1", 0))
    node.mouth = stranger
    with pytest.raises(LinkTimeout, match="asked 3 times"):
        link.get(BATTERY, [0xE4])
    stranger.close()


def test_a_late_reply_is_never_the_next_answer(node: UdpNode, link: EchonetLink) -> None:
    """The peer answers each request with the reply to the one before."""
    held: list[bytes] = []

    def late(request: bytes) -> list[bytes]:
        held.append(reply(request, 0x72, (codes(request)[0], f"{len(held):02x}")))
        return held[-2:-1]

    node.answer = late
    for _ in range(2):
        with pytest.raises(LinkTimeout):
            link.get(BATTERY, [0xE4])
    assert len({request[2:4] for request in node.heard}) == 6, "every attempt has a transaction of its own"


def test_a_lost_get_is_asked_again_and_a_set_is_not(node: UdpNode, link: EchonetLink) -> None:
    answer = node.answer
    node.answer = lambda request: [] if len(node.heard) == 1 else answer(request)
    assert link.get(BATTERY, [0xE4]) == {0xE4: b"\x5a"}
    assert len(node.heard) == 2
    node.answer = lambda request: []
    with pytest.raises(LinkTimeout, match="no answer to SetC DA=44"):
        link.set(BATTERY, {0xDA: b"\x44"})
    assert len(node.heard) == 3


def test_a_mixed_get_keeps_what_is_valid(node: UdpNode, link: EchonetLink) -> None:
    """What came back empty is asked for alone once, and then known to be refused."""
    node.answer = lambda request: [
        reply(request, 0x52, *((code, "5a" if code == 0xE4 else "") for code in codes(request)))
    ]
    for _ in range(2):
        assert link.get(BATTERY, [0xE4, 0xE5]) == {0xE4: b"\x5a", 0xE5: None}
    assert [codes(request) for request in node.heard] == [[0xE4, 0xE5], [0xE5], [0xE4, 0xE5]]
    node.answer = lambda request: [reply(request, 0x52)]
    assert link.get(BATTERY, [0xE4]) == {0xE4: None}


@pytest.mark.parametrize("refusal", ["OPC = 0", "all empty", "the first only"])
def test_a_node_that_serves_one_property_at_a_time(node: UdpNode, link: EchonetLink, refusal: str) -> None:
    def answer(request: bytes) -> list[bytes]:
        asked = codes(request)
        if len(asked) > 1 and refusal == "OPC = 0":
            return [reply(request, 0x52)]
        if len(asked) > 1 and refusal == "all empty":
            return [reply(request, 0x52, *((code, "") for code in asked))]
        return [reply(request, 0x72, (asked[0], f"{asked[0]:02x}"))]

    node.answer = answer
    wanted = {code: bytes((code,)) for code in range(0xA0, 0xAC)}
    for _ in range(2):
        assert link.get(BATTERY, list(wanted)) == wanted
    assert {len(codes(request)) for request in node.heard[-12:]} == {1}


def test_three_answers_to_a_set(node: UdpNode, link: EchonetLink) -> None:
    asked = {0xEC: b"\x00\x00\x03\xe8", 0xDA: b"\x43"}
    node.answer = lambda request: [reply(request, 0x71, (0xEC, ""), (0xDA, ""))]
    assert link.set(BATTERY, asked) == ([], "")
    node.answer = lambda request: [reply(request, 0x51, (0xEC, "000003e8"), (0xDA, ""))]
    assert link.set(BATTERY, asked) == ([0xEC], "SetC_SNA 0x51")
    node.answer = lambda request: [reply(request, 0x51)]
    refused, how = link.set(BATTERY, asked)
    assert refused == [0xEC, 0xDA]
    assert "OPC = 0" in how


@pytest.mark.parametrize("service", [0x71, 0x73, 0x50])
def test_another_service_with_our_number_is_no_value(node: UdpNode, link: EchonetLink, service: int) -> None:
    node.answer = lambda request: [reply(request, service, (0xE4, "5a"))]
    with pytest.raises((WrongReply, LinkTimeout)):
        link.get(BATTERY, [0xE4])


def test_another_property_or_object_is_no_value(node: UdpNode, link: EchonetLink) -> None:
    node.answer = lambda request: [reply(request, 0x72, (0xE5, "5a"))]
    with pytest.raises(WrongReply, match="answered with E5"):
        link.get(BATTERY, [0xE4])
    node.answer = lambda request: [
        frame(int.from_bytes(request[2:4], "big"), "028801", US, 0x72, (0xE4, "5a"))
    ]
    with pytest.raises(WrongReply, match="028801"):
        link.get(BATTERY, [0xE4])


def test_garbage_is_passed_over(node: UdpNode, link: EchonetLink) -> None:
    answer = node.answer
    node.answer = lambda request: [b"\x10\x81\x00", b"hello", answer(request)[0][:-1], *answer(request)]
    assert link.get(BATTERY, [0xE4]) == {0xE4: b"\x5a"}


def test_an_announcement_is_kept_and_a_confirmed_one_answered(node: UdpNode, link: EchonetLink) -> None:
    answer, confirmed = node.answer, threading.Event()

    def unasked(request: bytes) -> list[bytes]:
        if request[10] == 0x7A:
            confirmed.set()
            return []
        number = int.from_bytes(request[2:4], "big")  # even with the number of our request it is no reply
        return [
            frame(number, IT, "0ef001", 0x73, (0xCF, "43")),
            frame(7, IT, "0ef001", 0x74, (0xDA, "43")),
            *answer(request),
        ]

    node.answer = unasked
    assert link.get(BATTERY, [0xE4]) == {0xE4: b"\x5a"}
    assert confirmed.wait(2.0)
    assert {code: data for (_, code), (_, data) in link.announced.items()} == {0xCF: b"\x43", 0xDA: b"\x43"}
    assert node.heard[-1] == frame(7, "0ef001", IT, 0x7A, (0xDA, ""))


def test_two_links_share_the_port_and_the_last_gives_it_back(node: UdpNode) -> None:
    hubs = Hubs()
    links = [EchonetLink(f"ECHONET::{node.address}", RealClock(), timeout_s=1.0, hubs=hubs) for _ in range(2)]
    for one in links:
        assert one.get(BATTERY, [0xE4])
    local = node.asker[0]
    links[0].close()
    assert links[1].get(BATTERY, [0xE4])
    links[1].close()
    again = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    again.bind((local, PORT))
    again.close()


@pytest.mark.parametrize(
    ("resource", "means"),
    [
        ("ECHONET::192.0.2.30", ("192.0.2.30", None)),
        ("ECHONET::192.0.2.30::027D01", ("192.0.2.30", 0x027D01)),
        ("echonet::192.0.2.30::0x027d02", ("192.0.2.30", 0x027D02)),
        ("ECHONET::192.0.2.30::2", ("192.0.2.30", 2)),
    ],
)
def test_addresses(resource: str, means: tuple[str, int | None]) -> None:
    assert parse_resource(resource) == means


@pytest.mark.parametrize("resource", ["ECHONET::host", "ECHONET::192.0.2.300", "TCP::192.0.2.1::3610",
                                      "ECHONET::192.0.2.1::200", "ECHONET::192.0.2.1::0"])  # fmt: skip
def test_no_address(resource: str) -> None:
    with pytest.raises(UsageError, match="expected ECHONET"):
        parse_resource(resource)


@given(st.sets(st.integers(0x80, 0xFF)))
def test_a_property_map_in_both_forms(known: set[int]) -> None:
    data = encode_map(known)
    assert decode_map(data) == known
    assert len(data) == (17 if len(known) >= 16 else 1 + len(known))


def test_the_second_form_of_a_map_as_the_specification_lays_it_out() -> None:
    """Byte n (from 0) holds the codes that end in n; bit b is 0x80 + 16 b."""
    data = bytes([16]) + bytes([0b1000_0001] * 8) + bytes(8)
    assert decode_map(data) == {0x80 + n for n in range(8)} | {0xF0 + n for n in range(8)}
    with pytest.raises(WrongReply):
        decode_map(bytes([17]) + data[1:])
    with pytest.raises(WrongReply):
        decode_map(b"")


@given(st.binary(max_size=40))
def test_no_bytes_break_the_decoder(data: bytes) -> None:
    try:
        found = Frame.decode(data)
    except WrongReply:
        return
    assert found.encode() == data
