"""Every fault at once, each with its row, but never an endless list."""

from __future__ import annotations

from bench.errors import Fault, UsageError

__all__ = ["FaultList"]

_MOST = 40


class FaultList:
    """Collects the faults of one file; the first of them are listed, the rest are counted."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.count = 0

    def add(self, place: str, message: str) -> None:
        """Note one fault."""
        self.count += 1
        if len(self.faults) < _MOST:
            self.faults.append(Fault(f"{self.file}: {place}" if place else self.file, message))

    def close(self) -> None:
        """Raise everything noted.

        Raises:
            UsageError: there was a fault.
        """
        if not self.faults:
            return
        more = self.count - len(self.faults)
        last = [Fault(self.file, f"and {more} more faults of this kind")] if more else []
        raise UsageError([*self.faults, *last])
