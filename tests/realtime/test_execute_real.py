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
from tests.realtime.holding import LIMIT_S, in_thread, wait_until

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
    """A reading of the battery ends after ten more of the analyzer: in one thread it would never end."""
    world, seen = World(RealClock()), []

    def counts(verb: str, name: str) -> None:
        if in_thread("read meter"):
            seen.append(name)

    def reads_slowly(verb: str, name: str) -> None:
        if in_thread("read battery"):
            enough = len(seen) + 10
            wait_until(lambda: len(seen) >= enough or not _lives("read meter"))

    world.meter.fault, world.battery.fault = counts, reads_slowly
    result, run = play(tmp_path, world, timeline(1.9))
    assert (result.execution, result.reason) == ("done", "")
    power = run.recording.signals["meter.power_kw"]
    assert len(power.t_s) == 39
    assert np.max(np.abs(power.t_s - np.arange(39) * 0.05)) < 0.25  # a busy machine
    battery = run.recording.signals["battery.power_kw"]
    assert list(battery.quality).count("missing") >= 2
    assert len(battery.t_s) <= 10  # one row a tick, read or not: nothing was caught up with
    good = battery.t_s[battery.quality != "missing"]
    assert np.min(np.diff(good[:-1])) > 0.3
    assert "late" in battery.quality
    assert any(gap.channel == "battery.power_kw" and "too long" in gap.why for gap in run.recording.gaps)


def _lives(name: str) -> bool:
    return any(thread.name == name for thread in threading.enumerate())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full is made of it here")
def test_a_disk_that_refuses_while_the_run_is_ending_is_an_error(tmp_path: Path) -> None:
    """The thread that writes is still at it then, and nobody else would hear of it."""
    world = World(RealClock())

    class Disk(Recorder):
        def flush_due(self, t_s: float) -> None:
            wait_until(lambda: world.battery.mode == "remote" and not world.source.state["output"])
            full = os.open("/dev/full", os.O_WRONLY)
            os.dup2(full, self._file.fileno())
            os.close(full)
            super().flush_due(t_s)

    recorder = Disk(tmp_path, channel_units(world), {}, world.clock)
    world.battery.fault = lambda verb, name: (
        wait_until(lambda: recorder.failure is not None) if verb == "restore" else None
    )
    result = execute(timeline(0.3), world, recorder)
    assert (result.execution, result.safe_state.state) == ("error", "verified")
    assert "No space left" in result.reason


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
    world, hung = World(RealClock()), []

    def sets_slowly(verb: str, name: str) -> None:
        if (verb, name) == ("set", "frequency_hz") and world.battery.mode == "remote" and not hung:
            hung.append(world.clock.now_s())
            time.sleep(0.35)

    world.source.fault = sets_slowly
    points = [SetPoint(0.1 * k, "source", "frequency_hz", 50.0 + 0.01 * k, "x") for k in range(9)]
    _, run = play(tmp_path, world, timeline(1.0, *points))
    sent = [round(float(c.value), 2) for c in run.recording.commands if c.planned_s is not None]
    skipped = [e for e in run.recording.events if e["kind"] == "set_point_skipped"]
    left_out = [round(50.0 + 0.1 * e["planned_s"], 2) for e in skipped]
    while_busy = [value for value in left_out if value > sent[0]]
    assert [round(sent[0] + 0.01 * k, 2) for k in (1, 2)] == while_busy[:2]
    assert sorted(sent + left_out) == [round(50.0 + 0.01 * k, 2) for k in range(9)]
    assert sent[-1] == 50.08


def test_a_link_that_stays_dead_in_its_thread_ends_the_run_within_three_readings(tmp_path: Path) -> None:
    world, died_s = World(RealClock()), []

    def dies(verb: str, name: str) -> None:
        if in_thread("read meter"):
            died_s.append(world.clock.now_s())
        if len(died_s) > 3:
            raise LinkDown("the connection broke")

    world.meter.fault = dies
    result, _ = play(tmp_path, world, timeline(30.0))
    assert (result.execution, result.reason) == (
        "error",
        "meter: 3 readings in a row failed: the connection broke",
    )
    assert world.source.state["output"] == 0.0
    assert result.safe_state.state == "verified"
    assert result.settings_restored == {"battery": True}
    assert world.clock.now_s() - died_s[3] < 2.5


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
    after = [(name, value) for t_s, name, value in world.source.log if t_s > sent_s[0]]
    assert after[:2] == [("frequency_hz", 50.0), ("output", False)]  # nothing else comes before it
    off_s = next(t for t, name, value in reversed(world.source.log) if (name, value) == ("output", False))
    assert off_s - sent_s[0] < 1.0
    assert signal.getsignal(number) is before


def test_another_thread_may_stop_a_run_that_is_not_in_the_main_thread(tmp_path: Path) -> None:
    world, stop, done = World(RealClock()), StopFlag(), []
    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=lambda: done.append(play(tmp_path, world, timeline(30.0), stop)))
    thread.start()
    wait_until(lambda: world.battery.mode == "remote")
    assert signal.getsignal(signal.SIGINT) is before
    stop.set("enough")
    thread.join(LIMIT_S)
    assert (done[0][0].execution, done[0][0].reason) == ("aborted", "enough")
    assert world.source.state["output"] == 0.0
