"""Which readings are old, on rows whose truth is known: constant, late and slow ones are not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.measure.series import Series
from bench.measure.stale import new_readings, old_spans
from bench.recording import Recording, Signal

T_S = np.arange(0.0, 300.0, 0.2)
NOISE = np.random.default_rng(1).normal(0.0, 0.002, len(T_S))
STEPS = np.where((T_S // 60) % 2 == 1, 3.0, 1.0)


def _signal(value: NDArray[np.float64], unit: str = "kW") -> Signal:
    return Signal(T_S, value, np.full(len(value), "ok", dtype="<U8"), unit)


def _new(told: NDArray[np.float64], true: NDArray[np.float64] = STEPS, **more: NDArray[np.float64]) -> Series:
    signals = {"meter.power_kw": _signal(true + NOISE), "battery.power_kw": _signal(told)}
    signals |= {f"battery.{name}": _signal(value, "s") for name, value in more.items()}
    recording = Recording(signals=signals, commands=(), phases=(), facts={}, accuracy={})
    series = Series(T_S, told, T_S)
    new = new_readings(recording, "battery.power_kw", series)
    return Series(series.t_s[new], series.value[new], T_S)


def _late(value: NDArray[np.float64], late_s: float) -> NDArray[np.float64]:
    return np.asarray(value[np.searchsorted(T_S, T_S - late_s).clip(0)])


@pytest.mark.parametrize(
    ("told", "true"),
    [
        (STEPS, STEPS),
        (np.full(len(T_S), 2.0), np.full(len(T_S), 2.0)),  # truly constant
        (np.full(len(T_S), 2.0), 2.0 + 0.02 * np.sin(T_S)),  # moves by less than anybody need tell
        (_late(STEPS, 4.8), STEPS),  # late, and another finding says so
        (np.round(STEPS * 2.0) / 2.0, STEPS),  # coarse
        (np.where((T_S > 100) & (T_S < 102), 1.0, 1.0), np.where((T_S > 100) & (T_S < 102), 3.0, 1.0)),
        (0.5 * STEPS, STEPS),  # wrong, and not old
        (STEPS, _late(STEPS, 0.2)),  # told a window before the analyzer shows it
    ],
    ids=[
        "sound",
        "constant",
        "moves_little",
        "late",
        "coarse",
        "a_short_dip",
        "wrong",
        "before_the_analyzer",
    ],
)
def test_what_may_be_new_is_not_called_old(told: NDArray[np.float64], true: NDArray[np.float64]) -> None:
    assert len(_new(told, true)) == len(T_S)


def test_a_value_that_stands_still_while_power_moves_is_old_from_when_it_must_have_come() -> None:
    frozen = np.where((T_S >= 90.0) & (T_S < 200.0), 3.0, STEPS)
    new = _new(frozen)
    lost = sorted(set(T_S) - set(new.t_s))
    # it was right until 120 s, and again from 180 s on; then it may be a new value that is the same
    assert lost[0] == pytest.approx(125.2, abs=0.2)
    assert lost[-1] == pytest.approx(179.2, abs=0.2)  # three windows before
    spans = old_spans(Series(T_S, frozen, T_S), np.isin(T_S, new.t_s))
    assert len(spans) == 1
    assert spans[0][1] - spans[0][0] == pytest.approx(55.0, abs=1.0)


def test_the_devices_own_time_tells_old_values_though_power_is_constant() -> None:
    flat = np.full(len(T_S), 2.0)
    taken_s = np.where((T_S >= 100.0) & (T_S < 160.0), 100.0, np.floor(T_S))
    new = _new(flat, flat, report_time_s=taken_s)
    assert not ((new.t_s > 100.1) & (new.t_s < 160.0)).any()
    assert np.diff(new.t_s[new.t_s < 99.0]).max() == pytest.approx(1.0)


def test_a_slow_tail_below_the_resolution_of_a_report_makes_it_not_old() -> None:
    true = 0.46 + 0.04 * np.minimum(T_S / 120.0, 1.0)
    assert len(_new(np.full(len(T_S), 0.5), true)) == len(T_S)  # told in tenths of a kW
    assert len(_new(np.full(len(T_S), 0.463), true)) < len(T_S)


def test_a_clock_of_minutes_beside_values_that_go_on_is_not_the_time_of_the_report() -> None:
    minute_s = 60.0 * np.floor(T_S / 60.0)
    assert len(_new(np.round(2.0 + NOISE, 3), report_time_s=minute_s)) == len(T_S)
    often = np.where((T_S // 13) % 2 == 1, 3.0, 1.0)
    assert len(_new(often, often, report_time_s=minute_s)) == len(T_S)


def test_readings_of_a_second_whose_stamps_fall_together_now_and_then_are_all_new() -> None:
    t_s = np.arange(0.0, 300.0) + np.random.default_rng(2).uniform(-0.04, 0.04, 300)
    told = Series(t_s, np.full(300, 2.0), t_s)
    ok = np.full(300, "ok", dtype="<U8")
    signals = {
        "battery.power_kw": Signal(t_s, told.value, ok, "kW"),
        "battery.report_time_s": Signal(t_s, np.floor(t_s), ok, "s"),
    }
    recording = Recording(signals=signals, commands=(), phases=(), facts={}, accuracy={})
    assert (np.diff(np.floor(t_s)) == 0.0).sum() > 20
    assert new_readings(recording, "battery.power_kw", told).all()


def test_a_time_that_runs_on_over_a_value_that_stands_still_excuses_nothing() -> None:
    frozen = np.where(T_S >= 90.0, 3.0, STEPS)
    assert len(_new(frozen, report_time_s=T_S)) == pytest.approx(len(T_S) - 5 * (55 + 55), abs=5)


@pytest.mark.parametrize("late_s", [0.0, 7.0, 19.9])
@pytest.mark.parametrize("at_s", [1803.0, 1819.0, 1825.5])
def test_windows_of_the_analyzer_that_end_anywhere_make_no_report_old(late_s: float, at_s: float) -> None:
    """One mean of 20 s every 20 s, read up to 20 s after its end; the device is read every 30 s."""
    read_s = np.arange(40.0, 3600.0, 20.0)
    ends = read_s - late_s
    share = np.clip((ends - at_s) / 20.0, 0.0, 1.0)  # of the window after the step
    seen = 1.1 - 2.2 * share
    told_s = np.arange(30.0, 3600.0, 30.0)
    told = np.where(told_s >= at_s, -1.1, 1.1)
    good = np.full(len(read_s), "ok", dtype="<U8")
    signals = {"meter.power_kw": Signal(read_s, seen, good, "kW")}
    recording = Recording(signals=signals, commands=(), phases=(), facts={}, accuracy={})
    assert new_readings(recording, "battery.power_kw", Series(told_s, told, told_s)).all()
    frozen = np.full(len(told_s), 1.1)
    old = ~new_readings(recording, "battery.power_kw", Series(told_s, frozen, told_s))
    assert 0 < told_s[old][0] - at_s < 150.0
    assert old[told_s > at_s + 150.0].all()
