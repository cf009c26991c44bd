"""The executor in virtual time, against small devices that share one bus."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

from bench.clock import VirtualClock
from bench.drivers.base import ReadingValue
from bench.errors import (
    InstrumentRefused,
    LinkTimeout,
    UsageError,
)
from bench.execute import StopFlag, channel_units, execute
from bench.record.info import write_info
from bench.record.load import load_run
from bench.record.recorder import Recorder
from bench.timeline import SetPoint
from tests.bench.execute.small_runs import COMMAND, INFO, events, play
from tests.bench.execute.small_world import STATION, World
from tests.bench.record.small_disk import disk_of


def test_a_run_from_start_to_safe_state(tmp_path: Path) -> None:
    world = World(VirtualClock())
    result, run = play(tmp_path, world)
    assert (result.execution, result.reason, result.reached_s) == ("done", "", 30.0)
    assert result.safe_state.state == "verified"
    assert result.settings_before == {"battery": {"mode": "auto", "power_set_kw": 0.0}}
    assert result.settings_restored == {"battery": True}
    assert world.battery.mode == "auto"
    assert [(name, value) for _, name, value in world.source.log] == [
        ("voltage_v", 202.0),
        ("frequency_hz", 50.0),
        ("output", True),
        ("frequency_hz", 49.8),
        ("frequency_hz", 50.0),
        ("frequency_hz", 50.0),
        ("output", False),
    ]
    power = run.recording.signals["meter.power_kw"]
    assert power.unit == "kW"
    assert list(power.t_s) == [k / 10 for k in range(301)]
    assert set(power.quality) == {"ok"}
    slow = run.recording.signals["battery.mode"]
    assert list(slow.t_s) == [float(k) for k in range(31)]
    assert set(slow.value) == {run.recording.mode_codes["remote"]}


def test_at_one_instant_the_reading_comes_before_the_set_point(tmp_path: Path) -> None:
    _, run = play(tmp_path, World(VirtualClock()))
    power = run.recording.signals["meter.power_kw"]
    by_time = dict(zip(power.t_s, power.value, strict=True))
    assert (by_time[10.0], by_time[10.1]) == (0.0, 3.0)
    assert (by_time[25.0], by_time[25.1]) == (3.0, 0.0)
    sent = [c for c in run.recording.commands if c.planned_s is not None]
    assert [(c.t_s, c.planned_s) for c in sent] == [(pytest.approx(t), t) for t in (0.0, 10.0, 20.0, 25.05)]
    assert (sent[1].read_back, sent[1].phase, sent[1].step, sent[1].direction) == (3.0, "response", 1, "up")


def test_what_comes_before_the_run_has_negative_times(tmp_path: Path) -> None:
    _, run = play(tmp_path, World(VirtualClock()))
    before = [c for c in run.recording.commands if c.phase == "prepare"]
    assert [c.quantity for c in before] == ["voltage_v", "frequency_hz", "output"]
    assert all(c.t_s < 0 and c.planned_s is None for c in before)


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    play(tmp_path / "a", World(VirtualClock()))
    play(tmp_path / "b", World(VirtualClock()))
    one, other = ((tmp_path / name / "samples.parquet").read_bytes() for name in "ab")
    assert one == other
    assert (tmp_path / "a/commands.csv").read_bytes() == (tmp_path / "b/commands.csv").read_bytes()


def test_a_reading_that_stays_outside_trips(tmp_path: Path) -> None:
    world = World(VirtualClock())
    value = world.meter.value
    world.meter.value = lambda name: (  # type: ignore[method-assign]
        9.0 if name == "power_kw" and world.clock.now_s() > 15 else value(name)
    )
    result, run = play(tmp_path, world)
    assert result.execution == "aborted"
    assert result.reason.startswith("meter.power_kw = 9 is outside [-7, 7] (3 readings")
    assert world.source.state["output"] == 0.0
    (trip,) = events(run, "tripped")
    assert trip["live"]["meter.power_kw"] == 9.0
    assert run.recording.signals["meter.power_kw"].value[-1] == 9.0


def test_power_that_comes_with_the_output_trips_before_the_grid_has_settled(tmp_path: Path) -> None:
    world = World(VirtualClock())
    value = world.meter.value
    world.meter.value = lambda name: (  # type: ignore[method-assign]
        9.0 if name == "power_kw" and world.source.state["output"] else value(name)
    )
    result, run = play(tmp_path, world)
    assert result.execution == "aborted"
    assert result.reason.startswith("meter.power_kw = 9 is outside [-7, 7]")
    on_s = next(t_s for t_s, name, to in world.source.log if (name, to) == ("output", True))
    (trip,) = events(run, "tripped")
    assert trip["clock_s"] - on_s < 0.6
    assert world.source.state["output"] == 0.0


def test_one_window_of_a_slow_analyzer_with_the_inrush_in_it_does_not_trip(tmp_path: Path) -> None:
    world = World(VirtualClock())
    take, on_s = world.meter.reading, list[float]()

    def reading(name: str) -> ReadingValue:
        if name != "power_kw" or not world.source.state["output"] or len(on_s) > 3:
            return take(name)
        on_s.append(world.clock.now_s())
        return ReadingValue(9.0, "ok" if len(on_s) == 1 else "repeated")

    world.meter.reading = reading  # type: ignore[method-assign]
    assert play(tmp_path, world)[0].execution == "done"
    assert on_s[-1] - on_s[0] > 0.5


def test_an_exchange_that_is_disturbed_while_the_grid_comes_up_is_borne(tmp_path: Path) -> None:
    world = World(VirtualClock())
    lost = []

    def disturbed(verb: str, name: str) -> None:
        if verb == "read" and world.source.state["output"] and not lost:
            lost.append(world.clock.now_s())
            raise LinkTimeout("no answer")

    world.meter.fault = disturbed
    assert play(tmp_path, world)[0].execution == "done"
    assert lost


def test_one_wild_sample_does_not_trip(tmp_path: Path) -> None:
    world = World(VirtualClock())
    value = world.meter.value
    world.meter.value = lambda name: (  # type: ignore[method-assign]
        900.0 if name == "power_kw" and 15 < world.clock.now_s() < 15.15 else value(name)
    )
    result, _ = play(tmp_path, world)
    assert result.execution == "done"


def test_a_refused_set_point_is_an_error(tmp_path: Path) -> None:
    world = World(VirtualClock())

    def refuses(verb: str, name: str) -> None:
        if (
            verb == "set"
            and name == "power_set_kw"
            and world.battery.power_set_kw == 3.0
            and world.clock.now_s() < 28
        ):
            raise InstrumentRefused("illegal data value")

    world.battery.fault = refuses
    result, run = play(tmp_path, world)
    assert (result.execution, result.reason) == ("error", "battery: illegal data value")
    assert len(events(run, "set_failed")) == 1
    assert world.source.state["output"] == 0.0


def test_what_cannot_be_sent_is_found_before_anything_is_touched(tmp_path: Path) -> None:
    world = World(VirtualClock())
    wrong = dataclasses.replace(
        COMMAND,
        set_points=(
            SetPoint(0.0, "source", "frequency_hz", 47.0, "x"),
            SetPoint(1.0, "gateway", "power_set_kw", 1.0, "x"),
            SetPoint(2.0, "battery", "soc_pct", 1.0, "x"),
            SetPoint(3.0, "battery", "power_set_kw", math.nan, "x"),
            SetPoint(99.0, "battery", "power_set_kw", 1.0, "x"),
        ),
    )
    with pytest.raises(UsageError) as caught:
        play(tmp_path, world, wrong)
    assert [str(fault) for fault in caught.value.faults] == [
        "timeline t = 0 s: source.frequency_hz = 47 is outside limits.frequency_hz [47.5, 51.5]",
        "timeline t = 1 s: the station has no gateway",
        "timeline t = 2 s: battery.soc_pct cannot be set; on this device can be: power_set_kw, mode",
        "timeline t = 3 s: battery.power_set_kw = nan is not a number",
        "timeline t = 99 s: lies outside the run",
    ]
    assert world.source.log == []
    assert world.battery.log == []


def test_an_alarm_forbids_the_start(tmp_path: Path) -> None:
    world = World(VirtualClock())
    world.battery.alarm = 4.0
    result, _ = play(tmp_path, world)
    assert (result.execution, result.reason) == (
        "error",
        "battery: not safe to start: it reports the alarm 4.0",
    )
    assert ("output", True) not in [(name, value) for _, name, value in world.source.log]
    assert result.zero_s is None


def test_an_alarm_during_the_run_ends_it(tmp_path: Path) -> None:
    world = World(VirtualClock())
    value = world.battery.value
    world.battery.value = lambda name: (  # type: ignore[method-assign]
        2.0 if name == "alarm" and world.clock.now_s() > 15 else value(name)
    )
    result, _ = play(tmp_path, world)
    assert (result.execution, result.reason) == ("aborted", "battery reports the alarm 2.0")
    assert world.source.state["output"] == 0.0


def test_terminals_that_never_get_inside_the_limits_end_the_start(tmp_path: Path) -> None:
    world = World(VirtualClock())
    world.source.apply = lambda name, value: (  # type: ignore[method-assign]
        world.source.state.__setitem__(name, 150.0 if name == "voltage_v" else float(value))
    )
    result, run = play(tmp_path, world)
    assert result.execution == "aborted"
    assert "voltage_v = 150 is outside [180, 225]" in result.reason
    assert world.source.state["output"] == 0.0
    assert run.recording.signals == {}
    assert [c.quantity for c in run.recording.commands[:3]] == ["voltage_v", "frequency_hz", "output"]


def test_a_stop_aborts_and_leaves_the_station_safe(tmp_path: Path) -> None:
    world, stop = World(VirtualClock()), StopFlag()
    world.meter.fault = lambda verb, name: stop.set("enough") if world.clock.now_s() > 15 else None
    result, _ = play(tmp_path, world, stop=stop)
    assert 10 < result.reached_s < 20
    assert (result.execution, result.reason) == ("aborted", "enough")
    assert world.source.state["output"] == 0.0
    assert result.settings_restored == {"battery": True}


class TimedOut(BaseException):
    """As pytest's time-out raises it."""


def test_what_is_no_exception_goes_on_after_the_safe_state(tmp_path: Path) -> None:
    world = World(VirtualClock())

    def interrupts(verb: str, name: str) -> None:
        if verb == "read" and 15 < world.clock.now_s() < 15.15:  # and again while the safe state begins
            raise TimedOut

    world.meter.fault = interrupts
    with pytest.raises(TimedOut):
        play(tmp_path, world)
    assert world.source.state["output"] == 0.0
    assert world.battery.mode == "auto"


def test_a_bug_in_a_driver_is_an_error_with_its_traceback(tmp_path: Path) -> None:
    world = World(VirtualClock())

    def breaks(verb: str, name: str) -> None:
        if verb == "read" and world.clock.now_s() > 15:
            raise ZeroDivisionError("division by zero")

    world.meter.fault = breaks
    result, run = play(tmp_path, world)
    assert (result.execution, result.reason) == ("error", "ZeroDivisionError: division by zero")
    assert world.source.state["output"] == 0.0
    (event,) = events(run, "error")
    assert "Traceback" in event["traceback"]


def test_the_devices_settings_come_back_once_the_output_is_off(tmp_path: Path) -> None:
    world = World(VirtualClock())
    world.battery.mode, world.battery.power_set_kw = "standby", 1.5
    output: list[float] = []
    world.battery.fault = lambda verb, name: (
        output.append(world.source.state["output"]) if verb == "restore" else None
    )
    result, _ = play(tmp_path, world)
    assert (world.battery.mode, world.battery.power_set_kw) == ("standby", 1.5)
    assert output == [0.0]
    assert ("power_set_kw", 0.0) in [(name, value) for _, name, value in world.battery.log]
    assert result.safe_state.state == "verified"
    assert result.settings_restored == {"battery": True}


def test_settings_that_do_not_come_back_are_told(tmp_path: Path) -> None:
    world = World(VirtualClock())

    def refuses(verb: str, name: str) -> None:
        if verb == "restore":
            raise InstrumentRefused("not now")

    world.battery.fault = refuses
    result, run = play(tmp_path, world)
    assert (result.execution, result.safe_state.state) == ("done", "verified")
    assert result.settings_restored == {"battery": False}
    assert events(run, "settings_restored")[-1]["why"] == "not now"


def test_the_meter_is_not_read_faster_than_it_publishes(tmp_path: Path) -> None:
    world = World(VirtualClock())
    world.meter.capabilities = dataclasses.replace(world.meter.capabilities, reading_interval_s=0.25)
    _, run = play(tmp_path, world)
    assert list(run.recording.signals["meter.power_kw"].t_s) == [k / 4 for k in range(121)]
    (event,) = events(run, "sampling_slower")
    assert (event["asked_s"], event["interval_s"]) == (0.1, 0.25)


def test_the_declared_safe_state_replaces_the_drivers(tmp_path: Path) -> None:
    file = {
        **STATION,
        "station": {**STATION["station"], "safe_order": ["source", "battery"]},
        "instruments": {
            **STATION["instruments"],
            "battery": {
                "driver": "small:Battery",
                "resource": "here",
                "safe": {"mode": "standby", "power_set_kw": 0.0},
            },
        },
    }
    world = World(VirtualClock(), file)
    result, _ = play(tmp_path, world)
    assert [(s["role"], s["quantity"]) for s in result.safe_state.steps] == [
        ("source", "output"),
        ("battery", "mode"),
        ("battery", "power_set_kw"),
    ]
    assert world.battery.mode == "standby"
    assert result.settings_restored == {"battery": False}


def test_progress_tells_phase_and_values(tmp_path: Path) -> None:
    seen: list[tuple[float, float, str, dict[str, Any]]] = []
    play(tmp_path, World(VirtualClock()), progress=lambda *what: seen.append(what))
    t_s, end_s, phase, live = seen[0]
    assert (t_s, end_s, phase) == (0.0, 30.0, "baseline")
    assert live == {}
    assert len(seen) < 30


def test_a_full_disk_ends_the_run_safely_with_what_it_has(tmp_path: Path) -> None:
    world = World(VirtualClock())
    recorder = Recorder(tmp_path, channel_units(world), {}, world.clock)
    write_info(tmp_path, INFO)
    with disk_of(6000):  # room for some of the samples only
        result = execute(dataclasses.replace(COMMAND, sample_s=0.001), world, recorder)
        recorder.close()
    assert (result.execution, result.reason) == ("error", f"cannot write to {tmp_path}: File too large")
    assert world.source.state["output"] == 0.0
    assert result.safe_state.state == "verified"
    assert result.settings_restored == {"battery": True}
    assert world.battery.mode == "auto"
    commands = load_run(tmp_path).recording.commands
    assert [c.quantity for c in commands[:3]] == ["voltage_v", "frequency_hz", "output"]
