"""What the executor is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from bench.clock import Clock
from bench.config.station import Station
from bench.drivers.base import Driver
from bench.runinfo import ClockStep, SafeState
from bench.timeline import SetPoint

__all__ = ["ROLE_ORDER", "ExecutionResult", "Loaded", "Progress", "Sink", "StationLike"]

# The order in which instruments due at one instant are read in virtual time: the analyzer first.
ROLE_ORDER = ("meter", "receiving_meter", "source", "battery", "gateway", "site")

Progress = Callable[[float, float, str, dict[str, float | str | None]], None]
"""``progress(t_s, end_s, phase, live)``: run time, its end, the phase's name, latest value by channel."""


class Loaded(Protocol):
    """A station file as it was loaded."""

    @property
    def station(self) -> Station:
        """The station."""


class StationLike(Protocol):
    """An open station."""

    @property
    def drivers(self) -> Mapping[str, Driver]:
        """The open drivers by role."""

    @property
    def clock(self) -> Clock:
        """The clock that the drivers and the executor share."""

    @property
    def loaded(self) -> Loaded:
        """The station file."""


class Sink(Protocol):
    """Where the run is recorded. Every method may raise BenchError when it cannot write."""

    def sample(
        self, tick: int, t_s: float, host_s: float, channel: str, value: float | str | None, quality: str
    ) -> None:
        """Take one sample."""

    def command(self, set_point: SetPoint, sent_s: float, read_back: float | str | bool | None) -> None:
        """Take one set-point that was sent."""

    def event(self, kind: str, t_s: float | None, **fields: Any) -> None:
        """Take anything else that happened."""

    def flush_due(self, t_s: float) -> None:
        """Write what has gathered, if it is time to."""

    def close(self) -> None:
        """Write the rest and close the record; closing twice does nothing."""


@dataclass(frozen=True)
class ExecutionResult:
    """How a run ended.

    ``zero_s`` is the clock's time at which the timeline began (t_s = 0), None if it never did;
    ``reached_s`` how far it came. ``settings_before`` and ``settings_restored`` are by role;
    None where nothing was to be restored. ``clock_steps`` are by how much and when the host's wall clock was
    set meanwhile. ``stays_away``: the timeline ended early since a device that the test had cut off did not
    answer again.
    """

    execution: Literal["done", "error", "aborted"]
    reason: str
    safe_state: SafeState
    settings_before: dict[str, dict[str, Any]] = field(default_factory=dict)
    settings_restored: dict[str, bool | None] = field(default_factory=dict)
    zero_s: float | None = None
    reached_s: float = 0.0
    clock_steps: tuple[ClockStep, ...] = ()
    stays_away: bool = False
