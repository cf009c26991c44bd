"""What a metric says about the true value: its interval, and the probability that it keeps a limit.

Sources: JCGM 106:2012 (conformance probability, capability index), ILAC-G8:09/2019 (guard bands of U, k = 2).
"""

from __future__ import annotations

import math
from statistics import NormalDist

from bench.judge.limits import ROUNDING, bounds, nearest
from bench.model import Limit, Metric

__all__ = ["capability_index", "conforms_probability", "interval", "repeats_to_decide"]

# An expanded uncertainty is two standard uncertainties (k = 2, as Metric says);
# interval95 leaves 2.5 % on each side.
_COVERAGE = 2.0
_QUANTILE = NormalDist().inv_cdf(0.975)
_TYPE_A = ("noise", "repeat")
_INFINITE = math.inf


def interval(metric: Metric) -> tuple[float, float] | None:
    """Return where the true value lies, infinite on an open side; None when nobody knows.

    ``interval95`` is preferred, since it may be one-sided. What was counted (``..._count``) is exact.
    """
    value = metric.value
    if value is None:
        return None
    if metric.interval95 is not None:
        low, high = _open(metric.interval95)
        return min(low, value), max(high, value)
    if metric.uncertainty is not None:
        return value - metric.uncertainty, value + metric.uncertainty
    return (value, value) if metric.name.endswith("_count") else None


def _open(pair: tuple[float | None, float | None]) -> tuple[float, float]:
    low = -_INFINITE if pair[0] is None else pair[0]
    high = _INFINITE if pair[1] is None else pair[1]
    return min(low, high), max(low, high)


def _sigma(metric: Metric, upper: bool) -> float | None:
    """Return the standard uncertainty toward one side; None when unknown or without bound."""
    if metric.value is None:
        return None
    if metric.interval95 is None:
        if metric.uncertainty is not None:
            return metric.uncertainty / _COVERAGE
        return 0.0 if metric.name.endswith("_count") else None
    low, high = _open(metric.interval95)
    width = high - metric.value if upper else metric.value - low
    return max(width, 0.0) / _QUANTILE if math.isfinite(width) else None


def conforms_probability(metric: Metric, limit: Limit) -> float | None:
    """Return p(limit kept | data): a normal on each side of the value; null when unknown."""
    if metric.value is None or not bounds(limit):
        return None
    broken = 0.0
    for bound in bounds(limit):
        sigma = _sigma(metric, upper=bound.value > metric.value)
        if sigma is None:
            return None
        distance = bound.distance(metric.value)
        if sigma > 0 and math.isfinite(distance / sigma):
            broken += NormalDist().cdf(-distance / sigma)
        else:
            broken += 0.0 if bound.holds(metric.value) else 1.0
    return min(max(1.0 - broken, 0.0), 1.0)


def capability_index(metric: Metric, limit: Limit) -> float | None:
    """Return C_m = T / (4 u), or (T_U - T_L) / (4 u) for a limit of two sides; null when unknown."""
    found = bounds(limit)
    if metric.value is None or not found:
        return None
    near = min(found, key=lambda bound: bound.distance(metric.value or 0.0))
    sigma = _sigma(metric, upper=near.value > metric.value)
    if not sigma:
        return None
    width = abs(found[0].value) if len(found) == 1 else abs(found[0].value - found[1].value)
    index = width / (4.0 * sigma)
    return index if math.isfinite(index) else None


def repeats_to_decide(metric: Metric, limit: Limit) -> int | None:
    """Return how many runs like this one, averaged, would decide; null when no number can.

    Repeating shrinks only what is random: the components named ``noise...`` or ``repeat...`` (type A), by the
    square root of the number. What the budget does not name counts as type B.
    """
    if metric.value is None:
        return None
    bound = nearest(limit, metric.value)
    if bound is None:
        return None
    sigma = _sigma(metric, upper=bound.value > metric.value)
    # Touching the bound does not break it: a little less than the distance must be reached.
    distance = max(abs(bound.distance(metric.value)) - 2 * ROUNDING * abs(bound.value), 0.0)
    random2 = sum(u * u for name, u in metric.components.items() if name.startswith(_TYPE_A))
    if sigma is None or distance == 0 or random2 == 0:
        return None
    named2 = sum(u * u for name, u in metric.components.items() if not name.startswith(_TYPE_A))
    constant2 = max(sigma * sigma - random2, named2)
    coverage = _QUANTILE if metric.interval95 is not None else _COVERAGE
    room2 = (distance / coverage) ** 2 - constant2
    if room2 <= 0 or not math.isfinite(random2 / room2):
        return None
    return max(2, math.ceil(random2 / room2))
