"""Whether power had come back from one step before the next: else there is no level to count from.

A base taken while the transition before is still running (or has not even begun, behind a dead time) makes a
confident wrong number of every quantity of the step. So a rest shorter than the response time must end at the
level of the nearest rest that was long enough, and no rest may end in movement that is not understood.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.measure.series import Series
from bench.measure.settling import tail_of
from bench.measure.steps import FrequencyStep
from bench.measure.uncertainty import noise_sd

__all__ = ["unrested"]

_LAST_S = 1.0
_NEAR = 0.03
_KNOWN = 0.05
_BACK = 0.3
_SURE = 5.0


def _level(power: Series, from_s: float, until_s: float) -> tuple[float, float] | None:
    """Return the level of the end of a rest and what noise leaves open of it; None without data."""
    part = power.between(max(from_s, until_s - max(_LAST_S, 4.0 * power.interval_s)), until_s).value
    if len(part) == 0:
        return None
    return float(part.mean()), _SURE * noise_sd(part) / float(np.sqrt(len(part)))


def unrested(
    power: Series,
    steps: Sequence[FrequencyStep],
    onset_s: Sequence[float],
    window_s: float,
    *,
    delta_kw: float,
    response_s: float,
) -> list[str]:
    """Return for each step why the power before it is no base; empty where it is one.

    Args:
        power: of the analyzer.
        steps: in order of time.
        onset_s: when each of them came.
        window_s: averaging window; the last one before a step may already hold a part of it.
        delta_kw: the full response.
        response_s: a rest as long as this is long enough for a device that keeps the rule.
    """
    found: list[tuple[float, float] | None] = []
    settling: list[bool] = []
    for step, at in zip(steps, onset_s, strict=True):
        until_s = at - window_s
        tail = tail_of(power, step.rest_s, until_s, delta_kw) if np.isfinite(step.rest_s) else None
        level = _level(power, step.rest_s, until_s)
        settling.append(tail is not None)
        found.append(level if tail is None or level is None else (tail.level_kw, 2.0 * tail.level_u_kw))
    length = [at - step.rest_s for step, at in zip(steps, onset_s, strict=True)]
    long = [
        i
        for i, s in enumerate(length)
        if found[i] is not None and (i == 0 or (s >= response_s and not settling[i]))
    ]
    reasons = []
    for index, level in enumerate(found):
        if level is None:
            reasons.append("no power readings in the rest before the step")
            continue
        reasons.append("")
        if settling[index] and level[1] > _KNOWN * delta_kw:
            reasons[-1] = "power was still moving before the step"
            continue
        if not long or index == 0:
            continue
        # what settling would have come to is believed only where a rest without any says the same
        short = length[index] < response_s or settling[index]
        others = [i for i in long if i != index]
        if not others:
            continue
        # the first rest has no step before it; a drift of the zero makes the nearest the better witness
        nearest = min(others, key=lambda i: abs(onset_s[i] - onset_s[index])) if short else 0
        rest = found[nearest if nearest in others else others[0]]
        assert rest is not None  # noqa: S101  (only rests with a level are among the others)
        allowed = max(_NEAR * delta_kw, level[1] + rest[1]) if short else _BACK * delta_kw
        off = level[0] - rest[0]
        if abs(off) > allowed:
            reasons[-1] = (
                f"power had not come back from the step before: {off:+.3f} kW after a rest of "
                f"{length[index]:.1f} s"
            )
    return reasons
