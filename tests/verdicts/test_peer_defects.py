"""Cases in which a comparable evaluator answers wrongly (metrology, section 4), answered rightly here.

Each test names the defect. The recordings have known truth; what is asked is the verdict, or the number.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.config.load import load_profile, load_station
from bench.expr import ExpressionError, evaluate
from bench.judge import judge
from bench.measure import measure
from bench.measure.options import Options
from bench.measure.static.characteristic import OPTIONS, static_characteristic
from bench.model import Finding, Metric, Outcome, Verdict
from bench.names import namespace, parameter_values
from bench.recording import Recording
from bench.rooms import bundled_rules
from tests.bench.measure.static_truth import Staircase, fine_path, signal
from tests.bench.measure.synthetic import Following, Frequency


def verdict(name: str, recording: Recording, delta_kw: float) -> tuple[Verdict, list[Metric]]:
    loaded, station = load_profile(name, None), load_station("twin").station
    values, _ = parameter_values(loaded.profile, loaded.rules, {}, station)
    names = namespace(loaded.profile, loaded.rules, station, delta_kw, values)
    metrics = measure(recording, loaded.profile.measure, names)
    found = judge(
        metrics, loaded.profile, loaded.rules, names, edition=loaded.edition, point="device",
        delta_kw=delta_kw, simulated=True,
    )  # fmt: skip
    return found, metrics


def primary(case: Frequency) -> tuple[Verdict, list[Metric]]:
    return verdict("primary", case.recording(), case.delta_kw or case.full_kw)


def tertiary2(case: Following) -> tuple[Verdict, list[Metric]]:
    return verdict("tertiary2", case.recording(), case.delta_kw)


def finding(found: Verdict, short: str) -> Finding:
    return next(one for one in found.findings if one.id.partition(".")[2] == short)


@pytest.mark.parametrize("silent", ["up", "down"])
def test_limits_of_one_side_do_not_pass_a_device_that_answers_on_the_other(silent: str) -> None:
    """pyUL1741SB: upper limits in both directions, so a unit that does not respond passes under-frequency."""
    answers = "down" if silent == "up" else "up"
    found, _ = primary(Frequency(one_sided=answers))
    assert found.outcome is Outcome.FAIL
    assert finding(found, "delay").outcome is Outcome.FAIL
    assert finding(found, "delay").scope.direction == silent


@pytest.mark.parametrize(("gain", "outcome"), [(0.85, "FAIL"), (1.15, "FAIL")])
def test_the_band_has_two_sides(gain: float, outcome: str) -> None:
    """The same defect, in size: too much is as wrong as too little, up and down."""
    assert primary(Frequency(gain=gain))[0].outcome == outcome
    assert tertiary2(Following(gain=gain))[0].outcome == outcome


def test_a_device_that_gives_nothing_is_not_within_a_limit_from_above() -> None:
    """The same defect at zero power: nothing is below every upper limit."""
    found, _ = tertiary2(Following(gain=0.0))
    assert found.outcome is Outcome.FAIL
    assert finding(found, "response").cause is None


@pytest.mark.parametrize("tau_s", [2.0])
def test_the_response_time_comes_from_the_data_and_not_from_the_number_of_the_step(tau_s: float) -> None:
    """p1547: the loop index 1 was passed as Tr, so every step was compared with a response of one second."""
    case = Frequency(tau_s=tau_s)
    metrics = [one for one in primary(case)[1] if one.name == "response_s"]
    truth_s = case.delay_s + tau_s * math.log(10.0)
    assert len(metrics) >= 2 * case.steps_count
    for metric in metrics:
        assert metric.value == pytest.approx(truth_s, abs=max(0.1, 2.0 * (metric.uncertainty or 0.0)))


def test_a_spike_in_the_last_sample_does_not_move_the_level() -> None:
    """DyCoV: the final value is the last sample, so that the figures jump with its noise."""
    case = Frequency()
    recording = case.recording()
    good, metrics = verdict("primary", recording, case.full_kw)
    power = recording.signals["meter.power_kw"]
    spiked = power.value.copy()
    for name, _, to_s, _, _ in recording.phases:
        if name in ("step", "hold"):
            spiked[np.searchsorted(power.t_s, to_s) - 1] *= 1.08
    bent = Recording(
        signals={**recording.signals, "meter.power_kw": type(power)(power.t_s, spiked, power.quality, "kW")},
        commands=recording.commands, phases=recording.phases, facts=recording.facts,
        accuracy=recording.accuracy,
    )  # fmt: skip
    again, moved = verdict("primary", bent, case.full_kw)
    assert again.outcome is good.outcome is Outcome.PASS
    for name, most in (("delay_s", 0.01), ("droop_pct", 0.02)):
        before = [m.value for m in metrics if m.name == name]
        after = [m.value for m in moved if m.name == name]
        assert after == pytest.approx(before, abs=most)


def test_a_flat_command_is_judged_by_its_deviation() -> None:
    """PJM: the correlation with a flat reference is undefined, and the score of a hold arbitrary."""
    good, metrics = tertiary2(Following(noise_kw=0.0))
    assert good.outcome is Outcome.PASS
    bad, _ = tertiary2(Following(noise_kw=0.0, gain=0.8))
    assert finding(bad, "band").outcome is Outcome.FAIL
    for metric in metrics:
        for number in (metric.value, metric.uncertainty):
            assert number is None or math.isfinite(number)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2 - 3 * 4", -10.0), ("(2 - 3) * 4", -4.0), ("nominal_hz - sign * abnormal_hz", 50.2)],
)
def test_expressions_bind_as_arithmetic_does(text: str, expected: float) -> None:
    """NESO: ``availability == 0 | ~contracted`` is not what it reads as."""
    assert evaluate(text, {"nominal_hz": 50.0, "sign": -1.0, "abnormal_hz": 0.2}) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["delta_kw == 0 | ~sign", "abs(nominal_hz - 49.45 <= 0.05)", "1 < 2 < 3"])
def test_what_could_be_read_two_ways_is_refused(text: str) -> None:
    """NESO and Homevolt: comparisons and masks inside arithmetic are where precedence bites."""
    with pytest.raises(ExpressionError):
        evaluate(text, {"nominal_hz": 50.0, "sign": -1.0, "delta_kw": 3.0})


def test_steps_down_are_looked_for_where_frequency_rises() -> None:
    """Homevolt: a parenthesis made the test for *down* always true: every time was a window's start."""
    case = Frequency(steps_count=3, delay_s=0.9, phases_known=False)
    metrics = [m for m in primary(case)[1] if m.name == "delay_s" and m.scope.direction == "down"]
    assert len(metrics) >= 3
    for metric in metrics:
        assert metric.value == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize("offset_kw", [-0.3, 0.3])
def test_the_level_before_the_step_is_taken_off(offset_kw: float) -> None:
    """Homevolt: the energy after a step is integrated without its baseline, and wrong where that is not 0."""
    found, metrics = primary(Frequency(offset_kw=offset_kw))
    assert found.outcome is Outcome.PASS
    droop = [m.value for m in metrics if m.name == "droop_pct"]
    assert droop == pytest.approx([4.0] * len(droop), abs=0.05)


def test_a_curve_is_taken_from_the_rule_it_belongs_to() -> None:
    """Homevolt: one curve, compared with the other's requirement. Here a limit prints its own rule."""
    for product, edition in bundled_rules():
        if product not in ("primary", "tertiary2"):
            continue
        loaded = load_profile(product, edition)
        for spec in loaded.profile.findings:
            for bound in (spec.limit.at_most, spec.limit.at_least):
                if isinstance(bound, str) and bound in loaded.rules.rules and spec.rule is not None:
                    assert spec.rule == bound, f"{product} {spec.id} prints another rule"


def test_power_that_never_moves_never_responds_at_the_first_sample() -> None:
    """Common to most: nobody fed them a dead device."""
    found, metrics = primary(Frequency(plant="none"))
    assert found.outcome is Outcome.FAIL
    assert all(m.value is None and m.state == "never" for m in metrics if m.name == "delay_s")


@pytest.mark.parametrize(("source_hz", "error_hz"), [(0.02, 0.0), (0.0, 0.02), (-0.02, 0.02)])
def test_the_devices_frequency_is_held_against_the_analyzers_and_not_the_commanded_one(
    source_hz: float, error_hz: float
) -> None:
    """p1547: the measured value is overwritten by the commanded step, so the accuracy never comes in."""
    levels_hz = np.array([0.0, -0.02, -0.1, -0.5, 0.0, 0.02, 0.1, 0.5])
    case = Staircase(path_hz=levels_hz, dwell_s=60.0, meter_offset_hz=source_hz).recording()
    t_s = case.signals["meter.frequency_hz"].t_s
    level = np.clip(np.ceil(t_s / 60.0 - 1e-9).astype(int) - 1, 0, None)
    own = 50.0 + levels_hz[level] + source_hz + error_hz
    told = Recording(
        signals={**case.signals, "battery.frequency_hz": signal(t_s, own, "Hz")}, commands=case.commands,
        phases=case.phases, facts=case.facts, accuracy=case.accuracy,
    )  # fmt: skip
    _, metrics = verdict("frequency_accuracy", told, 3.0)
    [found] = [one.value for one in metrics if one.name == "frequency_error_hz"]
    assert found == pytest.approx(abs(error_hz), abs=0.0005)


@pytest.mark.parametrize("share", [-0.6, 0.4])
def test_the_power_before_a_step_does_not_scale_the_response(share: float) -> None:
    """p1547: the power factor is applied twice, so a device that is charging is asked for less."""
    case = Frequency(offset_kw=share * 5.5, rated_kw=5.5)
    found, metrics = primary(case)
    assert [one.id for one in found.findings if one.outcome is Outcome.FAIL] == []
    droop = [one.value for one in metrics if one.name == "droop_pct"]
    assert droop == pytest.approx([4.0] * len(droop), abs=0.05)


@pytest.mark.parametrize(("direction", "sign"), [("up", -1.0), ("down", 1.0)])
def test_an_edge_lies_on_its_own_side_of_nominal(direction: str, sign: float) -> None:
    """p1547: the first step below the band starts at the edge above it.

    A device whose band is shifted by 4 mHz has its edges at +9 and -1 mHz, or the other way round.
    """
    path_hz = fine_path()
    one_side = path_hz[path_hz * sign >= -0.0005]
    for offset_hz, edge_hz in ((-0.004, 0.009), (0.004, 0.001)):
        case = Staircase(
            path_hz=one_side, offset_hz=sign * offset_hz, facts={"directions": [direction]}
        )  # fmt: skip
        options, _ = Options.resolve("static_characteristic", {}, OPTIONS, case.names())
        metrics = static_characteristic(case.recording(), options)
        [edge] = [one.value for one in metrics if one.name == "dead_band_hz"]
        assert edge == pytest.approx(edge_hz, abs=0.0005)
