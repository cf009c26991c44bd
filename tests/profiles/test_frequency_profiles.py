"""Droop, dead band, frequency accuracy, replay and the sampling interval: twins just inside and just outside.

Inside and outside are about twice the uncertainty from the limit; the root cause must be the finding that
was bent.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.model import Outcome, Verdict
from bench.prepare import RunRequest, prepare_all
from bench.rooms import room
from bench.run import run_campaign

DIRECT = 'twin.link="direct"'


def judged(
    profile: str, folder: Path, *sets: str, station: str = "twin", edition: str | None = None
) -> Verdict:
    [result] = run_campaign(
        RunRequest(profiles=[profile], station=station, overrides=list(sets), out=folder, edition=edition)
    )
    assert result.verdict is not None, result.reason
    return result.verdict


def roots(verdict: Verdict) -> list[str]:
    return [f.id for f in verdict.findings if f.outcome is Outcome.FAIL and f.counts and f.cause is None]


def excursion(path: Path) -> Path:
    """Write the two minutes around the excursion of the bundled recording."""
    lines = bundled_recording().read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], *lines[3600:4800]]) + "\n", encoding="utf-8")
    return path


def bundled_recording() -> Path:
    return room("profiles") / "recordings" / "synthetic_50hz.csv"


# at 60 Hz; at 50 Hz every finding has its pair in tests/verdicts
# profile, station, what is bent, inside, outside, the finding that must say so
PAIRS = [
    ("dead_band", "twin-60hz", "hysteresis_hz", 0.0045, 0.0055, "value"),
    ("frequency_accuracy", "twin-60hz", "frequency_offset_hz", -0.0175, -0.0225, "error"),
]


@pytest.mark.parametrize(("profile", "station", "key", "good", "bad", "finding"), PAIRS)
def test_a_twin_just_inside_passes_and_one_just_outside_fails(
    tmp_path: Path, profile: str, station: str, key: str, good: float, bad: float, finding: str
) -> None:
    sets = [DIRECT, *(["profile.dwell_s=10"] if profile == "dead_band" else [])]
    inside = judged(profile, tmp_path, *sets, f"twin.battery.{key}={good}", station=station)
    assert inside.outcome is Outcome.PASS, inside.reason
    outside = judged(profile, tmp_path, *sets, f"twin.battery.{key}={bad}", station=station)
    assert outside.outcome is Outcome.FAIL
    assert roots(outside) == [f"{profile}.{finding}"]


@pytest.mark.parametrize(
    ("interval_s", "seed", "outcome", "failed"),
    [
        (0.05, 1, Outcome.PASS, []),
        (0.08, 1, Outcome.PASS, []),  # each direction meets the device at phases close together
        (0.15, 2, Outcome.FAIL, ["primary.measurement_interval"]),
    ],
)
def test_the_sampling_interval_of_the_device_shows_in_dithered_steps(
    tmp_path: Path, interval_s: float, seed: int, outcome: Outcome, failed: list[str]
) -> None:
    sets = (f"twin.battery.measurement_interval_s={interval_s}", f"twin.seed={seed}")
    verdict = judged("primary", tmp_path, DIRECT, *sets)
    assert verdict.outcome is outcome
    assert roots(verdict) == failed
    found = next(f for f in verdict.findings if f.id == "primary.measurement_interval")
    assert found.value == pytest.approx(interval_s, rel=0.04)
    record = next(f for f in verdict.findings if f.id == "primary.record")
    assert record.outcome is Outcome.PASS


def test_a_replay_inside_the_dead_band_has_no_response_to_judge(tmp_path: Path) -> None:
    grid = tmp_path / "quiet.csv"
    rows = [f"{k},{50.0 + 0.002 * (k % 3 - 1):.4f}" for k in range(90)]
    grid.write_text("t_s,frequency_hz\n" + "\n".join(rows) + "\n", encoding="utf-8")
    verdict = judged("grid_replay", tmp_path, DIRECT, f"profile.recording={grid}")
    found = {f.id: f for f in verdict.findings}
    for name in ("slope", "stay_declared", "stay_regression"):
        assert found[f"grid_replay.{name}"].outcome is Outcome.NOT_APPLICABLE
        assert "No excursion left the dead band" in found[f"grid_replay.{name}"].reason
    assert verdict.outcome is Outcome.PASS


@pytest.mark.parametrize(("settle_s", "outcome"), [(30, Outcome.PASS), (10, Outcome.INCONCLUSIVE)])
def test_a_device_slow_in_changing_its_mode_is_judged_by_its_response(
    tmp_path: Path, settle_s: int, outcome: Outcome
) -> None:
    slow = ["twin.battery.command_delay_s=19.7", "twin.house.load_kw=1.5", f"profile.settle_s={settle_s}"]
    recording = f"profile.recording={excursion(tmp_path / 'grid.csv')}"
    verdict = judged("grid_replay", tmp_path, DIRECT, *slow, recording)
    found = {f.id: f for f in verdict.findings}
    # the seconds in which it was still on its way, ten of 120, leave the share in doubt, never the slope
    assert verdict.outcome is outcome, verdict.reason
    assert found["grid_replay.slope"].outcome is Outcome.PASS
    assert found["grid_replay.slope"].value == pytest.approx(1.0, abs=0.03)


def test_a_source_too_coarse_for_the_dead_band_is_refused() -> None:
    request = RunRequest(
        profiles=["dead_band"], station="twin", overrides=["instruments.source.frequency_resolution_hz=0.002"]
    )
    with pytest.raises(UsageError, match="2 mHz; dead_band needs 1 mHz"):
        prepare_all(request)
    coarser = [*request.overrides, "profile.step_hz=0.002", "profile.fine_count=13"]
    [plan] = prepare_all(RunRequest(profiles=["dead_band"], station="twin", overrides=coarser))
    assert not plan.practice_reasons


@pytest.mark.parametrize("edition", ["2024", "2026"])
@pytest.mark.parametrize("profile", ["droop", "dead_band", "frequency_accuracy", "grid_replay"])
@pytest.mark.parametrize("station", ["twin", "twin-60hz"])
def test_each_profile_has_a_plan_under_each_edition(profile: str, edition: str, station: str) -> None:
    [plan] = prepare_all(RunRequest(profiles=[profile], station=station, edition=edition))
    asked = [p.value for p in plan.timeline.set_points if p.quantity == "frequency_hz"]
    nominal = plan.names["nominal_hz"]
    assert all(abs(float(hz) - nominal) <= 0.5 + 1e-9 for hz in asked)
    if profile != "grid_replay":
        away = [round(float(hz) - nominal, 6) for hz in asked]
        assert min(away) == -max(away)
        assert min(away) < 0
        # both branches: every level below and above is come to from either side
        if profile == "dead_band":
            assert {"down", "up"} == {"up" if b > a else "down" for a, b in itertools.pairwise(away)}
            assert all(away.count(hz) >= 2 for hz in away if abs(hz) < 0.055)
