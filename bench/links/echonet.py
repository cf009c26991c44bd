"""An ECHONET Lite session with one node: Get and SetC, told apart from late and foreign replies.

Retries are explicit: a Get is asked ``get_attempts`` times, each time with a transaction of its own, so that
a late reply to the first is never the answer to the second. A SetC is sent once: after silence nobody knows
whether it arrived, and reading back (the driver's business) tells.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from bench.clock import Clock
from bench.errors import Fault, LinkDown, LinkTimeout, UsageError, WrongReply
from bench.links.echonet_frame import GET, GET_RES, GET_SNA, SET_RES, SETC, SETC_SNA, Frame
from bench.links.echonet_udp import Hub
from bench.links.tap import Direction, Tap, WireRecord

__all__ = ["EchonetEndpoint", "EchonetLink", "Hubs", "parse_resource"]

_CONTROLLER = 0x05FF01
_RESOURCE = re.compile(r"(?P<ip>\d+\.\d+\.\d+\.\d+)(?:::(?P<eoj>(?:0x)?[0-9A-Fa-f]{6}|\d{1,3}))?")
_AT_ONCE = 8  # properties in one request: small nodes have small buffers
Ask = Callable[[Frame, float], "Frame | None"]


class EchonetEndpoint(Protocol):
    """A simulated node without its wire: what the ``direct`` link calls."""

    def answer(self, data: bytes) -> list[bytes]:
        """Return what the node sends to who asked, in order."""


def parse_resource(resource: str) -> tuple[str, int | None]:
    """Return the address, and the object as 0x027D01, an instance as 1, or None: whichever there is.

    Raises:
        UsageError: not ``ECHONET::ip``, ``ECHONET::ip::027D01`` or ``ECHONET::ip::1``.
    """
    kind, _, rest = resource.partition("::")
    match = _RESOURCE.fullmatch(rest)
    try:
        if kind.upper() != "ECHONET" or match is None:
            raise ValueError
        address = str(ipaddress.IPv4Address(match["ip"]))
        told = match["eoj"]
        number = None if told is None else int(told, 10 if len(told) <= 3 else 16)
        if number is not None and not (1 <= number <= 127 or number > 0xFFFF):
            raise ValueError
    except ValueError:
        raise UsageError(
            Fault(
                "resource",
                f"{resource!r}: expected ECHONET::192.0.2.30, ECHONET::192.0.2.30::027D01 (the object) or "
                "ECHONET::192.0.2.30::1 (the instance)",
            )
        ) from None
    return address, number


class Hubs:
    """The local ports in use, one for each local address; the last to leave closes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, tuple[Hub, int]] = {}

    def take(self, peer: str, local: str | None) -> Hub:
        """Return the hub that reaches ``peer``, from ``local`` where that is told.

        A peer on loopback is asked from a loopback address that is free: twins of several programs may
        stand side by side there. Otherwise every address of this machine is listened to.

        Raises:
            LinkDown: the port is taken.
        """
        with self._lock:
            wanted = [local] if local else self._candidates(peer)
            for address in wanted:
                if address in self._open:
                    hub, users = self._open[address]
                    self._open[address] = hub, users + 1
                    return hub
            hub = self._first_free(wanted)
            self._open[hub.local] = hub, 1
            return hub

    def _first_free(self, wanted: Sequence[str]) -> Hub:
        for address in wanted[:-1]:
            with contextlib.suppress(LinkDown):
                return Hub(address)
        # the last one: on loopback an address of this process alone, beside somebody who holds them all
        return Hub(wanted[-1], share=len(wanted) > 1)

    def give_back(self, hub: Hub) -> None:
        """Let go of a hub."""
        with self._lock:
            _, users = self._open.get(hub.local, (hub, 1))
            if users > 1:
                self._open[hub.local] = hub, users - 1
                return
            self._open.pop(hub.local, None)
        hub.close()

    def _candidates(self, peer: str) -> list[str]:
        if ipaddress.ip_address(peer).is_loopback:
            own = os.getpid() & 0xFFFF
            return [*(f"127.0.1.{n}" for n in range(1, 32)), "127.0.0.1", f"127.1.{own >> 8}.{own & 0xFF}"]
        return ["0.0.0.0"]  # noqa: S104  (a controller must hear replies on whichever interface they come)


class EchonetLink:
    """Requests to one node. ``generation`` counts how often the port was opened."""

    def __init__(
        self,
        resource: str,
        clock: Clock,
        *,
        timeout_s: float,
        hubs: Hubs | None = None,
        local: str | None = None,
        endpoint: EchonetEndpoint | None = None,
        tap: Tap | None = None,
    ) -> None:
        self.resource = resource
        self.generation = 0
        self.get_attempts = 3
        self.announced: dict[tuple[int, int], tuple[float, bytes]] = {}
        """What the node told unasked (INF): clock's time and data by object and property."""
        self._clock, self._timeout_s, self._tap = clock, timeout_s, tap
        self._hubs, self._local, self._endpoint = hubs, local, endpoint
        self._address = "" if endpoint is not None else parse_resource(resource)[0]
        self._hub: Hub | None = None
        self._tid = 0
        self._at_once = _AT_ONCE
        self._refused: set[tuple[int, int]] = set()
        self._lock = threading.RLock()

    def get(self, target: int, codes: Sequence[int]) -> dict[int, bytes | None]:
        """Return the data of each property; None where the node refuses it or has none.

        Raises:
            LinkDown, LinkTimeout, WrongReply
        """
        found: dict[int, bytes | None] = {}
        with self._lock:
            while len(found) < len(set(codes)):
                part = [code for code in dict.fromkeys(codes) if code not in found][: self._at_once]
                told = self._get(target, part)
                empty = [code for code in part if not told.get(code) and (target, code) not in self._refused]
                if empty and len(part) > 1:
                    told |= self._get_singly(target, empty)
                found |= {code: told.get(code) or None for code in part}
        return found

    def _get_singly(self, target: int, codes: Sequence[int]) -> dict[int, bytes]:
        """Ask again for what came back empty: some nodes refuse a whole request for one of its properties."""
        told: dict[int, bytes] = {}
        for code in codes:
            told |= self._get(target, [code])
            if told.get(code):
                self._at_once = 1  # this node serves one property at a time
            else:
                self._refused.add((target, code))
        return told

    def _get(self, target: int, codes: Sequence[int]) -> dict[int, bytes]:
        asked = tuple((code, b"") for code in codes)
        what = f"Get {_hex(codes)} of {target:06X}"
        for _ in range(self.get_attempts):
            reply = self._ask(target, GET, asked, (GET_RES, GET_SNA), what)
            if reply is not None:
                told = dict(reply.properties)
                self._check(codes, told, what)
                return told
        raise LinkTimeout(
            f"{self.resource}: no answer to {what}, asked {self.get_attempts} times, "
            f"each within {self._timeout_s:g} s"
        )

    def set(self, target: int, properties: Mapping[int, bytes]) -> tuple[list[int], str]:
        """Send a SetC; return the properties that were refused, and how (for the message).

        Raises:
            LinkTimeout: no answer. Whether it arrived, only reading back can tell.
            LinkDown, WrongReply
        """
        with self._lock:
            asked = tuple(properties.items())
            what = f"SetC {', '.join(f'{code:02X}={data.hex()}' for code, data in asked)} of {target:06X}"
            reply = self._ask(target, SETC, asked, (SET_RES, SETC_SNA), what)
            if reply is None:
                raise LinkTimeout(f"{self.resource}: no answer to {what} within {self._timeout_s:g} s")
            told = dict(reply.properties)
            self._check(list(properties), told, what)
            if reply.service == SET_RES:
                return [], ""
            if not told:
                return list(properties), "SetC_SNA 0x51 with OPC = 0"
            # in an SNA what was accepted comes back empty, what was refused comes back as it was sent
            return [code for code in properties if told.get(code, b"?")], "SetC_SNA 0x51"

    def close(self) -> None:
        """Give the port back; never raises."""
        with self._lock:
            hub, self._hub = self._hub, None
            if hub is not None and self._hubs is not None:
                self._hubs.give_back(hub)

    def _check(self, asked: Sequence[int], told: Mapping[int, bytes], what: str) -> None:
        foreign = [code for code in told if code not in asked]
        if foreign:
            raise WrongReply(f"{self.resource}: {what} was answered with {_hex(foreign)}")

    def _ask(
        self,
        target: int,
        service: int,
        properties: tuple[tuple[int, bytes], ...],
        wanted: tuple[int, int],
        what: str,
    ) -> Frame | None:
        ask, tid = self._way()
        frame = Frame(tid, _CONTROLLER, target, service, properties)
        self._note("out", frame.encode().hex())
        reply = ask(frame, self._timeout_s)
        if reply is None:
            self._note("event", f"no answer to {what}")
            return None
        self._note("in", reply.encode().hex())
        if reply.source != target or reply.service not in wanted:
            raise WrongReply(
                f"{self.resource}: {what} was answered by {reply.source:06X} with service "
                f"0x{reply.service:02X}"
            )
        return reply

    def _way(self) -> tuple[Ask, int]:
        """Return how to ask, and the number of the transaction."""
        if self._endpoint is not None:
            self.generation = 1
            self._tid = self._tid % 0xFFFF + 1
            return self._ask_endpoint, self._tid
        if self._hub is None:
            assert self._hubs is not None  # noqa: S101  (a link has an endpoint or hubs)
            self._hub = self._hubs.take(self._address, self._local)
            self._hub.on_announcement(self._heard)
            self.generation += 1
        hub = self._hub
        return lambda frame, timeout_s: hub.ask(self._address, frame, timeout_s), hub.next_tid()

    def _ask_endpoint(self, frame: Frame, timeout_s: float) -> Frame | None:
        assert self._endpoint is not None  # noqa: S101  (narrows the type)
        try:
            replies = [Frame.decode(data) for data in self._endpoint.answer(frame.encode())]
        except OSError as error:
            raise LinkDown(f"{self.resource}: lost: {error}") from error
        return next((reply for reply in replies if reply.tid == frame.tid), None)

    def _heard(self, address: str, frame: Frame) -> None:
        if address == self._address:
            now_s = self._clock.now_s()
            for code, data in frame.properties:
                self.announced[frame.source, code] = (now_s, data)
            self._note("event", f"announced {frame.encode().hex()}")

    def _note(self, direction: Direction, text: str) -> None:
        if self._tap is not None:
            self._tap(WireRecord(self._clock.now_s(), self.resource, direction, text))


def _hex(codes: Sequence[int]) -> str:
    return ", ".join(f"{code:02X}" for code in codes)
