"""Messages with their length before them, over a TCP socket that asks for user and password first.

Each message is preceded by one bit that marks its last part and 31 bits of length, in network byte order: an
empty password is 80 00 00 00. The server speaks first, takes the user, asks for the password, and then says
something about it. The driver that needs this names where it was read.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading

from bench.clock import Clock, host_monotonic_s
from bench.errors import InstrumentError, LinkDown, LinkTimeout, UsageError, WrongInstrument, WrongReply
from bench.links.tap import Direction, Tap, WireRecord

__all__ = ["FramedLink", "socket_address"]

_SOCKET = re.compile(r"TCPIP\d*::([^:]+)::(\d{1,5})::SOCKET", re.IGNORECASE)
_LAST, _LENGTH = 0x80000000, 0x7FFFFFFF
_LONGEST_REPLY = 1 << 20
_HIDDEN = "****"
_LAST_PORT = 65535  # a library takes a larger one modulo 65536, and speaks to somebody else


def socket_address(resource: str) -> tuple[str, int]:
    """Return host and port of ``TCPIP::host::port::SOCKET``.

    Raises:
        UsageError: another kind of resource.
    """
    match = _SOCKET.fullmatch(resource)
    if match is None or not 0 < int(match[2]) <= _LAST_PORT:
        raise UsageError(f"{resource}: expected TCPIP::host::port::SOCKET")
    return match[1], int(match[2])


class FramedLink:
    """A session that logs in when it opens, and opens again after a failure (once per exchange).

    As with every link, opening proves nothing: the first answer to ``*IDN?`` is remembered, and after the
    session was opened again the same instrument must answer before anything else is asked.

    Raises:
        UsageError: the resource is no ``TCPIP::host::port::SOCKET``, or user or password are not ASCII.
    """

    def __init__(
        self,
        resource: str,
        clock: Clock,
        *,
        timeout_s: float,
        user: str,
        password: str = "",
        tap: Tap | None = None,
    ) -> None:
        self.resource = resource
        self.generation = 0
        self._address = socket_address(resource)
        if not (user + password).isascii():
            raise UsageError(f"{resource}: user and password must be ASCII")
        self._clock, self._timeout_s, self._tap = clock, timeout_s, tap
        self._user, self._password = user, password
        self._lock = threading.RLock()
        self._wire: socket.socket | None = None
        self._identity: str | None = None

    def query(self, command: str) -> str:
        """Send ``command`` and return its answer without a terminator.

        Raises:
            LinkDown, LinkTimeout, WrongReply
            WrongInstrument: after a reconnection somebody else answered.
        """
        with self._lock:
            self._ready()
            reply = self._exchange(command)
            if self._identity is None and command.strip().upper() == "*IDN?":
                self._identity = reply
            return reply

    def write(self, command: str) -> None:
        """Send ``command``, which has no answer.

        Raises:
            LinkDown, LinkTimeout, WrongReply, WrongInstrument (the last three while reconnecting)
        """
        with self._lock:
            self._ready()
            self._send(command, command)

    def close(self) -> None:
        """Close the session; never raises."""
        with self._lock:
            self._drop("closed")

    def _ready(self) -> None:
        if self._wire is not None and self._leftover(self._wire):
            self._drop("bytes nobody asked for, or end of file")
        if self._wire is not None:
            return
        try:
            self._wire = socket.create_connection(self._address, timeout=self._timeout_s)
            self._wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            self._drop("cannot be opened")
            raise LinkDown(f"{self.resource}: cannot be opened: {error}") from error
        self._login()
        self.generation += 1
        self._note("event", "opened")
        if self._identity is not None:
            seen = self._exchange("*IDN?")
            if seen != self._identity:
                self._drop("another identity")
                raise WrongInstrument(
                    f"{self.resource}: answered {self._identity!r} before, and now {seen!r}"
                )

    def _login(self) -> None:
        """Give user and password, each after it was asked for; what is said last is in the wire record."""
        try:
            self._receive("the connection")
            for word, shown in ((self._user, self._user), (self._password, _HIDDEN)):
                self._send(word, shown)
                self._receive("the login")
        except LinkDown as error:
            raise LinkDown(f"{error.args[0]}; are user and password right?") from error

    @staticmethod
    def _leftover(wire: socket.socket) -> bool:
        wire.setblocking(False)
        try:
            wire.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def _exchange(self, command: str) -> str:
        self._send(command, command)
        return self._receive(repr(command))

    def _send(self, text: str, shown: str) -> None:
        assert self._wire is not None  # noqa: S101  (_ready came first)
        self._note("out", shown)
        try:
            data = text.encode("ascii")
        except UnicodeEncodeError as error:
            raise WrongReply(f"{self.resource}: {shown!r} is not ASCII") from error
        try:
            self._wire.settimeout(self._timeout_s)
            self._wire.sendall(struct.pack(">I", _LAST | len(data)) + data)
        except OSError as error:
            raise self._failed(repr(shown), error) from error

    def _receive(self, what: str) -> str:
        """Return one message, which may come in several parts."""
        deadline_s = host_monotonic_s() + self._timeout_s
        message, last = b"", False
        try:
            while not last:
                (head,) = struct.unpack(">I", self._take(4, deadline_s))
                last, length = bool(head & _LAST), head & _LENGTH
                if len(message) + length > _LONGEST_REPLY:
                    self._drop("no frame")
                    raise WrongReply(
                        f"{self.resource}: {what} was answered with {head:08x}, which is no frame"
                    )
                message += self._take(length, deadline_s)
        except OSError as error:
            raise self._failed(what, error) from error
        try:
            reply = message.decode("ascii").rstrip("\r\n")
        except UnicodeDecodeError as error:
            self._drop("not text")
            raise WrongReply(
                f"{self.resource}: the answer to {what} is not text: {message[:40]!r}"
            ) from error
        self._note("in", reply)
        return reply

    def _take(self, count: int, deadline_s: float) -> bytes:
        assert self._wire is not None  # noqa: S101  (_ready came first)
        data = b""
        while len(data) < count:
            left_s = deadline_s - host_monotonic_s()
            if left_s <= 0:
                raise TimeoutError
            self._wire.settimeout(left_s)
            part = self._wire.recv(count - len(data))
            if not part:
                raise ConnectionResetError("the peer closed the connection")
            data += part
        return data

    def _failed(self, what: str, error: OSError) -> InstrumentError:
        timed_out = isinstance(error, TimeoutError)
        self._drop("no answer in time" if timed_out else f"lost: {error}")
        if timed_out:
            return LinkTimeout(f"{self.resource}: no answer to {what} within {self._timeout_s:g} s")
        return LinkDown(f"{self.resource}: lost while asking {what}: {error or type(error).__name__}")

    def _drop(self, why: str) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            self._note("event", why)
            with contextlib.suppress(OSError):
                wire.close()

    def _note(self, direction: Direction, text: str) -> None:
        if self._tap is not None:
            self._tap(WireRecord(self._clock.now_s(), self.resource, direction, text))
