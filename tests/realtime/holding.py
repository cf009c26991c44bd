"""Exchanges that hang until something has happened, not for so long: a busy machine changes nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

LIMIT_S = 30.0
"""Nothing waits longer: a bench that waits for what hangs fails its test, and does not hang it."""


def until(happened: Callable[[], bool], *verbs: str) -> Callable[[str, str], None]:
    """Return a fault that lets every exchange of these kinds hang until ``happened``."""

    def fault(verb: str, name: str) -> None:
        if verb in verbs:
            wait_until(happened)

    return fault


def wait_until(happened: Callable[[], bool]) -> None:
    """Wait until ``happened`` returns true.

    Raises:
        TimeoutError: it never did.
    """
    begun_s = time.monotonic()
    while not happened():
        if time.monotonic() - begun_s > LIMIT_S:
            raise TimeoutError(f"it did not happen within {LIMIT_S:g} s")
        time.sleep(0.005)


def in_thread(name: str) -> bool:
    """Tell whether this is the thread of that name."""
    return threading.current_thread().name == name
