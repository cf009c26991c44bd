"""What ends a run from outside, turned into one thing: an interrupt that unwinds through the safe state.

A process that a script started in the background inherits SIGINT ignored, and SIGTERM and SIGHUP end Python
without unwinding; either would leave an output on.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

__all__ = ["hangup_reaches_children", "interrupts", "settled", "wait_for_stop"]

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


def _signals() -> list[signal.Signals]:
    """Return those of our signals that this platform has; an ignored SIGHUP is what ``nohup`` asks for."""
    have = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    return [each for each in have if each.name != "SIGHUP" or signal.getsignal(each) is not signal.SIG_IGN]


def settled() -> None:
    """Ignore these signals from now on: what the process had to do is done."""
    if threading.current_thread() is threading.main_thread():
        for each in _signals():
            signal.signal(each, signal.SIG_IGN)


@contextlib.contextmanager
def interrupts() -> Iterator[None]:
    """Have the first of these signals raise KeyboardInterrupt in the main thread; drop those that follow.

    Dropped, because the first is on its way to the safe state, and a second must not cut that short.
    Outside the main thread this changes nothing: only there can Python take signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            raise KeyboardInterrupt(f"stopped by {signal.Signals(number).name}")

    before: dict[signal.Signals, Any] = {each: signal.getsignal(each) for each in _signals()}
    for each in before:
        signal.signal(each, stop)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler if handler is not None else signal.SIG_DFL)


@contextlib.contextmanager
def wait_for_stop() -> Iterator[socket.socket]:
    """Give a socket whose ``recv(1)`` returns when one of these signals has come, before or after the call.

    The byte is written by the interpreter's own C-level handler, so nothing can be lost between two lines.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    with reader, writer:
        before = {each: signal.signal(each, lambda number, frame: None) for each in _signals()}
        wakeup = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        try:
            yield reader
        finally:
            signal.set_wakeup_fd(wakeup)
            for each, handler in before.items():
                signal.signal(each, handler if handler is not None else signal.SIG_DFL)


@contextlib.contextmanager
def hangup_reaches_children() -> Iterator[None]:
    """Let SIGHUP end processes that are started inside the block, also where ``nohup`` started this one.

    An ignored signal is inherited, a handler is not: this process goes on ignoring it, by a handler.
    """
    here = threading.current_thread() is threading.main_thread() and hasattr(signal, "SIGHUP")
    if not here or signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGHUP, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
