"""Lines on their way to their files: in real time written by a thread of their own, in virtual time at once.

A disk that takes a second for a line must not hold up the next reading, a sign of life, or an output that is
to be switched off. What has gathered meanwhile is written in one piece.
"""

from __future__ import annotations

import itertools
import math
import threading
from typing import TextIO

from bench.record.busy import Busy, ends

__all__ = ["Lines"]


class Lines:
    """Writes lines in the order they were given.

    Args:
        aside: whether in a thread of its own.
        most: how many characters may wait for that thread.
    """

    def __init__(self, *, aside: bool, most: float = math.inf) -> None:
        self.error: OSError | None = None
        """The first write that failed in the thread; what comes after it is dropped."""
        self.busy = Busy()
        self._most = most
        self._size = 0
        self._waiting: list[tuple[TextIO, str]] = []
        self._ending = False
        self._given = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="lines", daemon=True) if aside else None
        if self._thread is not None:
            self._thread.start()

    def put(self, file: TextIO, line: str, *, always: bool = False) -> bool:
        """Write ``line``, or hand it to the thread; return False where too much waits for it already.

        ``always``: however much waits.

        Raises:
            OSError: the disk refused (in virtual time; otherwise :attr:`error` tells).
        """
        if self._thread is None:
            _write(file, line)
            return True
        with self._given:
            if not always and self._size + len(line) > self._most:
                return False
            self._size += len(line)
            self._waiting.append((file, line))
            self._given.notify()
        return True

    def end(self, hangs_s: float) -> bool:
        """Have everything written, and end; return False where a disk takes longer than ``hangs_s``."""
        if self._thread is None:
            return True
        with self._given:
            self._ending = True
            self._given.notify()
        return ends(self._thread, lambda: self.busy.longest_s() > hangs_s)

    def _work(self) -> None:
        while lines := self._take():
            try:
                if self.error is None:
                    with self.busy:
                        for file, group in itertools.groupby(lines, key=lambda one: one[0]):
                            _write(file, "".join(line for _, line in group))
            except (OSError, ValueError) as error:  # ValueError: closed under us, when it was not waited for
                self.error = error if isinstance(error, OSError) else OSError(str(error))

    def _take(self) -> list[tuple[TextIO, str]]:
        """Wait for lines and return all there are; none when all was written and no more will come."""
        with self._given:
            self._given.wait_for(lambda: self._waiting or self._ending)
            lines, self._waiting, self._size = self._waiting, [], 0
        return lines


def _write(file: TextIO, text: str) -> None:
    file.write(text)
    file.flush()
