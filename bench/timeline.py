"""What the planner hands to the executor: set-points in order, phases, and how often to read what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Act", "Item", "ListAct", "PhaseSpan", "PlayedList", "SetPoint", "Silence", "Timeline", "Until"]

Direction = Literal["up", "down"]


@dataclass(frozen=True)
class SetPoint:
    """One quantity to be set at ``t_s`` (seconds from the run's start; need not fall on a tick)."""

    t_s: float
    role: str
    quantity: str
    value: float | str | bool
    phase: str
    step: int | None = None
    direction: Direction | None = None


@dataclass(frozen=True)
class Act:
    """A named sequence of a device (``start``, ``stop``, ``frequency_response_on``...) at ``t_s``."""

    t_s: float
    role: str
    sequence: str
    phase: str
    step: int | None = None
    direction: Direction | None = None


@dataclass(frozen=True)
class PlayedList:
    """Set-points of one quantity that the source makes by its own clock.

    It is loaded at ``load_s``, started at the first point's time, and let go at ``release_s``.
    """

    points: tuple[SetPoint, ...]
    load_s: float
    release_s: float

    @property
    def begin_s(self) -> float:
        """When it is to be started."""
        return self.points[0].t_s

    @property
    def durations_s(self) -> list[float]:
        """How long each point lasts."""
        ends = [*(point.t_s for point in self.points[1:]), self.release_s]
        return [round(end - point.t_s, 6) for point, end in zip(self.points, ends, strict=True)]


@dataclass(frozen=True)
class ListAct:
    """What is done about a list at ``t_s``; at ``point`` the source itself does it, and it is recorded."""

    t_s: float
    kind: Literal["load", "start", "point", "release"]
    played: PlayedList
    index: int = 0


Item = SetPoint | Act | ListAct


@dataclass(frozen=True)
class PhaseSpan:
    """A named stretch of the run."""

    name: str
    from_s: float
    to_s: float
    step: int | None = None
    direction: Direction | None = None


@dataclass(frozen=True)
class Silence:
    """A stretch in which a role need not answer."""

    role: str
    from_s: float
    to_s: float


@dataclass(frozen=True)
class Until:
    """A reading that ends the run before its time; obeyed by the executor alone."""

    role: str
    quantity: str
    at_least: float | None = None
    at_most: float | None = None

    def met(self, value: object) -> bool:
        """Return whether a reading is there and says so; no data never does."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return (self.at_least is not None and value >= self.at_least) or (
            self.at_most is not None and value <= self.at_most
        )


@dataclass(frozen=True)
class Timeline:
    """The run on paper. ``sample_s`` is the interval of the meter, ``slow_sample_s`` of everything else.

    ``until`` may end it early; ``end_s`` stays the latest. The points of ``lists`` are among the set-points.
    From ``provoked_s`` on the device's declared test alarms end no run.
    """

    profile: str
    set_points: tuple[SetPoint, ...]
    acts: tuple[Act, ...]
    phases: tuple[PhaseSpan, ...]
    end_s: float
    sample_s: float
    slow_sample_s: float
    notes: tuple[str, ...] = field(default=())
    until: Until | None = None
    lists: tuple[PlayedList, ...] = ()
    silences: tuple[Silence, ...] = field(default=())
    provoked_s: float | None = None
