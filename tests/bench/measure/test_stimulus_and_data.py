"""The gates: was the stimulus what was asked, and is the data there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.config.profile import MeasureSpec
from bench.measure import measure
from bench.model import Metric
from bench.recording import Command, Recording
from tests.bench.measure.synthetic import Following, Frequency, signal

STIMULUS = [MeasureSpec(name="stimulus")]
DATA = [MeasureSpec(name="data")]


def pick(found: list[Metric], name: str) -> Metric:
    return next(m for m in found if m.name == name)


def test_a_true_source() -> None:
    case = Frequency(steps_count=2)
    found = measure(case.recording(), STIMULUS, case.names())
    error = pick(found, "stimulus_error_hz")
    assert (error.value or 1.0) + (error.uncertainty or 1.0) < 0.01
    assert error.components["meter"] == pytest.approx(0.001 / 3**0.5)
    assert (pick(found, "stimulus_error_v_ratio").value or 0.0) < 1e-6


@pytest.mark.parametrize("offset_hz", [-0.03, 0.03])
def test_a_source_that_is_off(offset_hz: float) -> None:
    case = Frequency(steps_count=1, source_offset_hz=offset_hz)
    error = pick(measure(case.recording(), STIMULUS, case.names()), "stimulus_error_hz")
    assert (error.value or 0.0) - (error.uncertainty or 0.0) > 0.01
    assert error.value == pytest.approx(0.03, abs=0.004)


def test_a_source_too_slow_for_a_step() -> None:
    case = Frequency(steps_count=1, slew_hz_per_s=0.1)
    error = pick(measure(case.recording(), STIMULUS, case.names()), "stimulus_error_hz")
    assert (error.value or 0.0) > 0.05


def test_one_dwell_over_a_long_run() -> None:
    case = Following()
    found = measure(case.recording(), STIMULUS, case.names())
    error = pick(found, "stimulus_error_hz")
    assert (error.value or 1.0) + (error.uncertainty or 1.0) < 0.01
    assert (pick(found, "stimulus_error_v_ratio").value or 1.0) < 0.002


def test_a_few_seconds_of_wrong_frequency_show() -> None:
    case = Following()
    recording = case.recording()
    hz = recording.signals["meter.frequency_hz"]
    bent = hz.value.copy()
    bent[5000:5010] += 0.05
    signals = {**recording.signals, "meter.frequency_hz": replace(hz, value=bent)}
    other = replace(recording, signals=signals)
    assert pick(measure(other, STIMULUS, case.names()), "stimulus_error_hz").value == pytest.approx(
        0.05, abs=0.003
    )


def test_low_voltage() -> None:
    case = Following()
    recording = case.recording()
    volt = recording.signals["meter.voltage_v"]
    signals = {**recording.signals, "meter.voltage_v": replace(volt, value=volt.value - 8.0)}
    found = measure(replace(recording, signals=signals), STIMULUS, case.names())
    assert pick(found, "stimulus_error_v_ratio").value == pytest.approx(8.0 / 202.0, abs=0.001)


def test_nobody_knows_what_was_asked() -> None:
    case = Following(foreign=True)
    found = measure(case.recording(), STIMULUS, case.names())
    assert {m.state for m in found} == {"not_applicable"}


def test_source_off_before_it_was_switched_on_does_not_count() -> None:
    case = Following()
    recording = case.recording()
    hz, volt = recording.signals["meter.frequency_hz"], recording.signals["meter.voltage_v"]
    early = hz.t_s < 20.0
    signals = {
        **recording.signals,
        "meter.frequency_hz": replace(hz, value=np.where(early, 0.0, hz.value)),
        "meter.voltage_v": replace(volt, value=np.where(early, 0.0, volt.value)),
    }
    commands = (*recording.commands, Command(20.0, "output", True, "source"))
    found = measure(replace(recording, signals=signals, commands=commands), STIMULUS, case.names())
    assert (pick(found, "stimulus_error_hz").value or 1.0) < 0.01
    assert (pick(found, "stimulus_error_v_ratio").value or 1.0) < 0.01


def test_all_there() -> None:
    case = Following()
    found = measure(case.recording(), DATA, case.names())
    missing = pick(found, "missing_judged_count")
    assert missing.value == 0.0
    assert "of 19" in missing.method
    for name in ("gap", "duplicate", "out_of_order", "missing", "overflow", "frozen"):
        assert pick(found, f"power_{name}_count").value == 0.0


def test_judged_points_without_data_are_counted_and_named() -> None:
    case = Following(lost=[(7798.0, 7801.0), (8098.0, 8101.0), (8398.0, 8401.0), (2990.0, 3010.0)])
    found = measure(case.recording(), DATA, case.names())
    assert pick(found, "missing_judged_count").value == 4.0
    assert "7800 s" in pick(found, "missing_judged_count").note
    assert pick(found, "power_gap_count").value == 4.0


def test_a_gap_between_judged_points_is_information() -> None:
    case = Following(lost=[(7850.0, 7950.0)])
    found = measure(case.recording(), DATA, case.names())
    assert pick(found, "missing_judged_count").value == 0.0
    assert pick(found, "power_longest_gap_s").value == pytest.approx(102.0, abs=1.0)


def test_a_short_baseline_is_missing_points() -> None:
    short = [(0.0, 0.0), (1800.0, 3.0), (7501.0, 0.0)]
    found = measure(Following(levels=short).recording(), DATA, Following().names())
    assert pick(found, "missing_judged_count").value == 6.0


def test_a_gap_at_a_step_is_a_missing_window() -> None:
    case = Frequency(steps_count=2)
    start = next(low for name, low, *_ in case.recording().phases if name == "step")
    torn = Frequency(steps_count=2, lost=[(start + 1.0, start + 3.0)])
    assert pick(measure(case.recording(), DATA, case.names()), "missing_judged_count").value == 0.0
    assert pick(measure(torn.recording(), DATA, torn.names()), "missing_judged_count").value == 1.0


def test_duplicates_and_disorder_are_counted() -> None:
    case = Following(baseline_s=600.0)
    recording = case.recording()
    power = recording.signals["meter.power_kw"]
    t_s = power.t_s.copy()
    t_s[100] = t_s[99]
    t_s[200], t_s[201] = t_s[201], t_s[200]
    quality = power.quality.astype("U10").copy()
    quality[300] = "overflow"
    value = power.value.copy()
    value[300] = np.nan
    signals = {**recording.signals, "meter.power_kw": type(power)(t_s, value, quality, "kW")}
    found = measure(replace(recording, signals=signals), DATA, case.names())
    assert pick(found, "power_duplicate_count").value == 1.0
    assert pick(found, "power_out_of_order_count").value == 1.0
    assert pick(found, "power_overflow_count").value == 1.0


@pytest.mark.parametrize(("factor", "against"), [(1.0, False), (-1.0, True)])
def test_meter_and_device_disagree_on_the_sign(factor: float, against: bool) -> None:
    case = Following()
    recording = case.recording()
    power = recording.signals["meter.power_kw"]
    own = signal(power.t_s[::5], factor * power.value[::5], "kW")
    other: Recording = replace(recording, signals={**recording.signals, "battery.power_kw": own})
    found = measure(other, DATA, case.names())
    assert ((pick(found, "sign_disagreement_count").value or 0.0) > 100.0) is against
    assert pick(found, "meter_over_device_ratio").value == pytest.approx(factor, abs=0.01)
