"""A twin just inside each limit passes, one just outside fails for the right reason.

Every twin of every pair runs here: of each profile one pair over the wire, the rest over the direct link.
What they get is what ``docs/reference/pairs.jsonl`` shows (``python -m tests.verdicts.pair_matrix --keep``).
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
from tests.verdicts.pair import Setting
from tests.verdicts.pair_matrix import EVERY, PAGE, Twin, page, read_rows, twins, wrong

BY_NAME = {str(pair): pair for pair in EVERY}
ROWS = read_rows()
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
BLOCK = ("profile.baseline_s=120", "profile.response_s=60", "profile.duration_s=600")
SHORT = {
    **dict.fromkeys(("tertiary2", "tertiary1", "secondary2", "secondary1"), BLOCK),
    "telemetry": ("profile.steps=3", "profile.watch_s=20"),
}
"""A run of minutes is practice, which never passes; who is outside fails it all the same."""
VARIANTS = ("tertiary2_partial", "tertiary2_repeat")
NAMES = [(name, side) for name in BY_NAME for side in ("inside", "outside")]
TWINS = twins(EVERY)


def wired(twin: Twin) -> bool:
    """Tell whether the twin goes over the wire."""
    return any(str(pair) in WIRED for pair in twin.pairs)


def on_the_wire(twin: Twin) -> Twin:
    """Return the twin as it goes over the wire."""
    setting = twin.setting
    if twin.profile in SIXTY:
        setting = replace(setting, station="twin-60hz")
    if twin.side == "outside":
        setting = replace(setting, overrides=(*setting.overrides, *SHORT.get(twin.profile, ())))
    return replace(twin, setting=setting)


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


@pytest.mark.parametrize("twin", [t for t in TWINS if not wired(t) or on_the_wire(t) != t], ids=str)
def test_just_inside_passes_and_just_outside_fails(twin: Twin, tmp_path: Path) -> None:
    rows = twin.run(tmp_path)
    assert twin.faults(rows) == []
    for row in rows:
        kept = ROWS[row.pair, row.side]
        value = None if kept.value is None else pytest.approx(kept.value, rel=1e-3, abs=1e-6)
        assert row.value == value, "run python -m tests.verdicts.pair_matrix --keep"


@pytest.mark.wire
@pytest.mark.parametrize("twin", [on_the_wire(t) for t in TWINS if wired(t)], ids=str)
def test_the_same_over_the_wire(twin: Twin, tmp_path: Path) -> None:
    assert twin.faults(twin.run(tmp_path, "tcp")) == []


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
    assert set(WIRED) <= set(BY_NAME)
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
