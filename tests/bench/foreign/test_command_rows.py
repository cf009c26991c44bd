"""When a command came is known to a row; what the rows never asked for is not judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.model import Verdict
from bench.score_file import score_file

DELTA_KW = 3.0
BEGIN_S, END_S, LAST_S = 3602.0, 5800.0, 6200.0
UP = [(BEGIN_S, DELTA_KW), (END_S, 0.0)]
FloatArray = NDArray[np.float64]


def levels(t_s: FloatArray, plan: list[tuple[float, float]]) -> FloatArray:
    kw = np.zeros_like(t_s)
    for at_s, level in plan:
        kw[t_s >= at_s] = level
    return kw


def answer(t_s: FloatArray, plan: list[tuple[float, float]], delay_s: float = 0.2) -> FloatArray:
    noise = np.random.default_rng(3).normal(0.0, 0.003, len(t_s))
    return levels(t_s, [(at_s + delay_s, kw) for at_s, kw in plan]) + noise


def score(
    folder: Path,
    t_s: FloatArray,
    command_kw: FloatArray,
    power_kw: FloatArray,
    *,
    declared: str = "",
    delta_kw: float = DELTA_KW,
    ours: str = "power_kw",
) -> Verdict:
    rows = [f"{t:.3f},{c:.5f},{p:.5f}" for t, c, p in zip(t_s, command_kw, power_kw, strict=True)]
    path, columns = folder / "rows.csv", folder / "columns.toml"
    path.write_text("\n".join([f"t_s,command_kw,{ours}", *rows]) + "\n")
    names = "".join(f'{name} = "{name}"\n' for name in ("t_s", "command_kw", ours))
    columns.write_text(f"[columns]\n{names}[declared]\nrated_kw = 5.0\n{declared}")
    point = "device" if ours == "power_kw" else "receiving"
    return score_file(path, profile="secondary2", columns=columns, delta_kw=delta_kw, point=point)


def outcome(verdict: Verdict, name: str) -> str:
    return next(f.outcome.value for f in verdict.findings if f.id == f"secondary2.{name}")


@pytest.mark.parametrize("every_s", [1.0, 5.0, 15.0])
def test_a_device_faster_than_the_rows_is_no_device_that_was_early(tmp_path: Path, every_s: float) -> None:
    t_s = np.arange(0.0, LAST_S, every_s)
    good = score(tmp_path, t_s, levels(t_s, UP), answer(t_s, UP))
    assert good.outcome.value == "PASS", good.reason
    early = answer(t_s, [(BEGIN_S - 45.0, 0.5), *UP])
    assert outcome(score(tmp_path, t_s, levels(t_s, UP), early), "baseline") == "FAIL"


@pytest.mark.parametrize("around_s", [BEGIN_S, END_S])
def test_a_gap_over_the_command_fails_nobody(tmp_path: Path, around_s: float) -> None:
    t_s = np.arange(0.0, LAST_S, 1.0)
    t_s = t_s[np.abs(t_s - around_s) > 8.0]
    verdict = score(tmp_path, t_s, levels(t_s, UP), answer(t_s, UP))
    assert verdict.outcome.value != "FAIL", verdict.reason
    assert outcome(verdict, "band") == "PASS"


def test_rows_as_coarse_as_the_judged_interval_fail_nobody(tmp_path: Path) -> None:
    t_s = np.arange(0.0, LAST_S, 60.0)
    assert score(tmp_path, t_s, levels(t_s, UP), answer(t_s, UP)).outcome.value != "FAIL"
    dead = score(tmp_path, t_s, levels(t_s, UP), answer(t_s, []))
    assert (dead.outcome.value, outcome(dead, "response")) == ("FAIL", "FAIL")


@pytest.mark.parametrize("ours", ["power_kw", "receiving_power_kw"])
def test_a_command_in_force_at_the_first_row_shows_no_baseline_and_no_response(
    tmp_path: Path, ours: str
) -> None:
    t_s = np.arange(BEGIN_S + 30.0, LAST_S, 1.0)
    load_kw = 0.0 if ours == "power_kw" else -0.7
    verdict = score(tmp_path, t_s, levels(t_s, UP), answer(t_s, UP) + load_kw, ours=ours)
    assert verdict.outcome.value == "INCONCLUSIVE", verdict.reason
    assert outcome(verdict, "baseline") == "NOT_APPLICABLE"
    assert outcome(verdict, "response") == "INCONCLUSIVE"
    if ours == "power_kw":
        dead = score(tmp_path, t_s, levels(t_s, UP), answer(t_s, []))
        assert outcome(dead, "response") == "FAIL"


@pytest.mark.parametrize("noise_kw", [0.002, 0.02])
def test_noise_on_the_command_column_is_no_command(tmp_path: Path, noise_kw: float) -> None:
    t_s = np.arange(0.0, LAST_S, 1.0)
    command_kw = levels(t_s, UP) + np.random.default_rng(5).normal(0.0, noise_kw, len(t_s))
    good = score(tmp_path, t_s, command_kw, answer(t_s, UP))
    assert good.outcome.value == "PASS", good.reason
    weak = score(tmp_path, t_s, command_kw, 0.8 * answer(t_s, UP))
    assert weak.outcome.value == "FAIL"
    rest = score(tmp_path, t_s, command_kw - levels(t_s, UP), answer(t_s, []))
    assert outcome(rest, "response") == "NOT_APPLICABLE", rest.reason


@pytest.mark.parametrize("step_kw", [0.01])
def test_a_command_that_flickers_by_its_last_digit_is_one_command(tmp_path: Path, step_kw: float) -> None:
    t_s = np.arange(0.0, LAST_S, 1.0)
    command_kw = levels(t_s, UP) + step_kw * (np.random.default_rng(5).random(len(t_s)) > 0.9)
    assert score(tmp_path, t_s, command_kw, answer(t_s, UP)).outcome.value == "PASS"


def test_a_direction_that_is_not_judged_or_not_shown_qualifies_nothing(tmp_path: Path) -> None:
    t_s = np.arange(0.0, LAST_S, 1.0)
    command_kw, power_kw = levels(t_s, UP), answer(t_s, UP)
    charge = score(tmp_path, t_s, -command_kw, -power_kw)
    assert charge.outcome.value == "INCONCLUSIVE", charge.reason
    declared = 'directions = ["down"]\n'
    assert score(tmp_path, t_s, -command_kw, -power_kw, declared=declared).outcome.value == "PASS"
    both = score(tmp_path, t_s, command_kw, power_kw, declared='directions = ["up", "down"]\n')
    assert both.outcome.value == "INCONCLUSIVE", both.reason


def test_power_that_moves_before_its_command_tells_of_clocks(tmp_path: Path) -> None:
    t_s = np.arange(0.0, LAST_S, 1.0)
    early = score(tmp_path, t_s, levels(t_s, UP), answer(t_s, UP, delay_s=-40.0))
    assert outcome(early, "baseline") == "INCONCLUSIVE"
    shifted = score(tmp_path, t_s, levels(t_s, UP), answer(t_s, UP, delay_s=-200.0))
    assert outcome(shifted, "baseline") == "INCONCLUSIVE"
    stayed = answer(t_s, [(BEGIN_S - 200.0, DELTA_KW), (END_S, 0.0)])
    assert outcome(score(tmp_path, t_s, levels(t_s, UP), stayed), "baseline") == "FAIL"
    always = score(tmp_path, t_s, levels(t_s, UP), answer(t_s, [(0.0, DELTA_KW), (END_S, 0.0)]))
    assert outcome(always, "baseline") == "FAIL"


@pytest.mark.parametrize(("every_s", "lead_s"), [(0.2, 0.3), (1.0, 1.6)])
def test_power_on_its_way_at_the_command_tells_of_clocks_too(
    tmp_path: Path, every_s: float, lead_s: float
) -> None:
    t_s = np.arange(0.0, LAST_S, every_s)
    share = np.clip((t_s - BEGIN_S + lead_s) / (2.0 * lead_s + every_s), 0.0, 1.0)
    rising = np.where(t_s < END_S, DELTA_KW * share, 0.0)
    assert outcome(score(tmp_path, t_s, levels(t_s, UP), rising), "baseline") == "INCONCLUSIVE"
    # a device that is half way a minute before it is asked is no matter of clocks, nor one that falls back
    waits = np.where((t_s > BEGIN_S - 60.0) & (t_s < BEGIN_S), DELTA_KW / 2.0, levels(t_s, UP))
    assert outcome(score(tmp_path, t_s, levels(t_s, UP), waits), "baseline") == "FAIL"
    falls = np.where((t_s > BEGIN_S - 3.0) & (t_s < BEGIN_S), DELTA_KW / 2.0, 0.0) + np.where(
        t_s > BEGIN_S + 20.0, levels(t_s, UP), 0.0
    )
    assert outcome(score(tmp_path, t_s, levels(t_s, UP), falls), "baseline") == "FAIL"


def test_a_return_that_the_rows_do_not_show_is_open(tmp_path: Path) -> None:
    t_s = np.arange(0.0, LAST_S, 1.0)
    power_kw = answer(t_s, [(BEGIN_S, DELTA_KW)])
    assert outcome(score(tmp_path, t_s, levels(t_s, UP), power_kw), "return") == "FAIL"
    short = t_s < END_S + 200.0
    shown = score(tmp_path, t_s[short], levels(t_s[short], UP), power_kw[short])
    assert outcome(shown, "return") == "INCONCLUSIVE"


@pytest.mark.parametrize("what", ["gap", "doubt"])
def test_a_hold_that_is_cut_is_not_failed_by_a_point_in_doubt(tmp_path: Path, what: str) -> None:
    t_s = np.arange(0.0, BEGIN_S + 300.0 + 1200.0, 1.0)
    power_kw = answer(t_s, UP)
    point = np.abs(t_s - (BEGIN_S + 300.0 + 600.0)) < 5.0
    if what == "doubt":
        power_kw = np.where(np.abs(t_s - (BEGIN_S + 900.0)) < 20.0, power_kw - 0.3005, power_kw)
        point[:] = False
    verdict = score(tmp_path, t_s[~point], levels(t_s, UP)[~point], power_kw[~point])
    assert outcome(verdict, "hold") == "INCONCLUSIVE"
    off = np.where(np.abs(t_s - (BEGIN_S + 900.0)) < 20.0, 0.8, 1.0)
    assert outcome(score(tmp_path, t_s, levels(t_s, UP), answer(t_s, UP) * off), "hold") == "FAIL"
