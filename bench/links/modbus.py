"""A Modbus session over pymodbus: TCP, serial RTU, or TLS with the host name checked."""

from __future__ import annotations

import contextlib
import logging
import re
import select
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from typing import Any

import serial
from pymodbus import FramerType, ModbusException
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusIOException
from pymodbus.pdu import ModbusPDU

from bench.clock import Clock, host_monotonic_s
from bench.errors import (
    Fault,
    InstrumentBusy,
    InstrumentError,
    InstrumentRefused,
    LinkDown,
    LinkTimeout,
    ReadRefused,
    UsageError,
    WrongReply,
)
from bench.links.base import RegisterKind
from bench.links.tap import Direction, Tap, WireRecord

__all__ = ["EXCEPTION_NAMES", "PymodbusLink", "refusal"]

# Every failure is raised to the caller; the library would also print it.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

EXCEPTION_NAMES = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge: still working",
    6: "device busy",
    7: "negative acknowledge",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway: device does not answer",
}
"""Exception codes of the Modbus application protocol V1.1b3, section 7."""

# so often in a row after so few answers, and an order goes out on a connection of its own: unlike a question
# it is not repeated
_HANGS_UP, _FEW = 3, 10
_BUSY = 6  # section 7: "the client should retransmit the message later when the server is free"
_NOT_THESE = (2, 3)  # an address that is not there, or too many of them: devices say either
_READ_FUNCTION = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
_SERIAL = re.compile(r"(?P<baud>\d+)(?P<parity>[NEO])(?P<bits>[78])(?P<stop>[12])")

Client = ModbusTcpClient | ModbusSerialClient


def refusal(resource: str, what: str, code: int) -> InstrumentRefused:
    """Return the error that names a Modbus exception reply; after some of them to ask again may help."""
    name = EXCEPTION_NAMES.get(code, "unknown exception")
    kind = InstrumentBusy if code == _BUSY else InstrumentRefused
    if code in _NOT_THESE and what.startswith("read"):
        kind = ReadRefused
    return kind(f"{resource}: {what} refused with exception {code} ({name})")


class PymodbusLink:
    """A session with one unit that opens at its first exchange, and again after any failure.

    The library's retries are off, and its replies are checked against the request: function, count,
    address. On a serial line, where a late frame carries no number of its own, the line must have been
    silent for one whole time-out before the next request goes out after a failure.
    """

    def __init__(
        self, resource: str, clock: Clock, *, unit_id: int, timeout_s: float, tap: Tap | None = None
    ) -> None:
        self.resource = resource
        self.generation = 0
        self._clock = clock
        self._unit_id = unit_id
        self._timeout_s = timeout_s
        self._tap = tap
        self._lock = threading.RLock()
        self._make, self._serial = _client_maker(resource, timeout_s)
        self._client: Client | None = None
        self._dirty = False
        self._single_with_16 = False
        self._openings = self._served = self._hung_up = 0

    def read(self, kind: RegisterKind, address: int, count: int) -> list[int]:
        """Return ``count`` registers (or 0/1 for coils) from ``address`` as sent in the PDU.

        Raises:
            LinkDown, LinkTimeout, WrongReply, InstrumentRefused
        """
        with self._lock:
            opened = self._openings
            try:
                return self._read(kind, address, count)
            except LinkDown:
                if self._serial or opened != self._openings or not opened:
                    raise  # it had only just been opened: nobody is there
            # some devices hang up after each answer, and a question may cross that: asking changes nothing
            self._note_hang_up()
            return self._read(kind, address, count)

    def _read(self, kind: RegisterKind, address: int, count: int) -> list[int]:
        what = f"read of {count} {kind} at {address}"
        function = _READ_FUNCTION[kind]
        with self._lock:
            client = self._ready()
            ask: Callable[..., Any] = {
                1: client.read_coils,
                2: client.read_discrete_inputs,
                3: client.read_holding_registers,
                4: client.read_input_registers,
            }[function]
            reply = self._exchange(what, function, lambda: ask(address, count=count, device_id=self._unit_id))
            values = [int(v) for v in reply.bits[:count]] if function <= 2 else list(reply.registers)
            if len(values) != count:
                self._drop("wrong length")
                raise WrongReply(f"{self.resource}: {what} was answered with {len(values)}")
            if self._tap is not None:
                self._note("in", " ".join(f"{value:04x}" for value in values))
            return values

    def write(self, kind: RegisterKind, address: int, values: Sequence[int]) -> None:
        """Write registers or coils from ``address``.

        One register goes out with function 6, and with 16 to a device that does not know 6.

        Raises:
            LinkDown, LinkTimeout, WrongReply, InstrumentRefused
        """
        if kind not in ("holding", "coil") or not values:
            raise InstrumentRefused(f"{self.resource}: {kind} at {address} cannot be written")
        what = f"write of {' '.join(f'{int(v):04x}' for v in values)} to {kind} at {address}"
        with self._lock:
            if self._hung_up >= _HANGS_UP:
                self._drop("opened anew, since it hangs up after each answer", dirty=False)
            client = self._ready()
            unit = self._unit_id
            if kind == "coil":
                bits = [bool(value) for value in values]
                self._echo(what, address, 15, lambda: client.write_coils(address, bits, device_id=unit))
                return
            registers = [int(value) for value in values]
            if len(registers) == 1 and not self._single_with_16:
                try:
                    self._echo(
                        what, address, 6, lambda: client.write_register(address, registers[0], device_id=unit)
                    )
                except _UnknownFunction:
                    self._single_with_16 = True
                else:
                    return
            self._echo(what, address, 16, lambda: client.write_registers(address, registers, device_id=unit))

    def close(self) -> None:
        """Close the session; never raises."""
        with self._lock:
            self._drop("closed", dirty=False)

    def _ready(self) -> Client:
        """Have a session that nothing is waiting in: open it, or open it again."""
        if self._client is not None and _stirs(self._client.socket):
            self._note_hang_up()
            self._drop("bytes nobody asked for, or end of file")
        if self._client is None:
            client = self._make()
            try:
                connected = client.connect()
            except (ModbusException, OSError) as error:
                raise LinkDown(f"{self.resource}: cannot be opened: {error}") from error
            if not connected:
                why = "does not take these line settings" if self._serial else "nobody answers"
                raise LinkDown(f"{self.resource}: {why}")
            self._client = client
            self._openings, self._served = self._openings + 1, 0
            if self._hung_up < _HANGS_UP:  # one that hangs up each time has not been restarted each time
                self.generation += 1
            self._note("event", "opened")
            if self._dirty and self._serial:
                self._await_silence(client)
            self._dirty = False
        return self._client

    def _note_hang_up(self) -> None:
        """Count the connections in a row that the device ended after a few answers."""
        self._hung_up = self._hung_up + 1 if self._served <= _FEW else 0

    def _await_silence(self, client: Client) -> None:
        """Throw away what still arrives until nothing has arrived for one time-out."""
        port: Any = client.socket
        deadline_s = host_monotonic_s() + 5 * self._timeout_s
        try:
            while port.read(256):
                if host_monotonic_s() > deadline_s:
                    self._drop("never silent")
                    raise WrongReply(f"{self.resource}: somebody talks on the line without being asked")
        except (OSError, TypeError) as error:
            self._drop(f"lost: {error}")
            raise LinkDown(f"{self.resource}: lost: {error}") from error

    def _exchange(self, what: str, function: int, ask: Callable[[], Any]) -> ModbusPDU:
        self._note("out", what)
        try:
            reply: ModbusPDU = ask()
        except (ModbusException, OSError) as error:
            raise self._failed(what, error) from error
        except (ValueError, IndexError, TypeError, AttributeError) as error:
            # a malformed frame can break the library's decoder anywhere
            self._drop("undecodable")
            raise WrongReply(f"{self.resource}: {what} was answered with garbage: {error}") from error
        self._served += 1
        if reply.isError():
            code = int(getattr(reply, "exception_code", 0))
            self._note("in", f"exception {code}")
            if function == 6 and code == 1:
                raise _UnknownFunction
            raise refusal(self.resource, what, code)
        if reply.function_code != function:
            self._drop("wrong function")
            raise WrongReply(
                f"{self.resource}: {what} was answered with function {reply.function_code}, not {function}"
            )
        return reply

    def _echo(self, what: str, address: int, function: int, ask: Callable[[], Any]) -> None:
        reply = self._exchange(what, function, ask)
        if reply.address != address:
            self._drop("wrong address")
            raise WrongReply(f"{self.resource}: {what} was answered for address {reply.address}")

    def _failed(self, what: str, error: Exception) -> InstrumentError:
        text = str(error)
        if isinstance(error, ConnectionException) or not isinstance(
            error, ModbusIOException | ModbusException
        ):
            self._drop(f"lost: {text}")
            return LinkDown(f"{self.resource}: lost during {what}: {text}")
        if "No response" in text:
            self._drop("no answer in time")
            return LinkTimeout(f"{self.resource}: no answer to {what} within {self._timeout_s:g} s")
        self._drop("wrong reply")
        return WrongReply(f"{self.resource}: {what} was answered wrongly: {text}")

    def _drop(self, why: str, *, dirty: bool = True) -> None:
        self._dirty = self._dirty or dirty
        client, self._client = self._client, None
        if client is None:
            return
        self._note("event", why)
        with contextlib.suppress(Exception):
            client.close()  # type: ignore[no-untyped-call]  # the library leaves it without types

    def _note(self, direction: Direction, text: str) -> None:
        if self._tap is not None:
            self._tap(WireRecord(self._clock.now_s(), self.resource, direction, text))


class _UnknownFunction(Exception):
    """The device does not know function 6."""


class _SerialClient(ModbusSerialClient):
    """Modbus RTU. The library's own client says that a port cannot be opened, and not why."""

    def connect(self) -> bool:
        """Open the port; raise what the system says where it cannot be opened."""
        if not super().connect():
            serial.Serial(self.comm_params.host, exclusive=True).close()
            return False
        return True


class _TlsClient(ModbusTcpClient):
    """Modbus TCP inside TLS. The library's own synchronous TLS client cannot check the host name."""

    def connect(self) -> bool:
        """Connect, and refuse a peer whose certificate does not carry the host's name."""
        if self.socket is None:
            host, port, timeout_s = (
                self.comm_params.host,
                self.comm_params.port,
                self.comm_params.timeout_connect,
            )
            plain = socket.create_connection((host, port), timeout=timeout_s)
            try:
                self.socket = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
            except OSError:
                plain.close()
                raise
        return True


def _stirs(wire: Any) -> bool:
    """Tell whether a plain TCP socket holds something unasked for, or its peer has closed it.

    Not inside TLS, which has messages of its own, nor on a serial line, which the library empties.
    """
    if not isinstance(wire, socket.socket) or isinstance(wire, ssl.SSLSocket):
        return False
    try:
        return bool(select.select([wire], [], [], 0)[0])
    except (OSError, ValueError):
        return True


def _client_maker(resource: str, timeout_s: float) -> tuple[Callable[[], Client], bool]:
    """Return what makes a client for ``resource``, and whether it is a serial line."""
    kind, _, rest = resource.partition("::")
    where, _, detail = rest.rpartition("::")
    if kind.upper() in ("TCP", "TLS") and where and detail.isdecimal():
        client = ModbusTcpClient if kind.upper() == "TCP" else _TlsClient
        return lambda: client(where, port=int(detail), timeout=timeout_s, retries=0), False
    match = _SERIAL.fullmatch(detail)
    if kind.upper() == "RTU" and where and match:
        return lambda: _SerialClient(
            where,
            framer=FramerType.RTU,
            baudrate=int(match["baud"]),
            bytesize=int(match["bits"]),
            parity=match["parity"],
            stopbits=int(match["stop"]),
            timeout=timeout_s,
            retries=0,
        ), True
    raise UsageError(
        Fault("resource", f"{resource!r}: expected TCP::host::port, TLS::host::port or RTU::device::9600N81")
    )
