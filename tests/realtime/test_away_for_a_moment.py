"""An interface that restarts refuses at once and is back a moment later: it must still be made safe."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.clock import RealClock
from bench.errors import LinkDown
from bench.execute import channel_units, execute
from bench.record.recorder import Recorder
from bench.timeline import Act, Timeline
from tests.bench.execute.small_world import World

pytestmark = pytest.mark.realtime
PLAN = Timeline("p", (), (Act(0.0, "battery", "start", "x"),), (), 30.0, 0.1, 0.2)


@pytest.mark.parametrize("role", ["source", "battery"])
def test_what_is_away_for_a_moment_is_made_safe_and_put_back(tmp_path: Path, role: str) -> None:
    world = World(RealClock())
    gone_s: list[float] = []

    def away(verb: str, name: str) -> None:
        now_s = world.clock.now_s()
        if not gone_s and world.battery.mode == "remote" and verb == "read":
            gone_s.append(now_s)
        if gone_s and now_s < gone_s[0] + 1.0:
            raise LinkDown("connection refused")

    getattr(world, role).fault = away
    result = execute(PLAN, world, Recorder(tmp_path, channel_units(world), {}, world.clock))

    assert result.execution == "error"
    assert "connection refused" in result.reason
    assert world.source.state["output"] == 0.0
    assert result.safe_state.state == "verified"
    assert result.settings_restored == {"battery": True}
    assert world.clock.now_s() - gone_s[0] < 5.0


def test_what_stays_away_is_given_up_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("safe", "settings"):  # it is waited for all the same, only not for long
        monkeypatch.setattr(f"bench.execute.{module}._AWAY_S", 0.5)
    world = World(RealClock())
    gone: list[bool] = []

    def away(verb: str, name: str) -> None:
        if gone or (world.battery.mode == "remote" and verb == "read"):
            gone.append(True)
            raise LinkDown("connection refused")

    world.battery.fault = away
    result = execute(PLAN, world, Recorder(tmp_path, channel_units(world), {}, world.clock))

    assert world.source.state["output"] == 0.0
    assert result.safe_state.state == "unknown"
    assert result.settings_restored == {"battery": False}
