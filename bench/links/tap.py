"""The wire tap: one record per message, for recording a session and playing it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Tap", "WireRecord"]

Direction = Literal["out", "in", "event"]


@dataclass(frozen=True)
class WireRecord:
    """One message on a wire. ``t_s`` is the Clock's time; ``text`` is the line, or registers in hex.

    ``event`` records what the link itself did: opened, lost, discarded. ``end`` is the terminator of a line
    where the wire has one; ``role`` is filled in by whoever knows it.
    """

    t_s: float
    resource: str
    direction: Direction
    text: str
    end: str = ""
    role: str = ""


Tap = Callable[[WireRecord], None]
