"""``python -m bench.watchdog``: started by the bench, ends when the bench has ended well.

What it watches comes through standard input, one message a line. It ignores every signal that ends a
terminal or a group: only the end of its parent, or its parent's word, ends it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from bench.clock import RealClock, host_monotonic_s
from bench.config.load import load_station
from bench.watchdog.act import Watched
from bench.watchdog.messages import Order, pack, silence_s, unpack

__all__ = ["main", "persist", "watch"]

_UNHURRIED_S = 3600.0
_SLICE_S = 0.2
_HELD_UP_S = 0.1
_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 30.0


def main() -> None:
    """Watch until told that all is well, or until something had to be done."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    said: queue.Queue[bytes | None] = queue.Queue()
    threading.Thread(target=_listen, args=(said,), daemon=True).start()
    first = said.get()
    if first is None:
        return
    try:
        order = Order.read(unpack(first))
        loaded = load_station(order.station, order.overrides)
        watched = Watched(loaded, order.single, parent=os.getppid())
    except Exception as error:  # noqa: BLE001  (told to the bench, which then switches nothing on)
        _say({"error": str(error) or type(error).__name__})
        return
    _say({"ready": True, "pid": os.getpid(), "unreached": watched.unreached})
    head = loaded.station.station
    watch(said, watched, silence_s(head.watchdog_s), head.watchdog_tries_s)
    watched.close()


def watch(said: queue.Queue[bytes | None], watched: Watched, silent_s: float, tries_s: float) -> None:
    """Listen; act on a call, on silence for ``silent_s``, and on the end of the pipe.

    What could not be proved is tried again for ``tries_s``. A bench that wakes up after a silence finds out,
    and ends its run itself: then nothing more is done unless it goes without saying that all is well.
    A watchdog that was stopped itself first hears what was said meanwhile.
    """
    armed = acted = False
    left = ""
    heard_s = host_monotonic_s()
    wait_s = silent_s
    settings: dict[str, dict[str, Any]] = {}
    folder: Path | None = None
    while True:
        asked_s = host_monotonic_s()
        try:
            line = said.get(timeout=wait_s if armed and not acted else _UNHURRIED_S)
        except queue.Empty:
            if armed and not acted:
                if wait_s == silent_s and host_monotonic_s() - asked_s > silent_s + _HELD_UP_S:
                    wait_s = _SLICE_S
                    continue
                acted = True
                age_s = host_monotonic_s() - heard_s
                cause = f"no sign of life for {age_s:.2f} s: the bench is stopped or hangs"
                _say({"acting": cause})
                _say(watched.act(cause, folder, age_s))
                persist(said, watched, tries_s)
            continue
        if line is None:
            if armed:
                age_s = host_monotonic_s() - heard_s
                _say(watched.act("the bench is gone", folder, age_s, settings=settings, gone=True))
                persist(said, watched, tries_s)
            elif left == "unknown":
                _go_on(said, watched, folder, settings, tries_s)
            return
        heard_s, wait_s = host_monotonic_s(), silent_s
        message = unpack(line)
        if "run" in message:
            folder = Path(message["run"]) if message["run"] else None
        elif "arm" in message:
            armed, acted, settings, left = True, False, message["arm"], ""
        elif "call" in message:
            _say(watched.act(str(message["call"]), folder, 0.0))
        elif "settle" in message:
            acted |= bool(message.get("last"))
            _say({"settled": message["settle"]})
        elif "disarm" in message:
            armed, left = False, str(message["disarm"])
        elif "end" in message:
            if message["end"] == "unknown":
                _go_on(said, watched, folder, settings, tries_s)
            return


def _go_on(
    said: queue.Queue[bytes | None],
    watched: Watched,
    folder: Path | None,
    settings: dict[str, dict[str, Any]],
    tries_s: float,
) -> None:
    """Try on after a bench that ended, or was killed after its run, in a state that neither has proved."""
    if watched.unproved:
        cause = "the bench has ended and could not prove the safe state either"
        watched.act(cause, folder, 0.0, settings=settings, gone=True)
        persist(said, watched, tries_s)


def persist(said: queue.Queue[bytes | None], watched: Watched, tries_s: float) -> None:
    """Try again, with a growing pause, until the safe state is proved, the bench speaks, or time is up."""
    clock = RealClock()
    until_s, pause_s = clock.now_s() + tries_s, _PAUSE_S
    while watched.unproved:
        again_s = min(clock.now_s() + pause_s, until_s)
        while clock.now_s() < again_s:
            if not said.empty():
                return  # it is awake, or gone: the caller hears which
            clock.sleep_until(min(again_s, clock.now_s() + _SLICE_S))
        if clock.now_s() >= until_s:
            watched.give_up(tries_s)
            return
        watched.again()
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _listen(said: queue.Queue[bytes | None]) -> None:
    with contextlib.suppress(OSError, ValueError):
        for line in sys.stdin.buffer:
            said.put(line)
    said.put(None)


def _say(message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.buffer.write(pack(message))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
