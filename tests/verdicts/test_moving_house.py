"""follow5 and follow1 at the receiving point: who answers the loop keeps the target."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.config.profile import MeasureSpec
from bench.measure import measure
from bench.model import Outcome
from bench.moved_house import targets
from bench.recording import Recording
from bench.rescore import judge_folder, load_run
from tests.verdicts.judged import judged

SHORT = ("profile.zero_s=60", "profile.follow_s=600")
SHORT1 = ("profile.zero_s=60", "profile.follow_s=240")
WITH_SITE = 'instruments.site.has=["load","pv","cuts","alarm"]'


@pytest.mark.parametrize(("profile", "station"), [("follow5", "twin-60hz"), ("follow1", "twin")])
def test_a_battery_that_answers_the_loop_passes(profile: str, station: str, tmp_path: Path) -> None:
    found = judged(profile, tmp_path, station=station, point="receiving")

    assert found.outcome is Outcome.PASS
    assert found.verdict.qualified_kw == found.verdict.delta_kw
    for short in ("end", "mean", "house", "power_agreement", "wiring", "commanded"):
        assert found.finding(short).outcome is Outcome.PASS, short
    # what is sent against the house is not judged, at the device point least of all
    again = judge_folder(found.folder, point="device").verdict
    assert {f.outcome for f in again.findings if f.id.endswith((".end", ".mean"))} == {Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize(
    ("profile", "overrides", "root"),
    [
        # nobody compensates the house
        ("follow5", (*SHORT, "profile.compensation_ratio=0"), "end"),
        ("follow1", (*SHORT1, "profile.compensation_ratio=0"), "end"),
        # answers later than the next command of the loop
        ("follow5", (*SHORT, "twin.battery.command_delay_s=70"), "end"),
        ("follow1", (*SHORT1, "twin.battery.command_delay_s=13"), "mean"),
    ],
)
def test_who_does_not_answer_the_loop_fails(
    profile: str, overrides: tuple[str, ...], root: str, tmp_path: Path
) -> None:
    found = judged(profile, tmp_path, *overrides, point="receiving")

    assert (found.outcome, found.roots) == (Outcome.FAIL, {root})
    assert found.finding("house").outcome is Outcome.PASS


def test_a_battery_that_gives_a_little_too_much_is_told_from_one_that_gives_too_much(tmp_path: Path) -> None:
    little = judged("follow1", tmp_path / "in", "twin.battery.gain_ratio=1.05", point="receiving")
    much = judged("follow1", tmp_path / "out", *SHORT1, "twin.battery.gain_ratio=1.2", point="receiving")
    less = judged("follow5", tmp_path / "less", "twin.battery.gain_ratio=0.95", point="receiving")

    assert little.outcome is Outcome.PASS  # what the house moves by is no noise of the power
    assert (much.outcome, much.roots) == (Outcome.FAIL, {"end"})
    assert less.outcome is Outcome.PASS  # the loop's own lag leaves it most of the band


@pytest.mark.parametrize(("profile", "gap_s"), [("follow5", 90), ("follow1", 15)])
def test_a_gateway_for_rare_commands_serves_the_device_point_alone(
    profile: str, gap_s: float, tmp_path: Path
) -> None:
    how = {"station": "twin-gateway"}
    gateway = (WITH_SITE, f"twin.gateway.least_gap_s={gap_s}")
    device = judged(profile, tmp_path / "device", *gateway, point="device", **how)
    receiving = judged(profile, tmp_path / "receiving", *gateway, point="receiving", **how)

    assert device.outcome is Outcome.PASS
    assert (receiving.outcome, receiving.roots) == (Outcome.FAIL, {"end"})
    assert all(not finding.id.endswith(".house") for finding in device.verdict.findings)


def with_load(recording: Recording, ratio: float) -> Recording:
    """Return the recording of a load that moves by ``ratio`` of what it is told."""
    loads = [c for c in recording.commands if c.quantity == "load_kw"]
    told_s = np.array([c.t_s for c in loads])
    told_kw = np.array([float(c.value) for c in loads])
    name = "meter.receiving_power_kw"
    signal = recording.signals[name]
    at = np.searchsorted(told_s, signal.t_s - 1e-6, side="right") - 1
    more_kw = (ratio - 1.0) * (told_kw[np.maximum(at, 0)] - told_kw[0])
    return replace(
        recording, signals={**recording.signals, name: replace(signal, value=signal.value - more_kw)}
    )


def test_a_house_that_does_not_do_what_it_is_told_is_seen_and_the_targets_are_those_of_the_plan(
    tmp_path: Path,
) -> None:
    run = load_run(judged("follow1", tmp_path, *SHORT1, point="receiving").folder)
    recording = replace(run.recording, facts={**run.recording.facts, "point": "receiving"})
    spec = [MeasureSpec(name="follow")]

    errors = {}
    for ratio in (1.0, 0.5, 1.5):
        found = measure(with_load(recording, ratio), spec, dict(recording.facts))
        (metric,) = [metric for metric in found if metric.name == "house_error_kw"]
        errors[ratio] = metric.value
    limit_kw = recording.number("house_error_ratio") * recording.number("delta_kw")
    assert errors[1.0] is not None
    assert errors[1.0] < 0.2 * limit_kw
    for ratio in (0.5, 1.5):  # half of the load's half of a fifth of ΔkW
        assert errors[ratio] == pytest.approx(0.05 * 5.5, rel=0.1)
        assert errors[ratio] > limit_kw

    asked = [c for c in targets(recording).commands if c.quantity == "power_set_kw" and c.phase == "follow"]
    assert [float(c.value) / 5.5 for c in asked] == pytest.approx([0.75, 0.0, 0.75, 0.0])
