"""Power that moves before its command: the clocks differ, for nobody answers what was not yet asked."""

from __future__ import annotations

import numpy as np

from bench.measure.command.commands import Level
from bench.measure.series import Series

__all__ = ["lead_s"]

_FARTHEST_S = 600.0
_FEWEST = 2
_LETS_GO_S = 60.0
"""A command that ends lets go of power within this."""
_SOON_S = 10.0
"""Power that leaves zero so shortly before its command and goes on to the level was moved by nothing else."""


def lead_s(power: Series, level: Level, zero_kw: float, band_kw: float) -> float:
    """Return for how long before its command power was at the new level already, coming from zero; else 0.

    A device that was at that level all along, or longer than clocks differ, does not lead: it is wrong. So is
    one that came early and stayed until the command ended: clocks that differ shift the end as well.
    """
    if not np.isfinite(level.since_s):
        return 0.0
    before = power.between(level.since_s - _FARTHEST_S, level.since_s)
    share = (before.value - zero_kw) / level.kw
    there = np.abs(share - 1.0) <= band_kw / abs(level.kw)
    if len(there) < 2 * _FEWEST or there.all():
        return 0.0
    soon = _on_its_way(power, before, level, zero_kw, band_kw)
    if soon or not there[-1]:
        return soon
    first = len(there) - int(np.argmin(there[::-1]))
    rest = np.abs(share[:first]) <= band_kw / abs(level.kw)
    moving = first - 1 - int(np.argmax(rest[::-1])) if rest.any() else -1
    if moving < 0 or len(there) - first < _FEWEST:
        return 0.0
    lead = level.since_s - float(before.t_s[moving])
    if level.closed and lead > _LETS_GO_S:
        last = power.between(max(level.until_s - lead + _LETS_GO_S, level.from_s), level.until_s)
        stayed = np.abs((last.value - zero_kw) / level.kw - 1.0) <= band_kw / abs(level.kw)
        if len(stayed) >= _FEWEST and stayed.all():
            return 0.0
    return lead


def _on_its_way(power: Series, before: Series, level: Level, zero_kw: float, band_kw: float) -> float:
    """Return for how long before its command power had left zero for the level; 0 where it had not."""
    rest = np.flatnonzero(np.abs(before.value - zero_kw) <= band_kw)
    if len(rest) == 0 or rest[-1] == len(before) - 1:
        return 0.0
    lead = level.since_s - float(before.t_s[rest[-1]])
    if lead > _SOON_S + power.interval_s:
        return 0.0
    after = power.between(level.since_s, min(level.since_s + _LETS_GO_S, level.until_s)).value - zero_kw
    came = np.flatnonzero(np.abs(after - level.kw) <= band_kw)
    fell = np.flatnonzero(np.abs(after) <= band_kw)
    return lead if len(came) and (len(fell) == 0 or fell[0] > came[0]) else 0.0
