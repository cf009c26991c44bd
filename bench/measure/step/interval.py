"""The device's own sampling interval of frequency, from the delays at dithered phases.

A device that samples every T sees a step between 0 and T late, and its responses lie on a comb of period T.
Where no comb fits (a device may dawdle at random, or sample with jitter), delays at random phases are uniform
over T: the range of n of them is T times a Beta(n - 1, 2) variable. That spread can show that T is short,
where no longer period is hidden by the phases the steps came at; it cannot show that T is long.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv  # not scipy.stats.beta: that import doubles every start

from bench.measure.series import Series
from bench.measure.step.metrics import StepResult
from bench.model import Metric, Scope
from bench.recording import Recording

__all__ = ["device_interval_metric"]

FloatArray = NDArray[np.float64]
_FEWEST = 5
_LARGEST_GAP = 0.65
_MOST_PERIODS = 3_000_000
_TOLERANCE = 6.0
_ASYMMETRIC = 0.6
_DISTINCT = 0.1
_UNEVEN = 0.05
_SPARSE, _WHOLE = 3.0, 0.9
_STALE = 0.005
_MUCH = 4.0
_BEYOND = 1.3  # times the largest period that the spread allows: so far a comb is looked for
_CLOCKS = 1e-3  # a device of a tenth of a second is one by its own clock
_SLOWEST = 5.0  # times the limit: so far a comb is looked for where the spread is short
# so far apart lie the outermost of a dozen readings of the same by noise alone, once in a hundred times
_NOISE_SPREAD = 5.0
_CHANCE = 0.01  # of combs that would fit answers at random


def _comb(
    answers_s: Sequence[FloatArray], u_s: float, low_s: float, high_s: float
) -> tuple[float, float] | None:
    """Return the periods in ``low_s..high_s`` that put the answers of each group on a comb of its own.

    The periods are tried finely enough that the last response stays in step with the first, octave by
    octave; most fall out at the second response, most of the others at the third.
    """
    groups = [np.sort(group) - float(group.min()) for group in answers_s]
    longest_s = max(float(group[-1]) for group in groups)
    free = sum(len(group) - 1 for group in groups)
    accepted: list[float] = []
    while low_s < high_s:
        top_s = min(2.0 * low_s, high_s)
        spacing = 0.5 * u_s * low_s / max(longest_s, 1e-9)
        count = min(math.ceil((top_s - low_s) / spacing) + 1, _MOST_PERIODS)
        for periods in np.array_split(np.linspace(low_s, top_s, count), 1 + count // 200_000):
            left = periods
            for at in (at for group in groups for at in group[1:]):
                turns = at / left
                left = left[np.abs(turns - np.round(turns)) * left < _TOLERANCE * u_s]
            off = np.sum([_off(group, left) for group in groups], axis=0)
            accepted += left[off / u_s**2 <= free + 3.0 * math.sqrt(2.0 * free)].tolist()
        low_s = top_s
    return (min(accepted), max(accepted)) if accepted else None


def _by_chance(answers_s: Sequence[FloatArray], u_s: float, period_s: float) -> float:
    """Return how many combs down to ``period_s`` would fit answers that come at random.

    One fits where the answers' places between two teeth lie in a ball as wide as :func:`_comb` allows; and
    there are about as many different combs as teeth between the first answer and the last.
    """
    free = sum(len(group) - 1 for group in answers_s)
    radius = math.sqrt(free + 3.0 * math.sqrt(2.0 * free)) * u_s / period_s
    log_volume = 0.5 * free * math.log(math.pi) - math.lgamma(0.5 * free + 1.0) + free * math.log(radius)
    teeth = max(float(np.ptp(group)) for group in answers_s) / period_s
    return teeth * math.exp(min(log_volume, 0.0))


def _off(answer_s: FloatArray, period_s: FloatArray) -> FloatArray:
    """Return for each period the sum of squares of what lies beside its comb, in s²."""
    phase = np.exp(2j * np.pi * answer_s[:, None] / period_s)
    residual = np.angle(phase / phase.mean(axis=0)) / (2.0 * np.pi) * period_s
    return np.asarray(np.sum(residual**2, axis=0))


def _covered(start_s: FloatArray, period_s: float) -> bool:
    """Say whether the steps fell at enough different phases of ``period_s``."""
    phase = np.sort(start_s / period_s % 1.0)
    return float(np.max(np.diff(np.r_[phase, phase[0] + 1.0]))) <= _LARGEST_GAP


def device_interval_metric(recording: Recording, results: Sequence[StepResult], limit_s: float) -> Metric:
    """Return ``measurement_interval_s``; not applicable, with the reason, where the steps cannot tell."""
    scope = Scope(point=recording.point)
    known = [
        item for item in results
        if item.delay_s is not None and not item.misfit and not item.data.restless
    ]  # fmt: skip
    method = "spread of the delays of dithered steps, uniform over the device's sampling interval"

    def cannot(note: str, bounds: tuple[float, float | None] | None = None) -> Metric:
        return Metric(
            name="measurement_interval_s", value=None, unit="s", scope=scope, state="not_applicable",
            method=method, note=note, interval95=bounds,
        )  # fmt: skip

    # a step whose start or answer fell into a gap would pass for one that waited
    usual = float(np.median([item.delay_u for item in known])) if known else 0.0
    known = [item for item in known if item.delay_u <= _MUCH * usual]
    if len(known) < _FEWEST:
        return cannot(f"{len(known)} steps with a response; at least {_FEWEST} are needed")
    delay = np.array([float(item.delay_s or 0.0) for item in known])
    start = np.array([item.onset_s for item in known])
    way = np.array([item.step.direction for item in known])
    u_s = float(np.sqrt(np.mean([item.delay_u**2 for item in known])))
    if recording.foreign:
        # of uneven rows nobody knows whether the readings or only their stamps are uneven
        power = Series.of(recording.power())
        told = recording.facts.get("window_from") == "declared"
        whole = told and float(recording.facts["window_s"]) > _WHOLE * power.interval_s
        if power.interval_s > _SPARSE * limit_s and not whole:
            return cannot(
                f"rows every {power.interval_s:.2g} s, and their windows may leave out most of that"
            )
        uneven_s = power.jitter_s if power.jitter_s > _UNEVEN * power.interval_s else 0.0
        # a log that now and then repeats a reading shows a step a row late
        stale = float(np.mean(np.diff(power.value) == 0.0)) > _STALE
        u_s = math.hypot(u_s, uneven_s / math.sqrt(3.0), power.interval_s / math.sqrt(3.0) if stale else 0.0)
    spread = float(np.ptp(delay))
    low_share, high_share = betaincinv(len(known) - 1, 2, [0.025, 0.975])
    if spread > _NOISE_SPREAD * u_s:
        # no device waits longer than its period, so the period is not shorter than the spread
        top_s = max(_SLOWEST * limit_s, _BEYOND * (spread + 2.0 * u_s) / float(low_share))
        comb = _comb([start + delay], max(u_s, 1e-3), spread - 2.0 * u_s, top_s)
        distinct = comb is not None and comb[1] - comb[0] < _DISTINCT * comb[0]
        if comb is not None and distinct and _by_chance([start + delay], max(u_s, 1e-3), comb[0]) < _CHANCE:
            low_s, high_s = comb[0] * (1.0 - _CLOCKS), comb[1] * (1.0 + _CLOCKS)
            if low_s <= limit_s < high_s:
                return cannot(f"a period of {1e3 * comb[0]:.2f} ms: not told from the limit", (low_s, high_s))
            return Metric(
                name="measurement_interval_s",
                value=(comb[0] + comb[1]) / 2.0,
                unit="s",
                interval95=(low_s, high_s),
                scope=scope,
                method=f"period of the comb on which the responses to {len(known)} dithered steps lie",
                components={"delay": u_s},
            )
    groups = [way == direction for direction in ("up", "down") if np.any(way == direction)]
    means = [float(delay[group].mean()) for group in groups]
    inner = max(float(np.ptp(delay[group])) for group in groups)
    if len(groups) == 2 and abs(means[0] - means[1]) > _ASYMMETRIC * inner:
        # the directions differ by more than sampling makes them: take out what is constant
        for group, mean in zip(groups, means, strict=True):
            delay[group] -= mean
    else:
        groups = [np.ones(len(known), bool)]
    count = len(known)
    spread = float(np.ptp(delay))
    true = math.sqrt(max(spread**2 - (3.0 * u_s) ** 2, 0.0))
    upper = (spread + 2.0 * u_s) / float(low_share)
    lower = max(0.0, true - 2.0 * u_s) / float(high_share)
    value = true * (count + 1) / (count - 1)
    if upper > limit_s and (lower <= limit_s or spread < _NOISE_SPREAD * u_s) and u_s > limit_s / 8.0:
        return cannot(f"each delay is known to ± {2e3 * u_s:.0f} ms only", (0.0, upper))
    if not any(_covered(start[group], max(limit_s, min(upper, 2.0 * limit_s))) for group in groups):
        return cannot("the steps came at too similar phases; dither them")
    answers = [start[group] + delay[group] for group in groups]
    reach_s = max(limit_s, spread - 2.0 * u_s), max(_SLOWEST * limit_s, _BEYOND * upper)
    hidden = _comb(answers, max(u_s, 1e-3), *reach_s)
    told = hidden is not None and _by_chance(answers, max(u_s, 1e-3), hidden[0]) < _CHANCE
    if upper > limit_s and not told and lower > limit_s:
        return cannot(
            f"the delays spread over {1e3 * spread:.0f} ms with no common period: not sampling alone",
            (0.0, None),
        )
    if upper <= limit_s and hidden is not None:
        return cannot(
            f"the steps came at phases that hide a period of {1e3 * hidden[0]:.0f} ms: dither them otherwise",
            (lower, hidden[1]),
        )
    if lower <= limit_s < upper:
        return cannot(
            f"between {1e3 * lower:.0f} and {1e3 * upper:.0f} ms: not told from the limit", (lower, upper)
        )
    note = "" if true > 2.0 * u_s else "the spread is within the resolution: an upper bound"
    return Metric(
        name="measurement_interval_s",
        value=value if true > 2.0 * u_s else upper,
        unit="s",
        interval95=(lower, upper),
        scope=scope,
        method=f"{method}; {count} steps, each known to ± {2e3 * u_s:.1f} ms",
        note=note,
        components={"delay": u_s},
    )
