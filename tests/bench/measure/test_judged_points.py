"""Judged points from thin, torn, frozen and foreign data: nothing is invented."""

from __future__ import annotations

import numpy as np

from bench.config.profile import MeasureSpec
from bench.measure import measure
from bench.measure.entry import inside_runs
from bench.measure.points import Point, hold_of, points_at, stay
from bench.measure.series import Series, frozen_mask
from bench.recording import Command, Recording, Signal
from tests.bench.measure.synthetic import Following, signal


def series(t_s: list[float], value: list[float]) -> Series:
    return Series.of(signal(np.array(t_s), np.array(value), "kW"))


def test_last_second_is_a_mean_of_what_lies_in_it() -> None:
    fast = series([0.1 * k for k in range(1, 101)], [float(k) for k in range(1, 101)])
    assert fast.last_window(5.0, 1.0).tolist() == [float(k) for k in range(41, 51)]


def test_a_missing_sample_is_not_replaced_by_the_one_before() -> None:
    t_s = [float(k) for k in range(100)]
    value = [1.0 + 0.001 * (k % 7) for k in range(100)]
    value[50] = float("nan")
    torn = series(t_s, value)
    assert len(torn.last_window(50.0, 1.0)) == 0
    assert len(torn.last_window(51.0, 1.0)) == 1


def test_a_removed_sample_is_missing_too() -> None:
    t_s = [float(k) for k in range(100) if k != 50]
    gone = series(t_s, [1.0 + 0.001 * (k % 7) for k in range(99)])
    assert len(gone.last_window(50.0, 1.0)) == 0


def test_a_sparse_recording_gives_its_last_value() -> None:
    sparse = series([60.0 * k for k in range(20)], [float(k) for k in range(20)])
    assert sparse.last_window(620.0, 1.0).tolist() == [10.0]


def test_most_of_a_window_must_be_there() -> None:
    t_s = [0.1 * k for k in range(1, 101) if not 42 <= k <= 48]
    thin = series(t_s, [1.0] * len(t_s))
    assert len(thin.last_window(5.0, 1.0)) == 0


def test_one_sample_a_window_that_comes_early_or_late_is_found() -> None:
    """Readings every second from a real clock: 3 ms early here and late there must not lose a point."""
    late_s = np.where(np.arange(60) % 4 == 3, 0.004, 0.0008)
    t_s = np.arange(60.0) + late_s
    jittery = Series(t_s, np.arange(60.0), t_s)
    assert all(len(jittery.last_window(end + 0.0006, 1.0)) for end in range(2, 59))
    bad = Series(np.delete(t_s, 30), np.delete(np.arange(60.0), 30), t_s)
    assert len(bad.last_window(30.0006, 1.0)) == 0
    gone = np.delete(t_s, 30)
    assert len(Series(gone, gone, gone).last_window(30.0006, 1.0)) == 0


def test_frozen_stretch_on_a_live_channel() -> None:
    rng = np.random.default_rng(1)
    value = 3.0 + rng.normal(0.0, 0.002, 300)
    value[100:140] = value[100]
    mask = frozen_mask(np.arange(300.0), value)
    assert mask.sum() == 39
    assert not mask[:101].any()


def test_a_recording_without_noise_is_not_frozen() -> None:
    value = np.r_[np.zeros(100), np.full(100, 3.0)]
    assert not frozen_mask(np.arange(200.0), value).any()


def test_an_idle_meter_at_zero_is_not_frozen() -> None:
    rng = np.random.default_rng(1)
    value = np.r_[np.zeros(100), 3.0 + rng.normal(0.0, 0.002, 200)]
    assert not frozen_mask(np.arange(300.0), value).any()


def test_frozen_meter_cannot_show_a_hold() -> None:
    case = Following(frozen=(7350.0, 8250.0))
    found = measure(case.recording(), [MeasureSpec(name="following"), MeasureSpec(name="data")], case.names())
    hold = next(m for m in found if m.name == "hold_s")
    assert (hold.state, hold.value) == ("missing", None)
    assert next(m for m in found if m.name == "missing_judged_count").value == 3.0
    assert next(m for m in found if m.name == "power_frozen_count").value == 900.0


def test_no_data_at_judged_points() -> None:
    case = Following(lost=[(7798.0, 7801.0), (8098.0, 8101.0), (8398.0, 8401.0)])
    found = measure(case.recording(), [MeasureSpec(name="following")], case.names())
    hold = next(m for m in found if m.name == "hold_s")
    assert (hold.state, hold.value, hold.interval95) == ("missing", None, (300.0, 2100.0))
    ratio = next(m for m in found if m.name == "stay_ratio")
    assert ratio.interval95 == (4 / 7, 1.0)


def test_doubtful_points_bound_the_hold() -> None:
    def point(kw: float) -> Point:
        return Point(0.0, 3.0, kw, noise_kw=0.01)

    sure, doubtful_in, doubtful_out, out = point(3.0), point(2.71), point(2.69), point(2.5)
    assert [p.verdict(0.3) for p in (sure, doubtful_in, doubtful_out, out)] == [
        "inside",
        "doubtful_inside",
        "doubtful_outside",
        "outside",
    ]
    hold = hold_of([sure, sure, doubtful_in, sure, doubtful_out, sure, out], 0.3, 300.0)
    assert (hold.value_s, hold.strict_s, hold.lenient_s, hold.ended_by) == (900.0, 300.0, 1500.0, "outside")
    assert stay([sure, doubtful_in, doubtful_out, out], 0.3) == (0.5, 0.25, 0.75)


def test_entry_is_interpolated_but_never_across_a_gap() -> None:
    t_s = np.array([0.0, 1.0, 2.0, 3.0])
    run = inside_runs(t_s, np.array([2.0, 1.0, 0.0, 0.0]), 0.5, 1.0)[0]
    assert (run.earliest_s, run.from_s, run.to_s) == (1.0, 1.5, 3.0)
    torn = inside_runs(np.array([0.0, 1.0, 40.0]), np.array([2.0, 2.0, 0.0]), 0.5, 1.0)[0]
    assert (torn.earliest_s, torn.from_s) == (1.0, 40.0)


def test_commands_found_in_a_foreign_channel() -> None:
    own = Following(foreign=True)
    recording = own.recording()
    t_s = recording.signals["meter.power_kw"].t_s
    command = np.where((t_s >= 3600.0) & (t_s < 9301.0), 3.0, 0.0)
    foreign = Recording(
        signals={**recording.signals, "command.power_set_kw": signal(t_s, command, "kW")},
        commands=(),
        phases=(),
        facts=recording.facts,
        accuracy={},
        foreign=True,
    )
    found = measure(foreign, [MeasureSpec(name="following")], own.names())
    assert next(m for m in found if m.name == "hold_s").value == 2100.0
    assert next(m for m in found if m.name == "response_s").state == "measured"


def test_no_command_is_not_applicable() -> None:
    case = Following(foreign=True)
    recording = case.recording()
    silent = Recording(recording.signals, (), (), recording.facts, {}, foreign=True)
    found = measure(silent, [MeasureSpec(name="following")], case.names())
    assert {m.state for m in found} == {"not_applicable"}
    assert "hold_s" in {m.name for m in found}


def test_no_power_channel_is_not_applicable() -> None:
    case = Following()
    recording = case.recording()
    signals: dict[str, Signal] = {
        name: item for name, item in recording.signals.items() if name != "meter.power_kw"
    }
    blind = Recording(signals, recording.commands, (), recording.facts, {})
    found = measure(blind, [MeasureSpec(name="following"), MeasureSpec(name="data")], case.names())
    assert next(m for m in found if m.name == "response_s").state == "not_applicable"
    assert next(m for m in found if m.name == "missing_judged_count").state == "missing"


def test_a_word_as_command_is_ignored() -> None:
    case = Following()
    recording = case.recording()
    odd = Recording(
        recording.signals,
        (*recording.commands, Command(1.0, "mode", "remote", "battery")),
        (),
        recording.facts,
        recording.accuracy,
    )
    found = measure(odd, [MeasureSpec(name="following")], case.names())
    assert next(m for m in found if m.name == "hold_s").value == 2100.0


def test_transitions_of_a_recording_without_noise_are_not_noise() -> None:
    """Steps up and down between constant levels: each mixed value turns, but no stretch is alive."""
    value = np.concatenate([np.r_[np.full(200, 50.0), 49.93, np.full(200, 49.8), 49.87] for _ in range(10)])
    assert not frozen_mask(0.1 * np.arange(len(value)), value).any()


def test_a_step_shortly_before_a_point_is_not_its_noise() -> None:
    rng = np.random.default_rng(2)
    t_s = np.arange(0.0, 60.0, 0.5)
    value = np.where(t_s < 40.0, 0.0, 3.0) + rng.normal(0.0, 0.002, len(t_s))
    recording = Following().recording()
    (point,) = points_at(recording, Series.of(signal(t_s, value, "kW")), [50.0], 3.0, 1.0)
    assert point.noise_kw < 0.005


def test_power_exactly_at_either_edge_of_the_band_is_inside() -> None:
    """3.3 - 3.0 is 0.3 and a rounding: a device at +10 % is judged as one at -10 %, not as one beyond."""
    t_s = np.arange(100.0)
    for target_kw in (0.7, 1.0, 3.0, 5.5):
        band_kw = 0.1 * target_kw
        for share, verdict, runs in ((0.9, "inside", 1), (1.1, "inside", 1), (1.1001, "outside", 0)):
            kw = share * target_kw
            assert Point(0.0, target_kw, kw).verdict(band_kw) == verdict
            assert len(inside_runs(t_s, np.full(100, kw / target_kw - 1.0), 0.1, 1.0)) == runs
