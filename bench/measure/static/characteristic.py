"""Droop, linearity, symmetry, dead band, offset and hysteresis from a staircase of frequency.

What each number means:

- droop: 1/K on rated power with the dead band subtracted, per direction;
- droop through the origin: from the farthest level, nothing subtracted; it reads high on every good device;
- dead band: the outward edge, half the distance of the two edges at which a response begins (b + h);
- offset: where the middle of the edges lies below nominal: by so much the device's own frequency reads high;
- hysteresis: half the horizontal gap between the branches (h).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from bench.measure.options import Options
from bench.measure.static.between import LEAST_STEEP, LEVELS_OF_A_LINE, Edges, edges, steepest
from bench.measure.static.curve import BEND_OVER, BEND_UNDER, EDGE, GAIN_OVER, GAIN_UNDER, OFFSET, REST, SLACK
from bench.measure.static.fit import Fit
from bench.measure.static.levels import Levels, measured_levels
from bench.measure.static.shape import Shape, shape
from bench.measure.static.sides import Side, sides
from bench.measure.uncertainty import expanded, frequency_u_hz, power_u_kw
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["OPTIONS", "static_characteristic"]

OPTIONS: frozenset[str] = frozenset({"nominal_hz", "rated_kw", "dead_band_hz", "droop_pct"})
_UNITS = {
    "droop_pct": "%",
    "droop_through_origin_pct": "%",
    "droop_linearity_ratio": "1",
    "droop_symmetry_ratio": "1",
    "dead_band_hz": "Hz",
    "dead_band_inner_hz": "Hz",
    "frequency_offset_hz": "Hz",
    "hysteresis_hz": "Hz",
}
_PER_SIDE = ("droop_pct", "droop_through_origin_pct", "droop_linearity_ratio")
_FEWEST = 6
# What of an analyzer's limit of error is neither a constant offset nor a constant gain over a hundred watts
# or millihertz: those two are taken out by the fit, so a tenth is left for the shape.
_SHAPE = 0.1
_SEEN = 6.0
State = Literal["measured", "never", "not_applicable", "missing"]


@dataclass(frozen=True)
class _Found:
    """The shape of the levels with what every metric needs."""

    recording: Recording
    options: Options
    shape: Shape

    @property
    def fit(self) -> Fit:
        """The straight lines."""
        return self.shape.lines

    @property
    def levels(self) -> Levels:
        return self.shape.best.curve.levels

    @property
    def window(self) -> Window:
        return Window(from_s=float(self.levels.from_s[0]), to_s=float(self.levels.to_s[-1]))

    @property
    def method(self) -> str:
        kind = "dead band with a step" if self.fit.curve.steps else "dead band subtracted"
        if self.shape.best is not self.fit:
            kind += "; offset, rest and edges of a bent curve, which fits better"
        return (
            f"hinge fit ({kind}) of {len(self.levels)} levels with errors in frequency and power, settled "
            f"{self.levels.settle.after_s:.3g} s after each change by drift; interval by profile likelihood"
        )

    @cached_property
    def bounds(self) -> Edges:
        """The edges, with what the model leaves open of them."""
        return edges(self.shape.best)

    def gain(self, side: Side) -> tuple[float, float]:
        """Return kW/Hz of a side and its standard uncertainty from noise."""
        index = GAIN_UNDER if side.direction == "up" else GAIN_OVER
        return float(self.fit.theta[index]), self.fit.u(index)

    def beyond_hz(self, of: Fit, side: Side) -> float:
        """Return how far beyond the edge the farthest level of a side is felt."""
        band = 0.0 if of.curve.steps else float(of.theta[EDGE] - of.theta[SLACK])
        return side.reach_hz + float(of.theta[OFFSET]) * -side.sign - band

    def span_kw(self, side: Side) -> float:
        """Return the fitted response at the farthest level of a side."""
        return max(self.gain_only(side) * self.beyond_hz(self.fit, side), 1e-6)

    def gain_only(self, side: Side) -> float:
        """Return kW/Hz of a side."""
        return float(self.fit.theta[GAIN_UNDER if side.direction == "up" else GAIN_OVER])

    @property
    def mean_gain(self) -> float:
        best = self.shape.best
        gains = [float(best.theta[index]) for index in (GAIN_UNDER, GAIN_OVER) if index in best.free]
        return max(float(np.mean(gains)), 1e-6)

    @property
    def first_answer_hz(self) -> float:
        """The deviation as the device reads it, within the slack, of the nearest level that is off rest."""
        best, levels = self.shape.best, self.levels
        away_hz = np.abs(best.curve.felt(best.theta))
        off_kw = np.abs(levels.kw - best.theta[REST])
        seen = off_kw > _SEEN * np.sqrt(best.scale * (levels.kw_var + self.mean_gain**2 * levels.hz_var))
        return float(away_hz[seen].min(initial=float(away_hz.max())))

    def shape_hz(self) -> dict[str, float]:
        """Return what the meter leaves open of a distance between two edges."""
        kw = _SHAPE * power_u_kw(self.recording, 0.0)
        parts = {"meter": kw / self.mean_gain, "frequency": _SHAPE * frequency_u_hz(self.recording)}
        if self.levels.settle.left > 0.0:
            parts["settling"] = self.levels.settle.left / self.mean_gain
        return parts


def _metric(found: _Found, name: str, value: float, parts: dict[str, float], note: str = "",
            direction: Literal["up", "down"] | None = None, rule: float | None = None) -> Metric:  # fmt: skip
    return Metric(
        name=name,
        value=value,
        unit=_UNITS[name],
        uncertainty=expanded(parts),
        scope=Scope(point=found.recording.point, direction=direction),
        window=found.window,
        method=found.method,
        note=note,
        components=parts,
        rule_value=rule,
    )


def _nothing(
    recording: Recording,
    name: str,
    state: State,
    note: str,
    direction: Literal["up", "down"] | None = None,
    follows: str | None = None,
) -> Metric:
    scope = Scope(point=recording.point, direction=direction)
    return Metric(
        name=name, value=None, unit=_UNITS[name], scope=scope, state=state, note=note, follows=follows
    )


def _droop(found: _Found, side: Side) -> list[Metric]:
    options, levels = found.options, found.levels
    nominal, rated = options.number("nominal_hz"), options.number("rated_kw", math.inf)
    gain, u_gain = found.gain(side)
    note = ""
    steep = steepest(found.shape.best, -side.sign)
    few = found.bounds.on_line[-side.sign] < LEVELS_OF_A_LINE or gain < LEAST_STEEP * steep
    if few:
        # one level gives no line: it may be as steep as one likes, but no less than between the levels
        gain, u_gain = steep, 0.0
        note = "; at least, since too few levels lie on a line before power stays"
    note = f"{gain:.4f} kW/Hz on the rated {rated:g} kW{note}"
    droop = 100.0 * rated / (gain * nominal)
    span = found.span_kw(side)
    meter = power_u_kw(found.recording, span) - (1.0 - _SHAPE) * power_u_kw(found.recording, 0.0)
    curve, theta = found.shape.best.curve, found.fit.theta
    far = int(np.argmax(-side.sign * curve.deviation))
    at_far = side.sign * (float(levels.kw[far]) - float(theta[REST]))
    reached = max(at_far, span) if few else span
    relative = {"noise": u_gain / gain, "meter": meter / reached}
    if levels.settle.left > 0.0:
        relative["settling"] = levels.settle.left / reached
    if few:
        relative["model"] = 0.5
    here = (-side.sign * curve.deviation > 0.0) & found.shape.on_lines
    # a limit of the device's own is no part of the line
    line = replace(curve, limits_kw=(math.inf, math.inf))
    residual = np.where(here, levels.kw - line.power_kw(theta, line.felt(theta)), 0.0)
    worst = int(np.argmax(np.abs(residual)))
    spread = math.sqrt(float(levels.kw_var[worst]) + gain**2 * float(levels.hz_var[worst]))
    metrics = [
        _metric(found, "droop_linearity_ratio", abs(float(residual[worst])) / span,
                {"noise": spread / span, "meter": _SHAPE * power_u_kw(found.recording, 0.0) / span},
                f"{1e3 * residual[worst]:+.2f} W at {curve.deviation[worst]:+.4f} Hz, of {1e3 * span:.1f} W",
                side.direction),
    ]  # fmt: skip
    if not math.isfinite(rated):
        note = f"{gain:.4f} kW/Hz; the rated power is not declared: a droop is a share of it"
        names = ("droop_pct", "droop_through_origin_pct")
        return metrics + [
            _nothing(found.recording, name, "not_applicable", note, side.direction) for name in names
        ]
    metrics.append(
        _metric(found, "droop_pct", droop, {key: droop * part for key, part in relative.items()}, note,
                side.direction)
    )  # fmt: skip
    relative.pop("model", None)
    if at_far > 0.0:
        through = 100.0 * rated * abs(float(curve.deviation[far])) / (at_far * nominal)
        metrics.append(
            _metric(found, "droop_through_origin_pct", through,
                    {key: through * part for key, part in relative.items()}, "", side.direction)
        )  # fmt: skip
    return metrics


def _symmetry(found: _Found, seen: Sequence[Side]) -> Metric:
    best = found.shape.best
    # where lines are bent, of what both sides were asked
    beyond_hz = min(found.beyond_hz(best, side) for side in seen)
    up, down = (
        float(best.theta[gain] * (1.0 + best.theta[bend] * beyond_hz))
        for gain, bend in ((GAIN_UNDER, BEND_UNDER), (GAIN_OVER, BEND_OVER))
    )
    mean = (up + down) / 2.0
    noise = math.hypot(best.u(GAIN_UNDER), best.u(GAIN_OVER)) / mean
    shape = _SHAPE * power_u_kw(found.recording, 0.0) / min(found.span_kw(side) for side in seen)
    note = f"{up:.4f} kW/Hz below nominal, {down:.4f} kW/Hz above"
    parts = {"noise": noise, "meter": math.sqrt(2.0) * shape}
    bounds = found.bounds
    if min(bounds.on_line.values()) < LEVELS_OF_A_LINE:
        parts["model"] = 1.0
    elif not bounds.told:
        # an offset takes from one side what it gives to the other
        parts["model"] = 2.0 * bounds.u_offset_hz / beyond_hz
    return _metric(found, "droop_symmetry_ratio", abs(up - down) / mean, parts, note)


def _edges(found: _Found, seen: Sequence[Side]) -> list[Metric]:
    recording, best = found.recording, found.shape.best
    theta, u_edge_hz = best.theta, found.shape.edge_u_hz
    bounds = found.bounds
    if u_edge_hz is None and bounds.told:
        u_edge = best.u(EDGE)
        u_offset = best.u(OFFSET) if OFFSET in best.free and bounds.rest_told else u_edge
    else:
        u_edge = u_offset = (u_edge_hz or 0.0) if bounds.told else 0.0
    parts = {"noise": u_edge, **found.shape_hz()}
    slack = max(float(theta[SLACK]), 0.0) if SLACK in best.free else 0.0
    if found.levels.by_measurement:
        # a device that is late behind a frequency that wanders looks like one with slack
        parts["lag"] = slack / math.sqrt(3.0)
    two = OFFSET in best.free
    if bounds.u_edge_hz > 0.0:
        parts["model"] = bounds.u_edge_hz
    if bounds.told:
        edge, inner = max(float(theta[EDGE]), 0.0), max(float(theta[EDGE]) - slack, 0.0)
    else:
        edge, inner = bounds.edge_hz + slack, bounds.edge_hz
    note = f"outward edge; the band itself is ± {1e3 * inner:.2f} mHz"
    if not bounds.told:
        note += "; no curve tells where between the last level at rest and the first with an answer it begins"
    elif u_edge_hz is None and inner < expanded(parts):
        # a dead band with a step gives a line through the origin too, its edge anywhere before an answer
        first_hz = found.first_answer_hz
        parts["step"] = first_hz / 2.0
        note += f"; or with a step, anywhere below {1e3 * first_hz:.1f} mHz, the first level with an answer"
    if not two:
        parts["frequency"] = frequency_u_hz(recording)
        side = "below" if seen[0].direction == "up" else "above"
        note += f"; seen {side} nominal only, so an offset is part of it"
    metrics = [
        _metric(found, "dead_band_hz", edge, parts, note),
        _metric(found, "dead_band_inner_hz", inner, {**parts, "hysteresis": _slack_u(found)}),
    ]
    if two:
        offset = bounds.offset_hz
        low, high = 1e3 * (-offset - edge), 1e3 * (-offset + edge)
        metrics.append(
            _metric(found, "frequency_offset_hz", offset,
                    {"noise": math.hypot(u_offset, found.levels.common_u_hz),
                     "frequency": frequency_u_hz(recording), "model": bounds.u_offset_hz},
                    f"response begins at {low:+.2f} and {high:+.2f} mHz; the device reads "
                    f"{'high' if offset > 0 else 'low'} by that much")
        )  # fmt: skip
    else:
        note = "needs a response on both sides of nominal"
        metrics.append(_nothing(recording, "frequency_offset_hz", "not_applicable", note))
    if SLACK in best.free:
        gap = {"noise": _slack_u(found), **found.shape_hz()}
        if not bounds.told:
            gap["model"] = bounds.u_edge_hz
        note = "half the horizontal gap between the branches"
        metrics.append(_metric(found, "hysteresis_hz", slack, gap, note))
    else:
        note = "needs levels reached both going out and coming back"
        metrics.append(_nothing(recording, "hysteresis_hz", "not_applicable", note))
    return metrics


def _slack_u(found: _Found) -> float:
    best = found.shape.best
    return best.u(SLACK) if SLACK in best.free else 0.0


def _fitted(recording: Recording, options: Options, levels: Levels, seen: Sequence[Side]) -> _Found:
    answers = {side.direction for side in seen if side.answer == "answers"}
    free = [EDGE, REST]
    free += [GAIN_UNDER] if "up" in answers else []
    free += [GAIN_OVER] if "down" in answers else []
    free += [OFFSET] if len(answers) == 2 else []
    free += [SLACK] if any(side.both_ways for side in seen if side.answer == "answers") else []
    wrong = {"up": -1.0, "down": 1.0}
    # a side that does not answer as it should says nothing of the curve
    deviation = levels.hz - options.number("nominal_hz")
    keep = np.ones(len(levels), dtype=bool)
    for direction, sign in wrong.items():
        if direction not in answers:
            keep &= sign * deviation < 0.002
    levels = levels.where(keep)
    nominal, rated = options.number("nominal_hz"), options.number("rated_kw", math.inf)
    declared_step = recording.facts.get("dead_band_kind") == "step"
    return _Found(recording, options, shape(levels, nominal, rated, sorted(free), declared_step))


def _lost(recording: Recording, levels: Levels) -> Metric:
    where = ", ".join(f"{at:.0f} s" for at in levels.lost[:5])
    return Metric(
        name="missing_judged_count",
        value=float(len(levels.lost)),
        unit="1",
        uncertainty=0.0,
        scope=Scope(point=recording.point),
        method=f"levels of frequency without data, of {len(levels) + len(levels.lost)}",
        note=f"at {where}" if levels.lost else "",
    )


def static_characteristic(recording: Recording, options: Options) -> list[Metric]:
    """Measure the static characteristic; not applicable where no excursion left the dead band."""
    levels = measured_levels(recording)
    if len(levels) < _FEWEST:
        note = f"{len(levels)} steady levels of frequency with power; at least {_FEWEST} are needed"
        state: State = "missing" if levels.lost else "not_applicable"
        gone = [_lost(recording, levels)] if levels.lost else []
        return [_nothing(recording, name, state, note) for name in _UNITS] + gone
    seen = sides(recording, levels, options)
    metrics = [_lost(recording, levels)]
    visible = [side for side in seen if side.answer != "unseen"]
    if not visible:
        note = "No excursion left the dead band: " + " and ".join(side.where for side in seen) + " at most."
        return metrics + [_nothing(recording, name, "not_applicable", note) for name in _UNITS]
    answering = [side for side in visible if side.answer == "answers"]
    silent = [side for side in visible if side.answer != "answers"]
    for side in silent:
        how = "power moved the wrong way: sign" if side.answer == "wrong way" else "power never moved"
        note = f"{how} ({1e3 * side.change_kw:+.1f} W) {side.where}"
        for name in _PER_SIDE:
            follows = None if name == "droop_pct" else "value"
            metrics.append(_nothing(recording, name, "never", note, side.direction, follows))
        metrics.append(_nothing(recording, "dead_band_hz", "never", note, side.direction))
    if silent:
        note = f"no response {' nor '.join(side.where for side in silent)}"
        metrics.append(_nothing(recording, "droop_symmetry_ratio", "never", note, follows="value"))
    if not answering:
        note = "the device answered to no deviation"
        names = ("dead_band_inner_hz", "frequency_offset_hz", "hysteresis_hz")
        return metrics + [_nothing(recording, name, "not_applicable", note) for name in names]
    found = _fitted(recording, options, levels, seen)
    metrics += [metric for side in answering for metric in _droop(found, side)]
    metrics += _edges(found, answering)
    if len(answering) == 2:
        metrics.append(_symmetry(found, answering))
    elif not silent:
        note = "needs excursions out of the dead band on both sides of nominal"
        metrics.append(_nothing(recording, "droop_symmetry_ratio", "not_applicable", note))
    return metrics
