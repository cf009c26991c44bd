"""A line-oriented session over pyvisa: one exchange at a time, and never a late answer for the next one.

What pyvisa and pyvisa-py were seen to do is answered here: a raw socket to a refused port opens without a
word, a dead peer looks like a time-out and then raises ``BrokenPipeError``, ``open_resource`` raises bare
``Exception``, a late answer stays in the buffer for the next question.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from typing import Any, cast

import pyvisa
from pyvisa.constants import StatusCode
from pyvisa.resources import MessageBasedResource, SerialInstrument

from bench.clock import Clock, host_monotonic_s
from bench.errors import InstrumentError, LinkDown, LinkTimeout, WrongInstrument, WrongReply
from bench.links.tap import Direction, Tap, WireRecord

__all__ = ["VisaLink"]

# A reply is read in chunks of this size so that a peer that drips garbage without a terminator meets the
# deadline, which pyvisa-py itself only checks in silence.
_CHUNK = 512
_LONGEST_REPLY = 1 << 20
_LINES_TO_RESYNC = 16
_COMMAS_OF_AN_IDENTITY = 3  # IEEE 488.2, 10.14: maker, model, serial, firmware


class VisaLink:
    """A VISA session that opens at its first exchange, and again after a failure (once per exchange).

    Opening proves nothing: callers identify. The first answer to ``*IDN?`` is remembered; whenever the
    session is opened again, the same instrument must answer before anything else is asked.

    ``generation`` counts the openings, so that a driver can tell that the instrument may have restarted
    and lost its settings.
    """

    def __init__(
        self,
        resource: str,
        clock: Clock,
        *,
        timeout_s: float,
        visa: str = "@py",
        read_termination: str = "\n",
        write_termination: str = "\n",
        pause_s: float = 0.0,
        baud_rate: int | None = None,
        tap: Tap | None = None,
    ) -> None:
        self.resource = resource
        self.generation = 0
        self._clock = clock
        self._timeout_s = timeout_s
        self._visa = visa
        self._read_end = read_termination
        self._write_end = write_termination
        self._pause_s = pause_s
        self._baud_rate = baud_rate
        self._tap = tap
        self._lock = threading.RLock()
        self._session: MessageBasedResource | None = None
        self._quiet = contextlib.ExitStack()
        self._bare: _BareSocket | None = None
        self._identity: str | None = None
        self._not_before_s = 0.0

    def query(self, command: str) -> str:
        """Send ``command`` and return its answer without the terminator.

        Raises:
            LinkDown, LinkTimeout, WrongReply
            WrongInstrument: after a reconnection somebody else answered.
        """
        with self._lock:
            self._ready()
            if self._identity is None and command.strip().upper() == "*IDN?":
                self._identity = self._first_identity(command)
                return self._identity
            return self._exchange(command)

    def write(self, command: str) -> None:
        """Send ``command``, which has no answer.

        Raises:
            LinkDown, LinkTimeout, WrongReply, WrongInstrument (the last three while reconnecting)
        """
        with self._lock:
            self._ready()
            self._send(command)

    def close(self) -> None:
        """Close the session; never raises."""
        with self._lock:
            self._drop("closed")

    def _exchange(self, command: str) -> str:
        self._send(command)
        return self._receive(command)

    def _first_identity(self, command: str) -> str:
        """Return the first line with the four fields of an identity: some greet who connects, or echo.

        Where none comes, the first line that did come is returned: the caller names it.
        """
        seen = first = self._exchange(command)
        for _ in range(_LINES_TO_RESYNC):
            if seen.count(",") >= _COMMAS_OF_AN_IDENTITY:
                return seen
            try:
                seen = self._receive(command)
            except InstrumentError:
                break
        return first

    def _ready(self) -> None:
        """Have a session that nothing is waiting in: open it, or open it again."""
        if self._session is not None and self._leftover():
            self._drop("bytes nobody asked for, or end of file")
        if self._session is not None:
            return
        self._open()
        if self._identity is not None:
            self._resynchronise(self._identity)

    def _leftover(self) -> bool:
        """Tell whether something unasked for lies in the session, or the peer has closed it."""
        if self._bare is None:
            return False
        try:
            return self._bare.holds_more_than_blanks()
        except (OSError, ValueError):
            return True

    def _open(self) -> None:
        try:
            manager = pyvisa.ResourceManager(self._visa)
        except Exception as error:
            raise LinkDown(
                f'{self.resource}: [station] visa = "{self._visa}": no such VISA library is installed here; '
                'install the vendor\'s, or leave the key out to use pyvisa-py ("@py"): '
                f"{' '.join(str(error).split())}"
            ) from error
        try:
            opened = manager.open_resource(self.resource, open_timeout=int(self._timeout_s * 1000))
        except Exception as error:
            # pyvisa-py raises bare Exception when it cannot connect
            raise LinkDown(f"{self.resource}: cannot be opened: {error}") from error
        session = cast(MessageBasedResource, opened)
        try:
            session.timeout = self._timeout_s * 1000
            session.read_termination = self._read_end
            if self._baud_rate is not None and isinstance(session, SerialInstrument):
                session.baud_rate = self._baud_rate
        except (pyvisa.Error, OSError, AttributeError, ValueError, OverflowError) as error:
            with contextlib.suppress(pyvisa.Error, OSError):
                opened.close()
            raise LinkDown(f"{self.resource}: is not a message session: {error}") from error
        self._session = session
        self._quiet.enter_context(session.ignore_warning(StatusCode.success_max_count_read))
        self._bare = _BareSocket.under(session)
        if self._bare is not None:
            # A set-point and the question after it are two small segments: without this the second waits
            # for the peer's delayed acknowledgement.
            with contextlib.suppress(OSError):
                self._bare.wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            with contextlib.suppress(Exception):  # not every backend can clear every interface
                session.clear()
        self.generation += 1
        self._note("event", "opened")

    def _resynchronise(self, identity: str) -> None:
        """Read up to the answer that the instrument gave when it was first identified."""
        self._send("*IDN?")
        seen = ""
        for _ in range(_LINES_TO_RESYNC):
            try:
                seen = self._receive("*IDN?")
            except LinkTimeout:
                if not seen:
                    raise
                break
            if seen == identity:
                return
        self._drop("another identity")
        raise WrongInstrument(f"{self.resource}: answered {identity!r} before, and now {seen!r}")

    def _send(self, command: str) -> None:
        session = self._session
        assert session is not None  # noqa: S101  (_ready came first)
        if self._pause_s and self._clock.kind == "real":
            self._clock.sleep_until(self._not_before_s)
        self._note("out", command, self._write_end)
        try:
            session.write_raw((command + self._write_end).encode("ascii"))
        except UnicodeEncodeError as error:
            raise WrongReply(f"{self.resource}: {command!r} is not ASCII") from error
        except Exception as error:  # a library raises what it likes when the other side has gone
            raise self._failed(command, error) from error
        if self._pause_s:
            self._not_before_s = self._clock.now_s() + self._pause_s

    def _receive(self, command: str) -> str:
        session = self._session
        assert session is not None  # noqa: S101  (_ready came first)
        received = bytearray()
        deadline_s = host_monotonic_s() + self._timeout_s
        try:
            self._wait(self._timeout_s)
            while True:
                chunk, status = session.visalib.read(session.session, _CHUNK)
                received += chunk
                if status != StatusCode.success_max_count_read:
                    if received.strip():
                        break
                    if host_monotonic_s() > deadline_s:
                        raise TimeoutError
                    received.clear()  # an empty line is no answer
                    self._wait(max(0.0, deadline_s - host_monotonic_s()))
                elif len(received) > _LONGEST_REPLY or host_monotonic_s() > deadline_s:
                    self._drop("no terminator")
                    raise WrongReply(
                        f"{self.resource}: {command!r}: {len(received)} bytes came without a terminator"
                    )
        except InstrumentError:
            raise
        except Exception as error:  # as above
            raise self._failed(command, error) from error
        try:
            line = received.decode("ascii")
        except UnicodeDecodeError as error:
            self._drop("not text")
            raise WrongReply(
                f"{self.resource}: the answer to {command!r} is not text: {bytes(received[:40])!r}"
            ) from error
        reply = line.rstrip("\r\n")
        self._note("in", reply, line[len(reply) :])
        return reply

    def _wait(self, timeout_s: float) -> None:
        """Wait for the first byte: pyvisa-py would spin for the whole time-out on a closed socket."""
        if self._bare is None or self._bare.holds_bytes():
            return
        if not self._bare.readable(timeout_s):
            raise TimeoutError
        if not self._bare.wire.recv(1, socket.MSG_PEEK):
            raise ConnectionResetError("the peer closed the connection")

    def _failed(self, command: str, error: Exception) -> InstrumentError:
        """Close the dirty session and name what happened; a library's own exception goes no further."""
        timed_out = isinstance(error, TimeoutError) or (
            isinstance(error, pyvisa.VisaIOError) and error.error_code == StatusCode.error_timeout
        )
        self._drop("no answer in time" if timed_out else f"lost: {error}")
        if timed_out:
            return LinkTimeout(f"{self.resource}: no answer to {command!r} within {self._timeout_s:g} s")
        return LinkDown(f"{self.resource}: lost while asking {command!r}: {error or type(error).__name__}")

    def _drop(self, why: str) -> None:
        session, self._session, self._bare = self._session, None, None
        if session is None:
            return
        self._note("event", why)
        with contextlib.suppress(Exception):
            self._quiet.close()
        with contextlib.suppress(Exception):
            session.close()

    def _note(self, direction: Direction, text: str, end: str = "") -> None:
        if self._tap is not None:
            self._tap(WireRecord(self._clock.now_s(), self.resource, direction, text, end))


class _BareSocket:
    """The socket and the read buffer under a pyvisa-py raw-socket session.

    VISA has no call that tells whether bytes wait on a socket, and pyvisa-py none that sets TCP_NODELAY.
    """

    def __init__(self, inner: Any, wire: socket.socket) -> None:
        self._inner = inner
        self.wire = wire

    @classmethod
    def under(cls, session: MessageBasedResource) -> _BareSocket | None:
        """Return what lies under ``session``, or None where it is no raw socket of pyvisa-py."""
        sessions: dict[Any, Any] = getattr(session.visalib, "sessions", {})
        inner = sessions.get(session.session)
        wire = getattr(inner, "interface", None)
        if isinstance(wire, socket.socket) and hasattr(inner, "_pending_buffer"):
            return cls(inner, wire)
        return None

    def holds_bytes(self) -> bool:
        """Tell whether pyvisa-py has read more than it has handed out."""
        return bool(self._inner._pending_buffer)

    def holds_more_than_blanks(self) -> bool:
        """Throw away empty lines behind an answer; tell whether more came, or the end of the stream.

        A peer that sends them without end has more to say than that.
        """
        pending: bytearray = self._inner._pending_buffer
        if bytes(pending).strip():
            return True
        pending.clear()
        for _ in range(_LINES_TO_RESYNC):
            if not self.readable(0.0):
                return False
            waiting = self.wire.recv(_CHUNK, socket.MSG_PEEK)
            if not waiting or waiting.strip():
                return True
            self.wire.recv(len(waiting))
        return True

    def readable(self, timeout_s: float) -> bool:
        """Wait until bytes, or the end of the stream, can be read."""
        return bool(select.select([self.wire], [], [], timeout_s)[0])
