"""Work that may hang, done beside the main thread: whoever waits for it keeps looking out meanwhile.

In virtual time nothing is done beside anything: it is simply done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from bench.clock import Clock, host_monotonic_s

__all__ = ["SLICE_S", "Job", "begin"]

SLICE_S = 0.05  # how soon a stop, a trip or another thread's failure is noticed
_T = TypeVar("_T")


class Job(Generic[_T]):
    """A piece of work that has begun; its thread ends with it and is never waited for at exit."""

    def __init__(self, work: Callable[[], _T]) -> None:
        self._work = work
        self._done = threading.Event()
        self._result: list[_T] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do the work and keep what comes of it."""
        try:
            self._result.append(self._work())
        except BaseException as error:  # noqa: BLE001  (handed to whoever asks for the result)
            self._error = error
        self._done.set()

    @property
    def done(self) -> bool:
        """Tell whether the work has ended."""
        return self._done.is_set()

    def result(self) -> _T:
        """Return what came of the work, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._result[0]

    def wait(self, look: Callable[[], None], limit_s: float | None = None) -> bool:
        """Wait, calling ``look`` again and again; return whether the work ended within ``limit_s``.

        Raises:
            BaseException: what ``look`` raises; the work goes on by itself.
        """
        deadline_s = None if limit_s is None else host_monotonic_s() + limit_s
        while not self._done.is_set():
            look()
            left_s = SLICE_S if deadline_s is None else deadline_s - host_monotonic_s()
            if left_s <= 0:
                return self._done.is_set()
            self._done.wait(min(SLICE_S, left_s))
        return True


def begin(clock: Clock, name: str, work: Callable[[], _T]) -> Job[_T]:
    """Begin ``work``: in a thread of its own in real time, at once and here in virtual time."""
    job = Job(work)
    if clock.kind == "virtual":
        job.run()
    else:
        threading.Thread(target=job.run, name=name, daemon=True).start()
    return job
