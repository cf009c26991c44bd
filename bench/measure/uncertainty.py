"""Standard uncertainties: from limits of error, from noise, and how they combine.

A limit of error is the half width of a rectangular distribution (JCGM 100, 4.3.7); noise is type A with
an effective number of samples, since readings that follow each other are rarely independent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bench.recording import Recording

__all__ = [
    "correlation_time",
    "coverage_factor",
    "expanded",
    "frequency_u_hz",
    "mean_and_u",
    "noise_sd",
    "power_u_kw",
    "robust_noise_sd",
]

FloatArray = NDArray[np.float64]
COVERAGE = 2.0
_RECTANGULAR = frozenset({"meter", "clock", "stamp", "frequency", "sampling", "shape"})
_NORMAL_95, _KURTOSIS_RECTANGULAR = 1.96, 1.2
_FLATTER, _POWER = 0.2018, 2.44
_UPPER_QUARTILE = 1.1503
_FEW = 4


def expanded(components: Mapping[str, float]) -> float:
    """Return the expanded uncertainty (k = 2) of independent standard uncertainties."""
    return COVERAGE * math.sqrt(sum(value * value for value in components.values()))


def coverage_factor(components: Mapping[str, float]) -> float:
    """Return how many standard uncertainties hold 95 %, for a sum of rectangular and normal terms.

    From 1.96 (normal) to 1.645 (one rectangular term alone), by the excess kurtosis of the sum; exact for
    those two and for two equal rectangular terms (a triangle). The expanded uncertainty keeps k = 2.
    """
    total = sum(value**2 for value in components.values())
    if total <= 0.0:
        return _NORMAL_95
    flat = sum(value**4 for name, value in components.items() if name in _RECTANGULAR)
    excess = _KURTOSIS_RECTANGULAR * flat / total**2
    return float(_NORMAL_95 - _FLATTER * excess**_POWER)


def power_u_kw(recording: Recording, power_kw: float) -> float:
    """Return the standard uncertainty of the meter at ``power_kw``; 0 where its accuracy is not declared.

    Readings that were rounded may each lie half a step off.
    """
    accuracy = recording.accuracy
    limit = accuracy.get("power_reading_pct", 0.0) / 100.0 * abs(power_kw)
    limit += accuracy.get("power_range_pct", 0.0) / 100.0 * accuracy.get("power_range_kw", 0.0)
    return math.hypot(limit, accuracy.get("power_resolution_kw", 0.0) / 2.0) / math.sqrt(3.0)


def frequency_u_hz(recording: Recording) -> float:
    """Return the standard uncertainty of the meter's frequency; 0 where its accuracy is not declared."""
    return recording.accuracy.get("frequency_hz", 0.0) / math.sqrt(3.0)


def noise_sd(value: FloatArray) -> float:
    """Return the standard deviation of white noise on a slowly moving signal, from successive differences."""
    if len(value) < 2:
        return 0.0
    return float(np.sqrt(np.mean(np.diff(value) ** 2) / 2.0))


def robust_noise_sd(value: FloatArray) -> float:
    """Return the same from the upper quartile of the differences: a step among them does not count."""
    if len(value) < 2:
        return 0.0
    steps = np.sort(np.abs(np.diff(value)))
    # np.percentile, without what it costs for the thousands of points of a record
    low, part = divmod(0.75 * (len(steps) - 1), 1.0)
    quartile = (1.0 - part) * steps[int(low)] + part * steps[min(int(low) + 1, len(steps) - 1)]
    return float(quartile) / (_UPPER_QUARTILE * math.sqrt(2.0))


def correlation_time(value: FloatArray) -> float:
    """Return 1 + 2 Σρ: how many samples are worth one independent sample (Geyer's initial positive sum)."""
    count = len(value)
    if count < 2 * _FEW:
        return 1.0
    centred = value - value.mean()
    variance = float(centred @ centred) / count
    if variance <= 0.0:
        return 1.0
    size = 1 << (2 * count - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    rho = np.fft.irfft(spectrum * np.conj(spectrum), size)[: count // 2] / (count * variance)
    pairs = rho[: len(rho) // 2 * 2].reshape(-1, 2).sum(axis=1)
    stop = int(np.argmax(pairs <= 0.0)) if bool(np.any(pairs <= 0.0)) else len(pairs)
    return max(1.0, 2.0 * float(pairs[:stop].sum()) - 1.0)


def mean_and_u(value: FloatArray) -> tuple[float, float]:
    """Return the mean of ``value`` and its type A standard uncertainty, corrected for autocorrelation."""
    if len(value) < 2:
        return float(value.mean()), 0.0
    independent = max(2.0, len(value) / correlation_time(value))
    return float(value.mean()), float(value.std(ddof=1)) / math.sqrt(independent)
