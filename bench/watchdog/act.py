"""What the watchdog does: its own connections, the safe state of the station file, and a record of it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from bench.clock import host_monotonic_s, utc_now
from bench.config.load import LoadedStation
from bench.errors import BenchError
from bench.evidence.sums import SUMS
from bench.execute import safe_state
from bench.host.locks import WATCHDOG_OF, Locks
from bench.host.places import shareable, slug, state_folder
from bench.host.unfinished import found
from bench.record.folder import write_json
from bench.runinfo import SafeState
from bench.station import OpenStation, open_each
from bench.timeline import SetPoint
from bench.watchdog.messages import RECORD

__all__ = ["Watched"]


class Watched:
    """The station as the watchdog holds it: open from the start, but for what takes one connection only.

    A serial line or a bus is one connection too: two processes that speak on it spoil each other's words.
    Instruments that only measure, with no safe state of their own, are left to the bench.
    """

    def __init__(self, loaded: LoadedStation, single: Collection[str], parent: int) -> None:
        self._loaded = loaded
        self._parent = parent
        alone = {
            str(role): "takes one connection only: reached when the bench has let it go"
            for role, one in loaded.station.instruments.items()
            if role in single or not shareable(one.resource)
        }
        self._roles = {
            str(role)
            for role, one in loaded.station.instruments.items()
            if role not in ("meter", "receiving_meter") or one.safe is not None
        }
        alone = {role: why for role, why in alone.items() if role in self._roles}
        self._station, failed = self._open(self._roles - set(alone))
        self.unreached: dict[str, str] = {**failed, **alone}
        self.unproved = False
        """Whether what was last tried did not lead to a safe state."""
        self._gone = False
        self._folder: Path | None = None
        self._settings: Mapping[str, Mapping[str, Any]] = {}
        self._record: dict[str, Any] = {}

    def act(
        self,
        cause: str,
        folder: Path | None,
        silent_s: float,
        *,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        gone: bool = False,
    ) -> dict[str, Any]:
        """Make the station safe, prove it, write it down, and return what is told to the bench.

        A second act in one run is another attempt in the record of the first.
        """
        begun_s = host_monotonic_s()
        at_utc = utc_now()
        sent_s: list[float] = []

        def note(set_point: SetPoint, clock_s: float, read_back: float | str | bool | None) -> None:
            sent_s.append(clock_s - clock_began_s)

        if not self._station.drivers:
            self._station, self.unreached = self._open(self._roles)
        clock_began_s = self._station.clock.now_s()
        state = safe_state(self._station, note=note)
        if folder != self._folder:
            self._record = {}
        self._folder, self._gone, self._settings = folder, gone, settings or {}
        locks = Locks(self._loaded, self._what())
        if gone:  # the next run must not begin while this one is being made safe
            with contextlib.suppress(BenchError):
                locks.take()
        try:
            state = self._the_rest(state)
            if not self._record:
                self._record = {
                    "schema": 1,
                    "cause": cause,
                    "at_utc": at_utc.isoformat(timespec="milliseconds"),
                    "silent_s": round(silent_s, 3),
                    "first_command_after_s": round(min(sent_s), 4) if sent_s else None,
                    "took_s": round(host_monotonic_s() - begun_s, 3),
                    "attempts": [],
                }
            written = self._keep(state, cause)
        finally:
            locks.release()
        return {"acted": True, "cause": cause, "state": state.state, "record": written}

    def again(self) -> None:
        """Try once more, with new connections, unless somebody else has the station in hand."""
        locks = Locks(self._loaded, self._what())
        if self._gone:
            if not self._is_ours():
                self.unproved = False
                self._tell("another start has found the station safe")
                return
            try:
                locks.take()
            except BenchError as error:
                self._tell(f"not tried: {error}")
                return
        try:
            self.close()
            self._station, self.unreached = self._open(self._roles)
            self._keep(safe_state(self._station), "tried again")
        finally:
            self.close()  # an instrument that takes one connection only must be free for others meanwhile
            locks.release()

    def give_up(self, after_s: float) -> None:
        """Write down that nothing more is tried."""
        self._tell(f"given up after {after_s:g} s: see drready safe")

    def close(self) -> None:
        """Release every wire; never raises."""
        self._station.close()
        self._station.drivers.clear()

    def _is_ours(self) -> bool:
        """Tell whether the mark of the run is still there: the next start takes it away once all is safe."""
        try:
            mark = found(self._loaded)
        except BenchError:
            return True  # who cannot look goes on
        process = mark.get("process") if mark is not None else None
        return isinstance(process, dict) and process.get("pid") == self._parent

    def _what(self) -> str:
        return f"{WATCHDOG_OF} {self._folder.name if self._folder is not None else 'a session'}"

    def _keep(self, state: SafeState, why: str) -> str | None:
        """Put the devices' own settings back once the state is proved, and write down what was done."""
        self.unproved = state.state == "unknown"
        restored = self._put_back(self._settings) if self._gone and state.state == "verified" else {}
        self._record |= {
            "safe_state": state.model_dump(mode="json"),
            "settings_restored": restored,
            "unreached": self.unreached,
        }
        return self._tell(why, state.state)

    def _tell(self, why: str, state: str | None = None) -> str | None:
        attempt = {"at_utc": utc_now().isoformat(timespec="milliseconds"), "why": why, "state": state}
        self._record["attempts"].append(attempt)
        return self._write(self._record, self._folder)

    def _open(self, roles: Collection[str]) -> tuple[OpenStation, dict[str, str]]:
        file = self._loaded.station
        instruments = {role: one for role, one in file.instruments.items() if role in roles}
        part = dataclasses.replace(self._loaded, station=file.model_copy(update={"instruments": instruments}))
        station, errors = open_each(part)
        station.loaded = self._loaded  # the safe state is of the whole station
        failed = {str(getattr(error, "role", None) or "station"): str(error) for error in errors}
        return station, failed

    def _the_rest(self, state: SafeState) -> SafeState:
        """Open what is not open yet, and have the safe state of everything."""
        lacking = self._roles - set(self._station.drivers)
        if not lacking or state.state == "verified":
            return state
        more, failed = self._open(lacking)
        self._station.on_close(more.close)
        self._station.drivers.update(more.drivers)
        self.unreached = failed
        return safe_state(self._station, ramp=False) if more.drivers else state

    def _put_back(self, settings: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """Put the devices' own settings back; return ``ok`` or why not, by role."""
        told = {}
        for role, values in settings.items():
            driver = self._station.drivers.get(role)
            try:
                if driver is not None:
                    driver.restore(values)
                told[role] = "ok" if driver is not None else "not reached"
            except Exception as error:  # noqa: BLE001  (the next device's settings must still be put back)
                told[role] = str(error) or type(error).__name__
        return told

    def _write(self, record: Mapping[str, Any], folder: Path | None) -> str | None:
        """Write the record into the run folder; where that is full, gone or closed, into the state folder."""
        with contextlib.suppress(BenchError, OSError):
            if folder is not None and not (folder / SUMS).is_file():
                write_json(folder / RECORD, record)
                return str(folder / RECORD)
        with contextlib.suppress(BenchError, OSError):
            path = state_folder() / f"{slug(str(self._loaded.path))}.{RECORD}"
            write_json(path, record)
            return str(path)
        return None
