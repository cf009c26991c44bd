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

from bench.clock import host_monotonic_s
from bench.config.load import load_station
from bench.watchdog.act import Watched
from bench.watchdog.messages import Order, pack, silence_s, unpack

__all__ = ["main", "watch"]

_UNHURRIED_S = 3600.0


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
        watched = Watched(loaded, order.single)
    except Exception as error:  # noqa: BLE001  (told to the bench, which then switches nothing on)
        _say({"error": str(error) or type(error).__name__})
        return
    _say({"ready": True, "pid": os.getpid(), "unreached": watched.unreached})
    watch(said, watched, silence_s(loaded.station.station.watchdog_s))
    watched.close()


def watch(said: queue.Queue[bytes | None], watched: Watched, silent_s: float) -> None:
    """Listen; act on a call, on silence for ``silent_s``, and on the end of the pipe."""
    armed = False
    heard_s = host_monotonic_s()
    settings: dict[str, dict[str, Any]] = {}
    folder: Path | None = None
    while True:
        try:
            line = said.get(timeout=silent_s if armed else _UNHURRIED_S)
        except queue.Empty:
            if armed:
                age_s = host_monotonic_s() - heard_s
                cause = f"no sign of life for {age_s:.2f} s: the bench is stopped or hangs"
                _say(watched.act(cause, folder, age_s))
                return  # the end of the pipe tells the bench, if it ever wakes up
            continue
        if line is None:
            if armed:
                age_s = host_monotonic_s() - heard_s
                _say(watched.act("the bench is gone", folder, age_s, settings=settings, gone=True))
            return
        heard_s = host_monotonic_s()
        message = unpack(line)
        if "run" in message:
            folder = Path(message["run"]) if message["run"] else None
        elif "arm" in message:
            armed, settings = True, message["arm"]
        elif "call" in message:
            _say(watched.act(str(message["call"]), folder, 0.0))
        elif "disarm" in message:
            armed = False
        elif "end" in message:
            return


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
