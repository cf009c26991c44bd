"""Lines on their way to their files: in real time written by a thread of their own, in virtual time at once.

A disk that takes a second for a line must not hold up the next reading, a sign of life, or an output that is
to be switched off.
"""

from __future__ import annotations

import queue
import threading
from typing import TextIO

__all__ = ["Lines"]


class Lines:
    """Writes lines in the order they were given. ``aside`` says whether in a thread of its own."""

    def __init__(self, *, aside: bool) -> None:
        self.error: OSError | None = None
        """The first write that failed in the thread; what comes after it is dropped."""
        self._waiting: queue.Queue[tuple[TextIO, str] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="lines", daemon=True) if aside else None
        if self._thread is not None:
            self._thread.start()

    def put(self, file: TextIO, line: str) -> None:
        """Write ``line``, or hand it to the thread.

        Raises:
            OSError: the disk refused (in virtual time; otherwise :attr:`error` tells).
        """
        if self._thread is None:
            _write(file, line)
        else:
            self._waiting.put((file, line))

    def end(self, limit_s: float) -> None:
        """Have everything written, and end; a disk that hangs is left alone after ``limit_s``."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(limit_s)

    def _work(self) -> None:
        while (what := self._waiting.get()) is not None:
            try:
                if self.error is None:
                    _write(*what)
            except (
                OSError,
                ValueError,
            ) as error:  # ValueError: closed under us, after end() had waited enough
                self.error = error if isinstance(error, OSError) else OSError(str(error))


def _write(file: TextIO, line: str) -> None:
    file.write(line)
    file.flush()
