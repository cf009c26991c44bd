"""ECHONET Lite frames (format 1) and property maps: bytes to values and back.

Source: ECHONET Lite Specification, Part II, chapter 3 (frame: EHD 10 81, TID, SEOJ, DEOJ, ESV, OPC, then EPC,
PDC and EDT for each property) and its appendix on the description of property maps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.errors import WrongReply

__all__ = [
    "GET", "GET_RES", "GET_SNA", "INF", "INFC", "INFC_RES", "INF_REQ", "INF_SNA", "NODE_PROFILE",
    "SETC", "SETC_SNA", "SETI", "SETI_SNA", "SET_RES", "Frame", "decode_map", "encode_map",
]  # fmt: skip

SETI, SETC, GET, INF_REQ = 0x60, 0x61, 0x62, 0x63
SET_RES, GET_RES, INF, INFC, INFC_RES = 0x71, 0x72, 0x73, 0x74, 0x7A
SETI_SNA, SETC_SNA, GET_SNA, INF_SNA = 0x50, 0x51, 0x52, 0x53
NODE_PROFILE = 0x0EF001
_HEADER = b"\x10\x81"


@dataclass(frozen=True)
class Frame:
    """One message. An object is its class and instance in one number, as 0x027D01."""

    tid: int
    source: int
    target: int
    service: int
    properties: tuple[tuple[int, bytes], ...]

    def encode(self) -> bytes:
        """Return the bytes on the wire."""
        parts = [
            _HEADER,
            self.tid.to_bytes(2, "big"),
            self.source.to_bytes(3, "big"),
            self.target.to_bytes(3, "big"),
            bytes((self.service, len(self.properties))),
        ]
        parts += [bytes((code, len(data))) + data for code, data in self.properties]
        return b"".join(parts)

    @classmethod
    def decode(cls, data: bytes) -> Frame:
        """Return the message in ``data``.

        Raises:
            WrongReply: another protocol, cut short, or longer than it says.
        """
        if data[:2] != _HEADER or len(data) < 12:
            raise WrongReply(f"no ECHONET Lite frame: {data[:16].hex(' ')}")
        at, properties = 12, []
        for _ in range(data[11]):
            if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
                raise WrongReply(f"an ECHONET Lite frame cut short: {data.hex(' ')}")
            properties.append((data[at], data[at + 2 : at + 2 + data[at + 1]]))
            at += 2 + data[at + 1]
        if at != len(data):
            raise WrongReply(f"{len(data) - at} bytes behind the end of an ECHONET Lite frame")
        return cls(
            int.from_bytes(data[2:4], "big"),
            int.from_bytes(data[4:7], "big"),
            int.from_bytes(data[7:10], "big"),
            data[10],
            tuple(properties),
        )


def decode_map(data: bytes) -> frozenset[int]:
    """Return the property codes of a map: a list up to 15 of them, 16 bytes of bits from 16 on.

    In the second form, bit b of byte n (both from 0) stands for the code 0x80 + 16 b + n.

    Raises:
        WrongReply: the count does not agree with what follows.
    """
    count, rest = (data[0], data[1:]) if data else (-1, b"")
    if count < 16:
        codes = frozenset(rest)
    else:
        codes = frozenset(
            0x80 + 16 * bit + low for low, bits in enumerate(rest[:16]) for bit in range(8) if bits >> bit & 1
        )
    if len(codes) != count or (count >= 16 and len(rest) != 16):
        raise WrongReply(f"a property map that says {count} and holds {len(codes)}: {data.hex(' ')}")
    return codes


def encode_map(codes: Iterable[int]) -> bytes:
    """Return the map of ``codes`` in the form that its length asks for."""
    known: Sequence[int] = sorted(set(codes))
    if len(known) < 16:
        return bytes((len(known), *known))
    bits = bytearray(16)
    for code in known:
        bits[code & 0x0F] |= 1 << ((code >> 4) - 8)
    return bytes((len(known), *bits))
