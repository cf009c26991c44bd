"""What looks after a run from its side: a watchdog, the locks of the station, an interlock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

__all__ = ["Helper", "Keeper"]


class Keeper(Protocol):
    """Told how the run fares; asked again and again, by the main thread, whether it may go on."""

    def arm(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        """From now on something may be on. ``settings`` are the devices' own, by role.

        Raises:
            BenchError: then nothing is switched on.
        """

    def look(self) -> None:
        """Return at once; called about every 0.05 s in real time.

        Raises:
            BenchError: the run must end.
        """

    def beat(self) -> None:
        """The main thread is alive, and ends the run in its own way; never raises."""

    def call(self, why: str) -> None:
        """The bench cannot prove the safe state with its own connections; never raises."""

    def disarm(self, state: str) -> None:
        """The run is over and the station was left ``state``; never raises."""


@runtime_checkable
class Helper(Protocol):
    """A keeper that does something of its own: when it is called, or when it hears nothing."""

    def settle(self, *, last: bool = False) -> bool:
        """Wait until it does nothing more, and tell whether it has done anything since asked before.

        ``last``: from now on it leaves the station alone while this process lives. Never raises.
        """
