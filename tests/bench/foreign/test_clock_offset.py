"""The offset between two clocks, looked for on a grid: times far off the others must not stretch it."""

from __future__ import annotations

import numpy as np
import pytest

from bench.foreign.clock import source_offset
from bench.recording import Signal


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
