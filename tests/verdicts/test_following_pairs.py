"""A twin just inside each limit passes, one just outside fails for the right reason.

A sample of the tables in ``following_pairs.py`` and ``more_pairs.py``, so that the suite stays fast. All:
``python -m tests.verdicts.following_matrix`` (and ``--link tcp`` over real sockets).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bench.config.load import load_profile
from bench.model import Outcome
from bench.rooms import bundled_profiles
from tests.verdicts.following_pairs import PAIRS, Pair
from tests.verdicts.more_pairs import MORE_PAIRS

SAMPLE = (
    "tertiary2_partial.band",
    "tertiary2_repeat.band",
    "tertiary1.transition",
    "tertiary2.export",
    "secondary1.export",
    "follow1.mean",
    "primary.response",
    "primary.hold",
    "droop.linearity",
    "droop.symmetry",
    "dead_band.offset",
    "frequency_accuracy.reading",
    "metering.instant",
)
# the other profiles have theirs in test_first_light (tertiary2, of which two are variants), test_site_pairs
# and tests/profiles
WIRED = (
    "tertiary1.band",
    "secondary1.delay",
    "secondary2.band",
    "follow1.end",
    "follow5.end",
    "economic_dr.charge",
    "capacity.power",
)
EVERY = (*PAIRS, *MORE_PAIRS)
BY_NAME = {str(pair): pair for pair in EVERY}
UNPAIRED = {
    # the bench asks again, and stops where readings are lost: no twin loses a record and nothing else
    "primary.record",
    "metering.instant_interval",
    # every device that was tried loses the slope first
    "grid_replay.stay_declared",
    "grid_replay.stay_regression",
    # in test_site_pairs.py: the twin inside is practice, since no test watches for hours
    "telemetry.interval",
}


def tell(pair: Pair, folder: Path, link: str) -> None:
    good = pair.inside.run(pair.profile, folder / "in", link)
    bad = pair.outside.run(pair.profile, folder / "out", link)
    assert good.outcome is Outcome.PASS, good.verdict.reason
    assert bad.outcome is Outcome.FAIL, bad.verdict.reason
    assert bad.roots == pair.expected
    inside, outside = good.finding(pair.finding), bad.finding(pair.finding)
    assert inside.outcome is Outcome.PASS
    assert outside.outcome is Outcome.FAIL
    if pair.close:
        assert inside.margin_ratio is not None
        assert inside.margin_ratio < 0.2, "the twin inside is far from the limit"


@pytest.mark.parametrize("name", SAMPLE)
def test_just_inside_passes_and_just_outside_fails(name: str, tmp_path: Path) -> None:
    tell(BY_NAME[name], tmp_path, "direct")


@pytest.mark.wire
@pytest.mark.parametrize("name", WIRED)
def test_the_same_over_the_wire(name: str, tmp_path: Path) -> None:
    tell(BY_NAME[name], tmp_path, "tcp")


@pytest.mark.parametrize("profile", bundled_profiles())
def test_every_finding_that_can_fail_the_device_has_a_pair(profile: str) -> None:
    found = load_profile(profile).profile.findings
    judged = {f"{profile}.{spec.id}" for spec in found if spec.counts and spec.fail_is == "FAIL"}
    assert judged - UNPAIRED == {str(pair) for pair in EVERY if pair.profile == profile}


def test_no_pair_is_there_twice() -> None:
    assert max(Counter(str(pair) for pair in EVERY).values()) == 1
