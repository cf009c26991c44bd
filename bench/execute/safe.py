"""The safe state: commanded in the station's order, ramp down before off, each step proved by read-back.

Works on a station whose drivers already fail: no step keeps the next from being tried.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from bench.execute.latch import remember
from bench.execute.ports import StationLike
from bench.execute.ramp import ramp_down, safe_order
from bench.execute.step import Exclusive, Note, agrees, alone, read_one, step
from bench.runinfo import SafeState

__all__ = ["prove_again", "safe_state"]


def safe_state(
    station: StationLike,
    *,
    patience_s: float = 1.0,
    ramp: bool = True,
    broken: Collection[str] = (),
    note: Note | None = None,
    exclusive: Exclusive = alone,
) -> SafeState:
    """Bring the station to the state its file declares; never raises for an instrument's failing.

    Args:
        station: an open station; a role that could not be opened may be missing from its drivers.
        patience_s: how long the power may take to come down before the output is opened.
        ramp: False where the power is known to have come down.
        broken: roles known to fail; they are only asked for the safe values themselves.
        note: told of every set-point sent: the set-point, the clock's time, the read-back.
        exclusive: gives the lock of a role's driver.

    Returns:
        ``verified`` where every declared value was read back, ``commanded`` where some can only be
        believed, ``unknown`` where one failed or reads differently. Ramp steps are listed, but do not count.
    """
    clock = station.clock
    steps: list[dict[str, Any]] = []
    if ramp:
        steps += ramp_down(station, patience_s=patience_s, broken=broken, note=note, exclusive=exclusive)
    for role, values in _declared(station).items():
        driver = station.drivers.get(role)
        if driver is None:
            steps.append({"role": role, "state": "unknown", "message": "not open"})
            continue
        if isinstance(values, Exception):
            steps.append({"role": role, "state": "unknown", "message": str(values)})
            continue
        for name, value in values.items():
            with exclusive(role):
                steps.append(step(clock, role, driver, name, value, note))
    for index, done in enumerate(steps):  # once more, now that nothing else waits for it
        if done["state"] != "verified" and done["message"] and not done.get("ramp") and "quantity" in done:
            role = done["role"]
            with exclusive(role):
                steps[index] = step(clock, role, station.drivers[role], done["quantity"], done["value"], note)
    state = SafeState(state=_overall(steps), steps=steps)
    remember(station, state, "")
    return state


def _overall(steps: list[dict[str, Any]]) -> Literal["verified", "commanded", "unknown"]:
    states = {done["state"] for done in steps if not done.get("ramp")}
    if not states or "unknown" in states:
        return "unknown"
    return "commanded" if "commanded" in states else "verified"


def prove_again(
    station: StationLike, state: SafeState, *, leave_out: Collection[str] = (), exclusive: Exclusive = alone
) -> SafeState:
    """Read back once more what was verified; something was set since. Values that moved are set again.

    ``leave_out`` are roles whose values were changed on purpose.
    """
    steps = []
    for done in state.steps:
        role, name = done["role"], done.get("quantity")
        if (
            role not in leave_out
            and not done.get("ramp")
            and done["state"] == "verified"
            and name is not None
        ):
            driver = station.drivers[role]
            with exclusive(role):
                seen, _ = read_one(driver, name)
                if not agrees(seen, done["value"]):
                    done = step(station.clock, role, driver, name, done["value"], None)
        steps.append(done)
    return SafeState(state=_overall(steps), steps=steps)


def _declared(station: StationLike) -> dict[str, Any]:
    """Return the values of the safe state by role, in order; an exception where a driver cannot tell."""
    file = station.loaded.station
    declared: dict[str, Any] = {}
    for role in safe_order(file):
        config = next(one for name, one in file.instruments.items() if name == role)
        driver = station.drivers.get(role)
        if config.safe is not None:
            values: Any = dict(config.safe)
        elif driver is None:
            values = {} if role in ("meter", "receiving_meter") else {"": None}
        else:
            try:
                values = dict(driver.safe_values())
            except BaseException as error:  # noqa: BLE001  (a broken driver must not keep the next from being safe)
                values = error
        if values:
            declared[role] = values
    return declared
