"""Run folders made for the tests of the record."""

from __future__ import annotations

from pathlib import Path

from bench.clock import VirtualClock
from bench.record.info import write_info
from bench.record.recorder import Recorder
from bench.runinfo import InstrumentRecord, RunInfo
from bench.timeline import SetPoint

UNITS = {"meter.power_kw": "kW", "battery.mode": "mode"}


def info(**changes: object) -> RunInfo:
    fields = {
        "profile": "primary",
        "product": "primary",
        "edition": "2026",
        "point": "device",
        "delta_kw": 0.53,
        "decision": "guarded",
        "simulated": True,
        "dry_run": False,
        "station": "twin",
        "clock": "virtual",
        "started_utc": "2026-03-01T00:30:15Z",
        "facts": {"rated_kw": 5.5},
        "phases": [("hold", 0.0, 10.0, 1, "up")],
        "instruments": [
            InstrumentRecord(
                role="meter",
                driver="d",
                resource="r",
                capabilities={"window_s": 0.1},
                accuracy={"power_reading_pct": 0.1},
            ),
            InstrumentRecord(role="battery", driver="d", resource="r", settings_before={"mode": "auto"}),
        ],
    }
    return RunInfo.model_validate({**fields, **changes})


def record(folder: Path, ticks: int = 100, *, batch: int = 10, close: bool = True) -> Recorder:
    """Record ``ticks`` samples of two channels in batches of ``batch`` ticks."""
    write_info(folder, info(execution="done" if close else "running"))
    recorder = Recorder(folder, UNITS, {}, VirtualClock())
    recorder.event("start", 0.0, zero_s=2.0)
    for tick in range(ticks):
        t_s = tick / 10
        recorder.sample(tick, t_s, t_s + 2.0, "meter.power_kw", tick * 0.25, "ok")
        recorder.sample(tick, t_s, t_s + 2.0, "battery.mode", "remote" if tick % 2 else "島", "ok")
        if tick % batch == batch - 1:
            recorder.flush()
    recorder.command(SetPoint(1.0, "battery", "power_set_kw", 3.0, "hold", 1, "up"), 1.001, 3.0)
    recorder.command(SetPoint(float("nan"), "source", "output", False, "safe"), 9.5, False)
    recorder.command(SetPoint(2.0, "battery", "mode", "auto", "hold"), 2.0, None)
    recorder.event("gap", 5.0, channel="meter.power_kw", from_s=4.0, to_s=5.0, why="no answer")
    if close:
        recorder.close()
    else:
        recorder.flush()
    return recorder
