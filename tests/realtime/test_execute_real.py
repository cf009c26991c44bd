"""The executor in real time: a thread per instrument, gaps instead of bursts, signals that end safely."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from bench.clock import RealClock
from bench.errors import LinkDown
from bench.execute import ExecutionResult, StopFlag, channel_units, execute
from bench.record.info import write_info
from bench.record.load import LoadedRun, load_run
from bench.record.recorder import Recorder
from bench.timeline import Act, SetPoint, Timeline
from tests.bench.execute.small_world import World
from tests.bench.record.run_folders import info

pytestmark = pytest.mark.realtime


def timeline(end_s: float, *set_points: SetPoint, sample_s: float = 0.05, slow_s: float = 0.2) -> Timeline:
    return Timeline("p", set_points, (Act(0.0, "battery", "start", "x"),), (), end_s, sample_s, slow_s)


def play(
    folder: Path, world: World, plan: Timeline, stop: StopFlag | None = None
) -> tuple[ExecutionResult, LoadedRun]:
    recorder = Recorder(folder, channel_units(world), {}, world.clock)
    result = execute(plan, world, recorder, stop=stop)
    write_info(folder, info(execution=result.execution))
    return result, load_run(folder)


def test_a_slow_battery_does_not_delay_the_analyzer(tmp_path: Path) -> None:
    world = World(RealClock())
    slow = threading.Event()

    def reads_slowly(verb: str, name: str) -> None:
        if verb == "read" and slow.is_set():
            time.sleep(0.5)

    world.battery.fault = reads_slowly
    world.source.fault = lambda verb, name: (
        slow.set() if verb == "read" and world.battery.mode == "remote" else None
    )
    world.meter.fault = lambda verb, name: None
    result, run = play(tmp_path, world, timeline(1.9))
    assert result.execution == "done"
    power = run.recording.signals["meter.power_kw"]
    assert len(power.t_s) == 39
    due = np.arange(39) * 0.05
    assert np.max(np.abs(power.t_s - due)) < 0.25  # a busy machine; in the battery's thread it would be 0.5
    battery = run.recording.signals["battery.power_kw"]
    assert list(battery.quality).count("missing") >= 2
    assert len(battery.t_s) <= 10  # one row a tick, read or not: nothing was caught up with
    good = battery.t_s[battery.quality != "missing"]
    assert np.min(np.diff(good)) > 0.3
    assert "late" in battery.quality
    assert any(gap.channel == "battery.power_kw" and "too long" in gap.why for gap in run.recording.gaps)


def test_set_points_go_out_at_their_times(tmp_path: Path) -> None:
    points = [SetPoint(0.1 * k, "source", "frequency_hz", 50.0 + 0.01 * k, "x") for k in range(9)]
    result, run = play(tmp_path, World(RealClock()), timeline(1.0, *points))
    assert result.execution == "done"
    sent = [c for c in run.recording.commands if c.planned_s is not None]
    assert [c.value for c in sent] == [point.value for point in points]
    late = np.array([c.t_s - (c.planned_s or 0.0) for c in sent])
    assert np.all(late >= 0)
    assert np.median(late) < 0.02


def test_set_points_that_are_overtaken_are_not_sent_in_a_burst(tmp_path: Path) -> None:
    world = World(RealClock())

    def sets_slowly(verb: str, name: str) -> None:
        if verb == "set" and name == "frequency_hz" and world.source.state["frequency_hz"] == 50.02:
            time.sleep(0.45)

    world.source.fault = sets_slowly
    points = [SetPoint(0.1 * k, "source", "frequency_hz", 50.0 + 0.01 * k, "x") for k in range(9)]
    _, run = play(tmp_path, world, timeline(1.0, *points))
    sent = [round(float(c.value), 2) for c in run.recording.commands if c.planned_s is not None]
    skipped = [e for e in run.recording.events if e["kind"] == "set_point_skipped"]
    left_out = [round(50.0 + 0.1 * e["planned_s"], 2) for e in skipped]
    assert {50.04, 50.05} <= set(left_out)  # due while the source was busy with the one before
    assert sorted(sent + left_out) == [round(50.0 + 0.01 * k, 2) for k in range(9)]
    assert sent[-1] == 50.08


def test_a_link_that_dies_in_its_thread_ends_the_run_at_once(tmp_path: Path) -> None:
    world = World(RealClock())
    begun = world.clock.now_s()

    def dies(verb: str, name: str) -> None:
        if world.battery.mode == "remote" and verb == "read" and world.clock.now_s() > begun + 1.5:
            raise LinkDown("the connection broke")

    world.meter.fault = dies
    result, _ = play(tmp_path, world, timeline(30.0))
    assert (result.execution, result.reason) == ("error", "meter: the connection broke")
    assert result.reached_s < 2.0
    assert world.source.state["output"] == 0.0
    assert result.safe_state.state == "verified"
    assert result.settings_restored == {"battery": True}
    assert world.clock.now_s() - begun < 4.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leads_to_the_safe_state_and_a_second_does_not_disturb_it(
    tmp_path: Path, number: int
) -> None:
    world = World(RealClock())
    before = signal.getsignal(number)
    sent_s: list[float] = []

    def send(verb: str, name: str) -> None:
        if world.battery.mode == "remote" and verb == "read" and not sent_s:
            sent_s.append(world.clock.now_s())
            os.kill(os.getpid(), number)

    def again(verb: str, name: str) -> None:
        if verb == "set" and sent_s:
            os.kill(os.getpid(), number)

    world.meter.fault, world.source.fault = send, again
    result, _ = play(tmp_path, world, timeline(30.0))
    assert (result.execution, result.reason) == ("aborted", f"stopped by {signal.Signals(number).name}")
    assert world.source.state["output"] == 0.0
    assert result.safe_state.state == "verified"
    assert result.settings_restored == {"battery": True}
    off_s = next(t for t, name, value in reversed(world.source.log) if (name, value) == ("output", False))
    assert off_s - sent_s[0] < 1.0
    assert signal.getsignal(number) is before


def test_another_thread_may_stop_a_run_that_is_not_in_the_main_thread(tmp_path: Path) -> None:
    world, stop, done = World(RealClock()), StopFlag(), []
    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=lambda: done.append(play(tmp_path, world, timeline(30.0), stop)))
    thread.start()
    while world.battery.mode != "remote":
        time.sleep(0.01)
    assert signal.getsignal(signal.SIGINT) is before
    stop.set("enough")
    thread.join(5.0)
    assert (done[0][0].execution, done[0][0].reason) == ("aborted", "enough")
    assert world.source.state["output"] == 0.0
