"""A station brought to its safe state by itself, outside any run: what ``drready safe`` does."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.config.load import LoadedStation, load_station, parse_overrides
from bench.errors import BenchError, InstrumentError, WrongInstrument
from bench.execute import safe_state
from bench.host.locks import WATCHDOG_OF, holders
from bench.host.process import says
from bench.host.unfinished import forget, found
from bench.recover import recover_quietly
from bench.runinfo import SafeState
from bench.station import OpenStation, open_each

__all__ = ["make_safe"]

_WATCHDOG_S = 30.0  # an attempt of a watchdog takes no longer
_TRIES = 3  # one lost answer at the opening must not leave an output on


def make_safe(station_name: str, overrides: tuple[str, ...] | list[str] = ()) -> SafeState:
    """Bring a station to its safe state and prove it by read-back.

    An instrument that does not answer keeps no other from being made safe, and is asked again; its part is
    ``unknown`` where it never answers.

    Raises:
        UsageError: the station file is wrong.
    """
    loaded = load_station(station_name, parse_overrides(overrides).station)
    for _ in range(_TRIES - 1):
        state, again = _attempt(loaded)
        if not again:
            return state
    return _attempt(loaded)[0]


def _attempt(loaded: LoadedStation) -> tuple[SafeState, bool]:
    """Return how the station was left, and whether an instrument may answer when it is asked again."""
    busy: list[dict[str, Any]] = []
    blind = ""
    try:
        busy = holders(loaded)
    except BenchError as no_locks:  # safety comes first
        blind = f"who else uses the station is not known: {no_locks}"
    station, errors = open_each(loaded)
    with station:
        state = safe_state(station)
        if busy and all(_is_watchdog(one) for one in busy):  # it does the same, and is done soon
            busy = _await_watchdog(station)
            state = safe_state(station)
        if state.state != "unknown" and not errors and not busy and not blind:
            _after_crash(station, state)
    for error in errors:
        state.steps.append({"role": getattr(error, "role", None), "state": "unknown", "message": str(error)})
    if errors:
        state.state = "unknown"
    for message in [f"the station is in use by {says(one)}" for one in busy] + [blind] * bool(blind):
        state.steps.append({"role": None, "state": "unknown", "message": message})
    lost = [
        one for one in errors if isinstance(one, InstrumentError) and not isinstance(one, WrongInstrument)
    ]
    return state, any(lost)


def _is_watchdog(holder: Mapping[str, Any]) -> bool:
    return str(holder.get("what", "")).startswith(WATCHDOG_OF)


def _await_watchdog(station: OpenStation) -> list[dict[str, Any]]:
    """Wait until no watchdog is at work on the station; return who holds it then."""
    clock = station.clock
    until_s = clock.now_s() + _WATCHDOG_S
    while (busy := holders(station.loaded)) and any(map(_is_watchdog, busy)) and clock.now_s() < until_s:
        clock.sleep_until(clock.now_s() + 0.2)
    return busy


def _after_crash(station: OpenStation, state: SafeState) -> None:
    """Finish what a run that did not end left: the devices' own settings, its folder, its mark."""
    mark = None
    with contextlib.suppress(BenchError):  # no folder for marks: then there is none
        mark = found(station.loaded)
    if mark is None:
        return
    settings = mark.get("settings")
    for role, values in (settings if isinstance(settings, dict) else {}).items():
        driver = station.drivers.get(role)
        if driver is None or not isinstance(values, dict):
            continue
        step: dict[str, Any] = {"role": role, "quantity": "its own settings", "state": "verified"}
        try:
            driver.restore(values)
        except InstrumentError as error:
            step |= {"state": "unknown", "message": str(error)}
        state.steps.append(step)
    if isinstance(mark.get("folder"), str):
        recover_quietly(Path(mark["folder"]))
    forget(station.loaded)
