"""What a driver is given when the station opens it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.clock import Clock
from bench.config.station import Instrument, Limits, StationHead
from bench.links.base import ModbusLink, ScpiLink
from bench.links.echonet import EchonetLink

__all__ = ["Links", "Setting"]


class Links(Protocol):
    """Opens wires. ``resource`` is what the station file says, or ``DIRECT::role`` of an embedded twin."""

    def scpi(
        self,
        resource: str,
        *,
        timeout_s: float,
        read_termination: str = "\n",
        write_termination: str = "\n",
        pause_s: float = 0.0,
        baud_rate: int | None = None,
    ) -> ScpiLink:
        """Open a VISA (or direct) session: pause between two commands, speed of a serial line."""

    def knock(self, resource: str, *, timeout_s: float) -> bool:
        """Connect to ``TCPIP::host::port::SOCKET`` and hang up; tell whether somebody was there."""

    def framed(self, resource: str, *, timeout_s: float, user: str, password: str) -> ScpiLink:
        """Open a session whose messages carry their length, after a login (or direct)."""

    def modbus(self, resource: str, *, unit_id: int, timeout_s: float) -> ModbusLink:
        """Open ``TCP::host::port``, ``RTU::device::9600N81``, ``TLS::host::port`` (or direct)."""

    def echonet(self, resource: str, *, timeout_s: float, local: str | None = None) -> EchonetLink:
        """Open ``ECHONET::ip`` (or direct), asking from the address ``local`` of this machine."""


@dataclass(frozen=True)
class Setting:
    """Role, options and surroundings of one driver. Constructor of every driver: ``Driver(setting)``.

    ``folder`` is the station file's, for files named beside it.
    """

    role: str
    config: Instrument
    resource: str
    station: StationHead
    limits: Limits
    links: Links
    clock: Clock
    folder: Path
