"""Runs on the small world: a plan, how it is played, and what is found in its record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.execute import ExecutionResult, channel_units, execute
from bench.record.info import write_info
from bench.record.load import LoadedRun, load_run
from bench.record.recorder import Recorder
from bench.runinfo import RunInfo
from bench.timeline import Act, PhaseSpan, SetPoint, Timeline
from tests.bench.execute.small_world import World

INFO = RunInfo(
    profile="p",
    product="p",
    edition="2026",
    point="device",
    delta_kw=3.0,
    decision="guarded",
    simulated=True,
    dry_run=False,
    station="small",
    clock="virtual",
    started_utc="2026-01-01T00:00:00Z",
)
COMMAND = Timeline(
    profile="p",
    set_points=(
        SetPoint(0.0, "battery", "power_set_kw", 0.0, "baseline"),
        SetPoint(10.0, "battery", "power_set_kw", 3.0, "response", 1, "up"),
        SetPoint(20.0, "source", "frequency_hz", 49.8, "hold", 1, "up"),
        SetPoint(25.05, "battery", "power_set_kw", 0.0, "return"),
    ),
    acts=(Act(0.0, "battery", "start", "start"),),
    phases=(PhaseSpan("baseline", 0.0, 10.0), PhaseSpan("response", 10.0, 30.0, 1, "up")),
    end_s=30.0,
    sample_s=0.1,
    slow_sample_s=1.0,
)


def play(
    folder: Path, world: World, timeline: Timeline = COMMAND, **more: Any
) -> tuple[ExecutionResult, LoadedRun]:
    folder.mkdir(exist_ok=True)
    recorder = Recorder(folder, channel_units(world), {}, world.clock)
    result = execute(timeline, world, recorder, **more)
    recorder.close()
    write_info(folder, INFO.model_copy(update={"execution": result.execution, "reason": result.reason}))
    return result, load_run(folder)


def events(run: LoadedRun, kind: str) -> list[Any]:
    return [event for event in run.recording.events if event["kind"] == kind]
