"""Recordings as other people's loggers write them, of devices that are known: none may be judged wrongly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.errors import UsageError
from bench.measure.series import Series
from bench.measure.settling import tail_of
from bench.model import Verdict
from bench.score_file import score_file

FloatArray = NDArray[np.float64]
FREQUENCY = "rated_kw = 5.5\nnominal_hz = 50.0\ndroop_pct = 4.0\ndead_band_hz = 0.005\n"
GAIN_KW_PER_HZ = 5.5 / (0.04 * 50.0)


def score(
    folder: Path, profile: str, declared: str = "rated_kw = 5.0\n", delta_kw: float = 3.0,
    text: str | None = None, point: str = "device", **columns: FloatArray | list[str],
) -> Verdict:  # fmt: skip
    path, toml = folder / "rows.csv", folder / "columns.toml"
    cells = [[v if isinstance(v, str) else f"{v:.4f}" for v in column] for column in columns.values()]
    path.write_text(
        text or "\n".join([",".join(columns), *(",".join(row) for row in zip(*cells, strict=True))]) + "\n"
    )
    names = "".join(f'{name} = "{name}"\n' for name in columns or ("t_s", "command_kw", "power_kw"))
    toml.write_text(f"[columns]\n{names}[declared]\n{declared}")
    return score_file(
        path, profile=profile, columns=toml, delta_kw=delta_kw,
        point="receiving" if point == "receiving" else "device",
    )  # fmt: skip


def outcomes(verdict: Verdict) -> dict[str, str]:
    return {finding.id.partition(".")[2]: finding.outcome.value for finding in verdict.findings}


def roots(verdict: Verdict) -> list[str]:
    return [
        finding.id.partition(".")[2] for finding in verdict.findings
        if finding.counts and finding.outcome.value in ("FAIL", "INVALID") and finding.cause is None
    ]  # fmt: skip


def noise(count: int, size: float = 0.003) -> FloatArray:
    return np.random.default_rng(3).normal(0.0, size, count)


def late(t_s: FloatArray, value: FloatArray, by_s: float) -> FloatArray:
    return np.asarray(value[np.maximum(np.searchsorted(t_s, t_s - by_s), 0)])


@pytest.mark.parametrize(("share", "wrong"), [(1.0, []), (0.7, ["signal_stay"])])
def test_a_signal_that_rests_at_its_bounds_is_still_one_signal(
    tmp_path: Path, share: float, wrong: list[str]
) -> None:
    t_s = np.arange(0.0, 8700.0, 1.0)
    command = np.where((t_s >= 3600.0) & (t_s < 5702.0), 3.0, 0.0)
    signal = np.clip(1.5 - 2.2 * np.cos((t_s - 6300.0) / 280.0), 0.0, 3.0)
    command = np.where((t_s >= 6300.0) & (t_s < 8400.0), np.round(signal, 2), command)
    power = late(t_s, np.where(t_s > 6600.0, share, 1.0) * command, 6.0) + noise(len(t_s))
    verdict = score(tmp_path, "secondary1", t_s=t_s, command_kw=command, power_kw=power)
    assert roots(verdict) == wrong
    assert verdict.outcome.value == ("FAIL" if wrong else "PASS")


def test_a_signal_that_hesitates_at_its_beginning_is_one_from_there(tmp_path: Path) -> None:
    t_s = np.arange(0.0, 8700.0, 1.0)
    command = np.where((t_s >= 3600.0) & (t_s < 5702.0), 3.0, 0.0)
    start = (t_s >= 6300.0) & (t_s < 6440.0)
    command = np.where(start, 1.5 + 0.02 * np.minimum((t_s - 6300.0) // 10.0, 2.0), command)
    signal = 1.54 + 1.4 * np.sin((t_s - 6440.0) / 400.0)
    command = np.where((t_s >= 6440.0) & (t_s < 8400.0), np.round(signal, 2), command)
    power = late(t_s, command, 6.0) + noise(len(t_s))
    verdict = score(tmp_path, "secondary1", t_s=t_s, command_kw=command, power_kw=power)
    assert (roots(verdict), verdict.outcome.value) == ([], "PASS")


@pytest.mark.parametrize(("stays", "mode"), [(False, "PASS"), (True, "FAIL")])
def test_each_control_of_a_recording_starts_from_the_mode_set_for_it(
    tmp_path: Path, stays: bool, mode: str
) -> None:
    t_s = np.arange(0.0, 900.0, 1.0)
    command = np.where(t_s % 300.0 // 60.0 == 2.0, 2.5, 0.0)
    own = np.array(["auto", "charge", "standby"])[(t_s // 300.0).astype(int)]
    watts = {"auto": 0.3, "charge": -2.0, "standby": 0.0}
    under = (command != 0.0) | (t_s % 300.0 // 10.0 == 18.0)
    if stays:
        under |= (t_s >= 480.0) & (t_s < 600.0)
    modes = np.where(under, "remote", own).tolist()
    power = np.where(under, command, [watts[word] for word in own.tolist()]) + noise(len(t_s))
    verdict = score(tmp_path, "mode_restore", t_s=t_s, command_kw=command, power_kw=power, mode=modes)
    assert outcomes(verdict)["mode"] == mode
    assert roots(verdict) == ([] if mode == "PASS" else ["mode"])


@pytest.mark.parametrize(("late_s", "latency"), [(2.0, "PASS"), (8.0, "FAIL")])
def test_a_command_that_the_next_overtakes_times_nothing(tmp_path: Path, late_s: float, latency: str) -> None:
    t_s = np.arange(0.0, 500.0, 0.5)
    command = np.where((t_s // 20.0) % 2 == 1, 3.0, 0.3)
    command = np.where(t_s > 300.0, 3.0 * (0.2 + 0.04 * (t_s // 1.0 % 20.0)), command)
    power = late(t_s, command, late_s) + noise(len(t_s))
    verdict = score(tmp_path, "telemetry", t_s=t_s, command_kw=command, power_kw=power)
    assert outcomes(verdict)["command_latency"] == latency


@pytest.mark.parametrize(("wrong_hz", "truth"), [(0.004, "PASS"), (0.03, "FAIL")])
def test_a_log_of_the_device_that_comes_late_is_no_error_of_frequency(
    tmp_path: Path, wrong_hz: float, truth: str
) -> None:
    t_s = np.arange(0.0, 700.0, 0.2)
    levels = np.array([0.0, -0.05, 0.05, -0.1, 0.1, -0.2, 0.2, -0.5, 0.5, 0.0])
    hz = 50.0 + levels[np.minimum((t_s // 70.0).astype(int), 9)]
    own = late(t_s, hz, 1.3) + wrong_hz
    measured = np.round(hz + noise(len(t_s), 0.0003), 3)
    verdict = score(
        tmp_path, "frequency_accuracy", FREQUENCY, 0.5,
        t_s=t_s, frequency_hz=measured, device_frequency_hz=own, power_kw=0.0 * t_s + noise(len(t_s)),
    )  # fmt: skip
    assert (outcomes(verdict)["error"], outcomes(verdict)["data"]) == (truth, "PASS")
    assert verdict.outcome.value == truth


def grid(step_s: float, gain: float) -> dict[str, FloatArray]:
    t_s = np.round(np.arange(0.0, 900.0, step_s) + 1e-3 * (np.arange(round(900 / step_s)) % 2), 3)
    walk = 0.04 * np.sin(t_s / 23.0) * np.cos(t_s / 61.0)
    deviation = np.where((t_s > 400.0) & (t_s < 460.0), -0.2, np.round(walk, 3))
    asked = -np.sign(deviation) * np.maximum(np.abs(deviation) - 0.005, 0.0) * GAIN_KW_PER_HZ * gain
    measured = deviation + noise(len(t_s), 0.0003)
    # a window that holds a step holds half of it
    measured = np.where(
        np.abs(np.diff(deviation, prepend=0.0)) > 0.1,
        (deviation + late(t_s, deviation, step_s)) / 2,
        measured,
    )
    power = late(t_s, asked, 1.0) + noise(len(t_s), 0.001)
    return {"t_s": t_s, "frequency_hz": 50.0 + measured, "power_kw": power, "source_hz": 50.0 + deviation}


@pytest.mark.parametrize("step_s", [0.1, 1.0])
@pytest.mark.parametrize(("gain", "truth"), [(1.0, "PASS"), (0.6, "FAIL")])
def test_a_replay_in_rows_loses_no_point_to_the_edge_of_a_row(
    tmp_path: Path, step_s: float, gain: float, truth: str
) -> None:
    verdict = score(tmp_path, "grid_replay", FREQUENCY, 0.53, **grid(step_s, gain))
    found = outcomes(verdict)
    assert (found["slope"], found["replay"]) == (truth, "PASS")
    assert found["stay_declared"] == "PASS"  # a small swing stays near the line whatever the gain
    assert found["stimulus"] != "INVALID"


def test_rows_lost_at_an_edge_of_the_source_do_not_make_it_slow(tmp_path: Path) -> None:
    t_s = np.arange(0.0, 660.0, 0.5)
    side = [0.05, 0.1, 0.15, 0.2, 0.15, 0.1, 0.05, 0.0]
    levels = np.array([0.0, *(-x for x in side), *side, *[0.0] * 20])
    deviation = levels[(t_s // 30.0).astype(int)]
    asked = -np.sign(deviation) * np.maximum(np.abs(deviation) - 0.005, 0.0) * GAIN_KW_PER_HZ
    kept = ~np.isin(t_s, [120.5, 121.0, 300.5])
    rows = {
        "t_s": t_s, "frequency_hz": 50.0 + late(t_s, deviation, 0.5), "source_hz": 50.0 + deviation,
        "power_kw": late(t_s, asked, 1.0) + noise(len(t_s), 0.001),
    }  # fmt: skip
    verdict = score(
        tmp_path, "droop", FREQUENCY + "window_s = 0.1\n", 0.53, **{k: v[kept] for k, v in rows.items()}
    )
    assert outcomes(verdict)["stimulus_edge"] in ("PASS", "INCONCLUSIVE")
    assert roots(verdict) == []


def test_a_replay_that_nobody_set_is_not_held_against_steps_found_in_it(tmp_path: Path) -> None:
    rows = grid(1.0, 1.0)
    del rows["source_hz"]
    verdict = score(tmp_path, "grid_replay", FREQUENCY, 0.53, **rows)
    assert (verdict.outcome.value, outcomes(verdict)["replay"]) == ("INCONCLUSIVE", "NOT_APPLICABLE")


@pytest.mark.parametrize(("droop_pct", "truth"), [(4.0, "PASS"), (6.0, "FAIL")])
def test_a_house_behind_the_meter_is_no_offset_of_the_frequency(
    tmp_path: Path, droop_pct: float, truth: str
) -> None:
    t_s = np.arange(0.0, 660.0, 0.2)
    side = [0.02, 0.05, 0.1, 0.15, 0.2, 0.15, 0.1, 0.05, 0.02, 0.0]
    levels = np.array([0.0, *(-x for x in side), *side, 0.0])
    deviation = levels[(t_s // 30.0).astype(int)]
    asked = -np.sign(deviation) * np.maximum(np.abs(deviation) - 0.004, 0.0) * 5.5 / (droop_pct / 100 * 50.0)
    power = late(t_s, asked, 0.5) - 1.7 + noise(len(t_s), 0.001)
    verdict = score(
        tmp_path, "droop", FREQUENCY, 0.53, point="receiving",
        t_s=t_s, frequency_hz=50.0 + deviation + noise(len(t_s), 0.0005), receiving_power_kw=power,
    )  # fmt: skip
    assert verdict.outcome.value == truth
    assert roots(verdict) == ([] if truth == "PASS" else ["value"])


def test_a_zero_as_long_as_the_response_time_is_judged_though_rows_show_it_late(tmp_path: Path) -> None:
    t_s = np.arange(0.7, 18000.0, 1.0)
    command = np.where((t_s >= 3600.0) & (t_s // 3600.0 % 2 == 1), 3.0, 0.0)
    for idle_kw, between in ((0.0, "PASS"), (0.9, "FAIL")):
        power = late(t_s, command, 20.0) + noise(len(t_s))
        power += np.where((t_s > 7220.0) & (t_s < 10800.0), idle_kw, 0.0)
        verdict = score(tmp_path, "tertiary2_repeat", t_s=t_s, command_kw=command, power_kw=power)
        assert outcomes(verdict)["between"] == between
        assert verdict.outcome.value == between


@pytest.mark.parametrize(("over_kw", "truth"), [(0.0, "PASS"), (0.9, "FAIL")])
def test_values_of_a_minute_show_a_slow_transition_without_doubt(
    tmp_path: Path, over_kw: float, truth: str
) -> None:
    t_s = np.arange(0.0, 12000.0, 60.0)
    knots = {0: 0.0, 3600: 0.0, 4000: 3.0, 6360: 3.0, 6700: 1.5, 8160: 1.5, 8500: 3.0, 10200: 3.0, 10500: 0.0}
    command = np.select([t_s < 3600, t_s < 6360, t_s < 8160, t_s < 10200], [0.0, 3.0, 1.5, 3.0], 0.0)
    power = np.interp(t_s, list(knots), list(knots.values())) + noise(len(t_s))
    power += np.where((t_s > 8200.0) & (t_s < 8400.0), -over_kw, 0.0)
    verdict = score(tmp_path, "secondary2", t_s=t_s, command_kw=command, power_kw=power)
    assert outcomes(verdict)["transition"] == truth


def test_a_row_stamped_at_the_start_of_its_window_is_no_end_missed(tmp_path: Path) -> None:
    rng, fine = np.random.default_rng(4), np.arange(0.0, 2400.0, 0.5)
    levels = np.r_[np.zeros(5), 3.0, rng.choice([0.0, 0.75, 1.5, 2.25, 3.0], 29), np.zeros(6)]
    told = levels[np.minimum(((fine + 33.0) // 60.0).astype(int), 39)]
    power = late(fine, told, 0.5)
    means = power.reshape(-1, 10).mean(axis=1) + noise(480)
    verdict = score(
        tmp_path, "follow1", 'window_s = 5.0\n', t_s=fine[::10], command_kw=told[::10], power_kw=means
    )  # fmt: skip
    assert roots(verdict) == []


def test_a_comma_may_be_the_decimal_mark_unless_it_may_part_thousands(tmp_path: Path) -> None:
    t_s = np.arange(0.0, 10000.0, 10.0)
    command = np.where((t_s >= 3600.0) & (t_s < 9600.0), 3.0, 0.0)
    rows = [f"{at:.1f};{kw:.1f};{kw:.3f}".replace(".", ",") for at, kw in zip(t_s, command, strict=True)]
    head = "t_s;command_kw;power_kw\n"
    assert score(tmp_path, "tertiary2", text=head + "\n".join(rows) + "\n").outcome.value == "PASS"
    grouped = [f"{int(at)};{int(kw)};1,234" for at, kw in zip(t_s, command, strict=True)]
    with pytest.raises(UsageError, match="'1,234' is not a number"):
        score(tmp_path, "tertiary2", text=head + "\n".join(grouped) + "\n")


@pytest.mark.parametrize(
    ("share", "step_kw", "truth"),
    [(0.96, 0.1, "PASS"), (0.89, 0.1, "INCONCLUSIVE"), (0.8, 0.1, "FAIL"), (0.88, 0.001, "FAIL")],
)
def test_power_that_was_rounded_is_known_no_better(
    tmp_path: Path, share: float, step_kw: float, truth: str
) -> None:
    t_s = np.arange(0.0, 9700.0, 1.0)
    command = np.where((t_s >= 3600.0) & (t_s < 9600.0), 3.0, 0.0)
    power = late(t_s, share * command, 5.0) + noise(len(t_s), step_kw / 10.0)
    power = np.round(power / step_kw) * step_kw
    verdict = score(tmp_path, "tertiary2", t_s=t_s, command_kw=command, power_kw=power)
    assert (outcomes(verdict)["band"], verdict.outcome.value) == (truth, truth)


def test_a_rest_of_many_time_constants_has_a_settling_that_can_be_told() -> None:
    t_s = np.arange(0.0, 900.0, 0.1)
    value = 1.0 + 0.5 * np.exp(-t_s / 200.0) + noise(len(t_s), 0.0005)
    tail = tail_of(Series(t_s, value, t_s), 0.0, 900.0, 0.5)
    assert tail is None or abs(tail.level_kw - 1.0) < 0.01
