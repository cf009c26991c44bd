"""What asks a run to stop: signals, an operator, another thread. It only ever sets a flag.

The run looks at the flag between two exchanges, so a stop never tears a conversation with an instrument,
and a second signal cannot cut the safe state short.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

__all__ = ["StopFlag", "Stopped", "signals_set"]


class Stopped(Exception):
    """The run was asked to stop; the text says by whom."""


class StopFlag:
    """Set once; the first reason is kept."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._reason = ""

    def set(self, reason: str = "stopped by the operator") -> None:
        """Ask the run to stop."""
        if not self._event.is_set():
            self._reason = reason
            self._event.set()

    def is_set(self) -> bool:
        """Tell whether somebody asked."""
        return self._event.is_set()

    @property
    def reason(self) -> str:
        """Why, empty when nobody asked."""
        return self._reason

    def check(self) -> None:
        """Raise when somebody asked.

        Raises:
            Stopped: with the reason.
        """
        if self._event.is_set():
            raise Stopped(self._reason)


@contextlib.contextmanager
def signals_set(flag: StopFlag) -> Iterator[None]:
    """Let SIGINT, SIGTERM, SIGHUP (and Ctrl-Break) set ``flag`` inside the block; then restore the handlers.

    Outside the main thread nothing is changed: only there can Python take signals. A SIGINT inherited as
    ignored (a job started with ``&`` by a script) is taken all the same, or the run could not be cancelled;
    an ignored SIGHUP is left ignored, for that is what ``nohup`` asks for.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        flag.set(f"stopped by {signal.Signals(number).name}")

    before = {}
    try:
        for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
            number = getattr(signal, name, None)
            if number is None or (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
                continue
            before[number] = signal.signal(number, stop)
        yield
    finally:
        for number, handler in before.items():
            # None: a handler that was not set from Python cannot be put back by Python
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
