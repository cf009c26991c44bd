"""An ECHONET Lite node as a dialect: objects with properties, requests in, replies out.

What each service asks for and how it is refused (ECHONET Lite Specification, Part II, 3.2.5 and chapter 4):
Get, SetC, SetI and INF_REQ, with the SNA form where any property of the request cannot be served. A property
that was served comes back with its data (Get) or empty (Set); one that was not comes back empty (Get) or as
it was sent (Set).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from bench.errors import WrongReply
from bench.links.echonet_frame import (
    GET,
    GET_RES,
    GET_SNA,
    INF,
    INF_REQ,
    INF_SNA,
    NODE_PROFILE,
    SET_RES,
    SETC,
    SETC_SNA,
    SETI,
    SETI_SNA,
    Frame,
    encode_map,
)

__all__ = ["MAKER", "EchonetNode", "EchonetObject", "unique_id"]

MAKER = b"\xff\xff\xff"  # the maker code for experiments
_GENERAL = 0x0EF000
_MAPS = (0x9D, 0x9E, 0x9F)
_BUILD = 0x0E


def unique_id(number: int) -> bytes:
    """Return property 0x83 of the node with this number."""
    return b"\xfe" + MAKER + b"SIM".ljust(9, b"\0") + number.to_bytes(4, "big")


class EchonetObject(Protocol):
    """A device object. Codes that are neither listed nor served are refused."""

    code: int
    announced: frozenset[int]
    settable: frozenset[int]
    gettable: frozenset[int]

    def get(self, code: int) -> bytes | None:
        """Return a property's data; None is refused."""

    def put(self, code: int, data: bytes) -> bool:
        """Set a property; False is refused."""


class EchonetNode:
    """The node profile and its device objects.

    Args:
        number: tells the nodes of one station apart.
        objects: the devices.
        empty_sna: answer a refused SetC with OPC = 0, as some nodes do.
        announce: told of each INF for everybody.
    """

    def __init__(
        self,
        number: int,
        objects: Sequence[EchonetObject],
        *,
        empty_sna: bool = False,
        announce: Callable[[bytes], None] | None = None,
    ) -> None:
        self.announce = announce or (lambda data: None)
        self._objects = {one.code: one for one in objects}
        self._empty_sna = empty_sna
        self._number = number
        self._tid = 0

    def answer(self, data: bytes) -> list[bytes]:
        """Return the replies to one datagram; nothing to what is no request for one of our objects."""
        try:
            asked = Frame.decode(data)
        except WrongReply:
            return []
        if asked.target == _GENERAL:
            targets = [NODE_PROFILE]
        elif asked.target & 0xFF == 0:
            targets = [code for code in self._objects if code >> 8 == asked.target >> 8]
        else:
            targets = [asked.target] if asked.target in (NODE_PROFILE, *self._objects) else []
        replies = []
        for target in targets:
            reply = self._serve(asked, target)
            if reply is not None:
                replies.append(reply.encode())
        return replies

    def start(self) -> None:
        """Announce the objects, as a node does when it is switched on."""
        self._announce(NODE_PROFILE, 0xD5)

    def _serve(self, asked: Frame, target: int) -> Frame | None:
        if asked.service in (GET, INF_REQ):
            told = tuple((code, self._get(target, code) or b"") for code, _ in asked.properties)
            whole = all(data for _, data in told)
            service = {GET: (GET_RES, GET_SNA), INF_REQ: (INF, INF_SNA)}[asked.service][0 if whole else 1]
            return Frame(asked.tid, target, asked.source, service, told)
        if asked.service in (SETC, SETI):
            taken = [(code, data, self._put(target, code, data)) for code, data in asked.properties]
            told = tuple((code, b"" if accepted else data) for code, data, accepted in taken)
            for code, _, accepted in taken:
                if accepted and code in self._objects[target].announced:
                    self._announce(target, code)
            if all(accepted for _, _, accepted in taken):
                return (
                    Frame(asked.tid, target, asked.source, SET_RES, told) if asked.service == SETC else None
                )
            refused = SETC_SNA if asked.service == SETC else SETI_SNA
            return Frame(asked.tid, target, asked.source, refused, () if self._empty_sna else told)
        return None

    def _announce(self, source: int, code: int) -> None:
        data = self._get(source, code)
        if data:
            self._tid = self._tid % 0xFFFF + 1
            self.announce(Frame(self._tid, source, NODE_PROFILE, INF, ((code, data),)).encode())

    def _get(self, target: int, code: int) -> bytes | None:
        if target == NODE_PROFILE:
            return self._profile(code)
        one = self._objects[target]
        if code in _MAPS:
            maps = (one.announced, one.settable, one.gettable | set(_MAPS))
            return encode_map(maps[_MAPS.index(code)])
        return one.get(code) if code in one.gettable else None

    def _put(self, target: int, code: int, data: bytes) -> bool:
        one = self._objects.get(target)
        return one is not None and code in one.settable and one.put(code, data)

    def _profile(self, code: int) -> bytes | None:
        listed = b"".join(one.to_bytes(3, "big") for one in self._objects)
        classes = sorted({one >> 8 for one in self._objects})
        told = {
            0x80: b"\x30",
            0x82: bytes((1, _BUILD, 1, 0)),
            0x83: unique_id(self._number),
            0x8A: MAKER,
            0x9D: encode_map((0x80, 0xD5)),
            0x9E: encode_map(()),
            0xD3: len(self._objects).to_bytes(3, "big"),
            0xD4: (len(classes) + 1).to_bytes(2, "big"),
            0xD5: bytes((len(self._objects),)) + listed,
            0xD6: bytes((len(self._objects),)) + listed,
            0xD7: bytes((len(classes),)) + b"".join(one.to_bytes(2, "big") for one in classes),
        }
        told[0x9F] = encode_map({*told, 0x9F} - {0xD5})
        return told.get(code)
