"""Before the timeline begins: check it on paper, look whether it is safe to start, bring the grid up."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator

from bench.drivers.base import ReadingValue
from bench.errors import Fault, InstrumentError, LimitTripped, UsageError
from bench.execute.guard import Guard
from bench.execute.ports import StationLike
from bench.execute.reader import Reader
from bench.execute.run import Run
from bench.timeline import Act, SetPoint, Timeline

__all__ = ["check_on_paper", "energise", "look_before"]

_PHASE = "prepare"
_RISE_S = 1.0  # a relay closes, the voltage rises, the analyzer fills its windows
_SETTLED_S = 10.0  # by then the grid must be inside the limits
_LOOK_S = 0.2


def check_on_paper(timeline: Timeline, station: StationLike) -> None:
    """Find everything that cannot be done or must not be sent, before an instrument is touched.

    Raises:
        UsageError: every fault at once.
    """
    faults = list(_faults(timeline, station))
    if faults:
        raise UsageError(faults)


def _faults(timeline: Timeline, station: StationLike) -> Iterator[Fault]:
    for name in ("end_s", "sample_s", "slow_sample_s"):
        value = getattr(timeline, name)
        if not (math.isfinite(value) and value > 0):
            yield Fault(f"timeline.{name}", f"must be a positive time, found {value}")
    guard = Guard(station.loaded.station.limits)
    head = station.loaded.station.station
    known = {role: driver.quantities() for role, driver in station.drivers.items()}
    everything: list[SetPoint | Act] = [*timeline.set_points, *timeline.acts]
    for what in everything:
        place = f"timeline t = {what.t_s:g} s"
        earliest_s = 0.0 if isinstance(what, SetPoint) else -math.inf
        if not (math.isfinite(what.t_s) and earliest_s <= what.t_s <= timeline.end_s):
            yield Fault(place, "lies outside the run")
        if what.role not in known:
            yield Fault(place, f"the station has no {what.role}")
            continue
        if not isinstance(what, SetPoint):
            continue
        info = known[what.role].get(what.quantity)
        if info is None or not info.settable:
            can = ", ".join(name for name, each in known[what.role].items() if each.settable) or "nothing"
            yield Fault(place, f"{what.role}.{what.quantity} cannot be set; on this device can be: {can}")
            continue
        why = guard.refuse_set_point(what.role, what.quantity, what.value)
        if why is not None:
            yield Fault(place, why)
        elif not isinstance(what.value, (str, bool)) and not (
            (info.low is None or what.value >= info.low) and (info.high is None or what.value <= info.high)
        ):
            yield Fault(place, f"{what.role}.{what.quantity} = {what.value:g} is beyond the instrument")
    if "source" in known:
        for quantity, value in (("frequency_hz", head.nominal_hz), ("voltage_v", head.nominal_v)):
            why = guard.refuse_set_point("source", quantity, value)
            if why is not None:
                yield Fault("station", f"the nominal grid: {why}")


def look_before(run: Run) -> None:
    """Read every instrument once and refuse to start on an alarm, or on power where there should be none.

    Raises:
        LimitTripped: a reading says that it is not safe to start.
        InstrumentError: an instrument does not answer, or reports an alarm.
    """
    source = run.station.drivers.get("source")
    live = source is None or (
        (output := source.quantities().get("output")) is not None
        and output.readable
        and bool(source.read(["output"])["output"].value)
    )
    if source is not None and live:
        run.journal.event("output_was_on")
    for reader in run.readers:
        readings = reader.first()
        with run.exclusive(reader.role):
            alarm = readings.get("alarm")
            if alarm is None and reader.role == "battery" and "alarm" in reader.driver.quantities():
                alarm = reader.driver.read(["alarm"])["alarm"]
        if alarm is not None and run.guard.alarm(alarm.value):
            raise InstrumentError(f"not safe to start: it reports the alarm {alarm.value}", role=reader.role)
        for name, watch in run.guard.watches(reader.role).items():
            value = _number(readings.get(name))
            # with the output off there is no voltage and no frequency, but there must be no power either
            if value is not None and (live or name == "power_kw") and not watch.low <= value <= watch.high:
                raise LimitTripped(
                    f"not safe to start: {watch.says(value)}",
                    reading={"channel": watch.channel, "value": value, "low": watch.low, "high": watch.high},
                )


def energise(run: Run) -> None:
    """Set the nominal grid, close the output, and wait until the terminals are inside the limits.

    Raises:
        LimitTripped: they do not get there, or go beyond.
        InstrumentError: the source refused or failed.
    """
    if "source" in run.station.drivers:
        head = run.station.loaded.station.station
        known = run.station.drivers["source"].quantities()
        grid: dict[str, float | bool] = {
            "voltage_v": head.nominal_v,
            "frequency_hz": head.nominal_hz,
            "output": True,
        }
        for quantity, setting in grid.items():
            if quantity in known and known[quantity].settable:
                run.send(SetPoint(math.nan, "source", quantity, setting, _PHASE))
    else:
        run.guard.energised = True  # a grid that is not ours to switch
    clock = run.station.clock
    begin_s = clock.now_s()
    watches = {reader.role: run.guard.watches(reader.role) for reader in run.readers}
    while True:
        now_s = clock.now_s()
        outside = []
        for reader in run.readers:
            try:
                readings = run.aside("look", functools.partial(_read, run, reader))
            except InstrumentError as error:
                if now_s >= begin_s + _RISE_S or reader.role == "source":
                    raise
                outside.append(str(error))  # a relay that closes may disturb an exchange
                continue
            for name, watch in watches[reader.role].items():
                value = _number(readings.get(name))
                if value is None or watch.low <= value <= watch.high:
                    watch.count = 0
                    continue
                outside.append(watch.says(value))
                # too much is not waited for; the same reading once more is no second one
                if (value > watch.high or name == "power_kw") and readings[name].quality != "repeated":
                    watch.outside(value, now_s - begin_s)
        if not outside and clock.now_s() >= begin_s + _RISE_S:  # a person who reads a dial takes longer
            return
        if now_s >= begin_s + _SETTLED_S:
            raise LimitTripped(f"after {_SETTLED_S:g} s with the output on: {'; '.join(outside)}")
        run.pause_until(now_s + _LOOK_S)


def _read(run: Run, reader: Reader) -> dict[str, ReadingValue]:
    with run.exclusive(reader.role):
        return reader.driver.read()


def _number(reading: ReadingValue | None) -> float | None:
    if (
        reading is None
        or reading.value is None
        or isinstance(reading.value, str)
        or reading.value != reading.value
    ):
        return None
    return float(reading.value)
