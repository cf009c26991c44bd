"""What the executor makes of links that fail: what is a gap, what is asked again, what ends the run."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from pathlib import Path

import pytest

from bench.clock import VirtualClock
from bench.errors import (
    InstrumentBusy,
    InstrumentError,
    LinkDown,
    LinkTimeout,
    NotArrived,
)
from bench.execute import channel_units, safe_state
from bench.execute.guard import Guard
from bench.execute.journal import Journal
from bench.execute.sender import Sender
from bench.execute.stop import Stopped
from bench.record.recorder import Recorder
from bench.record.texts import read_commands
from bench.timeline import SetPoint
from tests.bench.execute.small_runs import events, play
from tests.bench.execute.small_world import World


def test_a_source_whose_link_dies_is_an_error_at_once(tmp_path: Path) -> None:
    world = World(VirtualClock())

    def dies(verb: str, name: str) -> None:
        if verb == "read" and world.clock.now_s() > 17:
            raise LinkDown("the connection broke")

    world.source.fault = dies
    result, run = play(tmp_path, world)
    assert (result.execution, result.reason) == ("error", "source: the connection broke")
    assert len(events(run, "reading_failed")) == 1


@pytest.mark.parametrize("role", ["meter", "battery"])
def test_a_session_reset_once_is_a_gap_and_the_run_goes_on(tmp_path: Path, role: str) -> None:
    world = World(VirtualClock())
    left = {"count": 1}

    def resets(verb: str, name: str) -> None:
        if verb == "read" and world.clock.now_s() > 17 and left["count"]:
            left["count"] -= 1
            raise LinkDown("the connection broke")

    getattr(world, role).fault = resets
    result, run = play(tmp_path, world)
    assert result.execution == "done"
    gaps = [gap for gap in run.recording.gaps if gap.channel == f"{role}.power_kw"]
    assert [gap.why for gap in gaps] == [f"{role}: the connection broke"]
    assert len(events(run, "reading_failed")) == 1


@pytest.mark.parametrize(("refused", "execution"), [(3, "done"), (12, "error")])
def test_a_device_that_is_busy_is_asked_again_and_counts_from_the_first_time(
    tmp_path: Path, refused: int, execution: str
) -> None:
    world = World(VirtualClock())
    sets: list[str] = []

    def busy(verb: str, name: str) -> None:
        if (verb, name) == ("set", "power_set_kw"):
            sets.append(name)
            if 1 < len(sets) <= 1 + refused:  # the first is the zero before the step
                raise InstrumentBusy("device busy")

    world.battery.fault = busy
    result, run = play(tmp_path, world)
    assert result.execution == execution
    assert len(events(run, "busy")) == 1
    step = next(c for c in run.recording.commands if c.planned_s == 10.0)
    assert step.t_s == pytest.approx(10.0)
    assert step.read_back == (3.0 if execution == "done" else None)


@pytest.mark.parametrize(
    ("taken", "seen", "tries", "told"),
    [
        (True, "late", 1, ["set_unanswered", "set_confirmed"]),
        (False, "late", 2, ["set_unanswered", "set_again"]),
        (False, "not arrived", 2, ["set_unanswered", "set_again"]),  # its driver has asked back
    ],
)
def test_a_set_point_that_nobody_answers_once_is_read_back_and_the_run_goes_on(
    tmp_path: Path, taken: bool, seen: str, tries: int, told: list[str]
) -> None:
    world = World(VirtualClock())
    sets: list[str] = []

    def silent(verb: str, name: str) -> None:
        if (verb, name) == ("set", "power_set_kw") and 9 < world.clock.now_s() < 15:
            sets.append(name)
            if len(sets) == 1:
                if taken:
                    world.battery.power_set_kw = 3.0
                world.clock.sleep_until(world.clock.now_s() + 2.0)
                raise (LinkTimeout if seen == "late" else NotArrived)("no answer")

    world.battery.fault = silent
    result, run = play(tmp_path, world)
    assert (result.execution, result.reason) == ("done", "")
    kinds = [event["kind"] for event in run.recording.events]
    assert [kind for kind in kinds if kind.startswith("set_")] == told
    step = next(c for c in run.recording.commands if c.planned_s == 10.0)
    assert (step.earliest_s, step.read_back) == (pytest.approx(10.0), 3.0)
    assert step.t_s == pytest.approx(10.0 if tries == 1 else 12.0)  # which of the two came is not known
    assert len([c for c in run.recording.commands if c.planned_s == 10.0]) == 1
    assert len(sets) == tries


def test_an_order_that_nobody_answered_before_a_stop_is_recorded_and_not_given_again(tmp_path: Path) -> None:
    world, sets = World(VirtualClock()), []
    recorder = Recorder(tmp_path, channel_units(world), {}, world.clock)
    journal = Journal(recorder, world.clock)
    journal.begin(0.0)

    def silent(verb: str, name: str) -> None:
        sets.append(name)
        journal.ending = True
        raise LinkTimeout("no answer")

    world.battery.fault = silent
    locks = {role: contextlib.nullcontext() for role in world.drivers}
    sender = Sender(world.drivers, Guard(world.loaded.station.limits), journal, locks)
    with pytest.raises(Stopped):
        sender.send(SetPoint(0.0, "battery", "power_set_kw", 3.0, "hold"))
    recorder.close()
    (sent,) = read_commands(tmp_path / "commands.csv", torn_tail=False)
    assert (sent.value, sent.read_back, sets) == (3.0, None, ["power_set_kw"])


def test_a_power_that_the_device_rounds_is_told(tmp_path: Path) -> None:
    world = World(VirtualClock())
    take = world.battery.apply
    world.battery.apply = lambda name, value: take(name, value and round(value - 0.06, 2))
    result, run = play(tmp_path, world)
    assert result.execution == "done"
    assert [(e["value"], e["read_back"]) for e in events(run, "set_rounded")] == [(3.0, 2.94)]


@pytest.mark.parametrize("case", ["twice", "deaf", "driver asked back", "nothing to read"])
def test_silence_that_is_not_resolved_ends_the_run_at_once(tmp_path: Path, case: str) -> None:
    world = World(VirtualClock())
    orders: list[str] = []

    def silent(verb: str, name: str) -> None:
        if world.clock.now_s() > 5 and world.source.state["output"]:
            if (verb, name) == ("set", "power_set_kw"):
                orders.append(name)
                raise LinkTimeout("no answer to the order")
            if verb == "read" and case == "deaf" and orders:
                raise LinkTimeout("no answer to the question")

    world.battery.fault = silent
    if case == "driver asked back":
        world.battery.capabilities = dataclasses.replace(world.battery.capabilities, asks_back=True)
    if case == "nothing to read":
        info = world.battery.known["power_set_kw"]
        world.battery.known = {
            **world.battery.known, "power_set_kw": dataclasses.replace(info, readable=False)
        }  # fmt: skip
    result, run = play(tmp_path, world)
    assert result.execution == "error"
    assert "no answer" in result.reason
    assert len([c for c in run.recording.commands if c.planned_s == 10.0]) == 1
    assert world.source.state["output"] == 0.0
    assert len(orders) - 1 == (2 if case == "twice" else 1)  # and the zero of the safe state


def test_time_outs_that_leave_nobody_watching_trip(tmp_path: Path) -> None:
    """A time-out may be long: what counts is how long nobody has told the power."""
    world = World(VirtualClock())
    limits = world.loaded.station.limits.model_copy(update={"unwatched_s": 0.05})
    station = world.loaded.station.model_copy(update={"limits": limits})
    world.loaded = dataclasses.replace(world.loaded, station=station)

    def times_out(verb: str, name: str) -> None:
        if verb == "read" and world.clock.now_s() > 17:
            raise LinkTimeout("no answer")

    world.meter.fault = world.battery.fault = times_out
    result, _ = play(tmp_path, world)
    assert result.execution == "aborted"
    assert result.reason.startswith("nobody tells power_kw since t = ")


def test_a_link_that_dies_is_an_error_and_the_output_goes_off(tmp_path: Path) -> None:
    world = World(VirtualClock())

    def dies(verb: str, name: str) -> None:
        if world.clock.now_s() > 17:
            raise LinkDown("the connection broke")

    world.meter.fault = dies
    result, run = play(tmp_path, world)
    assert result.execution == "error"
    assert result.reason == "meter: 3 readings in a row failed: the connection broke"
    assert world.source.state["output"] == 0.0
    assert world.battery.power_set_kw == 0.0
    assert result.safe_state.state == "verified"
    assert result.settings_restored == {"battery": True}
    assert 10 < result.reached_s < 20
    assert len(events(run, "reading_failed")) == 3
    assert all(c.t_s < 18 for c in run.recording.commands if c.planned_s is not None)


def test_an_analyzer_that_cannot_be_configured_leaves_the_battery_as_it_was(tmp_path: Path) -> None:
    world = World(VirtualClock())

    def refuses(verb: str, name: str) -> None:
        if verb == "prepare":
            raise InstrumentError("its headers stay off")

    world.meter.fault = refuses
    result, _ = play(tmp_path, world)
    assert (result.execution, result.reason) == ("error", "its headers stay off")
    assert result.settings_restored == {"battery": True}


def test_a_dead_battery_does_not_keep_the_source_on(tmp_path: Path) -> None:
    world = World(VirtualClock())

    def dies(verb: str, name: str) -> None:
        if world.clock.now_s() > 17:
            raise LinkDown("nobody answers")

    world.battery.fault = dies
    result, _ = play(tmp_path, world)
    assert (result.execution, result.reason) == (
        "error",
        "battery: 3 readings in a row failed: nobody answers",
    )
    assert world.source.state["output"] == 0.0
    assert result.safe_state.state == "unknown"
    states = {s["role"]: s["state"] for s in result.safe_state.steps if not s.get("ramp")}
    assert states == {"battery": "unknown", "source": "verified"}
    assert result.settings_restored == {"battery": False}
    with pytest.raises(
        InstrumentError, match="first cause: battery: 3 readings in a row failed: nobody answers"
    ):
        play(tmp_path, world)
    world.battery.fault = lambda verb, name: None
    assert safe_state(world).state == "verified"
    assert play(tmp_path, world)[0].execution == "done"


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_single_timeouts_are_gaps_and_three_in_a_row_an_error(tmp_path: Path, lost: int) -> None:
    world = World(VirtualClock())
    left = {"count": lost}

    def times_out(verb: str, name: str) -> None:
        if verb == "read" and world.clock.now_s() > 17 and left["count"]:
            left["count"] -= 1
            raise LinkTimeout("no answer in 2 s")

    world.meter.fault = times_out
    result, run = play(tmp_path, world)
    power = run.recording.signals["meter.power_kw"]
    missing = power.t_s[power.quality == "missing"]
    assert len(missing) == lost
    assert all(math.isnan(v) for v in power.value[power.quality == "missing"])
    gap = next(g for g in run.recording.gaps if g.channel == "meter.power_kw")
    assert gap.from_s == missing[0]
    assert "no answer" in gap.why
    if lost < 3:
        assert result.execution == "done"
        assert gap.to_s == pytest.approx(missing[-1] + 0.1)
    else:
        assert result.execution == "error"
        assert result.reason == "meter: 3 readings in a row failed: no answer in 2 s"


def test_no_data_is_a_gap_and_not_an_error(tmp_path: Path) -> None:
    world = World(VirtualClock())
    value = world.meter.value
    world.meter.value = lambda name: None if 15 <= world.clock.now_s() < 16 else value(name)  # type: ignore[method-assign]
    result, run = play(tmp_path, world)
    assert result.execution == "done"
    assert [g.why for g in run.recording.gaps] == ["missing"] * 3
    assert {round(g.to_s - g.from_s, 6) for g in run.recording.gaps} == {1.0}
