"""One pair of frequency and power for each dwell of a staircase, from the same window, with its covariance.

Noise and its correlation in time are estimated from all dwells together: in one alone there are too few
samples to tell how many of them are independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.measure.averaging import meter_channels
from bench.measure.series import Series
from bench.measure.static.dwells import Dwell, Settling, dwells, settling
from bench.recording import Recording

__all__ = ["Levels", "measured_levels"]

FloatArray = NDArray[np.float64]
_FEWEST = 5
_QUIET_HZ = 2e-6
_QUIET_KW = 1e-6
_LAGS = 20
_FEW_LEVELS = 6
_UNSEEN = 0.02
_UNSETTLED = 9.0
_CROSSED = 0.5


@dataclass(frozen=True)
class Levels:
    """Levels in order of time, arrays of shape (n,).

    ``path_hz`` is where the frequency stood as well as it is known (the set-points moved onto the measured
    frequency), which tells the branches apart; ``kw_var``, ``hz_var`` and ``cov`` are those of the means,
    ``common_u_hz`` is what noise leaves open of all frequencies together.
    """

    from_s: FloatArray
    to_s: FloatArray
    hz: FloatArray
    kw: FloatArray
    hz_var: FloatArray
    kw_var: FloatArray
    cov: FloatArray
    path_hz: FloatArray
    common_u_hz: float
    lost: tuple[float, ...]
    settle: Settling

    def __len__(self) -> int:
        return len(self.hz)

    @property
    def by_measurement(self) -> bool:
        """True where no set-point tells the path: levels are then blocks of a frequency that wanders."""
        return bool(np.array_equal(self.path_hz, self.hz))

    def where(self, keep: NDArray[np.bool_]) -> Levels:
        """Return the levels that ``keep`` (n,) names."""
        arrays = ("from_s", "to_s", "hz", "kw", "hz_var", "kw_var", "cov", "path_hz")
        return replace(self, **{name: getattr(self, name)[keep] for name in arrays})


def _pooled(parts: Sequence[FloatArray]) -> tuple[float, float]:
    """Return the variance of one sample and its correlation time in samples, from all parts together."""
    centred = [part - part.mean() for part in parts if len(part) >= _FEWEST]
    if not centred:
        return 0.0, 1.0
    freedom = sum(len(part) - 1 for part in centred)
    variance = sum(float(part @ part) for part in centred) / freedom
    if variance <= 0.0:
        return 0.0, 1.0
    time = 1.0
    for lag in range(1, min(_LAGS, min(len(part) for part in centred) // 2)):
        products = sum(float(part[lag:] @ part[:-lag]) for part in centred)
        # taking out the mean of each part makes neighbours look opposed by 1/n
        rho = products / (variance * sum(len(part) - lag for part in centred)) + variance_share(centred)
        if rho < 2.0 / freedom**0.5:
            break
        time += 2.0 * rho
    return variance, time


def variance_share(parts: Sequence[FloatArray]) -> float:
    """Return by how much the correlation of samples drops because each part's own mean was taken out."""
    return len(parts) / sum(len(part) for part in parts)


def measured_levels(recording: Recording) -> Levels:
    """Return the levels of the analyzer's frequency and of power at the judged point."""
    power, frequency, averaging = meter_channels(recording)
    spans = dwells(recording, frequency, averaging) if len(power) else []
    lead_s = averaging.widths_s[-1] + averaging.stamp_s + power.interval_s
    settle = settling(power, spans, lead_s)
    arrived = settling(frequency, spans, lead_s).after_s
    after_s = max(settle.after_s, arrived)
    kept: list[tuple[Dwell, FloatArray, FloatArray]] = []
    lost = []
    for span in spans:
        from_s = span.from_s + (after_s if span.asked_hz is not None else lead_s)
        kw, hz = _window(power, from_s, span.to_s), _window(frequency, from_s, span.to_s)
        wanted = 0.5 * (span.to_s - from_s) / power.interval_s
        if min(len(kw), len(hz)) < max(_FEWEST, wanted):
            if from_s + _FEWEST * power.interval_s < span.to_s:
                lost.append(span.from_s)
            continue
        kept.append((span, kw, hz))
    kept = _settled_start(kept)
    kw_var, kw_time = _pooled([kw for _, kw, _ in kept])
    hz_var, hz_time = _pooled([hz for _, _, hz in kept])
    count = np.array([float(len(kw)) for _, kw, _ in kept])
    hz = np.array([float(item.mean()) for _, _, item in kept])
    # levels that were found in the measured frequency itself say nothing that it does not
    told = not recording.foreign or "source.frequency_hz" in recording.signals
    asked = np.array([span.asked_hz if told and span.asked_hz is not None else np.nan for span, _, _ in kept])
    known = np.isfinite(asked)
    offset = float(np.median(hz[known] - asked[known])) if known.any() else 0.0
    u_kw = np.sqrt(max(kw_var, _QUIET_KW**2) * kw_time / np.maximum(count, 1.0))
    u_hz = np.sqrt(max(hz_var, _QUIET_HZ**2) * hz_time / np.maximum(count, 1.0))
    cov = _correlation(kept) * u_kw * u_hz
    hz, hz_var_of_means, cov = _with_set_points(hz, asked, u_hz**2, cov)
    return Levels(
        from_s=np.array([span.to_s - len(kw) * power.interval_s for span, kw, _ in kept]),
        to_s=np.array([span.to_s for span, _, _ in kept]),
        hz=hz,
        kw=np.array([float(kw.mean()) for _, kw, _ in kept]),
        hz_var=hz_var_of_means,
        kw_var=u_kw**2 + _rounded(kept, recording.accuracy.get("power_resolution_kw", 0.0)),
        cov=cov,
        path_hz=np.where(known, asked + offset, hz),
        common_u_hz=float(np.sqrt(np.mean(u_hz**2) / max(len(kept), 1))) if kept else 0.0,
        lost=tuple(lost),
        settle=Settling(after_s, settle.left),
    )


def _rounded(kept: Sequence[tuple[Dwell, FloatArray, FloatArray]], step_kw: float) -> FloatArray:
    """Return the variance that a meter's resolution leaves in levels whose noise does not cross it, (n,)."""
    if step_kw <= 0.0 or not kept:
        return np.zeros(len(kept))
    still = np.array([float(kw.std()) < _CROSSED * step_kw for _, kw, _ in kept], dtype=bool)
    turns = np.round(np.array([float(kw.mean()) for _, kw, _ in kept]) / step_kw)
    # levels that were rounded to the same number are wrong by the same
    _, which, count = np.unique(turns, return_inverse=True, return_counts=True)
    return np.asarray(still * count[which] * step_kw**2 / 12.0)


def _settled_start(
    kept: list[tuple[Dwell, FloatArray, FloatArray]],
) -> list[tuple[Dwell, FloatArray, FloatArray]]:
    """Leave out of the first level what the device still did of its own before it took the frequency up.

    The first level begins with no step: a device may need its time to change the mode. That is nobody's
    response to frequency, and as noise it would hide one.
    """
    if len(kept) <= _FEW_LEVELS:
        return kept
    (span, kw, hz), rest = kept[0], kept[1:]
    noise2 = max(_pooled([part for _, part, _ in rest])[0], _QUIET_KW**2)
    for begin in (0, len(kw) // 4, len(kw) // 2, 3 * len(kw) // 4):
        if len(kw) - begin >= _FEWEST and float(kw[begin:].var()) <= _UNSETTLED * noise2:
            return [(span, kw[begin:], hz[begin:]), *rest]
    return rest


def _window(series: Series, from_s: float, to_s: float) -> FloatArray:
    # a sample stamped at the next command may already be part of it
    return series.between(from_s, to_s - 1e-6).value


def _with_set_points(
    hz: FloatArray, asked: FloatArray, var: FloatArray, cov: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return frequencies, their variances and covariances, with what the set-points add to the measurement.

    A source repeats its levels; how well shows in the measured less the set frequencies, whose scatter
    beyond the noise is the source's own. Both sources of knowledge are weighted with their variances, so
    noise of the frequency reading hardly moves a level of a good source. Their constant difference is the
    analyzer's word alone.
    """
    known = np.isfinite(asked)
    if int(known.sum()) < _FEW_LEVELS:
        return hz, var, cov
    difference = hz[known] - asked[known]
    noise2 = float(var[known].mean())
    excess2 = float(difference.var(ddof=1)) - noise2
    sure = excess2 > 2.0 * noise2 * (2.0 / len(difference)) ** 0.5
    # less than can be seen is left to the scatter of the levels, which widens every interval
    own2 = excess2 if sure else _UNSEEN * noise2
    share = np.where(known, own2 / (own2 + var), 1.0)
    steady = np.where(known, asked + float(difference.mean()), hz)
    return share * hz + (1.0 - share) * steady, share * var, share * cov


def _correlation(kept: Sequence[tuple[Dwell, FloatArray, FloatArray]]) -> float:
    """Return the correlation of power and frequency within the dwells, where both have the same samples."""
    pairs = [(kw - kw.mean(), hz - hz.mean()) for _, kw, hz in kept if len(kw) == len(hz)]
    kw2 = sum(float(kw @ kw) for kw, _ in pairs)
    hz2 = sum(float(hz @ hz) for _, hz in pairs)
    if kw2 <= 0.0 or hz2 <= 0.0:
        return 0.0
    rho = sum(float(kw @ hz) for kw, hz in pairs) / (kw2 * hz2) ** 0.5
    samples = sum(len(kw) for kw, _ in pairs)
    return float(np.clip(rho, -0.95, 0.95)) if abs(rho) > 4.0 / samples**0.5 else 0.0
