"""A timeline that a reading may end early: in virtual time and in real time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.clock import Clock, RealClock, VirtualClock
from bench.execute import channel_units, execute
from bench.record.recorder import Recorder
from bench.timeline import Act, SetPoint, Timeline, Until
from tests.bench.execute.small_world import World

pytestmark = pytest.mark.realtime
POWER_KW = 1.0
PLAN = Timeline(
    "p",
    (SetPoint(0.3, "battery", "power_set_kw", POWER_KW, "x"),),
    (Act(0.0, "battery", "start", "x"),),
    (),
    1.6,
    0.05,
    0.1,
)


@pytest.mark.parametrize("clock", [VirtualClock, RealClock])
@pytest.mark.parametrize(
    ("until", "early"),
    [
        (Until("meter", "power_kw", at_least=0.5), True),
        (Until("meter", "power_kw", at_least=1.5), False),
        (Until("meter", "no_such_kw", at_least=0.0), False),
    ],
)
def test_the_reading_ends_the_run_early_and_safely(
    tmp_path: Path, clock: type[Clock], until: Until, early: bool
) -> None:
    world = World(clock())
    recorder = Recorder(tmp_path, channel_units(world), {}, world.clock)
    result = execute(replace(PLAN, until=until), world, recorder)

    assert (result.execution, result.safe_state.state) == ("done", "verified")
    assert (result.reached_s < 1.3) is early
    assert ("until_met" in (tmp_path / "events.jsonl").read_text(encoding="utf-8")) is early
