"""What the planner hands to the executor: set-points in order, phases, and how often to read what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Act", "PhaseSpan", "SetPoint", "Timeline"]

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
class PhaseSpan:
    """A named stretch of the run."""

    name: str
    from_s: float
    to_s: float
    step: int | None = None
    direction: Direction | None = None


@dataclass(frozen=True)
class Timeline:
    """The run on paper. ``sample_s`` is the interval of the meter, ``slow_sample_s`` of everything else."""

    profile: str
    set_points: tuple[SetPoint, ...]
    acts: tuple[Act, ...]
    phases: tuple[PhaseSpan, ...]
    end_s: float
    sample_s: float
    slow_sample_s: float
    notes: tuple[str, ...] = field(default=())
