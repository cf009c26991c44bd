"""Recordings of frequency steps from elsewhere, truth known: what they leave out must not turn a verdict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.characterise.frequency import Frequency
from bench.model import Finding, Outcome, Verdict
from bench.score_file import score_file

ALL = ("rated_kw", "nominal_hz", "droop_pct", "dead_band_hz", "window_s")
Change = Callable[[dict[str, np.ndarray]], None]


def score(
    path: Path,
    case: Frequency,
    *,
    declare: tuple[str, ...] = ALL,
    change: Change | None = None,
    set_hz_late_s: float | None = None,
) -> Verdict:
    """Write ``case`` as a CSV with its columns file, and judge it as ``drready score`` does."""
    case.phases_known = False
    recording = case.recording()
    power, hz = (recording.signals[f"meter.{name}"] for name in ("power_kw", "frequency_hz"))
    table = {"t_s": power.t_s.copy(), "power_kw": power.value.copy(), "frequency_hz": hz.value.copy()}
    if set_hz_late_s is not None:
        at, level = np.array([(c.t_s, float(c.value)) for c in recording.commands]).T
        seen = np.searchsorted(at, power.t_s - set_hz_late_s, side="right") - 1
        table["source_hz"] = level[np.maximum(seen, 0)]
    if change is not None:
        change(table)
    file, columns = path / "steps.csv", path / "steps.toml"
    np.savetxt(file, np.column_stack(list(table.values())), "%.6f", ",", header=",".join(table), comments="")
    declared = {
        "rated_kw": case.rated_kw, "nominal_hz": case.nominal_hz, "droop_pct": case.droop_pct,
        "dead_band_hz": case.dead_band_hz, "window_s": case.window_s,
    }  # fmt: skip
    lines = [f"{name} = {declared[name]!r}" for name in declare]
    columns.write_text("[declared]\n" + "\n".join(lines) + "\n")
    return score_file(file, profile="primary", delta_kw=case.full_kw, columns=columns)


def one(verdict: Verdict, name: str) -> Finding:
    [found] = [item for item in verdict.findings if item.id == f"primary.{name}"]
    return found


def without(mask: Callable[[np.ndarray], np.ndarray]) -> Change:
    """Return a change that takes out the rows whose times ``mask`` names."""

    def change(table: dict[str, np.ndarray]) -> None:
        keep = ~mask(table["t_s"])
        for name in list(table):
            table[name] = table[name][keep]

    return change


@pytest.mark.parametrize("window_s", [0.1, 0.5, 1.0])
def test_a_good_recording_passes_whatever_phase_its_windows_have(window_s: float, tmp_path: Path) -> None:
    case = Frequency(window_s=window_s, phase_s=0.37 * window_s, seed=4)
    verdict = score(tmp_path, case)
    assert verdict.outcome is Outcome.PASS, verdict.reason


def test_what_nobody_declared_is_no_wrong_call(tmp_path: Path) -> None:
    verdict = score(tmp_path, Frequency(seed=4), declare=())
    assert verdict.outcome is Outcome.INCONCLUSIVE
    droop = one(verdict, "droop")
    assert droop.outcome is Outcome.NOT_APPLICABLE
    assert "rated power is not declared" in droop.reason
    assert one(verdict, "delay").outcome is Outcome.PASS


def test_an_undeclared_dead_band_does_not_fail_the_droop(tmp_path: Path) -> None:
    # 4.9 %, but 5.16 % through the origin
    case = Frequency(droop_pct=4.9, dead_band_hz=0.01, seed=4)
    silent = one(score(tmp_path, case, declare=("rated_kw", "nominal_hz", "droop_pct", "window_s")), "droop")
    assert silent.outcome is Outcome.INCONCLUSIVE
    assert silent.rule_outcome is Outcome.FAIL
    assert one(score(tmp_path, case), "droop").outcome is Outcome.PASS
    soft = Frequency(droop_pct=6.0, dead_band_hz=0.01, seed=4)
    assert one(score(tmp_path, soft, declare=("rated_kw", "window_s")), "droop").outcome is Outcome.FAIL


@pytest.mark.parametrize(("tau_s", "hold"), [(4.0, Outcome.PASS), (5.0, Outcome.FAIL)])
def test_the_hold_begins_when_the_response_is_due(tau_s: float, hold: Outcome, tmp_path: Path) -> None:
    # within ΔkW ± 10 % after 0.5 s + tau ln 10: 9.7 s, in time, and 12.0 s, too late
    case = Frequency(tau_s=tau_s, steps_count=3, step_s=40.0, rest_s=40.0, seed=4)
    verdict = score(tmp_path, case)
    assert one(verdict, "hold").outcome is hold
    assert one(verdict, "response").outcome is hold


def test_readings_lost_around_a_step_are_no_missing_response(tmp_path: Path) -> None:
    def lost(t_s: np.ndarray) -> np.ndarray:
        return np.asarray((t_s > 29.7) & (t_s < 33.0))

    verdict = score(tmp_path, Frequency(dither_s=0.0, seed=4), change=without(lost))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert one(verdict, "response").outcome is Outcome.INCONCLUSIVE
    late = score(tmp_path, Frequency(dither_s=0.0, delay_s=2.5, seed=4), change=without(lost))
    assert one(late, "delay").outcome is Outcome.FAIL


def test_rows_lost_at_random_make_a_time_uncertain_and_not_wrong(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    case = Frequency(seed=4, holds=False)
    verdict = score(tmp_path, case, change=without(lambda t_s: rng.random(len(t_s)) < 0.2))
    delay = one(verdict, "delay")
    assert delay.value is not None
    assert delay.uncertainty is not None
    assert abs(delay.value - max(case.truth["delay_s"])) <= delay.uncertainty < 0.3
    assert one(verdict, "measurement_interval").outcome is not Outcome.FAIL


@pytest.mark.parametrize("late_s", [3.0, -3.0, 0.4])
def test_a_log_of_the_source_with_another_clock_is_put_right_and_said(late_s: float, tmp_path: Path) -> None:
    verdict = score(tmp_path, Frequency(seed=4), set_hz_late_s=late_s)
    assert verdict.outcome is Outcome.PASS, verdict.reason
    assert "one of the clocks is off" in verdict.reason


def test_a_source_that_delivers_another_frequency_is_no_clock(tmp_path: Path) -> None:
    verdict = score(tmp_path, Frequency(source_offset_hz=0.03, seed=4), set_hz_late_s=0.0)
    assert verdict.outcome is Outcome.INVALID


def test_a_device_that_follows_a_slow_source_is_timed_as_one(tmp_path: Path) -> None:
    case = Frequency(slew_hz_per_s=0.5, follows=True, seed=4)
    verdict = score(tmp_path, case)
    assert verdict.outcome is Outcome.PASS, verdict.reason
    # the dead band was left 10 ms after the ramp began
    delay = one(verdict, "delay").value
    assert delay == pytest.approx(case.delay_s, abs=0.03)


@pytest.mark.parametrize("offset_hz", [0.0, 0.015, 0.025])
def test_a_log_that_repeats_its_reading_is_not_wrong_beside_a_step(offset_hz: float, tmp_path: Path) -> None:
    # an analyzer every 0.1 s, the device's own log once a second, levels found in the measured frequency
    rng = np.random.default_rng(2)
    levels = 50.0 + np.array([0.0, -0.1, -0.2, -0.5, 0.0, 0.1, 0.2, 0.5, 0.0])
    t_s = np.round(np.arange(0.1, 40.0 * len(levels), 0.1), 3)
    hz = levels[np.minimum(((t_s - 0.04) / 40.0).astype(int), len(levels) - 1)]
    logged_s = np.floor(t_s - 0.3) + 0.3
    own = levels[np.clip((logged_s / 40.0).astype(int), 0, len(levels) - 1)] + offset_hz
    table = [t_s, rng.normal(0.0, 0.002, len(t_s)), hz + rng.normal(0.0, 0.001, len(t_s)), own]
    file, columns = tmp_path / "log.csv", tmp_path / "log.toml"
    header = "t_s,power_kw,frequency_hz,device_frequency_hz"
    np.savetxt(file, np.column_stack(table), "%.5f", ",", header=header, comments="")
    columns.write_text("[declared]\nrated_kw = 5.0\n")
    verdict = score_file(file, profile="frequency_accuracy", delta_kw=0.5, columns=columns)
    found = {item.id: item for item in verdict.findings}
    error = found["frequency_accuracy.error"]
    assert error.value == pytest.approx(offset_hz, abs=0.0005)
    expected = Outcome.FAIL if offset_hz > 0.02 else Outcome.PASS
    assert error.outcome is found["frequency_accuracy.reading"].outcome is expected


@pytest.mark.parametrize("seed", [1, 7])
def test_readings_with_most_of_the_time_between_them_tell_no_sampling_interval(
    seed: int, tmp_path: Path
) -> None:
    def sparse(t_s: np.ndarray) -> np.ndarray:
        first = np.arange(0, len(t_s) - 10, 10)
        picked = first + np.random.default_rng(seed).integers(0, 9, len(first))
        return ~np.isin(np.arange(len(t_s)), picked)

    case = Frequency(window_s=0.1, seed=seed)
    undeclared = tuple(name for name in ALL if name != "window_s")
    verdict = score(tmp_path, case, declare=undeclared, change=without(sparse))
    assert one(verdict, "measurement_interval").outcome is not Outcome.FAIL
    assert verdict.outcome is not Outcome.FAIL


def test_a_log_that_repeats_a_reading_now_and_then_tells_no_long_sampling_interval(tmp_path: Path) -> None:
    def repeat(table: dict[str, np.ndarray]) -> None:
        rows = np.arange(1, len(table["t_s"]), 17)
        for name in ("power_kw", "frequency_hz"):
            table[name][rows] = table[name][rows - 1]

    verdict = score(tmp_path, Frequency(window_s=0.2, seed=4), change=repeat)
    assert one(verdict, "measurement_interval").outcome is not Outcome.FAIL
