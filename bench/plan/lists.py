"""Which steps of frequency a source with a list of its own makes by its own clock.

A list goes from nominal to nominal: if the source falls back to what is set, or stays where the list ended,
it is at nominal either way.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from bench.timeline import PlayedList, SetPoint

__all__ = ["source_lists"]

_LOAD_S = 5.0  # a list is some fifteen commands, each with a look at the error queue
_TAIL_S = 1.0  # of nominal at its end


def source_lists(points: Sequence[SetPoint], nominal_hz: float, end_s: float) -> tuple[PlayedList, ...]:
    """Return the lists for the excursions from nominal and back that leave time to load one before.

    ``points`` are the timeline's, in order of time; ``end_s`` is its end.
    """
    found: list[PlayedList] = []
    free_s = 0.0
    for excursion, before_s, after_s in _excursions(points, nominal_hz, end_s):
        load_s = round(excursion[0].t_s - _LOAD_S, 6)
        release_s = min(round(excursion[-1].t_s + _TAIL_S, 6), after_s)
        if load_s < max(free_s, before_s) or release_s <= excursion[-1].t_s:
            continue
        if any(_other(point) and load_s <= point.t_s <= release_s for point in points):
            continue
        found.append(PlayedList(tuple(excursion), load_s, release_s))
        free_s = release_s
    return tuple(found)


def _excursions(
    points: Sequence[SetPoint], nominal_hz: float, end_s: float
) -> Iterator[tuple[list[SetPoint], float, float]]:
    """Yield each excursion and its return, with the times of the set-points before and after it."""
    steps = [point for point in points if (point.role, point.quantity) == ("source", "frequency_hz")]
    excursion: list[SetPoint] = []
    before_s, last_hz = 0.0, nominal_hz
    for at, point in enumerate(steps):
        if not excursion and point.value != nominal_hz and last_hz == nominal_hz:
            before_s = steps[at - 1].t_s if at else 0.0
            excursion = [point]
        elif excursion:
            excursion.append(point)
            if point.value == nominal_hz:
                if all(a.t_s < b.t_s for a, b in itertools.pairwise(excursion)):
                    yield excursion, before_s, steps[at + 1].t_s if at + 1 < len(steps) else end_s
                excursion = []
        last_hz = float(point.value)


def _other(point: SetPoint) -> bool:
    """Return whether a set-point of the source would get into a list's way."""
    return point.role == "source" and point.quantity != "frequency_hz"
