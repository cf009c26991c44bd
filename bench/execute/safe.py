"""The safe state: commanded in the station's order, ramp down before off, each step proved by read-back.

Works on a station whose drivers already fail: no step keeps the next from being tried.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal

from bench.drivers.base import Value
from bench.execute.aside import Job
from bench.execute.bounded import Bounded
from bench.execute.latch import remember
from bench.execute.ports import StationLike
from bench.execute.ramp import ramp_down, safe_order
from bench.execute.step import Exclusive, Note, agrees, alone, read_one, step
from bench.runinfo import SafeState

__all__ = ["declared", "prove_again", "safe_state"]

_LATE_TIMEOUTS = 2.5  # of the link: one to give the old exchange up, one for the next, and some room
# an interface that restarts refuses at once and is back seconds later; giving up at once would leave it on
_AWAY_S = 10.0
_AGAIN_S = 0.2


def safe_state(
    station: StationLike,
    *,
    patience_s: float = 1.0,
    ramp: bool = True,
    broken: Collection[str] = (),
    note: Note | None = None,
    exclusive: Exclusive = alone,
    look: Callable[[], None] = lambda: None,
    late: Callable[[str], None] = lambda role: None,
) -> SafeState:
    """Bring the station to the state its file declares; never raises for an instrument's failing.

    In real time each instrument has its declared time (``station.safe_step_s`` a step) and then the next is
    begun; what comes late is still counted at the end. So a battery that hangs, or whose link must time out
    first, keeps the output on for that long and no longer.

    Args:
        station: an open station; a role that could not be opened may be missing from its drivers.
        patience_s: how long the power may take to come down before the output is opened.
        ramp: False where the power is known to have come down.
        broken: roles known to fail; they are only asked for the safe values themselves, and not waited for.
        note: told of every set-point sent: the set-point, the clock's time, the read-back.
        exclusive: gives the lock of a role's driver.
        look: called while waiting.
        late: told of a role that did not confirm in its time.

    Returns:
        ``verified`` where every declared value was read back, ``commanded`` where some can only be
        believed, ``unknown`` where one failed or reads differently. Ramp steps are listed, but do not count.
    """
    wait = Bounded(station, look)
    steps: list[dict[str, Any]] = []
    if ramp:
        steps += ramp_down(
            station, patience_s=patience_s, broken=broken, note=note, exclusive=exclusive, bounded=wait
        )
    wait.late |= set(broken)
    begun: list[_Role] = []
    for role, values in declared(station).items():
        if role not in station.drivers:
            steps.append({"role": role, "state": "unknown", "message": "not open"})
        elif isinstance(values, Exception):
            steps.append({"role": role, "state": "unknown", "message": str(values)})
        else:
            one = _Role(station, role, values, note, exclusive, wait)
            begun.append(one)
            if not one.settle() and role not in broken:
                late(role)
    for one in begun:  # once more, now that nothing else waits for it; all of them side by side
        one.again()
    for one in begun:
        steps += one.finish()
    state = SafeState(state=_overall(steps), steps=steps)
    remember(station, state, "")
    return state


class _Role:
    """The declared values of one instrument, on their way."""

    def __init__(
        self,
        station: StationLike,
        role: str,
        values: Mapping[str, Value],
        note: Note | None,
        exclusive: Exclusive,
        wait: Bounded,
    ) -> None:
        self._station, self._role, self._values = station, role, values
        self._note, self._exclusive, self._wait = note, exclusive, wait
        self._rows: list[dict[str, Any]] | None = None
        self._again: Job[list[dict[str, Any]]] | None = None
        self._job = wait.begin(role, lambda: [self._step(name, value) for name, value in values.items()])

    def settle(self) -> bool:
        """Wait for the declared time; tell whether everything was answered."""
        self._rows = self._wait.result(self._role, self._job, steps=len(self._values))
        return self._rows is not None

    def again(self) -> None:
        """Wait for what was late, and begin to try again what failed."""
        if self._rows is None:
            limit_s = _LATE_TIMEOUTS * self._station.loaded.station.station.timeout_s
            self._rows = self._wait.result(self._role, self._job, limit_s=limit_s)
        if self._rows is not None and any(map(_failed, self._rows)):
            rows = self._rows
            self._again = self._wait.begin(self._role, lambda: self._persist(rows))

    def finish(self) -> list[dict[str, Any]]:
        """Return what happened."""
        if self._rows is None:
            return [self._wait.row(self._role, name, value) for name, value in self._values.items()]
        if self._again is None:
            return self._rows
        limit_s = _AWAY_S + _LATE_TIMEOUTS * self._station.loaded.station.station.timeout_s
        return self._wait.result(self._role, self._again, limit_s=limit_s) or self._rows

    def _persist(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Try again what failed: once, and in real time until it may no longer be called away."""
        clock = self._station.clock
        until_s = clock.now_s() + (_AWAY_S if clock.kind != "virtual" else 0.0)
        while True:
            rows = [self._step(row["quantity"], row["value"]) if _failed(row) else row for row in rows]
            if not any(map(_failed, rows)) or clock.now_s() >= until_s:
                return rows
            clock.sleep_until(clock.now_s() + _AGAIN_S)

    def _step(self, name: str, value: Value) -> dict[str, Any]:
        with self._exclusive(self._role):
            return step(
                self._station.clock, self._role, self._station.drivers[self._role], name, value, self._note
            )


def _failed(row: Mapping[str, Any]) -> bool:
    return row["state"] != "verified" and bool(row["message"])


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


def declared(station: StationLike) -> dict[str, Any]:
    """Return the values of the safe state by role, in order; an exception where a driver cannot tell."""
    file = station.loaded.station
    found: dict[str, Any] = {}
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
            found[role] = values
    return found
