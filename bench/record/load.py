"""A run folder back as a recording: all that is needed to measure and judge it again, years later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from bench.errors import Fault
from bench.record.columns import Columns
from bench.record.files import DamagedFile, check_file
from bench.record.info import read_info
from bench.record.schema import CLOSED, LIVE
from bench.record.stream import ParquetReader, StreamReader
from bench.record.texts import gaps_of, read_commands, read_events
from bench.recording import Command, Recording, Signal
from bench.runinfo import RunInfo

__all__ = ["MAX_SAMPLES_BYTES", "LoadedRun", "load_run"]

Phases = tuple[tuple[str, float, float, int | None, str | None], ...]
MAX_SAMPLES_BYTES = 8 * 1024**3


class LoadedRun(NamedTuple):
    """A run read back: what it was, what was recorded, and its phases."""

    info: RunInfo
    recording: Recording
    phases: Phases


def load_run(folder: Path) -> LoadedRun:
    """Read a run folder, closed or interrupted.

    Raises:
        NoRunFolder: not a run folder, or damaged; with the place.
    """
    folder = Path(folder).resolve()
    info = read_info(folder)
    running = info.execution == "running"
    phases = tuple(info.phases)
    if any(not abs(t_s) < np.inf for phase in phases for t_s in phase[1:3]):
        raise DamagedFile(Fault("run.json: phases", "a time is not finite"))
    events = read_events(folder / "events.jsonl", torn_tail=running)
    signals, mode_codes = _read_samples(folder)
    for (
        event
    ) in events:  # words that came up while running, where the closed file's table could not be written
        if event["kind"] == "mode_code" and type(event.get("code")) is int:
            mode_codes.setdefault(str(event.get("word")), event["code"])
    recording = Recording(
        signals=signals,
        commands=_sent_again(read_commands(folder / "commands.csv", torn_tail=running), events),
        phases=phases,
        facts=_facts(info),
        accuracy=next((dict(one.accuracy) for one in info.instruments if one.role == "meter"), {}),
        events=events,
        gaps=gaps_of(events),
        mode_codes=mode_codes,
    )
    return LoadedRun(info, recording, phases)


def _sent_again(commands: Sequence[Command], events: Sequence[Mapping[str, Any]]) -> tuple[Command, ...]:
    """Return the commands; one that was sent twice came with the first sending or with the second."""
    found = list(commands)
    for event in events:
        t_s = event.get("t_s")
        if event["kind"] != "set_again" or not isinstance(t_s, int | float):
            continue
        what = (event.get("role"), event.get("quantity"), event.get("value"))
        for index in range(len(found) - 1, -1, -1):
            one = found[index]
            if (one.role, one.quantity, one.value) == what and one.t_s <= t_s:
                found[index] = replace(one, t_s=float(t_s), not_before_s=one.t_s)
                break
    return tuple(found)


def _facts(info: RunInfo) -> dict[str, Any]:
    """Return the facts of the run; what run.json says elsewhere is added, never replaced."""
    facts: dict[str, Any] = dict(info.facts)
    facts.setdefault("point", info.point)
    facts.setdefault("delta_kw", info.delta_kw)
    facts.setdefault("simulated", info.simulated)
    for one in info.instruments:
        window_s = one.capabilities.get("window_s")
        if one.role == "meter" and isinstance(window_s, (int, float)):
            facts.setdefault("window_s", float(window_s))
        if one.role == "battery" and isinstance(one.settings_before.get("mode"), str):
            facts.setdefault("prior_mode", one.settings_before["mode"])
    return facts


def _read_samples(folder: Path) -> tuple[Mapping[str, Signal], dict[str, int]]:
    closed, live = folder / CLOSED, folder / LIVE
    path = live if not closed.exists() and not closed.is_symlink() else closed
    check_file(path, MAX_SAMPLES_BYTES)
    try:
        reader = ParquetReader(path) if path is closed else StreamReader(path)
        columns = Columns()
        for batch in reader:
            columns.add(batch)
        if isinstance(reader, ParquetReader) and columns.rows != reader.rows:
            raise ValueError(f"{columns.rows} rows of {reader.rows} can be read")
        return columns.signals(reader.units), reader.mode_codes
    except (OSError, ValueError, KeyError, MemoryError, OverflowError, pa.ArrowException) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedFile(Fault(path.name, f"is damaged or not ours: {why}")) from None
