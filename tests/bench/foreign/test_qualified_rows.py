"""The qualified ΔkW is the largest that the same powers pass when it is what was commanded and tested."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.measure.command.scaling import scale_metrics
from bench.measure.points import Point
from bench.model import Scope, Verdict
from bench.score_file import score_file

DELTA_KW = 3.0
FloatArray = NDArray[np.float64]
LEVELS = {
    "secondary2": [(3600.0, 1.0), (5761.0, 0.5), (6962.0, 0.0)],
    "follow5": [(300.0 + 300.0 * k, share) for k, share in enumerate([0.5, 1, 0.25, 0.75] * 3)]
    + [(3900.0, 0)],
    "economic_dr": [(1800.0, 1.0), (3600.0, 0.5), (5400.0, 0.0), (7200.0, -1.0), (9000.0, 0.0)],
    "capacity": [(1800.0, 1.0), (9000.0, 0.0)],
}


def score(folder: Path, profile: str, share: FloatArray, power_kw: FloatArray, delta_kw: float) -> Verdict:
    rows = [
        f"{t},{delta_kw * c!r},{p!r}"
        for t, (c, p) in enumerate(zip(share.tolist(), power_kw.tolist(), strict=True))
    ]
    path = folder / "rows.csv"
    path.write_text("\n".join(["t_s,command_kw,power_kw", *rows]) + "\n")
    return score_file(path, profile=profile, delta_kw=delta_kw)


@pytest.mark.parametrize("profile", LEVELS)
@pytest.mark.parametrize(("gain", "sag_kw"), [(0.86, 0.0), (1.0, 0.4), (1.0, 0.8), (1.13, 0.0)])
def test_what_qualifies_passes_and_a_little_more_does_not(
    tmp_path: Path, profile: str, gain: float, sag_kw: float
) -> None:
    plan = LEVELS[profile]
    t_s = np.arange(0.0, plan[-1][0] + 400.0)
    share = np.zeros_like(t_s)
    for at_s, level in plan:
        share[t_s >= at_s] = level
    power_kw = gain * DELTA_KW * np.r_[share[:1], share[:-1]]
    power_kw += np.random.default_rng(2).normal(0.0, 0.002, len(t_s))
    last = (np.flatnonzero(share == 1.0)[-1] - (300 if profile == "secondary2" else 0)) // 60 * 60
    power_kw[last - 60 : last + 61] -= sag_kw
    first = score(tmp_path, profile, share, power_kw, DELTA_KW)
    found = first.qualified_kw
    assert found is not None, first.reason
    if first.outcome.value == "PASS":
        assert found == DELTA_KW
        return
    tried = [found, 1.01 * found] if found else [2.7]
    passed = [score(tmp_path, profile, share, power_kw, kw).outcome.value == "PASS" for kw in tried]
    assert passed == ([True, False] if found else [False]), (found, first.reason)


@pytest.mark.parametrize(
    ("profile", "gone_s", "idle_kw", "qualified"),
    [(name, 700.0, 0.0, None) for name in LEVELS]
    + [(name, 0.0, 0.0, 0.0) for name in LEVELS]
    + [("secondary2", 700.0, 0.5, 0.0)],
)
def test_power_that_gave_out_leaves_a_smaller_one_undecided(
    tmp_path: Path, profile: str, gone_s: float, idle_kw: float, qualified: float | None
) -> None:
    """An empty battery might have lasted at less; one that never moved, or fails at zero as well, not."""
    plan = LEVELS[profile]
    t_s = np.arange(0.0, plan[-1][0] + 400.0)
    share = np.zeros_like(t_s)
    for at_s, level in plan:
        share[t_s >= at_s] = level
    power_kw = DELTA_KW * np.r_[share[:1], share[:-1]]
    power_kw[t_s < plan[0][0]] += idle_kw
    power_kw[t_s >= plan[0][0] + gone_s] = 0.0
    power_kw += np.random.default_rng(2).normal(0.0, 0.002, len(t_s))
    found = score(tmp_path, profile, share, power_kw, DELTA_KW)
    assert found.outcome.value == "FAIL"
    assert found.qualified_kw == qualified


def test_the_shares_agree_with_trying_every_one() -> None:
    random = np.random.default_rng(4)
    tries = np.linspace(0.001, 3.0, 3000)
    for _ in range(200):
        low, high = sorted(random.choice([-3.0, -1.5, 0.0, 0.2, 1.5, 3.0], 2))
        kw, band_kw = float(random.uniform(-4.0, 4.0)), 0.3
        inside = tries[(tries * (low - band_kw) <= kw) & (kw <= tries * (high + band_kw))]
        found = {m.name: m for m in scale_metrics([(Point(0.0, high, kw), low, high, band_kw)], Scope())}
        least = found["least_scale_ratio"].value or 0.0
        most = found["largest_scale_ratio"].value if "largest_scale_ratio" in found else np.inf
        assert most is not None
        if len(inside):
            assert least == pytest.approx(inside[0], abs=0.0011)
            assert min(most, 3.0) == pytest.approx(inside[-1], abs=0.0011)
        else:
            assert least > most or least > 3.0 or most < 0.001
