"""The device's own mode and settings: read before the run, put back afterwards whatever happened."""

from __future__ import annotations

import math
from typing import Any

from bench.drivers.base import Value
from bench.errors import InstrumentError
from bench.execute.journal import Journal
from bench.execute.ports import StationLike
from bench.execute.step import Exclusive

__all__ = ["Settings"]

# what belongs to the owner; the bench's own instruments are ours to set
# the site first: a battery behind a gateway without mains cannot be reached
_ROLES = ("site", "battery", "gateway")
# an interface may be restarting, or a watchdog may have taken over while this process was stopped
_AWAY_S = 5.0
_AGAIN_S = 0.5


class Settings:
    """What each device was set to before, and whether it is so again."""

    def __init__(self, station: StationLike, journal: Journal, exclusive: Exclusive) -> None:
        self._station = station
        self._journal = journal
        self._exclusive = exclusive
        self.before: dict[str, dict[str, Any]] = {}
        self.restored: dict[str, bool | None] = {}
        self._mode: dict[str, Value | None] = {}

    def read(self) -> None:
        """Read the settings.

        Raises:
            InstrumentError: a device does not tell.
        """
        for role in _ROLES:
            driver = self._station.drivers.get(role)
            if driver is None:
                continue
            try:
                with self._exclusive(role):
                    self.before[role] = dict(driver.snapshot())
            except InstrumentError as error:
                error.role = error.role or role
                raise
            self._mode[role] = self._canonical_mode(role)
            self.restored[role] = None
            self._journal.event("settings_before", role=role, settings=self.told()[role])

    def told(self) -> dict[str, dict[str, Any]]:
        """Return the settings before by role, in the device's words, and the mode in the canonical one."""
        return {
            role: ({"mode": mode} if (mode := self._mode.get(role)) is not None else {}) | settings
            for role, settings in self.before.items()
        }

    def put_back(self) -> None:
        """Restore every device that is not as before; a failure is recorded, never raised."""
        for role, settings in self.before.items():
            clock = self._station.clock
            real = clock.kind != "virtual"
            until_s = clock.now_s() + _AWAY_S
            why = self._restore(role, settings)
            again = real  # once more in any case: this process may have been stopped for longer than that
            while why and (again or (real and clock.now_s() < until_s)):
                again = False
                clock.sleep_until(clock.now_s() + _AGAIN_S)
                why = self._restore(role, settings)
            self.restored[role] = not why
            if why:
                self._journal.event("settings_restored", role=role, ok=False, why=why)

    def _restore(self, role: str, settings: dict[str, Any]) -> str:
        """Restore one device if it is not as before; return why it is not, empty where it is."""
        try:
            with self._exclusive(role):
                if self._moved(role):
                    self._station.drivers[role].restore(settings)
                    return _told(self._moved(role))
                return ""
        except Exception as error:  # noqa: BLE001  (the next device's settings must still be put back)
            return str(error) or type(error).__name__

    def look(self) -> None:
        """Look once more, when all is done: what the safe state had to change is not as before."""
        for role, restored in self.restored.items():
            if not restored:
                continue
            try:
                with self._exclusive(role):
                    why = _told(self._moved(role))
            except Exception as error:  # noqa: BLE001  (as above)
                why = str(error) or type(error).__name__
            self.restored[role] = not why
            self._journal.event("settings_restored", role=role, ok=not why, why=why)

    def _moved(self, role: str) -> dict[str, tuple[Any, Any]]:
        now = self._station.drivers[role].snapshot()
        moved = {
            name: (value, now.get(name))
            for name, value in self.before[role].items()
            if not _same(value, now.get(name))
        }
        mode = self._canonical_mode(role)
        if mode != self._mode.get(role):
            moved["mode"] = (self._mode.get(role), mode)
        return moved

    def _canonical_mode(self, role: str) -> Value | None:
        driver = self._station.drivers[role]
        info = driver.quantities().get("mode")
        return driver.read(["mode"])["mode"].value if info is not None and info.readable else None


def _told(moved: dict[str, tuple[Any, Any]]) -> str:
    return ", ".join(f"{name} is {now!r}, was {before!r}" for name, (before, now) in moved.items())


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
    return bool(one == other)
