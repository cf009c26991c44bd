"""How long a disk has been at one thing: slow is waited for, hanging is not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from bench.clock import host_monotonic_s

__all__ = ["HANGS_S", "Busy", "ends"]

HANGS_S = 30.0
"""One write, or one sync, that takes longer than this is not waited for."""
_LOOK_S = 0.05


class Busy:
    """A block in which a thread waits for the disk. Several threads may be in it, each with its own time."""

    def __init__(self) -> None:
        self._since_s: dict[int, float] = {}

    def __enter__(self) -> None:
        self.again()

    def again(self) -> None:
        """Begin the next piece of the block: the one before was taken."""
        self._since_s[threading.get_ident()] = host_monotonic_s()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._since_s.pop(threading.get_ident(), None)

    def longest_s(self) -> float:
        """Return how long the thread that waits longest has waited; 0 where none does."""
        since_s = list(self._since_s.values())
        return host_monotonic_s() - min(since_s) if since_s else 0.0


def ends(thread: threading.Thread, hangs: Callable[[], bool]) -> bool:
    """Wait for ``thread`` as long as the disk takes what it is given; return whether it has ended."""
    while thread.is_alive() and not hangs():
        thread.join(_LOOK_S)
    return not thread.is_alive()
