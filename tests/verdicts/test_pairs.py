"""A twin just inside each limit passes, one just outside fails for the right reason.

Every pair was run for ``docs/reference/pairs.jsonl`` (``python -m tests.verdicts.pair_matrix --keep``), which
must hold today's table and only right verdicts. Here the quick profiles run again, of the long ones
the twin outside for a finding or two, and of every profile one pair over the wire.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from bench.config.load import editions_of, load_profile
from bench.judge.limits import limit_of
from bench.model import Outcome
from bench.prepare import RunRequest, prepare_all
from bench.rooms import bundled_profiles
from tests.verdicts.pair import Pair, Setting
from tests.verdicts.pair_matrix import EVERY, PAGE, page, read_rows, run, wrong

BY_NAME = {str(pair): pair for pair in EVERY}
ROWS = read_rows()
QUICK = ("follow1", "follow5", "droop", "dead_band", "frequency_accuracy", "reverse_flow", "mode_restore")
LONG = (
    "tertiary2.hold",
    "tertiary2_partial.transition",
    "tertiary2_repeat.between",
    "tertiary1.transition",
    "secondary2.baseline",
    "secondary1.signal_stay",
    "economic_dr.idle",
    "primary.delay",
    "primary.measurement_interval",
    "primary.record",
    "grid_replay.stay_regression",
    "telemetry.soc",
    "metering.instant_interval",
    "metering.creep",
)
WIRED = (
    "tertiary2.band",
    "tertiary1.band",
    "secondary2.band",
    "secondary1.band",
    "economic_dr.charge",
    "capacity.power",
    "follow5.end",
    "follow1.end",
    "primary.response",
    "droop.value",
    "dead_band.value",
    "frequency_accuracy.error",
    "grid_replay.slope",
    "reverse_flow.zero",
    "mode_restore.power",
    "telemetry.command_latency",
    "metering.error",
)
SIXTY = ("tertiary2", "primary")
"""Over the wire at 60 Hz: the direct link has them at 50 Hz."""
SHORT = ("profile.baseline_s=120", "profile.response_s=60", "profile.duration_s=600")
"""A block of minutes is practice, which never passes; who gives too little fails it all the same."""
BLOCKS = ("tertiary2", "tertiary1", "secondary2", "secondary1")
VARIANTS = ("tertiary2_partial", "tertiary2_repeat")
NAMES = [(name, side) for name in BY_NAME for side in ("inside", "outside")]
AGAIN = [
    *((name, side) for name, side in NAMES if BY_NAME[name].profile in QUICK and name not in WIRED),
    *((name, "outside") for name in LONG),
]


def judged(profile: str, edition: str | None) -> dict[str, object]:
    """Return what can fail a device, with its limit at either point; what the station lacks is declared."""
    found: dict[str, object] = {}
    for point in load_profile(profile, edition).profile.points:
        declared = ["device.export_limit_kw=1.5"]
        [plan] = prepare_all(RunRequest([profile], "twin", edition=edition, point=point, overrides=declared))
        names = {**plan.names, "delta_kw": 1.0}
        for spec in plan.loaded.profile.findings:
            if spec.counts and spec.fail_is == "FAIL":
                limit = limit_of(spec.limit, names)
                assert found.setdefault(spec.id, limit) == limit, "another limit at the other point"
    return found


def told(pair: Pair, side: str, folder: Path, link: str = "direct") -> None:
    assert wrong(pair, run(pair, side, folder, link)) == []


@pytest.mark.parametrize(("name", "side"), AGAIN)
def test_just_inside_passes_and_just_outside_fails(name: str, side: str, tmp_path: Path) -> None:
    told(BY_NAME[name], side, tmp_path)


@pytest.mark.wire
@pytest.mark.parametrize("side", ["inside", "outside"])
@pytest.mark.parametrize("name", WIRED)
def test_the_same_over_the_wire(name: str, side: str, tmp_path: Path) -> None:
    pair = BY_NAME[name]
    inside, outside = pair.inside, pair.outside
    if pair.profile in SIXTY:
        inside, outside = replace(inside, station="twin-60hz"), replace(outside, station="twin-60hz")
    if pair.profile in BLOCKS:
        outside = replace(outside, overrides=(*outside.overrides, *SHORT))
    told(replace(pair, inside=inside, outside=outside), side, tmp_path, "tcp")


def test_of_every_profile_a_pair_goes_over_the_wire() -> None:
    assert sorted(BY_NAME[name].profile for name in WIRED) == sorted(set(bundled_profiles()) - set(VARIANTS))


@pytest.mark.parametrize("profile", bundled_profiles())
def test_every_finding_that_can_fail_the_device_has_a_pair_in_every_edition(profile: str) -> None:
    latest = judged(profile, None)
    asked = set(latest)
    for edition in editions_of(load_profile(profile).profile.product):
        found = judged(profile, edition)
        asked |= {f"{name}@{edition}" for name, limit in found.items() if latest.get(name) != limit}
    assert asked == {str(pair).partition(".")[2] for pair in EVERY if pair.profile == profile}


@pytest.mark.parametrize(("name", "side"), NAMES)
def test_the_pair_that_was_run_is_the_one_in_the_table_and_was_told_right(name: str, side: str) -> None:
    row = ROWS[name, side]
    assert row.setting == str(BY_NAME[name].inside if side == "inside" else BY_NAME[name].outside)
    assert wrong(BY_NAME[name], row) == []


def test_nothing_is_kept_or_named_that_is_no_pair() -> None:
    assert set(ROWS) == set(NAMES)
    assert max(Counter(str(pair) for pair in EVERY).values()) == 1
    assert {*LONG, *WIRED} <= set(BY_NAME)
    assert PAGE.read_text(encoding="utf-8") == page(ROWS)


def test_a_row_that_is_not_right_is_told() -> None:
    name = "tertiary2.band"
    pair, inside, outside = BY_NAME[name], ROWS[name, "inside"], ROWS[name, "outside"]
    for row in (
        replace(inside, outcome="INCONCLUSIVE"),
        replace(inside, in_uncertainties=5.0),
        replace(outside, roots=("hold",)),
        replace(outside, roots=("band", "hold")),
        replace(outside, in_uncertainties=-0.5),
        replace(outside, outcome="PASS", finding="PASS"),
        replace(outside, value=None, distance=None, in_uncertainties=None),
    ):
        assert wrong(pair, row) != [], row
    counted = BY_NAME["tertiary2.hold"]
    assert wrong(counted, replace(ROWS["tertiary2.hold", "outside"], distance=-600.0)) != []
    assert wrong(counted, replace(ROWS["tertiary2.hold", "inside"], distance=600.0)) != []


def test_an_excess_of_200_w_for_three_seconds_fails_the_block_though_every_judged_value_is_inside(
    tmp_path: Path,
) -> None:
    limit = ("device.export_limit_kw=1.55",)
    found = Setting(limit, ((7395.0, 7398.0, 0.25),), delta_kw=2.0).run("tertiary2", tmp_path)
    assert found.outcome is Outcome.FAIL
    assert found.roots == {"export"}
    assert found.finding("band").outcome is Outcome.PASS
    assert found.finding("export").value == pytest.approx(1.75, abs=0.02)
