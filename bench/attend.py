"""What stands around real-time runs on one station: locks, the look at what a crash left, the watchdog.

An embedded twin needs none of it: it ends with its process.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.config.load import LoadedStation
from bench.drivers.base import Driver
from bench.execute.interlock import InterlockKeeper
from bench.execute.keeper import Keeper
from bench.host.locks import Locks
from bench.host.unfinished import Mark, found, prove
from bench.links.factory import LinkFactory
from bench.recover import recover_quietly
from bench.station import OpenStation
from bench.watchdog import Watchdog

__all__ = ["Attendance", "attended", "one_connection"]


class Attendance:
    """What keeps the runs of one open station. ``notes`` are what a reader of the record must know."""

    def __init__(self, station: OpenStation, locks: Locks | None) -> None:
        self.station = station
        self._locks = locks
        self.watchdog: Watchdog | None = None
        self.notes: list[str] = []

    def keepers(self, folder: Path | None, what: str) -> list[Keeper]:
        """Return the keepers of one run, whose record is ``folder``."""
        found: list[Keeper] = []
        loaded = self.station.loaded
        if loaded.station.interlock is not None:
            found.append(self._interlock())
        if self.watchdog is not None:
            self.watchdog.run(folder)
            found += [Mark(loaded, what, folder), self.watchdog]
        if self._locks is not None:
            found.append(self._locks)
        return found

    def _interlock(self) -> InterlockKeeper:
        station = self.station
        config = station.loaded.station.interlock
        assert config is not None  # noqa: S101  (asked by the caller)
        link = None
        if config.resource is not None:
            timeout_s = station.loaded.station.station.timeout_s
            links = LinkFactory(station.clock)
            link = links.modbus(config.resource, unit_id=config.unit_id, timeout_s=timeout_s)
            station.on_close(link.close)
        return InterlockKeeper(config, station.loaded.folder, station.clock, link)


@contextlib.contextmanager
def attended(station: OpenStation, locks: Locks | None = None) -> Iterator[Attendance]:
    """Look at what an earlier run left, start the watchdog, and let it go at the end.

    Raises:
        InstrumentError: an earlier run did not end, and the station is not proved safe.
        BenchError: the watchdog does not come up.
    """
    attendance = Attendance(station, locks)
    if station.clock.kind == "virtual":
        yield attendance
        return
    loaded = station.loaded
    left = found(loaded)
    if left is not None:
        folder = left.get("folder")
        if isinstance(folder, str):
            recover_quietly(Path(folder))
        told = prove(station)
        if told is not None:
            attendance.notes.append(told)
    watchdog = Watchdog(loaded, one_connection(loaded, station.drivers))
    watchdog.start()
    attendance.watchdog = watchdog
    attendance.notes += [f"watchdog: {role}: {why}" for role, why in watchdog.unreached.items()]
    try:
        yield attendance
    finally:
        watchdog.end()


def one_connection(loaded: LoadedStation, drivers: Mapping[str, Driver]) -> list[str]:
    """Return the roles that take one connection only, as the station file or the driver says."""

    def most(role: str, driver: Any) -> int | None:
        config = loaded.station.instruments[role]  # type: ignore[index]  # roles come from the file
        most: int | None = config.max_connections or driver.capabilities.max_connections
        return most

    return [role for role, driver in drivers.items() if most(role, driver) == 1]
