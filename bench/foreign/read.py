"""A stranger's file as a :class:`bench.recording.Recording`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bench.config.shape import nearest_text
from bench.errors import Fault, UsageError
from bench.foreign import cells, steps, timing
from bench.foreign.clock import estimated_offset, source_offset
from bench.foreign.columns import OURS, TIMES, Column, Columns, read_columns
from bench.foreign.decimals import with_points
from bench.foreign.resolution import power_resolution_kw
from bench.foreign.rows import FaultList
from bench.foreign.table import Table, read_table
from bench.recording import Command, Recording, Signal

__all__ = ["read_recording"]

Kind = Literal["command", "frequency", "site", "observe"]
Point = Literal["device", "receiving"]
_POWER: Mapping[Point, str] = {"device": "power_kw", "receiving": "receiving_power_kw"}
_OF_METER = "meter."
_WORDS = ("time", "mode")
_EVENT = "battery.alarm_event_s"


def read_recording(
    path: Path,
    columns_path: Path | None = None,
    *,
    kind: Kind,
    point: Point = "device",
    facts: Mapping[str, Any] | None = None,
    accuracy: Mapping[str, float] | None = None,
) -> Recording:
    """Read the CSV or Parquet file at ``path``, its columns named by the TOML at ``columns_path``.

    ``kind`` is the profile's: for "frequency" steps are looked for in the measured frequency where the file
    does not say what the source was set to. ``facts`` are what the profile and the rules know; what
    ``[declared]`` says stands before them, and what is estimated here (``window_s``, ``nominal_hz``) behind.
    ``facts["window_from"]`` and ``facts["nominal_from"]`` then say ``estimated``.

    Raises:
        UsageError: everything that is wrong with the files, each fault with its row and column.
    """
    columns = read_columns(columns_path)
    table = read_table(path, lambda header: _names(path, columns_path, columns, header, point))
    wanted = {
        ours: column for ours, column in columns.wanted(table.header).items() if column.name in table.cells
    }
    table = with_points(table, [column.name for ours, column in wanted.items() if ours not in _WORDS])
    faults = FaultList(str(path))
    time = next(ours for ours in TIMES if ours in wanted)
    t_s, started = cells.instants(table, time, wanted.pop(time), columns.declared.time_zone, faults)
    signals, codes = _signals(table, wanted, columns, t_s, faults)
    faults.close()
    events = timing.time_events(t_s, signals)
    signals = {channel: _repeats_marked(signal) for channel, signal in signals.items()}
    known = {**(facts or {}), **columns.declared.facts(), "point": point}
    known |= _estimates(known, columns, signals, t_s, started, point)
    commands = _commands(signals, kind, known.get("nominal_hz"))
    offset_s = columns.declared.clock_offset_s
    if offset_s:
        signals, commands = _moved(signals, commands, offset_s)
        text = f"commands and what the device says were moved by {offset_s:g} s, as declared"
        events.append({"kind": "clock_offset", "t_s": float(t_s.min()), "offset_s": offset_s, "text": text})
    given = columns.accuracy.model_dump(exclude_none=True)
    rounded_kw = power_resolution_kw(signals[OURS[_POWER[point]][0]])
    given |= {"power_resolution_kw": rounded_kw} if rounded_kw else {}
    meter, device = signals[OURS[_POWER[point]][0]], signals.get("battery.power_kw")
    if offset_s is None and device is not None and point == "device":
        found = estimated_offset(meter, device, commands)
        if found is not None:
            after = f"{found.offset_s:+.1f} ± {found.doubt_s:.1f} s"
            text = f"the meter's power comes {after} after the device's own"
            if found.move:
                signals, commands = _moved(signals, commands, found.offset_s)
                known |= {"clock_offset_s": found.offset_s, "clock_offset_from": "estimated"}
                given["time_s"] = max(given.get("time_s", 0.0), found.doubt_s)
                text += ": its clock is off; commands and what the device says were moved by that"
            else:
                text += ": the device reports late, or the clocks differ; nothing was moved"
            events.append({"kind": "clock_offset", "t_s": float(t_s.min()), "offset_s": found.offset_s,
                           "text": text})  # fmt: skip
    measured, set_hz = (signals.get(f"{role}.frequency_hz") for role in ("meter", "source"))
    if offset_s is None and measured is not None and set_hz is not None:
        found = source_offset(measured, set_hz)
        if found is not None:
            signals["source.frequency_hz"] = replace(set_hz, t_s=set_hz.t_s + found.offset_s)
            commands = [
                replace(item, t_s=item.t_s + found.offset_s) if item.role == "source" else item
                for item in commands
            ]
            text = (
                f"the measured frequency comes {found.offset_s:+.2f} ± {found.doubt_s:.2f} s after the set "
                "one: one of the clocks is off; what the source was set to was moved by that"
            )
            events.append({"kind": "clock_offset", "t_s": float(t_s.min()), "offset_s": found.offset_s,
                           "text": text})  # fmt: skip
    return Recording(
        signals=signals,
        commands=tuple(sorted(commands, key=lambda command: command.t_s)),
        phases=(),
        facts=known,
        accuracy={**(accuracy or {}), **given},
        events=tuple(events),
        gaps=timing.find_gaps(t_s, signals),
        mode_codes=codes,
        foreign=True,
    )


def _names(
    path: Path, columns_path: Path | None, columns: Columns, header: tuple[str, ...], point: Point
) -> Sequence[str]:
    """Return their columns that are read.

    Raises:
        UsageError: a column that is named or needed is not there.
    """
    wanted = columns.wanted(header)
    where = f"{columns_path}: columns" if columns.columns is not None else str(path)
    faults = [
        Fault(
            f"{where}.{ours}", f"{path.name} has no column {column.name!r}{nearest_text(column.name, header)}"
        )
        for ours, column in wanted.items()
        if column.name not in header
    ]
    times = [ours for ours in TIMES if ours in wanted]
    if not times:
        faults.append(Fault(where, "a time column is needed: t_s (seconds) or time (ISO)"))
    elif len(times) > 1 and columns.columns is not None:
        faults.append(Fault(where, "t_s and time are both given: one of them is the time"))
    if _POWER[point] not in wanted:
        faults.append(Fault(where, f"{_POWER[point]} is needed to judge the {point} point"))
    if faults:
        raise UsageError(faults)
    return [column.name for column in wanted.values()]


def _signals(
    table: Table,
    wanted: Mapping[str, Column],
    columns: Columns,
    t_s: NDArray[np.float64],
    faults: FaultList,
) -> tuple[dict[str, Signal], dict[str, int]]:
    missing = cells.Missing(columns.values.missing)
    signals: dict[str, Signal] = {}
    codes: dict[str, int] = {}
    for ours, column in wanted.items():
        if ours in TIMES:
            continue
        channel, unit = OURS[ours]
        if ours == "mode":
            value, quality, codes = cells.modes(table, ours, column, missing, faults)
        else:
            value, quality = cells.numbers(table, ours, column, missing, faults)
        signals[channel] = Signal(t_s, value, quality, unit)
    return signals, codes


def _repeats_marked(signal: Signal) -> Signal:
    """Mark a sample that repeats time and value of an earlier one: it brings nothing new."""
    order = np.argsort(signal.t_s, kind="stable")
    t_s, value = signal.t_s[order], signal.value[order]
    again = np.flatnonzero((np.diff(t_s) == 0) & (np.diff(value) == 0)) + 1
    if not len(again):
        return signal
    quality = signal.quality.copy()
    quality[order[again]] = "repeated"
    return replace(signal, quality=quality)


def _estimates(
    known: Mapping[str, Any],
    columns: Columns,
    signals: Mapping[str, Signal],
    t_s: NDArray[np.float64],
    started: str | None,
    point: Point,
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "window_s" in known:
        found["window_from"] = "declared"
    else:
        window_s = timing.estimated_window_s(signals[OURS[_POWER[point]][0]])
        if window_s is not None:
            found |= {"window_s": window_s, "window_from": "estimated"}
    if "nominal_hz" in known:
        found["nominal_from"] = "declared"
    else:
        nominal_hz = _nominal_hz(signals)
        if nominal_hz is not None:
            found |= {"nominal_hz": nominal_hz, "nominal_from": "estimated"}
    interval_s = timing.interval_s(t_s)
    if interval_s is not None:
        found["sample_s"] = interval_s
    if started is not None:
        found["started_utc"] = started
    if columns.declared.clock_offset_s is not None:
        found |= {"clock_offset_s": columns.declared.clock_offset_s, "clock_offset_from": "declared"}
    return found


def _nominal_hz(signals: Mapping[str, Signal]) -> float | None:
    """Return the nominal frequency, 50 or 60 Hz, that the recorded one is about; None when about neither."""
    for channel in ("meter.frequency_hz", "source.frequency_hz", "battery.frequency_hz"):
        if channel in signals:
            _, value = signals[channel].good()
            about = round(float(np.median(value)) / 10.0) * 10.0 if len(value) else 0.0
            if about in (50.0, 60.0):
                return about
    return None


def _commands(signals: Mapping[str, Signal], kind: Kind, nominal_hz: float | None) -> list[Command]:
    found: list[Command] = []
    if "battery.power_set_kw" in signals:
        found += steps.power_commands(signals["battery.power_set_kw"])
    if "source.frequency_hz" in signals:
        found += steps.source_commands(signals["source.frequency_hz"], nominal_hz)
    elif kind == "frequency" and "meter.frequency_hz" in signals:
        found += steps.frequency_steps(signals["meter.frequency_hz"], nominal_hz)
    return found


def _moved(
    signals: Mapping[str, Signal], commands: Sequence[Command], offset_s: float
) -> tuple[dict[str, Signal], list[Command]]:
    """Put what the commander's clock stamped on the meter's clock; the meter's own channels stay."""
    stay = "source.frequency_hz" not in signals
    moved = {
        channel: signal if channel.startswith(_OF_METER) else replace(signal, t_s=signal.t_s + offset_s)
        for channel, signal in signals.items()
    }
    if _EVENT in moved:  # a time of the same clock
        moved[_EVENT] = replace(moved[_EVENT], value=moved[_EVENT].value + offset_s)
    return moved, [
        command
        if command.role == "source" and stay
        else replace(
            command,
            t_s=command.t_s + offset_s,
            not_before_s=None if command.not_before_s is None else command.not_before_s + offset_s,
        )
        for command in commands
    ]
