"""Power down before the output opens."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import Any

from bench.config.station import Station
from bench.drivers.base import Driver, Value
from bench.execute.bounded import Bounded
from bench.execute.ports import StationLike
from bench.execute.step import Exclusive, Note, alone, read_one, step

__all__ = ["ramp_down", "safe_order"]

_POLL_S = 0.05
_RAMPED_KW = 0.1  # below this the output may be opened: about 2 % of a home battery


def ramp_down(
    station: StationLike,
    *,
    patience_s: float,
    broken: Collection[str] = (),
    note: Note | None = None,
    exclusive: Exclusive = alone,
    bounded: Bounded | None = None,
    look: Callable[[], None] = lambda: None,
) -> list[dict[str, Any]]:
    """Command power zero and the nominal grid, and wait, at most ``patience_s``, for the power to fall.

    Every instrument is asked at once, and the slowest is waited for no longer than ``safe_step_s``.
    ``look`` is called while waiting; what it raises ends the ramp.
    """
    file = station.loaded.station
    wait = bounded if bounded is not None else Bounded(station, look)
    wanted: list[tuple[str, str, Value]] = [
        (role, "power_set_kw", 0.0) for role in safe_order(file) if role in ("battery", "gateway")
    ]
    wanted.append(("source", "frequency_hz", file.station.nominal_hz))  # its droop calls for no power there
    begun = []
    for role, name, value in wanted:
        driver = station.drivers.get(role)
        if driver is None or role in broken or role in wait.late or not _settable(driver, name):
            continue
        work = functools.partial(_one, station, role, driver, name, value, note, exclusive)
        begun.append((role, name, value, wait.begin(role, work)))
    steps = []
    for role, name, value, job in begun:
        done = wait.result(role, job)
        steps.append(done if done is not None else wait.row(role, name, value) | {"ramp": True})
    waited = _wait_for_power(station, patience_s, {*broken, *wait.late}, exclusive, wait)
    if waited is not None:
        steps.append(waited)
    return steps


def _one(
    station: StationLike,
    role: str,
    driver: Driver,
    name: str,
    value: Value,
    note: Note | None,
    exclusive: Exclusive,
) -> dict[str, Any]:
    with exclusive(role):
        return step(station.clock, role, driver, name, value, note) | {"ramp": True}


def _wait_for_power(
    station: StationLike, patience_s: float, broken: Collection[str], exclusive: Exclusive, wait: Bounded
) -> dict[str, Any] | None:
    role = next((r for r in ("meter", "battery") if r in station.drivers and r not in broken), None)
    if role is None:
        return None
    clock = station.clock
    deadline_s = clock.now_s() + patience_s

    def read() -> tuple[Value | None, str]:
        with exclusive(role):
            return read_one(station.drivers[role], "power_kw")

    while True:
        read_back = wait.result(role, wait.begin(role, read))
        power_kw, message = read_back if read_back is not None else (None, wait.says)
        low = isinstance(power_kw, (int, float)) and abs(power_kw) <= _RAMPED_KW
        now_s = clock.now_s()
        if low or power_kw is None or now_s >= deadline_s:
            return {
                "ramp": True,
                "role": role,
                "quantity": "power_kw",
                "read_back": power_kw,
                "state": "verified" if low else "unknown",
                "message": message if power_kw is None else "" if low else f"not down after {patience_s:g} s",
            }
        clock.sleep_until(min(now_s + _POLL_S, deadline_s))


def safe_order(file: Station) -> list[str]:
    """Return the declared order; roles it forgets follow, the source last of them."""
    forgotten: list[str] = [role for role in file.instruments if role not in file.station.safe_order]
    forgotten.sort(key=lambda role: role == "source")
    return [*(role for role in file.station.safe_order if role in file.instruments), *forgotten]


def _settable(driver: Driver, name: str) -> bool:
    try:
        info = driver.quantities().get(name)
    except BaseException:  # noqa: BLE001  (a broken driver must not keep the next from being safe)
        return False
    return info is not None and info.settable
