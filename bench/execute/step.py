"""One step towards the safe state: commanded, and proved by read-back."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from bench.clock import Clock
from bench.drivers.base import Driver, Value
from bench.errors import LinkDown, LinkTimeout
from bench.timeline import SetPoint

__all__ = ["Exclusive", "Note", "agrees", "alone", "read_one", "step"]

CONFIRM_S = 2.0  # within this a step must read back as commanded
_POLL_S = 0.05

Note = Callable[[SetPoint, float, "float | str | bool | None"], None]
Exclusive = Callable[[str], AbstractContextManager[Any]]


def alone(role: str) -> AbstractContextManager[Any]:
    """Lock nothing: nobody else uses the drivers."""
    return nullcontext()


def agrees(seen: Value | None, wanted: Value) -> bool:
    """Tell whether a read-back is what was wanted."""
    if seen is None:
        return False
    if isinstance(seen, str) or isinstance(wanted, str):
        return seen == wanted
    return math.isclose(float(seen), float(wanted), rel_tol=1e-3, abs_tol=1e-3)


def read_one(driver: Driver, name: str) -> tuple[Value | None, str]:
    """Return one reading, or None and why there is none; never raises."""
    try:
        return driver.read([name])[name].value, ""
    except BaseException as error:  # noqa: BLE001  (a broken driver must not keep the next from being safe)
        return None, str(error) or type(error).__name__


def step(
    clock: Clock, role: str, driver: Driver, name: str, value: Value, note: Note | None
) -> dict[str, Any]:
    """Command one value, prove it, and return what happened; never raises.

    ``state`` is ``verified`` (it reads as commanded), ``commanded`` (it was accepted and cannot be read)
    or ``unknown``. ``note`` is told the set-point, the clock's time and the read-back.
    """
    sent_s = clock.now_s()
    seen: Value | None = None
    commanded, dead, message = False, False, ""
    try:
        driver.set(name, value)
        commanded = True
    except BaseException as error:  # noqa: BLE001  (a broken driver must not keep the next from being safe)
        dead = isinstance(error, (LinkDown, LinkTimeout))
        message = str(error) or type(error).__name__
    while not dead:  # even after a refusal: what it reads is what counts
        seen, unread = read_one(driver, name)
        message = message or unread
        if agrees(seen, value) or seen is None or clock.now_s() >= sent_s + CONFIRM_S:
            break
        clock.sleep_until(clock.now_s() + _POLL_S)
    if agrees(seen, value):
        state, message = "verified", ""
    elif commanded and seen is None:
        state = "commanded"
    else:
        state = "unknown"
        message = message or f"reads back {seen}"
    if note is not None:
        note(SetPoint(math.nan, role, name, value, "safe"), sent_s, seen)
    return {
        "role": role,
        "quantity": name,
        "value": value,
        "read_back": seen,
        "state": state,
        "message": message,
        "clock_s": sent_s,
    }
