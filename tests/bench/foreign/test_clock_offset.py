"""The offset between two clocks, looked for on a grid: times far off the others must not stretch it."""

from __future__ import annotations

import numpy as np
import pytest

from bench.foreign.clock import estimated_offset, source_offset
from bench.recording import Command, Signal


def frequency(late_s: float, last_s: float | None = None) -> Signal:
    t_s = np.arange(0.0, 60.0, 0.1)
    hz = 50.0 - np.where((t_s - late_s) % 20.0 > 10.0, 0.2, 0.0)
    if last_s is not None:
        t_s[-1] = last_s
    return Signal(t_s, hz, np.full(len(t_s), "ok", dtype="<U8"), "Hz")


def test_a_clock_that_is_ahead_is_found() -> None:
    found = source_offset(frequency(0.0), frequency(2.0))
    assert found is not None
    assert abs(found.offset_s) == pytest.approx(2.0, abs=0.11)


def test_one_time_far_off_the_others_makes_it_undecided() -> None:
    assert source_offset(frequency(0.0, 1e15), frequency(2.0, 1e15)) is None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("step_s", [5e-324, 1e-300])
def test_steps_too_small_for_a_quotient_leave_it_undecided(step_s: float) -> None:
    signal = frequency(0.0)
    t_s = np.arange(len(signal.t_s)) * step_s
    t_s[-1] = 10.0
    tight = Signal(t_s, signal.value, signal.quality, signal.unit)
    assert source_offset(tight, tight) is None
    assert estimated_offset(tight, tight, (Command(0.0, "power_set_kw", 3.0, "battery"),)) is None


def power(late_s: float, last_s: float | None = None) -> Signal:
    t_s = np.arange(0.0, 200.0, 0.5)
    kw = np.where((t_s - late_s >= 40.0) & (t_s - late_s < 120.0), 3.0, 0.0)
    if last_s is not None:
        t_s[-1] = last_s
    return Signal(t_s, kw, np.full(len(t_s), "ok", dtype="<U8"), "kW")


@pytest.mark.parametrize(("last_s", "decided"), [(None, True), (210.0, True), (1e7, False), (9e11, False)])
def test_a_meter_whose_clock_is_off_is_found_unless_a_time_lies_far_off(
    last_s: float | None, decided: bool
) -> None:
    found = estimated_offset(
        power(5.0, last_s), power(0.0, last_s), (Command(40.0, "power_set_kw", 3.0, "battery"),)
    )
    assert (found is not None) is decided
    if found is not None:
        assert found.offset_s == pytest.approx(5.0, abs=0.6)
