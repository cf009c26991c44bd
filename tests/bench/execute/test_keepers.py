"""What looks after a run: when it is told that all is well, and what it may have done at the end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.clock import VirtualClock
from bench.execute import channel_units, execute
from bench.record.info import write_info
from bench.record.load import load_run
from bench.record.recorder import Recorder
from bench.timeline import Act, Timeline
from tests.bench.execute.small_runs import INFO
from tests.bench.execute.small_world import World

PLAN = Timeline("p", (), (Act(0.0, "battery", "start", "x"),), (), 5.0, 0.1, 0.5)


class Keeping:
    """A keeper that counts the signs of life; a kind with work of its own holds the battery in ``remote``."""

    def __init__(self) -> None:
        self.beats = 0

    def arm(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        pass

    def look(self) -> None:
        pass

    def beat(self) -> None:
        self.beats += 1

    def call(self, why: str) -> None:
        pass

    def disarm(self, state: str) -> None:
        pass


class Disturbing(Keeping):
    """Takes the battery just before it is asked for the ``at``-th time whether it has done anything."""

    def __init__(self, world: World, at: int) -> None:
        super().__init__()
        self.world, self.at, self.asked = world, at, 0

    def settle(self, *, last: bool = False) -> bool:
        self.asked += 1
        assert last is (self.asked > 1)
        if self.asked == self.at:
            self.world.battery.mode = "remote"
        return self.asked == self.at


def test_a_sign_of_life_comes_before_every_write_so_a_slow_disk_is_not_taken_for_a_hang(
    tmp_path: Path,
) -> None:
    world, keeper = World(VirtualClock()), Keeping()
    at_write = []

    class Disk(Recorder):
        def event(self, kind: str, t_s: float | None, **fields: Any) -> None:
            at_write.append(keeper.beats)
            super().event(kind, t_s, **fields)

    execute(PLAN, world, Disk(tmp_path, channel_units(world), {}, world.clock), keepers=[keeper])
    assert len(at_write) > 5
    assert len(set(at_write)) == len(at_write)


def test_what_a_keeper_does_while_the_settings_are_put_back_does_not_stay(tmp_path: Path) -> None:
    told = []
    for at in (1, 2, 3):  # before they are put back, meanwhile, and never
        world = World(VirtualClock())
        folder = tmp_path / str(at)
        folder.mkdir()
        write_info(folder, INFO)
        recorder = Recorder(folder, channel_units(world), {}, world.clock)
        keeper = Disturbing(world, at)
        result = execute(PLAN, world, recorder, keepers=[keeper])
        assert keeper.asked == 2
        assert world.battery.mode == "auto"
        assert result.settings_restored == {"battery": True}
        events = load_run(folder).recording.events
        told.append([event["kind"] for event in events].count("settings_disturbed"))
    assert told == [0, 1, 0]
