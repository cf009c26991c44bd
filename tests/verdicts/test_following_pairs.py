"""A twin just inside each limit passes, one just outside fails for the right reason.

A sample of the table in ``following_pairs.py``, so that the suite stays fast. All of it:
``python -m tests.verdicts.following_matrix`` (and ``--link tcp`` over real sockets).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bench.config.load import load_profile
from bench.model import Outcome
from tests.verdicts.following_pairs import PAIRS, Pair

SAMPLE = (
    "tertiary1.transition",
    "tertiary2_partial.band",
    "secondary1.delay",
    "follow5.end",
    "follow1.mean",
    "economic_dr.charge",
    "capacity.power",
)
WIRED = ("follow1.end",)
BY_NAME = {str(pair): pair for pair in PAIRS}
# an excess of export has its good and bad devices in tests/bench/measure/test_after_block.py
BENCH = {"stimulus", "stimulus_voltage", "data", "export", "commanded"}


def tell(pair: Pair, folder: Path, link: str) -> None:
    good = pair.inside.run(pair.profile, folder / "in", link)
    bad = pair.outside.run(pair.profile, folder / "out", link)
    assert good.outcome is Outcome.PASS, good.verdict.reason
    assert bad.outcome is Outcome.FAIL, bad.verdict.reason
    assert bad.roots == pair.expected
    inside, outside = good.finding(pair.finding), bad.finding(pair.finding)
    assert inside.outcome is Outcome.PASS
    assert outside.outcome is Outcome.FAIL
    assert inside.margin_ratio is not None
    assert inside.margin_ratio < 0.2, "the twin inside is far from the limit"


@pytest.mark.parametrize("name", SAMPLE)
def test_just_inside_passes_and_just_outside_fails(name: str, tmp_path: Path) -> None:
    tell(BY_NAME[name], tmp_path, "direct")


@pytest.mark.wire
@pytest.mark.parametrize("name", WIRED)
def test_the_same_over_the_wire(name: str, tmp_path: Path) -> None:
    tell(BY_NAME[name], tmp_path, "tcp")


@pytest.mark.parametrize("profile", sorted({pair.profile for pair in PAIRS}))
def test_every_finding_that_can_fail_the_device_has_a_pair(profile: str) -> None:
    found = load_profile(profile).profile.findings
    judged = {spec.id for spec in found if spec.counts and spec.fail_is == "FAIL"} - BENCH
    paired = {pair.finding for pair in PAIRS if pair.profile == profile}
    assert judged == paired


def test_no_pair_is_there_twice() -> None:
    assert max(Counter(str(pair) for pair in PAIRS).values()) == 1
