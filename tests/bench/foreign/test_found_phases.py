"""What rows without phases still show: a signal, a control and its end, the export of a site."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.errors import UsageError
from bench.model import Verdict
from bench.score_file import score_file

FloatArray = NDArray[np.float64]
RATED = "[declared]\nrated_kw = 5.0\n"


def score(folder: Path, profile: str, text: str, declared: str = RATED, point: str = "device") -> Verdict:
    path, columns = folder / "rows.csv", folder / "columns.toml"
    path.write_text(text)
    header = next(line for line in text.splitlines() if line.startswith("t_s,")).split(",")
    columns.write_text("[columns]\n" + "".join(f'{name} = "{name}"\n' for name in header) + declared)
    return score_file(
        path,
        profile=profile,
        columns=columns,
        delta_kw=3.0,
        point="receiving" if point == "receiving" else "device",
    )


def table(**columns: FloatArray | list[str]) -> str:
    cells = [
        [value if isinstance(value, str) else f"{value:.4f}" for value in column]
        for column in columns.values()
    ]
    return "\n".join([",".join(columns), *(",".join(row) for row in zip(*cells, strict=True))]) + "\n"


def outcomes(verdict: Verdict) -> dict[str, str]:
    return {finding.id.partition(".")[2]: finding.outcome.value for finding in verdict.findings}


def with_signal(delay_s: float) -> str:
    t_s = np.arange(0.0, 8600.0, 1.0)
    walk = 1.5 + 1.2 * np.sin(t_s / 90.0) * np.cos(t_s / 41.0)
    command = np.where((t_s >= 3600.0) & (t_s < 5702.0), 3.0, 0.0)
    command = np.where((t_s >= 6060.0) & (t_s < 6360.0), 1.5, command)
    command = np.where((t_s >= 6360.0) & (t_s < 8400.0), np.round(walk, 2), command)
    noise = np.random.default_rng(1).normal(0.0, 0.003, len(t_s))
    return table(t_s=t_s, command_kw=command, power_kw=np.interp(t_s - delay_s, t_s, command) + noise)


@pytest.mark.parametrize(("delay_s", "truth"), [(4.0, "PASS"), (140.0, "FAIL")])
def test_a_signal_of_load_frequency_control_is_found(tmp_path: Path, delay_s: float, truth: str) -> None:
    verdict = score(tmp_path, "secondary1", with_signal(delay_s))
    assert outcomes(verdict)["delay"] == truth
    assert verdict.outcome.value == truth, verdict.reason


@pytest.mark.parametrize(("late_kw", "stay"), [(0.0, "PASS"), (0.5, "FAIL")])
def test_a_signal_that_jumps_by_more_than_the_band_is_followed_between_before_and_after(
    tmp_path: Path, late_kw: float, stay: str
) -> None:
    t_s = np.arange(0.0, 8600.0, 1.0)
    tick_s = 5.0 * (t_s // 5)
    walk = np.where(
        (tick_s > 7000) & (tick_s < 7400), 2.6, 1.5 + 1.2 * np.sin(tick_s / 90) * np.cos(tick_s / 41)
    )
    command = np.where((t_s >= 3600.0) & (t_s < 5702.0), 3.0, 0.0)
    command = np.where((t_s >= 6060.0) & (t_s < 6360.0), 1.5, command)
    command = np.where((t_s >= 6360.0) & (t_s < 8400.0), np.round(walk, 2), command)
    power = np.interp(t_s - 20.0, t_s, command) + np.random.default_rng(1).normal(0.0, 0.003, len(t_s))
    power += late_kw * ((t_s > 7421.0) & (t_s < 7440.0))  # once the jump is over
    verdict = score(tmp_path, "secondary1", table(t_s=t_s, command_kw=command, power_kw=power))
    assert outcomes(verdict)["signal_stay"] == stay


def control(back_s: float, last_s: float = 400.0) -> str:
    t_s = np.arange(0.0, last_s, 1.0)
    noise = np.random.default_rng(1).normal(0.0, 0.003, len(t_s))
    command = np.where((t_s >= 100.0) & (t_s < 160.0), 2.5, 0.0)
    mode = ["remote" if 90.0 <= at < back_s else "auto" for at in t_s.tolist()]
    return table(t_s=t_s, command_kw=command, power_kw=command + noise, mode=mode)


@pytest.mark.parametrize(
    ("back_s", "last_s", "mode"),
    [(165.0, 400.0, "PASS"), (300.0, 400.0, "FAIL"), (1e9, 400.0, "FAIL"), (1e9, 190.0, "INCONCLUSIVE")],
)
def test_the_mode_after_a_command_is_judged_and_the_settings_cannot_be(
    tmp_path: Path, back_s: float, last_s: float, mode: str
) -> None:
    verdict = score(tmp_path, "mode_restore", control(back_s, last_s), RATED + 'prior_mode = "auto"\n')
    found = outcomes(verdict)
    assert (found["mode"], found["power"], found["settings"]) == (mode, "PASS", "NOT_APPLICABLE")
    assert verdict.outcome.value == ("FAIL" if mode == "FAIL" else "INCONCLUSIVE")


@pytest.mark.parametrize(("back_s", "power"), [(5.0, "INCONCLUSIVE"), (70.0, "FAIL")])
def test_a_device_that_was_back_and_begins_something_of_its_own_later_did_not_fail_to_return(
    tmp_path: Path, back_s: float, power: str
) -> None:
    t_s = np.arange(0.0, 400.0, 1.0)
    command = np.where((t_s >= 100.0) & (t_s < 160.0), 2.5, 0.0)
    given = np.where((t_s >= 102.0) & (t_s < 160.0 + back_s), 2.5, np.where(t_s < 250.0, 0.0, -1.0))
    given += np.random.default_rng(1).normal(0.0, 0.003, len(t_s))
    text = table(t_s=t_s, command_kw=command, power_kw=given)
    assert outcomes(score(tmp_path, "mode_restore", text))["power"] == power


@pytest.mark.parametrize(("peak_kw", "export"), [(9.7, "PASS"), (10.2, "FAIL")])
def test_the_export_of_a_site_is_judged_on_the_fastest_rows(
    tmp_path: Path, peak_kw: float, export: str
) -> None:
    t_s = np.arange(0.0, 300.0, 0.1)
    site = np.where((t_s > 100.0) & (t_s < 103.0), peak_kw, 9.0)
    text = table(t_s=t_s, receiving_power_kw=site + np.random.default_rng(1).normal(0.0, 0.002, len(t_s)))
    verdict = score(tmp_path, "reverse_flow", text, point="receiving")
    assert outcomes(verdict)["export"] == export
    assert outcomes(verdict)["zero"] == "NOT_APPLICABLE"
    assert verdict.outcome.value == ("FAIL" if export == "FAIL" else "INCONCLUSIVE")


def test_remarks_before_the_header_are_no_header_and_lines_are_still_counted(tmp_path: Path) -> None:
    rows = with_signal(4.0)
    remarks = '# logger "A\n\nModel,WT5000\nDate;2026-04-01\n'
    assert score(tmp_path, "secondary1", remarks + rows).outcome.value == "PASS"
    broken = rows.replace("\n2.0000,0.0000,", "\n2.0000,zero,")
    with pytest.raises(UsageError, match="line 8: command_kw: 'zero'"):
        score(tmp_path, "secondary1", remarks + broken)


def test_watts_taken_for_kilowatts_are_refused(tmp_path: Path) -> None:
    t_s = np.arange(0.0, 300.0, 1.0)
    text = table(t_s=t_s, command_kw=0 * t_s + 3000.0, power_kw=0 * t_s + 3000.0)
    for declared in (RATED, ""):
        with pytest.raises(UsageError, match=r"command_kw.*factor") as told:
            score(tmp_path, "tertiary2", text, declared)
        assert "power_kw" in str(told.value)


def test_a_large_plant_of_no_declared_rating_is_no_missing_factor(tmp_path: Path) -> None:
    t_s = np.arange(0.0, 900.0, 1.0)
    noise = np.random.default_rng(1).normal(0.0, 0.003, len(t_s))
    hz = np.where((t_s > 100.0) & (t_s < 500.0), 49.8, 50.0)
    moving = {"t_s": t_s, "frequency_hz": hz, "power_kw": 400.0 + 15.0 * (50.0 - hz) + noise}
    found = outcomes(score(tmp_path, "primary", table(**moving), ""))
    assert found["band"] == "PASS"
    moving["power_kw"] = 15e3 * (50.0 - hz) + noise
    with pytest.raises(UsageError, match=r"power_kw.*factor"):
        score(tmp_path, "primary", table(**moving), "")


@pytest.mark.parametrize(
    ("late_s", "truth"), [(2.0, "PASS"), (5.0, "INCONCLUSIVE"), (9.0, "FAIL"), (1e9, "FAIL")]
)
def test_how_late_power_follows_a_command_is_told_to_a_row(tmp_path: Path, late_s: float, truth: str) -> None:
    t_s = np.arange(0.0, 600.0, 1.0)
    command = np.where((t_s // 60) % 2 == 1, 2.0, 0.0)
    noise = np.random.default_rng(1).normal(0.0, 0.003, len(t_s))
    text = table(t_s=t_s, command_kw=command, power_kw=np.interp(t_s - late_s, t_s, command) + noise)
    verdict = score(tmp_path, "telemetry", text)
    assert outcomes(verdict)["command_latency"] == truth
    assert outcomes(verdict)["items"] == "NOT_APPLICABLE"


@pytest.mark.parametrize(
    ("late_s", "truth"),
    [(2.0, "PASS"), (4.9, "PASS"), (5.5, "INCONCLUSIVE"), (7.0, "FAIL"), (None, "NOT_APPLICABLE")],
)
def test_an_alarm_whose_event_has_a_time_of_its_own_is_judged(
    tmp_path: Path, late_s: float | None, truth: str
) -> None:
    t_s = np.arange(0.0, 600.0, 1.0)
    command = np.where((t_s // 60) % 2 == 1, 2.0, 0.0)
    shown = np.zeros(len(t_s)) if late_s is None else ((t_s >= 300.0 + late_s) & (t_s < 400.0)) * 8.0
    columns = {"alarm": shown, "alarm_event_s": np.where(shown > 0, 300.0, np.nan)}
    noise = np.random.default_rng(1).normal(0.0, 0.003, len(t_s))
    power = np.interp(t_s - 1.0, t_s, command) + noise
    verdict = score(tmp_path, "telemetry", table(t_s=t_s, command_kw=command, power_kw=power, **columns))
    assert outcomes(verdict)["alarm"] == truth
    assert outcomes(verdict)["execution"] == "NOT_APPLICABLE"


@pytest.mark.parametrize(("off_s", "truth"), [(-9.0 * 3600.0, "NOT_APPLICABLE"), (10.0, "NOT_APPLICABLE")])
def test_an_event_of_another_clock_times_no_alarm(tmp_path: Path, off_s: float, truth: str) -> None:
    t_s = np.arange(0.0, 600.0, 1.0)
    command = np.where((t_s // 60) % 2 == 1, 2.0, 0.0)
    shown = ((t_s >= 302.0) & (t_s < 400.0)) * 8.0
    columns = {"alarm": shown, "alarm_event_s": np.where(shown > 0, 300.0 + off_s, np.nan)}
    power = np.interp(t_s - 1.0, t_s, command) + np.random.default_rng(1).normal(0.0, 0.003, len(t_s))
    verdict = score(tmp_path, "telemetry", table(t_s=t_s, command_kw=command, power_kw=power, **columns))
    assert outcomes(verdict)["alarm"] == truth


def test_a_device_that_takes_the_last_command_once_a_minute_is_late_and_leaves_none_out(
    tmp_path: Path,
) -> None:
    t_s = np.arange(0.0, 1200.0, 1.0)
    command = np.select([t_s % 100 < 50, t_s % 100 < 52], [1.0, 4.0], 2.0)
    polled = command[(60 * (t_s // 60)).astype(int)]
    power = np.interp(t_s - 1.0, t_s, polled) + np.random.default_rng(1).normal(0.0, 0.003, len(t_s))
    verdict = score(tmp_path, "telemetry", table(t_s=t_s, command_kw=command, power_kw=power))
    assert outcomes(verdict)["execution"] == "NOT_APPLICABLE"


@pytest.mark.parametrize(("last_kw", "truth"), [(1.0, "PASS"), (2.0, "FAIL")])
def test_rows_in_which_one_command_soon_follows_another_tell_which_was_carried_out(
    tmp_path: Path, last_kw: float, truth: str
) -> None:
    t_s = np.arange(0.0, 600.0, 0.5)
    command = np.where((t_s // 60) % 2 == 1, 2.0, 0.0)
    pair = (t_s >= 130.0) & (t_s < 170.0)
    power = np.interp(t_s - 1.0, t_s, np.where(pair, last_kw, command))
    command = np.where(pair, np.where(t_s < 131.0, 2.0, 1.0), command)
    power += np.random.default_rng(1).normal(0.0, 0.003, len(t_s))
    verdict = score(tmp_path, "telemetry", table(t_s=t_s, command_kw=command, power_kw=power))
    assert outcomes(verdict)["execution"] == truth


def test_a_rating_that_is_needed_is_asked_for_and_nothing_is_judged_without(tmp_path: Path) -> None:
    verdict = score(tmp_path, "mode_restore", control(165.0), "")
    assert verdict.outcome.value == "INCONCLUSIVE"
    assert "Not told by [declared]: rated_kw." in verdict.reason
