"""Faults of a wire: what happens to a reply between the instrument and the one who asked.

They act on the real sockets. The direct link has neither frames nor a stream, so there a reply that is late,
lost or carries another's number is no reply at all (a time-out), a reply in pieces is a reply, and the
previous answer is given where it has the length asked for, else none.
"""

from __future__ import annotations

from dataclasses import dataclass

from instruments.twins.faults import FaultSet

__all__ = ["Reply", "WireFaults"]

_AT = 200  # which reply the faults take that take one: past what a driver asks before a run
_PIECE_S = 0.002
_LATE = 1.5  # time-outs
BUSY = 6
_HEADER = 7  # of Modbus TCP: number, protocol, length, unit


@dataclass(frozen=True)
class Reply:
    """``parts`` are what is sent, each with the real seconds to wait before it."""

    parts: tuple[tuple[float, bytes], ...]


class WireFaults:
    """What one wire does to its replies. ``timeout_s`` is the patience of whoever asks."""

    def __init__(self, faults: FaultSet, timeout_s: float) -> None:
        self._faults, self._late_s = faults, _LATE * timeout_s
        self._count = 0
        self._line = ""
        self._frame = b""
        self._number = 0
        self._registers: list[int] | None = None

    def busy(self, t_s: float) -> bool:
        """True where a request is refused whatever it is."""
        return self._faults.active("busy", t_s)

    # SCPI

    def line(self, answer: str | None, t_s: float) -> Reply:
        """Return how an answer goes out on a socket."""
        if answer is None:
            return Reply(())
        text, late = self._spoken(answer, t_s)
        if text is None:
            return Reply(())
        data = text.encode("latin-1") + b"\n"
        if late:
            return Reply(((self._late_s, data),))
        if self._faults.active("split", t_s) and len(data) > 1:
            half = len(data) // 2
            return Reply(((0.0, data[:half]), (_PIECE_S, data[half:])))
        return Reply(((0.0, data),))

    def line_in_process(self, answer: str | None, t_s: float) -> str | None:
        """Return an answer as the direct link gets it.

        Raises:
            TimeoutError: on a socket it would not have come in time.
        """
        if answer is None:
            return None
        text, late = self._spoken(answer, t_s)
        if text is None or late:
            raise TimeoutError
        return text

    def _spoken(self, answer: str, t_s: float) -> tuple[str | None, bool]:
        if self._faults.active("deaf", t_s):
            return None, False
        self._count += 1
        last, self._line = self._line, answer
        if self._faults.active("previous_answer", t_s):
            answer = last
        return answer, self._count == _AT and self._faults.active("late_reply", t_s)

    # Modbus

    def frame(self, data: bytes, t_s: float) -> bytes:
        """Return a Modbus TCP reply as it goes out; nothing where it is lost."""
        if len(data) <= _HEADER:
            return data
        self._count += 1
        last, self._frame = self._frame or data, data
        number, self._number = self._number, int.from_bytes(data[:2], "big")
        if self._count == _AT:
            if self._faults.active("dropped", t_s):
                return b""
            if self._faults.active("busy_at_times", t_s):
                return data[:4] + b"\x00\x03" + data[6:7] + bytes((data[7] | 0x80, BUSY))
        if self._faults.active("swapped_replies", t_s):
            return number.to_bytes(2, "big") + data[2:]
        if self._faults.active("previous_answer", t_s):
            return data[:2] + last[2:]
        return data

    def registers_in_process(self, answer: list[int] | int | None, t_s: float) -> list[int] | int | None:
        """Return what the direct link gets for a read (registers) or a write (None).

        Raises:
            TimeoutError: on a socket no reply with the right number would have come.
        """
        self._count += 1
        if self._faults.active("swapped_replies", t_s):
            raise TimeoutError
        if self._count == _AT and self._faults.active("dropped", t_s):
            raise TimeoutError
        if self._count == _AT and self._faults.active("busy_at_times", t_s):
            return BUSY
        if not isinstance(answer, list):
            return answer
        last, self._registers = self._registers, answer
        if self._faults.active("previous_answer", t_s):
            if last is None or len(last) != len(answer):
                raise TimeoutError
            return last
        return answer
