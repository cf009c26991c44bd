"""The digital interlock of a station: a door, an emergency stop, a gas alarm, read as one bit.

It ends the run in software, which is slow and may fail. The same contact must cut the power by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.clock import Clock, host_monotonic_s
from bench.config.station import Interlock
from bench.errors import InstrumentError, LimitTripped
from bench.links.base import ModbusLink

__all__ = ["InterlockKeeper", "read_interlock"]

_IN_A_ROW = 2  # one reading may fall into a bounce of the contact, or into a file that is being written
_LONGEST = 64


def read_interlock(config: Interlock, folder: Path, link: ModbusLink | None) -> str:
    """Return why the interlock counts as open, empty where it is closed."""
    if config.file is not None:
        path = folder / config.file
        try:
            with path.open("rb") as stream:
                words = stream.read(_LONGEST).decode("ascii", "replace").split()
        except OSError as error:
            return f"{path} cannot be read: {error.strerror or error}"
        return "" if words[:1] in (["closed"], ["1"]) else f"{path} says {' '.join(words) or 'nothing'!r}"
    if link is None:
        return "there is no way to read it"
    try:
        value = link.read(config.kind, config.address, 1)[0]
    except InstrumentError as error:
        return str(error)
    return "" if value == config.closed else f"{config.kind} {config.address} of {link.resource} is {value}"


class InterlockKeeper:
    """Reads the interlock every ``interval_s``, in a thread of its own where time is real."""

    def __init__(self, config: Interlock, folder: Path, clock: Clock, link: ModbusLink | None) -> None:
        self._config, self._folder, self._clock, self._link = config, folder, clock, link
        self._row = 0
        self._trip: LimitTripped | None = None
        self._over = threading.Event()
        self._read_host_s = 0.0

    def arm(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        """Look once, and begin to watch.

        Raises:
            LimitTripped: it is open.
        """
        why = read_interlock(self._config, self._folder, self._link)
        if why:
            raise LimitTripped(f"not safe to start: the interlock is open: {why}", reading=self._told(why))
        if self._clock.kind != "virtual":
            threading.Thread(target=self._watch, name="interlock", daemon=True).start()

    def look(self) -> None:
        """Raise the trip, if there is one.

        Raises:
            LimitTripped: it was open twice in a row.
        """
        if self._clock.kind == "virtual" and not self._over.is_set():
            host_s = host_monotonic_s()
            if host_s - self._read_host_s >= self._config.interval_s:
                self._read_host_s = host_s
                self._take()
        if self._trip is not None:
            raise self._trip

    def beat(self) -> None:
        """Nothing to tell an interlock."""

    def call(self, why: str) -> None:
        """An interlock cannot help."""

    def disarm(self, state: str) -> None:
        """Stop watching."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(self._config.interval_s):
            self._take()

    def _take(self) -> None:
        why = read_interlock(self._config, self._folder, self._link)
        self._row = self._row + 1 if why else 0
        if self._row >= _IN_A_ROW and self._trip is None:  # latched: closing it again does not undo the trip
            self._trip = LimitTripped(f"the interlock opened: {why}", reading=self._told(why))

    @staticmethod
    def _told(why: str) -> dict[str, Any]:
        return {"channel": "interlock", "value": "open", "why": why}
