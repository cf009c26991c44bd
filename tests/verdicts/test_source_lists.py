"""Steps that the source makes by its own clock: the verdict is the battery's, and nothing is left playing."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from judged import Judged, judged

from bench.clock import Clock
from bench.config.load import load_station, parse_overrides
from bench.drivers.base import ListStep
from bench.errors import LimitTripped
from bench.execute import channel_units, execute
from bench.execute.guard import Guard
from bench.execute.journal import Journal
from bench.execute.source_list import ListPlayer, list_acts
from bench.execute.stop import Stopped
from bench.model import Outcome
from bench.plan import source_lists
from bench.record.recorder import Recorder
from bench.station import OpenStation, open_station
from bench.timeline import PlayedList, SetPoint, Timeline

PRACTICE = ("profile.steps_count=1", "profile.duration_s=10")
SOURCES = {
    "ametek_mx": "instruments.ametek_mx:AmetekMx",
    "chroma_61800": "instruments.chroma_61800:Chroma61800",
}
JUDGED = ("delay", "response", "band", "hold", "droop", "stimulus", "stimulus_edge", "data")


def spoken(dialect: str) -> tuple[str, ...]:
    return f"twin.source.dialect={dialect}", f"instruments.source.driver={SOURCES[dialect]}"


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [found for line in lines if (found := json.loads(line))["kind"] == kind]


def steps_sent(found: Judged) -> list[tuple[float, float, str]]:
    rows = (found.folder / "commands.csv").read_text(encoding="utf-8").splitlines()[1:]
    cells = [row.split(",") for row in rows if ",source,frequency_hz," in row and row[0] != ","]
    return [(float(one[0]), float(one[1]), one[4]) for one in cells]


@pytest.mark.parametrize("dialect", SOURCES)
def test_a_good_battery_passes_with_steps_of_the_sources_own(dialect: str, tmp_path: Path) -> None:
    found = judged("primary", tmp_path, *spoken(dialect), *PRACTICE)
    assert {name: found.finding(name).outcome for name in JUDGED} == dict.fromkeys(JUDGED, Outcome.PASS)
    assert len(events(found.folder, "list_started")) == len(events(found.folder, "list_released")) == 4
    assert not events(found.folder, "list_refused")
    by_hand = judged("primary", tmp_path, *spoken(dialect), *PRACTICE, "instruments.source.use_list=false")
    assert not events(by_hand.folder, "list_started")
    planned = [(planned, value) for planned, _, value in steps_sent(by_hand)]
    own = [(planned, value) for planned, _, value in steps_sent(found)]
    assert [one for one in own if one in planned] == planned, "each planned step is in the record once"
    assert all(abs(sent - at) < 1e-6 for at, sent, _ in steps_sent(found))


@pytest.mark.parametrize(
    ("fault", "root"), [("twin.battery.delay_s=2.4", "delay"), ("twin.battery.droop_pct=5.6", "droop")]
)
def test_a_bad_battery_fails_all_the_same(fault: str, root: str, tmp_path: Path) -> None:
    found = judged("primary", tmp_path, *spoken("ametek_mx"), *PRACTICE, fault)
    assert root in found.roots


def test_a_source_that_plays_nothing_makes_the_run_invalid(tmp_path: Path) -> None:
    found = judged("primary", tmp_path, *spoken("chroma_61800"), *PRACTICE, 'twin.source.faults=["stuck"]')
    assert found.outcome is Outcome.INVALID
    assert found.finding("stimulus").outcome is Outcome.INVALID


@pytest.mark.parametrize("dialect", SOURCES)
def test_a_source_that_refuses_lists_is_sent_step_by_step(dialect: str, tmp_path: Path) -> None:
    found = judged("primary", tmp_path, *spoken(dialect), *PRACTICE, "twin.source.list_points=1")
    assert len(events(found.folder, "list_refused")) == 4
    assert {name: found.finding(name).outcome for name in JUDGED} == dict.fromkeys(JUDGED, Outcome.PASS)


def a_list(*values: tuple[float, float]) -> Timeline:
    points = tuple(SetPoint(t_s, "source", "frequency_hz", value, "step") for t_s, value in values)
    return Timeline(
        profile="p",
        set_points=points,
        acts=(),
        phases=(),
        end_s=30.0,
        sample_s=0.1,
        slow_sample_s=1.0,
        lists=(PlayedList(points, 5.0, 25.0),),
    )


class EndsAt:
    """A keeper that ends the run at the clock's ``at_s``."""

    def __init__(self, clock: Clock, at_s: float) -> None:
        self._clock, self._at_s = clock, at_s

    def arm(self, settings: Mapping[str, Mapping[str, Any]]) -> None: ...

    def look(self) -> None:
        if self._clock.now_s() >= self._at_s:
            raise Stopped("enough")

    def beat(self) -> None: ...

    def call(self, why: str) -> None: ...

    def disarm(self, state: str) -> None: ...


def open_twin(dialect: str, *sets: str) -> OpenStation:
    overrides = ['twin.link="direct"', *spoken(dialect), *sets]
    return open_station(load_station("twin", parse_overrides(overrides).station))


@pytest.mark.parametrize("dialect", SOURCES)
def test_a_run_that_is_stopped_while_a_list_plays_leaves_nothing_playing(
    dialect: str, tmp_path: Path
) -> None:
    with open_twin(dialect) as station:
        source = station.host.world.source
        recorder = Recorder(tmp_path, channel_units(station), {}, station.clock)
        plan = a_list((10.0, 49.8), (20.0, 50.0))
        result = execute(plan, station, recorder, keepers=[EndsAt(station.clock, 16.0)])
        assert source.set_hz == 50.0
        assert [one["planned_s"] for one in events(tmp_path, "list_started")] == [10.0]
        assert (result.execution, result.safe_state.state) == ("aborted", "verified")
        assert not source.output
        settings = source.settings
        station.clock.sleep_until(station.clock.now_s() + 60.0)
        station.host.advance()
        assert (source.settings, source.set_hz) == (settings, 50.0), "nothing plays on"


def test_a_list_that_is_let_go_does_not_set_its_last_point_over_the_next_step(tmp_path: Path) -> None:
    steps = ((0.0, 50.0), (10.0, 49.8), (20.0, 50.0), (20.6666666667, 49.9))
    points = tuple(SetPoint(t_s, "source", "frequency_hz", value, "step") for t_s, value in steps)
    plan = replace(a_list(*steps), set_points=points, lists=source_lists(points, 50.0, 30.0))
    assert [played.begin_s for played in plan.lists] == [10.0]
    with open_twin("ametek_mx") as station:
        recorder = Recorder(tmp_path, channel_units(station), {}, station.clock)
        assert execute(plan, station, recorder).execution == "done"
    with (tmp_path / "commands.csv").open(encoding="utf-8", newline="") as file:
        sent = [float(row["value"]) for row in csv.DictReader(file) if row["quantity"] == "frequency_hz"]
    after_list = sent[sent.index(49.8) :]
    assert after_list[:4] == [49.8, 50.0, 50.0, 49.9], "step, back, let go, next step"


@pytest.mark.parametrize("dialect", SOURCES)
def test_another_session_stops_a_list_before_it_sets_anything(dialect: str) -> None:
    with open_twin(dialect) as station:
        source = station.drivers["source"]
        source.load_list([ListStep(10.0, 49.8), ListStep(10.0, 50.0)])  # type: ignore[attr-defined]  # a PlaysLists
        source.start_list()  # type: ignore[attr-defined]
        other = type(source)(source.setting)  # type: ignore[call-arg, attr-defined]
        assert other.set("frequency_hz", 50.1) == pytest.approx(50.1)


def test_a_point_outside_the_limits_is_found_before_anything_is_sent(tmp_path: Path) -> None:
    with open_twin("ametek_mx") as station:
        recorder = Recorder(tmp_path, channel_units(station), {}, station.clock)
        guard = Guard(station.loaded.station.limits)
        (played,) = a_list((10.0, 49.8), (15.0, 44.0), (20.0, 50.0)).lists
        sent: list[SetPoint] = []
        locks = {"source": threading.RLock()}
        player = ListPlayer(station.drivers, guard, Journal(recorder, station.clock), locks, sent.append)
        with pytest.raises(LimitTripped, match="44 is outside"):
            player.do(next(list_acts(played)))
        assert not sent
        assert not events(tmp_path, "list_loaded")
        recorder.close()
