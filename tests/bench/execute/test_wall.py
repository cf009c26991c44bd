"""A wall clock that is set during a run is told; a machine that was suspended ends it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bench.clock import VirtualClock, asleep_s, wall_offset_s
from bench.errors import BenchError
from bench.execute.journal import Journal
from bench.execute.wall import Wall


class StillClock(VirtualClock):
    """Stands where it is put, and says that it is real."""

    kind = "real"


class Heard:
    """A sink that keeps the events."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def event(self, kind: str, t_s: float | None, **fields: Any) -> None:
        self.events.append({"kind": kind, "t_s": t_s, **fields})


class Host:
    """A machine whose clocks are what they are told to be."""

    def __init__(self, clock: VirtualClock) -> None:
        self.heard = Heard()
        self.journal = Journal(self.heard, clock)  # type: ignore[arg-type]  # events are all it is given
        self.offset_s: float | None = 1000.0
        self.slept_s = 5.0
        self.wall = Wall(self.journal, lambda: self.offset_s, lambda: self.slept_s)


def test_a_clock_set_forwards_and_back_is_told_with_size_and_time() -> None:
    clock = StillClock()
    host = Host(clock)
    host.wall.look()
    host.offset_s = 4600.0
    host.wall.look()
    host.journal.begin(0.0)
    clock.sleep_until(12.5)
    host.offset_s = 4600.2 - 86400.0
    host.wall.look()
    host.wall.look()
    assert [(step.t_s, step.step_s) for step in host.wall.steps] == [(None, 3600.0), (12.5, -86399.8)]
    assert [(e["kind"], e["t_s"], e["step_s"]) for e in host.heard.events] == [
        ("clock_stepped", None, 3600.0),
        ("clock_stepped", 12.5, -86399.8),
    ]
    assert host.wall.steps[1].utc < host.wall.steps[1].utc_before


def test_a_clock_that_is_only_slewed_or_cannot_be_read_just_now_is_not_told() -> None:
    host = Host(StillClock())
    for offset_s in (1000.05, None, 1000.09, 1000.12):
        host.offset_s = offset_s
        host.wall.look()
    assert host.wall.steps == host.heard.events == []


def test_a_machine_that_was_suspended_ends_the_run() -> None:
    host = Host(StillClock())
    host.slept_s = 65.0
    with pytest.raises(BenchError, match=r"suspended for 60\.0 s"):
        host.wall.look()
    host.wall.look()  # once is enough
    assert host.wall.steps == []


def test_virtual_time_does_not_look_at_the_host() -> None:
    host = Host(VirtualClock())
    host.offset_s, host.slept_s = 0.0, 99.0
    host.wall.look()
    assert host.wall.steps == []


def test_a_process_that_is_held_up_while_it_looks_was_not_suspended(monkeypatch: pytest.MonkeyPatch) -> None:
    before_s, real, late_s = asleep_s(), time.monotonic, iter([0.7])  # noqa: TID251  (what it asks)
    monkeypatch.setattr(time, "monotonic", lambda: real() + next(late_s, 0.0))
    assert asleep_s() == pytest.approx(before_s, abs=0.05)


def test_this_host_keeps_its_clock() -> None:
    one, two = wall_offset_s(), wall_offset_s()
    assert one is None or two is None or abs(two - one) < 0.05
    assert asleep_s() == pytest.approx(asleep_s(), abs=0.05)
