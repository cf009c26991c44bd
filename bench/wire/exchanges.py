"""A wire record read back as questions and what came of each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench.errors import Fault, NoRunFolder
from bench.record.files import parse_json, read_text
from bench.wire.record import LACKING, MOST_BYTES, WIRE

__all__ = ["Exchange", "Instrument", "WireSession", "read_session"]

Protocol = Literal["scpi", "modbus", "echonet"]
_MODBUS = re.compile(r"(read of \d+|write of [0-9a-f ]+ to) (?:\w+ at \d+|\w+ at \d+)")
_MAX_T_S = 1e8  # three years
_ECHONET = re.compile(r"1081[0-9a-f]+")


@dataclass(frozen=True)
class Exchange:
    """One question. ``reply`` is None where none came: a command (``silent`` false), or a lost answer.

    ``end`` is the terminator of the reply, empty where the wire has none or it was not seen.
    """

    t_s: float
    role: str
    request: str
    reply: str | None
    end: str = ""
    silent: bool = False


@dataclass(frozen=True)
class Instrument:
    """An instrument as the first line of the record names it."""

    role: str
    protocol: Protocol
    resource: str
    driver: str
    unit_id: int | None


@dataclass(frozen=True)
class WireSession:
    """What was said in a run, by role and in order of time."""

    instruments: dict[str, Instrument]
    exchanges: tuple[Exchange, ...]

    def of(self, role: str) -> list[Exchange]:
        """Return what was said with one instrument."""
        return [one for one in self.exchanges if one.role == role]


def read_session(folder: Path) -> WireSession:
    """Read the wire record of a run folder.

    Raises:
        NoRunFolder: there is none, or it is damaged; with the line.
    """
    path = folder / WIRE
    if not path.is_file():
        raise NoRunFolder(Fault(str(path), "is not there: the run was not made with --record-wire"))
    lines = read_text(path, 2 * MOST_BYTES).splitlines()
    head = parse_json(lines[0], f"{WIRE}:1") if lines else None
    if not isinstance(head, dict) or head.get("wire") != 1 or not isinstance(head.get("instruments"), dict):
        raise NoRunFolder(Fault(f"{WIRE}:1", "is not the first line of a wire record"))
    exchanges: list[Exchange] = []
    open_: dict[str, Exchange] = {}
    for number, line in enumerate(lines[1:], start=2):
        _take(_row(line, number), open_, exchanges)
    exchanges += open_.values()
    exchanges.sort(key=lambda one: one.t_s)
    told: dict[str, Any] = head["instruments"]
    spoken = {one.role: one.request for one in reversed(exchanges)}
    instruments = {
        role: Instrument(
            role,
            _protocol(spoken[role]),
            str(found.get("resource", "")),
            str(found.get("driver", "")),
            found.get("unit_id") if isinstance(found.get("unit_id"), int) else None,
        )
        for role, found in told.items()
        if role in spoken and isinstance(found, dict)
    }
    return WireSession(instruments, tuple(one for one in exchanges if one.role in instruments))


def _row(line: str, number: int) -> dict[str, Any]:
    try:
        row = parse_json(line, WIRE)
        told = isinstance(row, dict) and isinstance(row["text"], str) and isinstance(row["t_s"], int | float)
        if told and abs(row["t_s"]) <= _MAX_T_S:
            return dict(row)
    except (NoRunFolder, KeyError):
        pass
    raise NoRunFolder(Fault(f"{WIRE}:{number}", "is not a message of a wire record"))


def _take(row: dict[str, Any], open_: dict[str, Exchange], done: list[Exchange]) -> None:
    """Put a message to the question it belongs to: one is open at a time with each instrument."""
    role, text = str(row.get("role", "")), row["text"]
    asked = open_.get(role)
    if row.get("direction") == "out":
        if asked is not None:
            done.append(asked)
        open_[role] = Exchange(float(row["t_s"]), role, text, None)
    elif not role and LACKING in text:
        open_.clear()  # whether they were answered is not known
    elif asked is None:
        return
    elif row.get("direction") == "in":
        done.append(Exchange(asked.t_s, role, asked.request, text, str(row.get("end", ""))))
        del open_[role]
    elif text.startswith("no answer"):
        done.append(Exchange(asked.t_s, role, asked.request, None, silent=True))
        del open_[role]


def _protocol(request: str) -> Protocol:
    if _MODBUS.fullmatch(request):
        return "modbus"
    return "echonet" if _ECHONET.fullmatch(request) else "scpi"
