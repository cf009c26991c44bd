"""A whole day in virtual time: it is quick, and memory does not grow with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.clock import VirtualClock
from bench.execute import channel_units, execute
from bench.record.recorder import Recorder
from bench.timeline import Act, SetPoint, Timeline
from tests.bench.execute.small_world import World

resource = pytest.importorskip("resource", reason="this system does not tell how much memory was used")

HOUR_S = 3600.0


def test_memory_does_not_grow_over_a_day(tmp_path: Path) -> None:
    world = World(VirtualClock())
    recorder = Recorder(tmp_path, channel_units(world), {}, world.clock)
    peak_kib: dict[int, int] = {}
    waiting: list[int] = []

    def look(verb: str, name: str) -> None:
        hour = int(world.clock.now_s() // HOUR_S)
        if hour not in peak_kib:
            peak_kib[hour] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            waiting.append(len(recorder._rows))

    world.meter.fault = look
    day = Timeline(
        profile="p",
        set_points=tuple(
            SetPoint(h * HOUR_S, "battery", "power_set_kw", float(h % 5), "x") for h in range(24)
        ),
        acts=(Act(0.0, "battery", "start", "x"),),
        phases=(),
        end_s=24 * HOUR_S,
        sample_s=1.0,
        slow_sample_s=5.0,
    )
    result = execute(day, world, recorder)
    assert result.execution == "done"
    assert recorder.rows_written == 3 * 86_401 + 8 * 17_281
    assert len(peak_kib) == 25
    assert max(waiting) < 10_000
    # by hour 4 full batches have been compressed and the allocators have grown; kept rows would add 60 MB
    assert peak_kib[24] - peak_kib[4] < 10 * 1024
