"""Holds of the full deviation: band, duration, droop, and what explains a failing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.config.profile import MeasureSpec
from bench.measure import measure
from bench.model import Metric
from bench.recording import Recording
from tests.bench.measure.synthetic import Frequency

SPECS = [MeasureSpec(name="frequency_hold"), MeasureSpec(name="hold_droop")]


def metrics(case: Frequency) -> list[Metric]:
    return measure(case.recording(), SPECS, case.names())


def one(found: list[Metric], name: str, direction: str = "up", phase: str | None = None) -> Metric:
    match = [
        m
        for m in found
        if m.name == name and m.scope.direction == direction and phase in (None, m.scope.phase)
    ]
    assert len(match) == 1
    return match[0]


def hold_start(case: Frequency, direction: str = "up") -> float:
    phases = case.recording().phases
    return next(low for name, low, _, _, way in phases if name == "hold" and way == direction)


def short(**change: object) -> Frequency:
    return Frequency(steps_count=1, **change)  # type: ignore[arg-type]


def test_a_good_device() -> None:
    found = metrics(short())
    for direction in ("up", "down"):
        band = one(found, "band_deviation_kw", direction)
        assert band.value is not None
        assert band.value + (band.uncertainty or 0.0) < 0.02
        hold = one(found, "hold_s", direction)
        assert (hold.state, hold.value) == ("measured", 301.0)
        assert one(found, "stay_ratio", direction).value == 1.0
        droop = one(found, "droop_pct", direction)
        assert droop.value == pytest.approx(4.0, abs=0.05)
        assert abs((droop.value or 0.0) - 4.0) <= (droop.uncertainty or 0.0)
        origin = one(found, "droop_through_origin_pct", direction)
        assert origin.value == pytest.approx(4.0 * 0.2 / 0.195, abs=0.05)
    assert all(m.follows is None for m in found)


def test_five_percent_with_a_ten_millihertz_dead_band_passes_only_with_it_subtracted() -> None:
    """The line through the origin reads 5.26 % on a compliant device (metrology 1)."""
    case = short(droop_pct=5.0, dead_band_hz=0.01, declared_dead_band_hz=0.01)
    found = metrics(case)
    assert one(found, "droop_pct").value == pytest.approx(5.0, abs=0.05)
    assert one(found, "droop_through_origin_pct").value == pytest.approx(5.26, abs=0.06)


@pytest.mark.parametrize("droop_pct", [0.4, 2.5, 5.8])
def test_droop_of_every_size(droop_pct: float) -> None:
    droop = one(metrics(short(droop_pct=droop_pct)), "droop_pct")
    assert abs((droop.value or 0.0) - droop_pct) <= (droop.uncertainty or 0.0)
    assert (droop.uncertainty or 1.0) < 0.02 * droop_pct


def test_droop_uncertainty_knows_a_wrong_meter() -> None:
    """A meter at its limit of error must not look better than it is."""
    case = short(meter_gain=1.001)
    droop = one(metrics(case), "droop_pct")
    assert abs((droop.value or 0.0) - 4.0) <= (droop.uncertainty or 0.0)
    assert droop.components["meter"] > 0.0
    assert droop.components["frequency"] == pytest.approx(4.0 * 0.001 / 3**0.5 / 0.195, rel=0.05)


def test_step_kind_of_dead_band_is_not_subtracted() -> None:
    case = short()
    recording = case.recording()
    facts = {**recording.facts, "dead_band_kind": "step"}
    other = Recording(recording.signals, recording.commands, recording.phases, facts, recording.accuracy)
    found = measure(other, SPECS, case.names())
    assert one(found, "droop_pct").value == one(found, "droop_through_origin_pct").value


def test_awarded_base_is_information() -> None:
    case = short()
    recording = case.recording()
    facts = {**recording.facts, "droop_base": "awarded"}
    other = Recording(recording.signals, recording.commands, recording.phases, facts, recording.accuracy)
    found = measure(other, SPECS, case.names())
    assert one(found, "droop_pct").value == pytest.approx(4.0, abs=0.05)
    assert one(found, "droop_awarded_pct").value == pytest.approx(4.0 * case.full_kw / 5.5, abs=0.01)


@pytest.mark.parametrize(("plant", "gain"), [("none", 1.0), ("lag", -1.0)])
def test_never_responding(plant: str, gain: float) -> None:
    found = metrics(short(plant=plant, gain=gain))
    droop = one(found, "droop_pct")
    assert (droop.state, droop.value, droop.follows) == ("never", None, "response")
    assert one(found, "hold_s").value == 0.0
    assert one(found, "hold_s").follows == "response"
    assert one(found, "band_deviation_kw").follows == "response"


def test_wrong_level() -> None:
    found = metrics(short(gain=0.85))
    band = one(found, "band_deviation_kw")
    assert band.follows == "droop"
    assert "settled at 85 %" in band.note
    assert (one(found, "hold_s").value, one(found, "hold_s").follows) == (0.0, "band")
    assert one(found, "droop_pct").value == pytest.approx(4.0 / 0.85, abs=0.06)


def test_running_empty_in_the_hold() -> None:
    case = short()
    start = hold_start(case)
    found = metrics(short(drops=[(start + 160.0, start + 340.0, 0.0)]))
    hold = one(found, "hold_s")
    assert hold.value == pytest.approx(150.0, abs=2.0)
    assert hold.follows is None
    assert "into the hold" in hold.note
    assert one(found, "band_deviation_kw").follows == "hold"
    assert one(found, "droop_pct").follows == "hold"


def test_what_power_does_after_the_five_minutes_is_not_in_the_droop() -> None:
    case = short()
    start = hold_start(case)
    found = metrics(short(drops=[(start + 311.5, start + 340.0, 0.0)]))
    assert one(found, "hold_s").value == pytest.approx(300.0, abs=1.0)
    droop = one(found, "droop_pct")
    assert droop.value == pytest.approx(4.0, abs=0.05)
    assert droop.uncertainty is not None
    assert droop.uncertainty < 0.1


def test_sagging_power_is_a_failing_hold_not_a_soft_droop() -> None:
    case = short()
    start = hold_start(case)
    found = metrics(short(drops=[(start + 150.0, start + 340.0, 0.7 * case.full_kw)]))
    assert one(found, "droop_pct").value == pytest.approx(4.0 / 0.7, abs=0.1)
    assert one(found, "droop_pct").follows == "hold"
    assert one(found, "hold_s").follows is None


def test_cut_hold_is_censored() -> None:
    found = metrics(short(hold_s=200.0))
    hold = one(found, "hold_s")
    assert hold.state == "censored"
    assert hold.value == pytest.approx(190.0, abs=1.0)
    assert hold.interval95 is not None
    assert hold.interval95[1] == pytest.approx(200.0, abs=1.0)


def test_lost_seconds_leave_the_hold_open() -> None:
    start = hold_start(short())
    found = metrics(short(lost=[(start + 100.0, start + 105.0)]))
    hold = one(found, "hold_s")
    assert (hold.state, hold.value) == ("missing", None)
    data = measure(
        short(lost=[(start + 100.0, start + 105.0)]).recording(), [MeasureSpec(name="data")], short().names()
    )
    missing = next(m for m in data if m.name == "missing_judged_count").value
    assert missing is not None
    assert 4.0 <= missing <= 6.0


def test_without_a_hold_nothing_is_judged() -> None:
    found = metrics(Frequency(holds=False))
    assert {m.state for m in found} == {"not_applicable"}


def test_house_load_at_the_receiving_point_is_taken_off() -> None:
    case = short(offset_kw=-1.3)
    found = metrics(case)
    assert (one(found, "band_deviation_kw").value or 1.0) < 0.03
    assert one(found, "droop_pct").value == pytest.approx(4.0, abs=0.06)


def test_measured_deviation_counts_not_the_one_asked() -> None:
    """The source delivers 30 mHz too much: droop is taken from what was measured."""
    found = metrics(short(source_offset_hz=-0.03, gain=(0.23 - 0.005) / 0.195))
    assert one(found, "droop_pct", "up").value == pytest.approx(4.0, abs=0.06)


def test_correlated_noise_widens_the_uncertainty() -> None:
    rng = np.random.default_rng(3)
    case = short()
    recording = case.recording()
    power = recording.signals["meter.power_kw"]
    slow = np.convolve(rng.normal(0.0, 0.01, len(power.t_s)), np.ones(50) / 50, mode="same") * 7.0
    white = rng.normal(0.0, slow.std(), len(power.t_s))

    def with_noise(extra: np.ndarray) -> float:  # type: ignore[type-arg]
        signals = dict(recording.signals)
        signals["meter.power_kw"] = type(power)(power.t_s, power.value + extra, power.quality, "kW")
        other = Recording(signals, recording.commands, recording.phases, recording.facts, recording.accuracy)
        return one(measure(other, SPECS, case.names()), "droop_pct").components["noise"]

    assert with_noise(slow) > 3.0 * with_noise(white)


def test_a_soft_droop_explains_the_wrong_level() -> None:
    """Where the droop fails too, the judge finds it as the root: band follows droop, the rest the band."""
    case = short(droop_pct=5.8)
    names = case.names() | {"delta_kw": case.full_kw * 5.8 / 4.0}
    found = measure(case.recording(), SPECS, names)
    assert one(found, "band_deviation_kw").follows == "droop"
    assert one(found, "hold_s").follows == "band"
    assert one(found, "droop_pct").follows is None


def test_a_hold_of_a_power_at_nominal_frequency_is_no_hold_of_a_deviation() -> None:
    case = short()
    recording = case.recording()
    still = [
        replace(command, value=50.0) if command.quantity == "frequency_hz" else command
        for command in recording.commands
    ]
    found = measure(replace(recording, commands=still), SPECS, case.names())
    assert {m.state for m in found} == {"not_applicable"}
    assert {m.state for m in metrics(case)} == {"measured"}
