"""A station whose safe state could not be proved is not used again, until it is."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from bench.errors import InstrumentError
from bench.execute.ports import StationLike
from bench.runinfo import SafeState

__all__ = ["refuse_if_latched", "remember"]

_FIRST_CAUSE: WeakKeyDictionary[StationLike, str] = WeakKeyDictionary()


def remember(station: StationLike, state: SafeState, cause: str) -> None:
    """Latch the station with the first ``cause`` unless its safe state is proved; that clears it."""
    if state.state == "verified":
        _FIRST_CAUSE.pop(station, None)
    elif cause:
        _FIRST_CAUSE.setdefault(station, cause)


def refuse_if_latched(station: StationLike) -> None:
    """Raise where the station was left in a state that nobody knows.

    Raises:
        InstrumentError: with the first cause, not the latest.
    """
    cause = _FIRST_CAUSE.get(station)
    if cause is not None:
        raise InstrumentError(f"the station was left in an unproved state; first cause: {cause}")
