"""The judged quantities: a device whose true value is known, recorded, and where its limit lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from bench.characterise.bounds import bounds
from bench.characterise.following import Following
from bench.characterise.frequency import Frequency
from bench.characterise.staircase import Staircase
from bench.characterise.terms import Terms
from bench.recording import Recording

__all__ = ["CASES", "Case", "Made"]


@dataclass(frozen=True)
class Made:
    """A recording, what the run knows, and the truth of each metric (by direction or step, in order)."""

    recording: Recording
    names: Mapping[str, float]
    truth: tuple[float, ...]


@dataclass(frozen=True)
class Case:
    """A quantity: profile and finding that judge it, estimator, limit by its rule, spread of the draws.

    ``reach`` is how far around the limit true values are drawn, ``upper`` whether the limit is a ceiling.
    """

    profile: str
    finding: str
    estimator: str
    metric: str
    unit: str
    rule: str
    reach: float
    upper: bool
    make: Callable[[float, float, Terms], Made]


def _frequency(terms: Terms, window_s: float, **change: object) -> Frequency:
    plain: dict[str, object] = {
        "window_s": window_s,
        "meter_offset_hz": terms.frequency_hz,
        "channel_shift_s": terms.clock_s,
        "accuracy": terms.accuracy,
        "seed": terms.seed,
        "directions": ("up",),
    }
    case = Frequency(**{**plain, **change})  # type: ignore[arg-type]  # fields by name, checked by the tests
    case.meter_gain = terms.gain_ratio(case.full_kw)
    return case


def _delay(value: float, window_s: float, terms: Terms) -> Made:
    case = _frequency(terms, window_s, holds=False, delay_s=value, step_s=14.0, rest_s=12.0, settle_s=12.0)
    recording = case.recording()
    return Made(recording, case.names(), tuple(case.truth["delay_s"]))


def _response(value: float, window_s: float, terms: Terms) -> Made:
    case = _frequency(
        terms, window_s, holds=False, plant="ramp", delay_s=0.5, ramp_s=(value - 0.5) / 0.9,
        step_s=20.0, rest_s=20.0, settle_s=12.0, steps_count=3,
    )  # fmt: skip
    recording = case.recording()
    return Made(recording, case.names(), (value,) * case.steps_count)


def _droop(value: float, window_s: float, terms: Terms) -> Made:
    case = _frequency(terms, window_s, steps_count=0, droop_pct=value, hold_s=140.0, rest_s=5.0)
    recording = case.recording()
    return Made(recording, {**case.names(), "droop_pct": bounds("primary")["droop_pct"]}, (value,))


def _following(terms: Terms, window_s: float, **change: object) -> Following:
    plain: dict[str, object] = {
        "baseline_s": 300.0, "response_s": 120.0, "duration_s": 300.0, "interval_s": 60.0,  # no rule: short
        "sample_s": window_s, "noise_kw": 0.002, "accuracy": terms.accuracy, "seed": terms.seed,
    }  # fmt: skip
    return Following(**{**plain, **change})  # type: ignore[arg-type]  # as above


def _metered(made: Following, terms: Terms) -> Recording:
    made.meter_gain = terms.gain_ratio(made.delta_kw * made.gain)
    return made.recording()


def _band(value: float, window_s: float, terms: Terms) -> Made:
    case = _following(terms, window_s, gain=1.0 - value / 3.0)
    return Made(_metered(case, terms), case.names(), (value,))


def _hold(value: float, window_s: float, terms: Terms) -> Made:
    first = 300.0 + 120.0
    case = _following(terms, window_s, drops=[(first + value, 1e9, 0.0)])
    return Made(_metered(case, terms), case.names(), (value,))


def _dead_band(value: float, window_s: float, terms: Terms) -> Made:
    case = Staircase(
        dwell_s=12.0, dead_band_hz=value, meter_gain=terms.gain_ratio(0.5),
        meter_offset_hz=terms.frequency_hz, accuracy=terms.accuracy, seed=terms.seed, sample_s=0.5,
        noise_hz=0.001 * float(np.sqrt(0.1 / window_s)),
    )  # fmt: skip
    return Made(case.recording(), case.names(), (value,))


CASES: dict[str, Case] = {
    "delay": Case("primary", "delay", "step_response", "delay_s", "s", "delay_s", 0.05, True, _delay),
    "response": Case(
        "primary", "response", "step_response", "response_s", "s", "response_s", 0.4, True, _response
    ),
    "droop": Case("primary", "droop", "hold_droop", "droop_pct", "%", "droop_pct", 0.15, True, _droop),
    "dead_band": Case(
        "dead_band", "value", "static_characteristic", "dead_band_hz", "Hz", "dead_band_hz", 0.0012, True,
        _dead_band,
    ),
    "band": Case("tertiary1", "band", "following", "band_deviation_kw", "kW", "band", 0.02, True, _band),
    "hold": Case("tertiary1", "hold", "following", "hold_s", "s", "duration_s", 90.0, False, _hold),
}  # fmt: skip
