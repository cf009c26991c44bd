"""What is judged by signal, by interval and by slot: known delays, known shortfalls, and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from bench.config.profile import MeasureSpec
from bench.measure import measure
from bench.measure.command.commands import Level
from bench.measure.command.transition import permitted_span
from bench.model import Metric
from bench.plan.walk import walk
from bench.recording import Command, Recording, Signal

NAMES = {
    "delta_kw": 2.0,
    "band_ratio": 0.1,
    "interval_s": 1.0,
    "response_s": 300.0,
    "delay_s": 120.0,
    "point_window_s": 1.0,
    "slot_s": 1800.0,
    "command_interval_s": 60.0,
}
Phases = tuple[tuple[str, float, float, int | None, str | None], ...]


def recorded(
    sent: Sequence[tuple[float, float]],
    end_s: float,
    phases: Phases,
    answer: Callable[[float], float],
    lost: tuple[float, float] | None = None,
) -> Recording:
    """Return what an analyzer reads every second of a device that gives ``answer(t_s)``."""
    t_s = np.arange(0.0, end_s + 0.5)
    noise = np.random.default_rng(1).normal(0.0, 0.002, len(t_s))
    value = np.array([answer(float(t)) for t in t_s]) + noise
    if lost is not None:
        value[(t_s > lost[0]) & (t_s <= lost[1])] = np.nan

    def phase_of(at_s: float) -> str | None:
        return next((name for name, low, high, _, _ in phases if low <= at_s < high), None)

    commands = tuple(Command(at_s, "power_set_kw", kw, "battery", phase=phase_of(at_s)) for at_s, kw in sent)
    power = Signal(t_s, value, np.full(len(t_s), "ok"), "kW")
    return Recording({"meter.power_kw": power}, commands, phases, {"point": "device"}, {})


def one(found: list[Metric], name: str, phase: str | None = None) -> Metric:
    return next(m for m in found if m.name == name and phase in (None, m.scope.phase))


def lfc(delay_s: float, gain: float = 1.0, every_s: float = 1.0, held_up: int = 0) -> list[Metric]:
    offset_s, share = walk(2100.0, every_s, 300.0)
    sent = [(600.0 + float(t), 1.0 + float(s)) for t, s in zip(offset_s, share, strict=True)]
    sent[100 : 100 + held_up] = [(sent[100 + held_up][0], kw) for _, kw in sent[100 : 100 + held_up]]
    at, kw = np.array(sent).T

    def answer(t_s: float) -> float:
        index = int(np.searchsorted(at, t_s - delay_s, side="left")) - 1
        return gain * float(kw[index]) if index >= 0 else 0.0

    recording = recorded(
        sent, 2700.0, (("baseline", 0.0, 600.0, None, None), ("lfc", 600.0, 2700.0, None, None)), answer
    )
    return measure(recording, [MeasureSpec(name="lfc")], {**NAMES, "interval_s": every_s})


def test_of_commands_that_were_held_up_and_came_at_once_the_last_is_in_force() -> None:
    metric = one(lfc(7.3, held_up=3), "delay_s")
    assert metric.value == pytest.approx(7.3, abs=metric.uncertainty or 0.0)


@pytest.mark.parametrize("every_s", [1.0, 2.5, 5.0])
@pytest.mark.parametrize("delay_s", [0.5, 7.3, 60.0, 119.0])
def test_the_delay_of_a_signal_is_found_within_its_uncertainty(delay_s: float, every_s: float) -> None:
    metric = one(lfc(delay_s, every_s=every_s), "delay_s")
    assert metric.value is not None
    assert metric.uncertainty is not None
    assert abs(metric.value - delay_s) <= metric.uncertainty
    assert metric.uncertainty < 1.5 * every_s


def test_once_the_delay_is_taken_out_power_stays_in_the_band() -> None:
    assert one(lfc(60.0), "stay_ratio", "lfc").value == 1.0
    short = one(lfc(60.0, gain=0.85), "stay_ratio", "lfc")
    assert short.value is not None
    assert short.value < 0.95


@pytest.mark.parametrize("gain", [0.0, -1.0])
def test_power_that_does_not_follow_has_no_delay(gain: float) -> None:
    metric = one(lfc(10.0, gain=gain), "delay_s")
    assert metric.state == "never"
    assert metric.value is None
    assert ("sign turned" in metric.note) == (gain < 0)


SLOTS: Phases = (
    ("baseline", 0.0, 1800.0, None, None),
    ("slot", 1800.0, 3600.0, 1, None),
    ("slot", 3600.0, 5400.0, 2, None),
)


def slots(answer: Callable[[float], float], lost: tuple[float, float] | None = None) -> list[Metric]:
    sent = [(0.0, 0.0), (1800.0, 2.0), (3600.0, -1.0), (5400.0, 0.0)]
    phases: Phases = (*SLOTS, ("return", 5400.0, 5460.0, None, None))
    return measure(recorded(sent, 5460.0, phases, answer, lost), [MeasureSpec(name="slots")], NAMES)


def test_energy_of_each_slot_is_counted_apart_for_charge_and_discharge() -> None:
    found = slots(lambda t: 1.9 if 1800 < t <= 3600 else -1.05 if 3600 < t <= 5400 else 0.0)
    assert one(found, "slot_energy_kwh", "discharge").value == pytest.approx(0.95, abs=0.002)
    assert one(found, "slot_energy_kwh", "charge").value == pytest.approx(-0.525, abs=0.002)
    assert one(found, "slot_energy_error_ratio", "discharge").value == pytest.approx(0.05, abs=0.002)
    assert one(found, "slot_energy_error_ratio", "charge").value == pytest.approx(0.05, abs=0.002)


def test_a_slot_with_a_hole_is_missing_and_nothing_is_filled_in() -> None:
    found = slots(lambda t: 2.0 if t > 1800 else 0.0, lost=(2000.0, 2400.0))
    assert one(found, "slot_energy_error_ratio", "discharge").state == "missing"
    assert one(found, "missing_judged_count").value == 1.0


def follow(delay_s: float, gain: float = 1.0) -> list[Metric]:
    sent = [(0.0, 0.0), (120.0, 2.0), (180.0, 0.5), (240.0, 0.5), (300.0, 1.5), (360.0, 0.0)]
    phases: Phases = (
        ("baseline", 0.0, 120.0, None, None),
        ("follow", 120.0, 360.0, None, None),
        ("return", 360.0, 420.0, None, None),
    )

    def answer(t_s: float) -> float:
        return gain * max((row for row in sent if row[0] < t_s - delay_s), default=(0.0, 0.0))[1]

    return measure(recorded(sent, 420.0, phases, answer), [MeasureSpec(name="follow")], NAMES)


def test_the_end_and_the_mean_of_each_interval_are_judged_apart() -> None:
    late = follow(20.0)
    end, mean = one(late, "band_deviation_kw", "follow"), one(late, "interval_mean_deviation_kw")
    assert end.value == pytest.approx(0.0, abs=0.01)
    assert mean.value == pytest.approx(2.0 * 20.0 / 60.0, abs=0.05)
    assert one(late, "command_latency_s").value == pytest.approx(20.5, abs=1.0)
    weak = one(follow(0.0, gain=0.9), "band_deviation_kw", "follow")
    assert weak.value == pytest.approx(0.2, abs=0.01)
    assert weak.scope.direction == "up"


def test_the_permitted_span_covers_every_command_still_on_its_way() -> None:
    steps = [(0.0, 100.0, 1.0), (100.0, 200.0, 3.0), (200.0, 900.0, 0.5)]
    commands = [Level(low, high, kw, 0.0, 1, "up", True, low, high) for low, high, kw in steps]
    assert permitted_span(commands, 50.0, 60.0) == (0.0, 1.0)
    assert permitted_span(commands, 150.0, 60.0) == (1.0, 3.0)
    assert permitted_span(commands, 210.0, 150.0) == (0.5, 3.0)
    assert permitted_span(commands, 500.0, 150.0) == (0.5, 0.5)
