"""``drready wire check``: the requests of a recorded run put to our own twin, and the replies compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from bench.clock import VirtualClock
from bench.config.load import LoadedStation
from bench.errors import Fault, InstrumentRefused, LinkTimeout, UsageError, WrongReply
from bench.links.base import ModbusLink, RegisterKind, ScpiLink
from bench.links.echonet import EchonetEndpoint
from bench.links.factory import LinkFactory
from bench.links.tap import WireRecord
from bench.station import OpenStation, open_each
from bench.wire.compare import Difference, Pair, compare
from bench.wire.echonet_words import frame_of, in_words, is_request
from bench.wire.exchanges import Exchange, WireSession
from bench.wire.shape import form

__all__ = ["Checked", "check"]

_KINDS = "(holding|input|coil|discrete)"
_READ = re.compile(rf"read of (\d+) {_KINDS} at (\d+)")
_WRITE = re.compile(rf"write of ([0-9a-f ]+) to {_KINDS} at (\d+)")
_SILENCES = 3
"""After so many requests without an answer an instrument is asked no more: each costs a time-out."""


@dataclass(frozen=True)
class Checked:
    """What came of it: exchanges compared by role, differences, and what could not be compared."""

    compared: dict[str, int]
    differences: list[Difference]
    notes: list[str]


def check(session: WireSession, loaded: LoadedStation, *, tolerance_ratio: float = 0.25) -> Checked:
    """Ask the twin of ``loaded`` what was asked in ``session``, at the same times, and compare.

    Raises:
        UsageError: the station has no ``[twin]``: a real instrument is not sent what somebody else's was.
        InstrumentError: the twin does not open.
    """
    if loaded.station.twin is None:
        where = f"{loaded.path}: twin"
        raise UsageError(Fault(where, "missing: recorded requests are only put to a simulated station"))
    clock = VirtualClock()
    station, errors = open_each(loaded, clock=clock)
    with station:
        if errors:
            raise errors[0]
        return _Checker(session, station, tolerance_ratio).run()


class _Checker:
    def __init__(self, session: WireSession, station: OpenStation, tolerance_ratio: float) -> None:
        self._session, self._station, self._tolerance = session, station, tolerance_ratio
        self._seen: list[WireRecord] = []
        self._endpoints: dict[str, object] = getattr(station.host, "endpoints", {})
        self._links = LinkFactory(
            station.clock, station.loaded.station.station.visa, self._endpoints, tap=self._seen.append
        )
        self._notes: list[str] = []
        self._ask: dict[str, Callable[[Exchange], Exchange]] = {}
        self._silent: dict[str, int] = {}
        self._nodes: set[str] = set()
        self._close: list[Callable[[], None]] = []

    def run(self) -> Checked:
        for role, one in self._session.instruments.items():
            self._open(role, one.protocol, one.driver)
        kinds: dict[tuple[str, str], list[Pair]] = {}
        compared: dict[str, int] = {}
        clock = self._station.clock
        begin_s, first_s = clock.now_s(), min((e.t_s for e in self._session.exchanges), default=0.0)
        try:
            for asked in self._session.exchanges:
                ask = self._ask.get(asked.role)
                if ask is None or self._silent.get(asked.role, 0) >= _SILENCES:
                    continue
                clock.sleep_until(begin_s + asked.t_s - first_s)
                replayed = ask(asked)
                self._silent[asked.role] = self._silent.get(asked.role, 0) + 1 if replayed.silent else 0
                compared[asked.role] = compared.get(asked.role, 0) + 1
                told = in_words(asked) if asked.role in self._nodes else asked
                kinds.setdefault((asked.role, _form(told.request)), []).append((told, replayed))
        finally:
            for close in self._close:
                close()
        for role, times in self._silent.items():
            if times >= _SILENCES:
                self._notes.append(
                    f"{role}: the twin left {times} requests running without an answer: no more were asked"
                )
        found = [
            difference
            for (role, request), pairs in kinds.items()
            for difference in compare(role, request, pairs, self._tolerance)
        ]
        return Checked(compared, found, self._notes)

    def _open(self, role: str, protocol: str, driver: str) -> None:
        resource = self._station.resources.get(role)
        if resource is None:
            self._notes.append(f"{role}: the station has no such role, so it is not compared")
            return
        ours = self._station.loaded.station.instruments[role].driver  # type: ignore[index]  # a role of the file
        if driver != ours:
            self._notes.append(f"{role}: recorded with {driver}, and the twin here speaks to {ours}")
        timeout_s = self._station.loaded.station.station.timeout_s
        if protocol == "scpi" and not resource.startswith(("TCP::", "ECHONET::")):
            link = self._links.scpi(resource, timeout_s=timeout_s)
            self._close.append(link.close)
            self._ask[role] = lambda asked: self._scpi(link, asked)
        elif protocol == "modbus" and not resource.startswith(("TCPIP::", "ECHONET::")):
            unit = self._station.loaded.station.instruments[role].unit_id  # type: ignore[index]  # as above
            modbus = self._links.modbus(resource, unit_id=1 if unit is None else unit, timeout_s=timeout_s)
            self._close.append(modbus.close)
            self._ask[role] = lambda asked: self._modbus(modbus, asked)
        elif protocol == "echonet" and hasattr(endpoint := self._endpoints.get(role), "answer"):
            self._nodes.add(role)
            node = cast(EchonetEndpoint, endpoint)
            self._ask[role] = lambda asked: self._echonet(node, asked)
        else:
            self._notes.append(
                f"{role}: its {protocol} messages are not put to the twin; what others read of it may differ"
            )

    def _scpi(self, link: ScpiLink, asked: Exchange) -> Exchange:
        if asked.reply is None and not asked.silent:
            link.write(asked.request)
            return Exchange(asked.t_s, asked.role, asked.request, None)
        try:
            reply = link.query(asked.request)
        except (LinkTimeout, WrongReply):
            return Exchange(asked.t_s, asked.role, asked.request, None, silent=True)
        ends = [record.end for record in self._seen if record.direction == "in"]
        self._seen.clear()
        return Exchange(asked.t_s, asked.role, asked.request, reply, ends[-1] if ends else "")

    def _echonet(self, node: EchonetEndpoint, asked: Exchange) -> Exchange:
        """Put a datagram to the twin's node as it was sent, and keep the reply to that transaction."""
        frame = frame_of(asked.request)
        replies = [] if frame is None else node.answer(frame.encode())
        replies = [
            data for data in replies if frame is not None and data[2:4] == frame.tid.to_bytes(2, "big")
        ]
        reply = replies[0].hex() if replies else None
        return in_words(Exchange(asked.t_s, asked.role, asked.request, reply, silent=reply is None))

    def _modbus(self, link: ModbusLink, asked: Exchange) -> Exchange:
        reply: str | None = None
        silent = False
        try:
            if match := _READ.fullmatch(asked.request):
                values = link.read(cast(RegisterKind, match[2]), int(match[3]), int(match[1]))
                reply = " ".join(f"{value:04x}" for value in values)
            elif match := _WRITE.fullmatch(asked.request):
                words = [int(word, 16) for word in match[1].split()]
                link.write(cast(RegisterKind, match[2]), int(match[3]), words)
        except InstrumentRefused:
            said = [record.text for record in self._seen if record.direction == "in"]
            reply = said[-1] if said else "exception"
        except (LinkTimeout, WrongReply):
            silent = True
        self._seen.clear()
        return Exchange(asked.t_s, asked.role, asked.request, reply, silent=silent)


def _form(request: str) -> str:
    """Return what requests stand together: registers by address, lines without their numbers."""
    match = _WRITE.fullmatch(request)
    if match is not None:
        return f"write of {len(match[1].split())} to {match[2]} at {match[3]}"
    return request if _READ.fullmatch(request) or is_request(request) else form(request)
