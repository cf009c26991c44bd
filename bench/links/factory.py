"""Opens wires by what the station file says: a VISA resource, a Modbus address, or ``DIRECT::role``."""

from __future__ import annotations

import copy
import socket
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from bench.clock import Clock
from bench.errors import LinkDown
from bench.links.base import ModbusEndpoint, ModbusLink, ScpiEndpoint, ScpiLink
from bench.links.direct import DirectModbusLink, DirectScpiLink
from bench.links.echonet import EchonetEndpoint, EchonetLink, Hubs
from bench.links.framed import FramedLink, socket_address
from bench.links.modbus import PymodbusLink
from bench.links.tap import Tap
from bench.links.visa import VisaLink

__all__ = ["LinkFactory"]

_DIRECT = "DIRECT::"


class LinkFactory:
    """Implements :class:`bench.drivers.setting.Links`.

    Nothing is opened before the first exchange, so a station can be put together and then find every
    dead instrument at once. ``endpoints`` are the embedded twins by role; ``tap`` sees every message.
    """

    def __init__(
        self,
        clock: Clock,
        visa: str = "@py",
        endpoints: Mapping[str, object] | None = None,
        *,
        tap: Tap | None = None,
    ) -> None:
        self._clock = clock
        self._visa = visa
        self._endpoints = dict(endpoints or {})
        self._tap = tap
        self._hubs = Hubs()

    def tapped(self, role: str) -> LinkFactory:
        """Return the factory for one instrument: its messages reach the tap with its ``role``."""
        tap = self._tap
        if tap is None:
            return self
        mine = copy.copy(self)
        mine._tap = lambda record: tap(replace(record, role=role))
        return mine

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
        """Return a VISA (or direct) session; ``pause_s`` is kept between two commands.

        ``baud_rate`` is for a serial line (``ASRL``), which has 8 data bits and no parity.

        Raises:
            LinkDown: no simulated instrument of that role.
        """
        if resource.startswith(_DIRECT):
            endpoint = cast(ScpiEndpoint, self._endpoint(resource, "handle"))
            return DirectScpiLink(resource, self._clock, endpoint, self._tap)
        return VisaLink(
            resource,
            self._clock,
            timeout_s=timeout_s,
            visa=self._visa,
            read_termination=read_termination,
            write_termination=write_termination,
            pause_s=pause_s,
            baud_rate=baud_rate,
            tap=self._tap,
        )

    def knock(self, resource: str, *, timeout_s: float) -> bool:
        """Connect to ``TCPIP::host::port::SOCKET`` and hang up; tell whether somebody was there.

        Raises:
            UsageError: not an address of this form.
        """
        try:
            socket.create_connection(socket_address(resource), timeout=timeout_s).close()
        except OSError:
            return False
        return True

    def framed(self, resource: str, *, timeout_s: float, user: str, password: str) -> ScpiLink:
        """Return a session whose messages carry their length, after a login (or direct).

        Raises:
            UsageError: not ``TCPIP::host::port::SOCKET``.
            LinkDown: no simulated instrument of that role.
        """
        if resource.startswith(_DIRECT):
            return self.scpi(resource, timeout_s=timeout_s)
        return FramedLink(
            resource, self._clock, timeout_s=timeout_s, user=user, password=password, tap=self._tap
        )

    def modbus(self, resource: str, *, unit_id: int, timeout_s: float) -> ModbusLink:
        """Return a session with ``TCP::host::port``, ``TLS::host::port`` or ``RTU::device::9600N81``.

        Raises:
            UsageError: not an address of these forms.
            LinkDown: no simulated instrument of that role.
        """
        if resource.startswith(_DIRECT):
            endpoint = cast(ModbusEndpoint, self._endpoint(resource, "write"))
            return DirectModbusLink(resource, self._clock, endpoint, unit_id, self._tap)
        return PymodbusLink(resource, self._clock, unit_id=unit_id, timeout_s=timeout_s, tap=self._tap)

    def echonet(self, resource: str, *, timeout_s: float, local: str | None = None) -> EchonetLink:
        """Return a session with the node of ``ECHONET::ip``, ``ECHONET::ip::027D01`` or ``ECHONET::ip::1``.

        ``local`` is the address of this machine to ask from.

        Raises:
            UsageError: not an address of these forms.
            LinkDown: no simulated instrument of that role.
        """
        endpoint = None
        if resource.startswith(_DIRECT):
            endpoint = cast(EchonetEndpoint, self._endpoint(resource, "answer"))
        return EchonetLink(
            resource,
            self._clock,
            timeout_s=timeout_s,
            hubs=self._hubs,
            local=local,
            endpoint=endpoint,
            tap=self._tap,
        )

    def _endpoint(self, resource: str, speaks: str) -> object:
        endpoint = self._endpoints.get(resource.removeprefix(_DIRECT))
        if endpoint is None or not hasattr(endpoint, speaks):
            raise LinkDown(f"{resource}: no simulated instrument of that kind in this process")
        return endpoint
