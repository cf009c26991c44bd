"""ECHONET Lite messages in words, without what differs from session to session: transaction and who asks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bench.errors import WrongReply
from bench.links.echonet_frame import Frame
from bench.wire.exchanges import Exchange

__all__ = ["differences", "frame_of", "in_words", "is_request", "request_words", "values"]

_REQUEST = re.compile(r"6[0-3] of [0-9A-F]{6}:.*")


def request_words(request: str) -> str:
    """Return ``62 of 027D01: E4 DA`` (service, target, properties) for a request in hex."""
    frame = frame_of(request)
    return request if frame is None else f"{frame.service:02X} of {frame.target:06X}: {_properties(frame)}"


def in_words(exchange: Exchange) -> Exchange:
    """Return an exchange with its request and its reply in words: ``72 E4=5a DA=44``."""
    frame = frame_of(exchange.reply) if exchange.reply is not None else None
    reply = exchange.reply if frame is None else f"{frame.service:02X} {_properties(frame)}"
    return replace(exchange, request=request_words(exchange.request), reply=reply)


def is_request(request: str) -> bool:
    """Tell whether ``request`` is in these words."""
    return _REQUEST.fullmatch(request) is not None


def differences(recorded: str, replayed: str) -> list[str]:
    """Return how two replies differ in form: ``answer`` (service), ``fields`` (properties), ``length``."""
    (service, one), (other_service, other) = _parts(recorded), _parts(replayed)
    if service != other_service:
        return ["answer"]
    if {code for code, data in one.items() if data} != {code for code, data in other.items() if data}:
        return ["fields"]
    return ["length"] if any(len(one[code]) != len(other.get(code, "")) for code in one) else []


def values(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Return the properties that both sides held still, each at another value."""
    found = []
    parts = [(_parts(one)[1], _parts(other)[1]) for one, other in pairs]
    for code in sorted({code for one, _ in parts for code in one}):
        ours = {one[code] for one, _ in parts if code in one}
        theirs = {other[code] for _, other in parts if code in other}
        if len(ours) == len(theirs) == 1 and ours != theirs:
            found.append(("value", f"{code}={ours.pop()}", f"{code}={theirs.pop()}"))
    return found


def frame_of(text: str) -> Frame | None:
    """Return the message in hex ``text``; None where it is none, as in a damaged record."""
    try:
        return Frame.decode(bytes.fromhex(text))
    except (ValueError, WrongReply):
        return None


def _properties(frame: Frame) -> str:
    parts = [f"{code:02X}" + (f"={value.hex()}" if value else "") for code, value in frame.properties]
    return " ".join(parts)


def _parts(words: str) -> tuple[str, dict[str, str]]:
    service, *properties = words.split()
    return service, {code: data for code, _, data in (one.partition("=") for one in properties)}
