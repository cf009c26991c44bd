"""Droop, dead band, offset and hysteresis against staircases whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.config.load import load_profile
from bench.judge import judge
from bench.measure import measure
from bench.measure.averaging import meter_channels
from bench.measure.options import Options
from bench.measure.static.characteristic import OPTIONS, static_characteristic
from bench.measure.static.dwells import dwells, settling
from bench.measure.static.levels import measured_levels
from bench.model import Outcome, Verdict
from bench.names import rule_values
from tests.bench.measure.static_truth import (
    Staircase,
    droop_case,
    fine_path,
    measured,
    one,
    value,
)


def judged(case: Staircase, profile: str) -> Verdict:
    """Judge the case by the findings of ``profile``, without the gates that need a whole run."""
    loaded = load_profile(profile, None)
    names = {**case.names(), **rule_values(loaded.rules)}
    metrics = measure(case.recording(), loaded.profile.measure, names)
    return judge(
        metrics,
        loaded.profile,
        loaded.rules,
        names,
        edition="2026",
        point="device",
        delta_kw=0.5,
        simulated=True,
    )


def roots(verdict: Verdict) -> list[str]:
    return [f.id for f in verdict.findings if f.outcome is Outcome.FAIL and f.counts and f.cause is None]


@pytest.mark.parametrize("nominal_hz", [50.0, 60.0])
@pytest.mark.parametrize("hysteresis_hz", [0.0, 0.003])
def test_known_truth_is_found_at_one_millihertz_of_noise(nominal_hz: float, hysteresis_hz: float) -> None:
    case = Staircase(nominal_hz=nominal_hz, hysteresis_hz=hysteresis_hz, offset_hz=0.006, droop_pct=4.4)
    found = measured(case)
    assert abs(value(found, "dead_band_hz") - (0.005 + hysteresis_hz)) < 0.0002
    assert abs(value(found, "dead_band_inner_hz") - 0.005) < 0.0002
    assert abs(value(found, "frequency_offset_hz") - 0.006) < 0.0002
    assert abs(value(found, "hysteresis_hz") - hysteresis_hz) < 0.0002
    steep = measured(droop_case(nominal_hz=nominal_hz, hysteresis_hz=hysteresis_hz, droop_pct=4.4))
    for direction in ("up", "down"):
        assert abs(value(steep, "droop_pct", direction) - 4.4) < 0.02
        assert value(steep, "droop_through_origin_pct", direction) > 4.5


def test_noise_of_the_frequency_does_not_narrow_the_dead_band() -> None:
    """Ordinary least squares reads 8.43 mHz for 10 mHz at 10 mHz of noise (metrology section 2)."""
    errors = [
        value(measured(Staircase(dead_band_hz=0.010, noise_hz=0.010, seed=seed)), "dead_band_hz") - 0.010
        for seed in range(4)
    ]
    assert abs(float(np.mean(errors))) < 0.0002
    assert float(np.max(np.abs(errors))) < 0.0005


def test_noise_of_the_frequency_without_set_points_to_lean_on() -> None:
    for seed, noise_hz in ((1, 0.002), (2, 0.005)):
        found = one(
            measured(Staircase(dead_band_hz=0.010, noise_hz=noise_hz, foreign=True, seed=seed)),
            "dead_band_hz",
        )
        assert found.value is not None
        assert found.uncertainty is not None
        assert abs(found.value - 0.010) < 1.5 * found.uncertainty < 0.4 * noise_hz


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """A sample of the study in docs/explanation/static-characteristic.md; binomial bounds for n = 60."""
    inside = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        truth = {"droop_pct": rng.uniform(3.5, 5.2), "dead_band_hz": rng.uniform(0.004, 0.011)}
        case = droop_case(**truth, seed=seed, hysteresis_hz=0.002)
        found = measured(case)
        truth["dead_band_hz"] += 0.002
        for name, direction in (("droop_pct", "up"), ("droop_pct", "down"), ("dead_band_hz", None)):
            metric = one(found, name, direction)
            assert metric.value is not None
            inside.append(abs(metric.value - truth[name]) <= 2.0 * metric.components["noise"])
    assert 0.88 <= float(np.mean(inside)) <= 1.0


def test_two_runs_over_one_recording_agree_to_the_last_bit() -> None:
    case = droop_case()
    assert measured(case) == measured(case)


def test_a_dead_band_with_a_step_is_not_taken_for_a_narrow_one() -> None:
    found = measured(Staircase(steps=True, dead_band_hz=0.0152, facts={"dead_band_kind": "step"}))
    assert abs(value(found, "dead_band_hz") - 0.0152) < 0.001
    undeclared = measured(Staircase(steps=True, dead_band_hz=0.0152))
    assert abs(value(undeclared, "dead_band_hz") - 0.0152) < 0.001
    assert abs(value(undeclared, "droop_pct", "up") - 4.0) < 0.1


@pytest.mark.parametrize(("limit_kw", "gain"), [(0.0, 1.0), (None, -1.0)], ids=["dead", "wrong way"])
def test_a_device_that_does_not_answer_fails(limit_kw: float | None, gain: float) -> None:
    assert roots(judged(Staircase(limit_kw=limit_kw, gain=gain), "dead_band")) == ["dead_band.value"]
    assert roots(judged(droop_case(limit_kw=limit_kw, gain=gain), "droop")) == ["droop.value"]


def test_an_excursion_inside_the_dead_band_is_nothing_to_judge() -> None:
    path = np.r_[0.0, np.repeat([-0.002, 0.003, 0.004, -0.004, 0.0, 0.001], 2)]
    verdict = judged(Staircase(path_hz=path), "droop")
    finding = next(f for f in verdict.findings if f.id == "droop.value")
    assert finding.outcome is Outcome.NOT_APPLICABLE
    assert "No excursion left the dead band" in finding.reason
    assert verdict.outcome is Outcome.INCONCLUSIVE


def test_an_offset_that_moves_power_at_nominal_is_no_house_behind_the_meter() -> None:
    found = measured(Staircase(offset_hz=0.045))
    assert abs(value(found, "frequency_offset_hz") - 0.045) < 0.0005
    assert abs(value(found, "dead_band_hz") - 0.005) < 0.0005


def test_one_level_beyond_an_edge_bounds_it_and_makes_no_line() -> None:
    """At an offset of 50 mHz only the last two levels of a side answer, one of them next to the edge."""
    found = measured(Staircase(offset_hz=-0.05))
    for name, truth, direction in (
        ("frequency_offset_hz", -0.05, None),
        ("dead_band_hz", 0.005, None),
        ("droop_pct", 4.0, "down"),
    ):
        metric = one(found, name, direction)
        assert metric.uncertainty is not None
        assert metric.value == pytest.approx(truth, abs=metric.uncertainty)
    assert one(found, "frequency_offset_hz").components["model"] > 0.001
    assert one(found, "droop_pct", "down").components["model"] > 1.0


def test_one_side_only_gives_the_edge_with_its_offset_and_no_symmetry() -> None:
    path = fine_path()
    found = measured(Staircase(path_hz=path[path <= 0.0005], facts={"directions": ["up"]}))
    assert abs(value(found, "dead_band_hz") - 0.005) < 0.0003
    assert one(found, "frequency_offset_hz").state == "not_applicable"
    assert one(found, "droop_symmetry_ratio").state == "not_applicable"


def test_a_recording_without_set_points_is_cut_into_blocks() -> None:
    found = measured(Staircase(foreign=True, hysteresis_hz=0.004, offset_hz=-0.004))
    assert abs(value(found, "dead_band_hz") - 0.009) < 0.0003
    assert abs(value(found, "frequency_offset_hz") + 0.004) < 0.0003
    assert abs(value(found, "hysteresis_hz") - 0.004) < 0.0003


def test_levels_without_data_leave_the_run_undecided() -> None:
    case = droop_case()
    recording = case.recording()
    power = recording.signals["meter.power_kw"]
    power.value[300:500] = np.nan
    options, _ = Options.resolve("static_characteristic", {}, OPTIONS, case.names())
    assert value(static_characteristic(recording, options), "missing_judged_count") == 2.0


@pytest.mark.parametrize(("tau_s", "least", "most"), [(0.3, 0.0, 6.1), (6.0, 12.0, 37.0)])
def test_settling_is_judged_by_drift(tau_s: float, least: float, most: float) -> None:
    recording = droop_case(tau_s=tau_s).recording()
    power, frequency, averaging = meter_channels(recording)
    settle = settling(power, dwells(recording, frequency, averaging), 0.7)
    assert least <= settle.after_s <= most


def test_a_device_still_moving_at_the_end_of_its_levels_widens_the_interval() -> None:
    quick, slow = (one(measured(Staircase(tau_s=tau)), "dead_band_hz") for tau in (0.3, 8.0))
    assert slow.components["settling"] > 0.0
    assert slow.uncertainty is not None
    assert quick.uncertainty is not None
    assert slow.uncertainty > 1.5 * quick.uncertainty
    assert slow.value is not None
    assert abs(slow.value - 0.005) < slow.uncertainty


PAIRS = [
    ("droop", {"droop_pct": 4.92}, {"droop_pct": 5.08}, "value"),
    ("droop", {"droop_pct": 3.0, "bend": 0.25}, {"droop_pct": 3.0, "bend": 0.27}, "linearity"),
    ("droop", {"droop_over_pct": 3.64}, {"droop_over_pct": 3.60}, "symmetry"),
    ("dead_band", {"dead_band_hz": 0.0097}, {"dead_band_hz": 0.0103}, "value"),
    ("dead_band", {"hysteresis_hz": 0.0047}, {"hysteresis_hz": 0.0053}, "value"),
    ("dead_band", {"offset_hz": 0.0178}, {"offset_hz": 0.0222}, "offset"),
    ("dead_band", {"offset_hz": -0.0178}, {"offset_hz": -0.0222}, "offset"),
]


@pytest.mark.parametrize(("profile", "good", "bad", "finding"), PAIRS, ids=lambda item: str(item))
def test_just_inside_passes_and_just_outside_fails_with_its_own_finding(
    profile: str, good: dict[str, float], bad: dict[str, float], finding: str
) -> None:
    make = droop_case if profile == "droop" else Staircase
    inside = {f.id: f for f in judged(make(**good), profile).findings}[f"{profile}.{finding}"]
    assert inside.outcome is Outcome.PASS, inside.reason
    verdict = judged(make(**bad), profile)
    assert roots(verdict) == [f"{profile}.{finding}"]


@pytest.mark.parametrize(
    ("metric", "limit"), [({"droop_pct": 5.0}, "droop"), ({"dead_band_hz": 0.01}, "dead_band")]
)
def test_a_device_exactly_on_the_limit_is_rarely_decided(metric: dict[str, float], limit: str) -> None:
    make = droop_case if limit == "droop" else Staircase
    outcomes = [
        next(f.outcome for f in judged(make(**metric, seed=seed), limit).findings if f.id == f"{limit}.value")
        for seed in range(4)
    ]
    assert outcomes.count(Outcome.INCONCLUSIVE) >= 3


@pytest.mark.parametrize("noise_hz", [0.001, 0.003])
def test_a_dead_band_with_a_step_is_recognised_though_nobody_declared_it(noise_hz: float) -> None:
    # a hinge through such levels would read a third of the band, and a bad device would pass
    found = measured(Staircase(steps=True, dead_band_hz=0.0113, noise_hz=noise_hz))
    edge = one(found, "dead_band_hz")
    assert edge.value is not None
    assert edge.uncertainty is not None
    assert abs(edge.value - 0.0113) <= edge.uncertainty < 0.0015


def test_an_edge_between_two_levels_is_anywhere_between_them() -> None:
    for edge_hz in (0.0091, 0.0095, 0.0099):
        found = one(measured(Staircase(steps=True, dead_band_hz=edge_hz, noise_hz=0.0003)), "dead_band_hz")
        assert found.value is not None
        assert found.uncertainty is not None
        assert abs(found.value - edge_hz) <= found.uncertainty < 0.001


def test_power_at_rest_does_not_widen_the_intervals() -> None:
    plain = one(measured(droop_case()), "droop_pct", "up").uncertainty
    loaded = one(measured(droop_case(meter_offset_kw=1.5)), "droop_pct", "up").uncertainty
    assert plain is not None
    assert loaded == pytest.approx(plain, rel=0.2)


def test_a_device_with_a_limit_of_its_own_has_its_droop_and_fails_the_line() -> None:
    # half of the full response and no more: the line before that is a good one
    limited = droop_case(limit_kw=0.26)
    found = one(measured(limited), "droop_pct", "up")
    assert found.value == pytest.approx(4.0, abs=found.uncertainty)
    assert found.uncertainty is not None
    assert found.uncertainty < 0.05
    assert roots(judged(limited, "droop")) == ["droop.linearity"]
    assert roots(judged(droop_case(), "droop")) == []


def test_what_a_device_does_before_it_took_the_frequency_up_is_no_level() -> None:
    """It fed the house for twenty seconds more, and the frequency wandered: the wait was cut into blocks."""
    case = droop_case()
    recording = case.recording()
    power, frequency = (recording.signals[f"meter.{name}"] for name in ("power_kw", "frequency_hz"))
    first = power.t_s <= 60.0
    fed = replace(power, value=power.value + np.where(power.t_s < 21.0, 1.08, 0.0))
    wander = 0.0001 * power.t_s
    moved = replace(frequency, value=np.where(first, frequency.value + wander, frequency.value))
    signals = {**recording.signals, "meter.power_kw": fed, "meter.frequency_hz": moved}
    waits = [("settle", *phase[1:]) if phase[1] == 0.0 else phase for phase in recording.phases]
    levels = measured_levels(replace(recording, signals=signals, phases=tuple(waits)))
    assert levels.from_s.min() > 60.0
    assert levels.kw.max() < 0.55
    taken = measured_levels(replace(recording, signals=signals))
    assert taken.kw.max() == pytest.approx(1.08, abs=0.01)  # where nobody tells of the wait
