"""An instrument that hangs does not keep the output on, nor a stop from being seen."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.clock import RealClock
from bench.execute import ExecutionResult, StopFlag, channel_units, execute, safe_state
from bench.record.recorder import Recorder
from bench.timeline import Act, SetPoint, Timeline
from tests.bench.execute.small_world import STATION, World
from tests.realtime.holding import in_thread, until, wait_until

pytestmark = pytest.mark.realtime

QUICK: dict[str, Any] = {
    **STATION,
    "station": {**STATION["station"], "safe_step_s": 0.4, "timeout_s": 0.5},
}


def off_after(world: World, begun_s: float) -> float:
    """Return when the source was last told to open, from ``begun_s``."""
    return (
        next(t for t, name, value in reversed(world.source.log) if (name, value) == ("output", False))
        - begun_s
    )


def energised() -> World:
    world = World(RealClock(), QUICK)
    world.source.apply("output", True)
    return world


def test_a_battery_that_hangs_delays_the_output_by_its_declared_time_only() -> None:
    world, over = energised(), threading.Event()
    world.battery.fault = until(over.is_set, "set", "read")
    begun_s = world.clock.now_s()
    state = safe_state(world, patience_s=0.2)
    over.set()
    assert off_after(world, begun_s) < 1.5  # 0.4 s for the battery, 0.2 s for the power; it hangs for ever
    assert state.state == "unknown"
    told = {(step["role"], step["quantity"]): step for step in state.steps if not step.get("ramp")}
    assert told["source", "output"]["state"] == "verified"
    assert told["battery", "power_set_kw"]["message"] == "not confirmed within 0.4 s"


def test_what_confirms_late_still_counts() -> None:
    world = energised()
    world.battery.fault = until(lambda: not world.source.state["output"], "set")
    begun_s = world.clock.now_s()
    assert safe_state(world, patience_s=0.2).state == "verified"
    assert off_after(world, begun_s) < 1.5
    assert world.battery.log  # it was asked, and answered after the source


def test_a_meter_that_hangs_does_not_keep_the_output_on() -> None:
    world = energised()
    world.meter.fault = until(lambda: not world.source.state["output"], "read")
    begun_s = world.clock.now_s()
    assert safe_state(world, patience_s=5.0).state == "verified"
    assert off_after(world, begun_s) < 1.5  # not the time that the power may take to come down


def test_an_instrument_that_answers_at_once_is_waited_for_no_longer() -> None:
    world = energised()
    begun_s = world.clock.now_s()
    assert safe_state(world, patience_s=5.0).state == "verified"
    assert off_after(world, begun_s) < 0.3


class Keeping:
    """A keeper that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def arm(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        self.told.append("arm")

    def look(self) -> None:
        self.told.append("look")

    def beat(self) -> None:
        self.told.append("beat")

    def call(self, why: str) -> None:
        self.told.append(why)

    def disarm(self, state: str) -> None:
        self.told.append(state)


def play(folder: Path, world: World, stop: StopFlag, keeper: Keeping) -> ExecutionResult:
    points = (SetPoint(0.1, "source", "frequency_hz", 49.9, "x"),)
    plan = Timeline("p", points, (Act(0.0, "battery", "start", "x"),), (), 30.0, 0.1, 0.5)
    return execute(
        plan, world, Recorder(folder, channel_units(world), {}, world.clock), stop=stop, keepers=[keeper]
    )


def test_a_stop_is_seen_while_a_driver_hangs_in_a_set_point(tmp_path: Path) -> None:
    world, stop, keeper = World(RealClock(), QUICK), StopFlag(), Keeping()
    over, stopped_s = threading.Event(), []

    def hangs_once(verb: str, name: str) -> None:
        if (verb, name) == ("set", "frequency_hz") and world.battery.mode == "remote" and not stopped_s:
            stopped_s.append(world.clock.now_s())
            stop.set("enough")
            wait_until(over.is_set)

    world.source.fault = hangs_once
    result = play(tmp_path, world, stop, keeper)
    over.set()
    assert (result.execution, result.reason) == ("aborted", "enough")
    assert off_after(world, stopped_s[0]) < 2.0  # the driver hangs for ever
    assert result.safe_state.state == "verified"
    told = [word for word in keeper.told if word != "beat"]
    assert (told[0], told[-1]) == ("arm", "verified")


def test_signs_of_life_go_on_while_the_run_ends_slowly(tmp_path: Path) -> None:
    world, stop, keeper = World(RealClock(), QUICK), StopFlag(), Keeping()

    def slow_to_restore(verb: str, name: str) -> None:
        if verb == "restore":
            enough = keeper.told.count("beat") + 10
            wait_until(lambda: keeper.told.count("beat") >= enough)

    world.battery.fault = slow_to_restore
    world.meter.fault = lambda verb, name: stop.set("enough") if in_thread("read meter") else None
    assert play(tmp_path, world, stop, keeper).settings_restored == {"battery": True}


def test_help_is_called_when_the_source_itself_does_not_confirm(tmp_path: Path) -> None:
    world, stop, keeper = World(RealClock(), QUICK), StopFlag(), Keeping()
    call = "source did not confirm its safe state in its time"

    def slow_to_open(verb: str, name: str) -> None:
        if (verb, name) == ("set", "output") and stop.is_set():
            wait_until(lambda: call in keeper.told)

    world.source.fault = slow_to_open
    world.meter.fault = lambda verb, name: stop.set("enough") if in_thread("read meter") else None
    result = play(tmp_path, world, stop, keeper)
    assert call in keeper.told
    assert result.safe_state.state == "verified"
