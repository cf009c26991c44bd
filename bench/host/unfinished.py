"""A run that has not ended: the mark that it leaves for the next start, and what the next start makes of it.

The mark is made before anything is switched on and taken away when the safe state is proved. A start that
finds one reads every instrument: proved safe, it goes on by itself; otherwise it refuses, with the reason.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.clock import utc_now
from bench.config.load import LoadedStation
from bench.errors import BenchError, InstrumentError
from bench.execute.safe import declared
from bench.execute.step import agrees, read_one
from bench.host.places import STATE_ENV, addresses, slug, state_folder
from bench.host.process import me
from bench.record.folder import write_json
from bench.station import OpenStation

__all__ = ["Mark", "forget", "found", "prove", "unproved"]

_LONGEST = 1 << 20
_OWN = ("battery", "gateway", "site")  # devices with settings of their own


class Mark:
    """The mark of one run; a keeper."""

    def __init__(self, loaded: LoadedStation, what: str, folder: Path | None = None) -> None:
        self._path = _path(loaded)
        self._record: dict[str, Any] = {
            "station": str(loaded.path),
            "what": what,
            "folder": str(folder.resolve()) if folder is not None else None,
            "addresses": sorted(set(addresses(loaded).values())),
        }

    def arm(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        """Leave the mark.

        Raises:
            BenchError: it cannot be written; then nothing is switched on.
        """
        self._record |= {
            "process": me(str(self._record["what"])),
            "since_utc": utc_now().isoformat(timespec="seconds"),
            "settings": {role: dict(values) for role, values in settings.items()},
        }
        write_json(self._path, self._record)

    def look(self) -> None:
        """Nothing to look at."""

    def beat(self) -> None:
        """Nothing to tell."""

    def call(self, why: str) -> None:
        """A mark cannot help."""

    def disarm(self, state: str) -> None:
        """Take the mark away if the station was left safe; what cannot be read back is believed."""
        if state in ("verified", "commanded"):
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
        else:
            self._record["safe_state"] = state
            with contextlib.suppress(BenchError):
                write_json(self._path, self._record)


def found(loaded: LoadedStation) -> dict[str, Any] | None:
    """Return the mark of a run on this station that did not end, None where there is none.

    Raises:
        BenchError: the folder where it would be cannot be used.
    """
    if not addresses(loaded):
        return None
    path = _path(loaded)
    try:
        content = json.loads(path.read_bytes()[:_LONGEST])
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}  # a mark that cannot be read is one all the same
    return content if isinstance(content, dict) else {}


def forget(loaded: LoadedStation) -> None:
    """Take the mark away: the safe state was proved."""
    if addresses(loaded):
        with contextlib.suppress(OSError, BenchError):
            _path(loaded).unlink(missing_ok=True)


def prove(station: OpenStation) -> str | None:
    """Look whether an earlier run left this station, and if so whether it is safe.

    Returns:
        None where nothing was left; else one sentence that says what was found and proved.

    Raises:
        InstrumentError: it is not proved; the reason, and what to do.
    """
    mark = found(station.loaded)
    if mark is None:
        return None
    what = str(mark.get("what") or "a run") + (f" of {mark['since_utc']}" if mark.get("since_utc") else "")
    settings = mark.get("settings")
    wrong = unproved(station, settings if isinstance(settings, dict) else {})
    if wrong:
        raise InstrumentError(
            f"{what} did not end, and the station is not proved safe: {'; '.join(wrong)}\n"
            f"next: drready safe --station {station.loaded.path}"
        )
    forget(station.loaded)
    return f"{what} had not ended; every instrument was read and is in its safe state"


def unproved(station: OpenStation, settings: Mapping[str, Any]) -> list[str]:
    """Return what speaks against the station being safe, read from every instrument; changes nothing.

    A device may also be as it was before the run that did not end: its own settings are safe once the
    output is off, unless the station file declares otherwise.
    """
    wrong = []
    for role, values in declared(station).items():
        driver = station.drivers.get(role)
        if driver is None or isinstance(values, Exception):
            wrong.append(f"{role} does not tell its safe state")
            continue
        config = station.loaded.station.instruments[role]  # type: ignore[index]  # roles come from the file
        faults = []
        for name, value in values.items():
            seen, why = read_one(driver, name)
            if not agrees(seen, value):
                faults.append(f"{role}.{name} reads {why if seen is None else seen}, safe is {value}")
        if faults and role in _OWN and config.safe is None and _as_before(driver, settings.get(role)):
            faults = []
        wrong += faults
    return wrong


def _as_before(driver: Any, before: Any) -> bool:
    if not isinstance(before, dict) or not before:
        return False
    try:
        now = driver.snapshot()
    except InstrumentError:
        return False
    return all(agrees(now.get(name), value) for name, value in before.items() if value is not None)


def _path(loaded: LoadedStation) -> Path:
    folder = state_folder() / "unfinished"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(
            f"cannot make {folder}: {error.strerror or error}; {STATE_ENV} names another"
        ) from None
    return folder / f"{slug(' '.join(sorted(set(addresses(loaded).values()))))}.json"
