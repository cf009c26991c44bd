"""The loop in real time: one thread per instrument reads, the main thread sends, one more writes to the disk.

So neither a slow battery nor a slow disk delays the analyzer. A reading that comes late is stamped when it
came; a tick that passed without one is recorded as missing, and is never caught up with.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence

from bench.clock import host_monotonic_s
from bench.execute.reader import Reader
from bench.execute.run import Run
from bench.timeline import Item, SetPoint

__all__ = ["run_real"]

_SLICE_S = 0.05  # how soon a thread notices that the run is over
_WRITE_S = 0.25
_JOIN_S = 0.2  # one that hangs in a reading ends with it; the safe state does not wait
_LAST_S = 1.0  # the reading that is due at the very end may take this long


class _Failure:
    """The first thing that went wrong in any thread; the run hears of it."""

    def __init__(self, run: Run) -> None:
        self.halt = threading.Event()
        self._run = run
        self._lock = threading.Lock()

    def set(self, error: BaseException) -> None:
        with self._lock:
            self._run.fault = self._run.fault or error
        self.halt.set()

    def check(self) -> None:
        if self._run.fault is not None:
            raise self._run.fault


def run_real(run: Run, agenda: Sequence[Item]) -> None:
    """Play the timeline.

    Raises:
        Stopped, InstrumentError, BenchError: whatever ends the run early.
    """
    failure = _Failure(run)
    readers = [
        _thread(f"read {r.role}", failure, functools.partial(_sample, run, r, failure)) for r in run.readers
    ]
    threads = [*readers, _thread("write", failure, functools.partial(_write, run, failure))]
    for thread in threads:
        thread.start()
    try:
        if _command(run, agenda):
            _await_last(run, readers)
    finally:
        failure.halt.set()
        deadline_s = host_monotonic_s() + _JOIN_S
        for thread in threads:
            thread.join(max(0.0, deadline_s - host_monotonic_s()))
    failure.check()


def _await_last(run: Run, readers: Sequence[threading.Thread]) -> None:
    """Wait for the readings that are due at the end of the timeline: the threads end with them."""
    deadline_s = host_monotonic_s() + _LAST_S
    for thread in readers:
        while thread.is_alive() and (left_s := deadline_s - host_monotonic_s()) > 0:
            run.check()
            thread.join(min(left_s, _SLICE_S))


def _thread(name: str, failure: _Failure, work: Callable[[], None]) -> threading.Thread:
    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  (handed to the main thread, which raises it)
            failure.set(error)

    return threading.Thread(target=guarded, name=name, daemon=True)


def _sample(run: Run, reader: Reader, failure: _Failure) -> None:
    clock, zero_s, interval_s = run.station.clock, run.journal.zero_s or 0.0, float(reader.interval)
    tick = 0
    while (due_s := reader.due_s(tick)) <= run.timeline.end_s:
        while (now_s := clock.now_s() - zero_s) < due_s:
            if failure.halt.is_set():
                return
            clock.sleep_until(zero_s + min(due_s, now_s + _SLICE_S))
        if failure.halt.is_set():
            return
        latest = min(int(now_s / interval_s), int(run.timeline.end_s / interval_s))
        if latest > tick:
            reader.skip(tick, latest - 1)
            tick = latest
        reader.take(tick)
        tick += 1


def _write(run: Run, failure: _Failure) -> None:
    clock = run.station.clock
    while not failure.halt.is_set():
        run.journal.sink.flush_due(run.journal.now_s())
        clock.sleep_until(clock.now_s() + _WRITE_S)


def _command(run: Run, agenda: Sequence[Item]) -> bool:
    """Send what is due; return whether the timeline was played to its end, not ended early by a reading."""
    clock, zero_s, end_s = run.station.clock, run.journal.zero_s or 0.0, run.timeline.end_s
    sent = 0
    while True:
        run.check()
        now_s = clock.now_s() - zero_s
        run.show(min(now_s, end_s))
        if run.enough(now_s):
            return False
        if sent < len(agenda) and agenda[sent].t_s <= now_s:
            what = agenda[sent]
            superseded = _superseded(agenda, sent, now_s)
            sent += 1
            if superseded:
                run.journal.event(
                    "set_point_skipped",
                    planned_s=what.t_s,
                    why="a later one for the same quantity was already due",
                )
            else:
                run.send(what)
            continue
        if now_s >= end_s:
            return True
        next_s = agenda[sent].t_s if sent < len(agenda) else end_s
        clock.sleep_until(zero_s + min(next_s, end_s, now_s + _SLICE_S))


def _superseded(agenda: Sequence[Item], index: int, now_s: float) -> bool:
    """Tell whether a later set-point of the same quantity is due too: old ones are not sent in a burst."""
    what = agenda[index]
    if not isinstance(what, SetPoint):
        return False
    for later in range(index + 1, len(agenda)):
        other = agenda[later]
        if other.t_s > now_s:
            return False
        if (
            isinstance(other, SetPoint)
            and (other.role, other.quantity) == (what.role, what.quantity)
            and other.t_s > what.t_s
        ):
            return True
    return False
