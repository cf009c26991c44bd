"""How late a device tells an alarm: from what provokes it, or from the time of the event, to its reading.

A report that is new at an interval of its own tells an alarm no sooner; how often it must be new is another
finding. What it took longer than that interval is the alarm's.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.measure.series import Series
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["alarm_metrics"]

_NAME = "alarm_latency_s"
_CLOCKS_S = 1.0
_NO_CONTACT = (
    "nothing at the station provokes one; a relay on an input of the device that raises a harmless "
    "warning can ([instruments.site] has alarm, [device] test_alarms)"
)


def _metric(at_s: float, seen_s: float | None, before_s: float, end_s: float, how: str, note: str) -> Metric:
    """Return the latency of one alarm: not yet there at ``before_s``, there at ``seen_s`` (None: never)."""
    if seen_s is None:
        return Metric(
            name=_NAME, value=None, unit="s", scope=Scope(), state="never", method=how, note=note,
            window=Window(from_s=at_s, to_s=end_s),
        )  # fmt: skip
    return Metric(
        name=_NAME,
        value=max(seen_s - at_s, 0.0),
        unit="s",
        interval95=(max(before_s - at_s, 0.0), max(seen_s - at_s, 0.0)),
        scope=Scope(),
        window=Window(from_s=min(at_s, seen_s), to_s=seen_s),
        method=how,
        note=note,
    )


def _nothing(note: str) -> Metric:
    return Metric(name=_NAME, value=None, unit="s", scope=Scope(), state="not_applicable", note=note)


def _provoked(
    recording: Recording, role: str, on_s: float, off_s: float, every_s: float, soon_s: float
) -> Metric:
    """Return the latency of the alarm that was provoked from ``on_s`` to ``off_s``.

    ``every_s`` is how often a report of ``role`` is new; one that is new within ``soon_s`` excuses nothing.
    """
    signal = recording.signals[f"{role}.alarm"]
    t_s, value = signal.good()
    before, after = t_s <= on_s, t_s > on_s
    if not before.any() or not after.any():
        return _nothing(f"{role} tells no alarm")
    rest = value[before][-1]
    shown = np.flatnonzero(after & (value != rest))
    slow = f"{role} is new every {every_s:.0f} s only, so it tells no alarm sooner; "
    slow += "how often it must be new, interval judges"
    how = f"from the contact that provokes it to {role}.alarm"
    if not len(shown):
        if every_s > soon_s and min(off_s, float(t_s[-1])) - on_s <= every_s + soon_s:
            longer_s = every_s + 2.0 * soon_s
            return _nothing(
                f"{slow}; to see whether it tells one at all: --set profile.alarm_s={longer_s:.0f}"
            )
        note = f"none within {float(t_s[-1]) - on_s:.0f} s"
        return _metric(on_s, None, on_s, float(t_s[-1]), how, note)
    first = int(shown[0])
    if every_s > soon_s and soon_s < float(t_s[first]) - on_s <= every_s + soon_s:
        return _nothing(slow)
    cleared = np.flatnonzero((t_s > max(off_s, float(t_s[first]))) & (value == rest))
    note = (
        f"cleared {t_s[cleared[0]] - off_s:.1f} s after the contact opened" if len(cleared) else "not cleared"
    )
    return _metric(on_s, float(t_s[first]), float(t_s[first - 1]), on_s, how, note)


def _stamped(recording: Recording, role: str) -> list[Metric]:
    """Return the latency of every alarm in the rows whose event carries a time of its own."""
    signal, stamps = recording.signals[f"{role}.alarm"], recording.signals[f"{role}.alarm_event_s"]
    t_s, value = signal.good()
    at_s, event_s = stamps.good()
    rises = np.flatnonzero((np.diff(value) != 0.0) & (value[1:] != 0.0)) + 1
    found = []
    for row in rises:
        same = np.flatnonzero(at_s == t_s[row])
        if len(same):
            how = f"from the event's own time to the first row of {role}.alarm that shows it"
            note = f"alarm {value[row]:g}"
            event = float(event_s[same[0]])
            if not t_s[0] <= event <= t_s[row] + _CLOCKS_S:
                clocks = "the time of the event lies outside the rows, or after the row that shows it: "
                found.append(_nothing(f"{clocks}the clocks differ"))
                continue
            found.append(_metric(event, float(t_s[row]), float(t_s[row - 1]), event, how, note))
    return found


def alarm_metrics(
    recording: Recording, roles: tuple[str, ...], every_s: Mapping[str, float], soon_s: float
) -> list[Metric]:
    """Return the latency of every alarm that was provoked, or whose event has a time.

    ``every_s`` is how often the report of each role is new, if known; ``soon_s`` the latency asked.
    """
    telling = [role for role in roles if len(Series.of(recording.signals.get(f"{role}.alarm"), as_told=True))]
    moves = [c for c in recording.commands if c.role == "site" and c.quantity == "alarm_on"]
    found: list[Metric] = []
    for index, move in enumerate(moves):
        if move.value:
            off_s = next((c.t_s for c in moves[index + 1 :] if not c.value), np.inf)
            found += [
                _provoked(recording, role, move.t_s, off_s, every_s.get(role, 0.0), soon_s)
                for role in telling
            ]
    for role in telling:
        if f"{role}.alarm_event_s" in recording.signals:
            found += _stamped(recording, role)
    if found:
        return found
    if moves:
        return [_nothing("no device that was read tells an alarm (quantity alarm)")]
    gone = next((event for event in recording.events if event.get("kind") == "not_back"), None)
    if gone is not None:
        return [_nothing(f"the run ended before: {gone.get('error')}")]
    if recording.foreign:
        return [_nothing("no alarm in the rows whose event has a time (columns alarm and alarm_event_s)")]
    return [_nothing(_NO_CONTACT)]
