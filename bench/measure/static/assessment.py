"""A recorded grid frequency scored as primary reserve is assessed (Assessment II, normal time).

One-second points of frequency and power. Three numbers, since the published method is not settled:

- slope: regression of the power change on the frequency deviation, over the regression of the declared droop
  line at the same points (1 = as declared; negative = the wrong way);
- stay against the declared line, shifted by the measured delay: share of points within ± band of it;
- stay against the regression line: the same, with the line that the points themselves give.

A point within its uncertainty of the band's edge is doubtful: the interval counts it inside once, and
outside once. So are the points at the start where power does not follow yet (see ``changing``): they enter
neither the delay, nor the rest level, nor the slope.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.measure.averaging import meter_channels
from bench.measure.options import Options
from bench.measure.series import Series
from bench.measure.static.changing import CHANGING_S, changing, lag_of, points_of
from bench.measure.uncertainty import correlation_time, expanded, frequency_u_hz, noise_sd, power_u_kw
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["OPTIONS", "static_assessment"]

FloatArray = NDArray[np.float64]
OPTIONS = frozenset({"lag_s", "band_ratio", "point_window_s", "nominal_hz", "rated_kw", "delta_kw"})
_NAMES = ("assessment_slope_ratio", "assessment_stay_declared_ratio", "assessment_stay_regression_ratio")
_FEWEST = 30
_FEWEST_OUT = 10
_GRID_S = 0.1
_MARGIN_HZ = 0.0005
State = Literal["not_applicable", "missing"]


@dataclass(frozen=True)
class _Line:
    """The declared response: ``gain_kw_per_hz`` beyond ``band_hz``, at most ``rated_kw``."""

    gain_kw_per_hz: float
    band_hz: float
    steps: bool
    rated_kw: float
    text: str

    def power_kw(self, deviation_hz: FloatArray) -> FloatArray:
        """Return the power asked for at a deviation from nominal, (n,)."""
        size = np.abs(deviation_hz)
        beyond = np.where(size > self.band_hz, size - (0.0 if self.steps else self.band_hz), 0.0)
        return np.asarray(-np.sign(deviation_hz) * np.minimum(self.gain_kw_per_hz * beyond, self.rated_kw))


@dataclass(frozen=True)
class _Early:
    """Points at the start where power did not follow yet; ``doubtful`` of them may be a change of mode."""

    count: int
    doubtful: int
    length_s: float

    def counted(self, shares: tuple[float, float, float], points: int) -> tuple[float, float, float]:
        """Return the shares of ``points`` others and the interval's ends, these points counted too."""
        share, low, high = shares
        surely = points + self.count - self.doubtful
        return share * points / surely, low * points / (points + self.count), high * points / surely

    def text(self, low: float) -> str:
        if not self.count:
            return ""
        return (
            f"power did not follow yet in the first {self.length_s:.0f} s: up to {CHANGING_S:g} s of that "
            f"may be a mode that changes and are left out; with them the share is {low:.3g} at least"
        )


def _declared(recording: Recording, options: Options) -> _Line:
    facts = recording.facts
    nominal, rated = options.number("nominal_hz"), options.number("rated_kw")
    droop, band = options.get("declared_droop_pct"), options.get("declared_dead_band_hz")
    words = []
    if droop is None:
        droop = options.number("droop_pct")
        words.append(f"no droop declared: the rule's {droop:g} %")
    if band is None:
        band = options.number("dead_band_hz", 0.0)
        words.append(f"no dead band declared: the rule's {1e3 * band:g} mHz")
    base = options.number("delta_kw") if facts.get("droop_base") == "awarded" else rated
    gain = base / (droop / 100.0 * nominal)
    return _Line(gain, band, facts.get("dead_band_kind") == "step", rated, "; ".join(words))


def _means(series: Series, edges: FloatArray) -> FloatArray:
    """Return the means between successive ``edges`` (m + 1,), NaN where there are too few samples, (m,)."""
    index = np.searchsorted(series.t_s, edges, side="right")
    total = np.concatenate([[0.0], np.cumsum(series.value)])
    count = np.diff(index)
    enough = count >= max(1.0, 0.5 * float(np.median(np.diff(edges))) / series.interval_s)
    return np.where(enough, np.diff(total[index]) / np.maximum(count, 1), np.nan)


def _shares(off: FloatArray, doubt: FloatArray, band: float) -> tuple[float, float, float]:
    """Return the share inside the band, and the shares with the doubtful points outside and inside."""
    size = np.abs(off)
    return (
        float(np.mean(size <= band)),
        float(np.mean(size <= band - doubt)),
        float(np.mean(size <= band + doubt)),
    )


def _without(recording: Recording, note: str, state: State = "not_applicable") -> list[Metric]:
    scope = Scope(point=recording.point, phase="replay")
    return [Metric(name=name, value=None, unit="1", scope=scope, state=state, note=note) for name in _NAMES]


def static_assessment(recording: Recording, options: Options) -> list[Metric]:
    """Score the phase ``replay`` (a foreign recording: all of it) point by point."""
    power, frequency, _ = meter_channels(recording)
    if min(len(power), len(frequency)) < _FEWEST:
        return _without(recording, "power and frequency of the analyzer are needed", "missing")
    if options.get("rated_kw") is None:
        return _without(recording, "the rated power is not declared: without it there is no droop line")
    line = _declared(recording, options)
    nominal, point_s = options.number("nominal_hz"), options.number("point_window_s", 1.0)
    spans = [(low, high) for name, low, high, _, _ in recording.phases if name == "replay"]
    first, last = max(power.t_s[0], frequency.t_s[0]), min(power.t_s[-1], frequency.t_s[-1])
    from_s, to_s = (max(spans[0][0], first), min(spans[0][1], last)) if spans else (float(first), float(last))
    step = max(_GRID_S, power.interval_s, frequency.interval_s)
    per_point = max(1, round(point_s / step))
    grid = np.arange(from_s, to_s + 1e-9, step)
    fine_kw, deviation = _means(power, grid), _means(frequency, grid) - nominal
    # an excursion is one of the points that are judged: a single reading may leave the dead band by its noise
    size = np.abs(points_of(deviation, per_point))
    out = per_point * int((size > line.band_hz + _MARGIN_HZ).sum())
    if out < max(_FEWEST_OUT, per_point) or len(deviation) < _FEWEST * per_point:
        reach = 1e3 * float(np.nanmax(size, initial=0.0))
        band = 1e3 * line.band_hz
        note = f"No excursion left the dead band of ± {band:g} mHz: {reach:.1f} mHz at most."
        if out:
            note = f"Too short: {out * step:.1f} s outside the dead band of ± {band:g} mHz."
        return _without(recording, note)
    asked = line.power_kw(deviation)
    band_kw = options.number("band_ratio") * options.number("delta_kw")
    most = min(round(options.number("lag_s") / step), len(asked) // 3)
    early = changing(fine_kw, asked, most, per_point, band_kw)
    seen = int(np.isfinite(points_of(fine_kw[: early * per_point], per_point)).sum())
    fine_kw, asked, deviation = (part[early * per_point :] for part in (fine_kw, asked, deviation))
    shift = lag_of(fine_kw, asked, min(most, len(asked) // 3))
    until = len(asked) - shift
    asked, fine_kw, deviation = asked[:until], fine_kw[shift:], deviation[:until]
    kw, wanted, hz = (points_of(part, per_point) for part in (fine_kw, asked, deviation))
    known = np.isfinite(kw) & np.isfinite(wanted) & np.isfinite(hz)
    kw, wanted, hz = kw[known], wanted[known], hz[known]
    if len(kw) < _FEWEST:
        return _without(recording, f"only {len(kw)} points with data", "missing")
    rest = np.abs(hz) <= line.band_hz
    # what the device does at rest is no response; where it never rested, the usual distance is taken
    base = float(np.median(kw[rest] if int(rest.sum()) >= _FEWEST_OUT else kw - wanted))
    window = Window(from_s=from_s, to_s=to_s)
    unsure = _Early(seen, min(seen, round(CHANGING_S / (per_point * step))), early * per_point * step)
    return _scored(recording, options, line, kw - base, wanted, hz, window, shift * step, unsure)


def _scored(
    recording: Recording, options: Options, line: _Line, kw: FloatArray, wanted: FloatArray, hz: FloatArray,
    window: Window, delay_s: float, early: _Early,
) -> list[Metric]:  # fmt: skip
    band = options.number("band_ratio") * options.number("delta_kw")
    centred = hz - hz.mean()
    energy = float(centred @ centred)
    slope, asked = float(centred @ kw) / energy, float(centred @ wanted) / energy
    residual = kw - kw.mean() - slope * centred
    spread = max(float(np.ptp(wanted)), 1e-9)
    ratio = slope / asked
    # the bend of the dead band is in both regressions: only what differs from the declared shape is scatter
    scatter = kw - kw.mean() - ratio * (wanted - wanted.mean())
    independent = max(3.0, len(kw) / correlation_time(scatter))
    u_slope = float(scatter.std(ddof=2)) / math.sqrt(independent * energy / len(kw))
    parts = {
        "noise": u_slope / abs(asked),
        "meter": abs(ratio) * power_u_kw(recording, spread) / spread,
    }
    scope = Scope(point=recording.point, phase="replay")
    method = f"{len(kw)} points; power shifted by the measured delay of {delay_s:.1f} s"
    doubt = np.sqrt(
        np.array([power_u_kw(recording, float(value)) for value in kw]) ** 2
        + (line.gain_kw_per_hz * frequency_u_hz(recording)) ** 2
        + min(noise_sd(kw - wanted), band) ** 2 / len(kw)
    )
    metrics = [
        Metric(
            name=_NAMES[0], value=ratio, unit="1", uncertainty=expanded(parts), scope=scope, window=window,
            method=f"regression of power on frequency, over that of the declared line; {method}",
            note=f"{slope:+.4f} kW/Hz measured, {asked:+.4f} kW/Hz declared. {line.text}".strip(),
            components=parts,
        ),
        Metric(
            name="assessment_delay_s", value=delay_s, unit="s", scope=scope, window=window,
            method="delay at which power correlates best with the declared line",
        ),
    ]  # fmt: skip
    for name, off, what in (
        (_NAMES[1], kw - wanted, f"declared line ± {1e3 * band:.1f} W"),
        (_NAMES[2], residual, f"regression line ± {1e3 * band:.1f} W"),
    ):
        share, low, high = early.counted(_shares(off, 2.0 * doubt, band), len(off))
        metrics.append(
            Metric(
                name=name, value=share, unit="1", interval95=(low, high), scope=scope, window=window,
                method=f"share of points within the {what}; {method}",
                note="; ".join(text for text in (line.text, early.text(low)) if text),
            )
        )  # fmt: skip
    return metrics
