"""Whether a device does after a control what it did before: mode, power and settings, and how soon.

A control is a row of phases ``END_before``, ``END_control``, ``END_after``, ``END_check``; END says how it
ended. The device counts as returned from the moment after which it never leaves what it was again.

Where gateway or line were gone (``gateway_off``, ``lan_cut``; back in the phase ``END_back``) what reports
the mode may have been gone too: then the time is told by the analyzer's power alone, from the cut on and past
the return of the link, and the mode must be as before when it can be read again, in ``END_check``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bench.measure.options import Options
from bench.measure.series import Series
from bench.measure.uncertainty import mean_and_u, noise_sd, power_u_kw
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["OPTIONS", "restore"]

OPTIONS = frozenset({"tolerance_kw"})
_ENDS = {
    "stop": "",
    "schedule": "the device takes no schedule ([device] takes_schedule)",
    "gateway_off": "nothing at the station can take the gateway's mains away ([instruments.site] has cuts)",
    "lan_cut": "nothing at the station can cut the line ([instruments.site] has cuts)",
}
_CUTS = ("gateway_off", "lan_cut")
_MOVED = 0.5  # of the way to what is commanded: a control that did less was none
_NAME = "mode_restore_s"
_FEWEST = 5
_SOON_S = 1.0
_STAYED = 0.25  # of the time allowed: what was back for so long by its end had returned


@dataclass(frozen=True)
class Control:
    """One control: how it ended, the phases around it, and the mode it began from, as it was set."""

    end: str
    before: tuple[float, float]
    control: tuple[float, float]
    after: tuple[float, float]
    check: tuple[float, float]
    began_in: str

    @property
    def told(self) -> str:
        """Name it for people."""
        return f"from {self.began_in}, ended by {self.end}"


def _controls(recording: Recording) -> list[Control]:
    """Return the controls in order of time."""
    found: list[Control] = []
    open_: dict[str, dict[str, tuple[float, float]]] = {}
    for name, from_s, to_s, _, _ in sorted(recording.phases, key=lambda phase: phase[1]):
        end, _, part = name.rpartition("_")
        if end not in _ENDS or part not in ("before", "control", "after", "check"):
            continue
        parts = open_.setdefault(end, {})
        parts[part] = (from_s, to_s)
        if part == "check" and {"before", "control", "after"} <= set(parts):
            words = [c for c in recording.commands if c.quantity == "mode" and c.t_s <= parts["before"][0]]
            began_in = str(words[-1].value) if words else "its own mode"
            found.append(
                Control(end, parts["before"], parts["control"], parts["after"], parts["check"], began_in)
            )
            open_[end] = {}
    return found


def _metric(control: Control, kind: str, **found: Any) -> Metric:
    to_s = control.check[1]
    return Metric(
        name=_NAME,
        unit="s",
        scope=Scope(phase=kind),
        window=Window(from_s=control.after[0], to_s=to_s),
        **found,
    )


def _gone(recording: Recording, control: Control | None = None) -> str:
    """Return what was said of a device that stayed away after ``control`` (None: at all); else nothing."""
    for event in recording.events:
        t_s = event.get("t_s")
        if event.get("kind") != "not_back" or not isinstance(t_s, int | float):
            continue
        if control is None or control.after[0] <= t_s <= control.check[1] + _SOON_S:
            return str(event.get("error"))
    return ""


def _before(recording: Recording, code: np.ndarray) -> int:
    """Return the mode before: as declared for somebody else's rows, else the last one."""
    declared = str(recording.facts.get("prior_mode", "")).strip().casefold()
    if not recording.foreign or not declared:
        return int(code[-1])
    known = {word.strip().casefold(): number for word, number in recording.mode_codes.items()}
    return known.get(declared, -1)


def _mode(recording: Recording, control: Control, restore_s: float) -> Metric | None:
    """Return when the device's mode was for good what it had been."""
    signal = recording.signals.get("battery.mode")
    if signal is None:
        return None
    t_s, code = signal.good()
    before = code[(t_s > control.before[0]) & (t_s <= control.before[1])]
    cut = control.end in _CUTS
    inside = (t_s > (control.check if cut else control.after)[0]) & (t_s <= control.check[1])
    if cut and len(before) and not inside.any() and (gone := _gone(recording, control)):
        return _metric(control, "mode", value=None, state="never", note=f"{control.told}: {gone}")
    if len(before) == 0 or int(inside.sum()) < (1 if cut else _FEWEST):
        return _metric(control, "mode", value=None, state="missing", note=control.told)
    words = {number: word for word, number in recording.mode_codes.items()}
    prior = _before(recording, before)
    was, now = words.get(prior, str(recording.facts.get("prior_mode", "?"))), words.get(int(code[inside][-1]))
    wrong = np.flatnonzero(code[inside] != prior)
    times = t_s[inside]
    if len(wrong) and wrong[-1] == len(times) - 1:
        return _metric(
            control,
            "mode",
            value=None,
            state=_given_up(control, restore_s),
            note=f"{control.told}: was {was}, stays {now}",
        )
    if cut:
        wrong = wrong[:0]
    step_s = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    seen_s = float(times[wrong[-1] + 1]) - control.after[0] if len(wrong) else 0.0
    return _metric(
        control,
        "mode",
        value=seen_s,
        interval95=(max(seen_s - step_s, 0.0), seen_s + step_s if seen_s else 0.0),
        method=f"battery.mode is {was} again for good",
        note=control.told,
    )


def _settled_s(times: np.ndarray, off: np.ndarray, allowed_kw: float, from_s: float) -> float | None:
    """Return the time after which ``off`` never exceeds ``allowed_kw``; None where it does to the end."""
    over = np.flatnonzero(off > allowed_kw)
    if len(over) == 0:
        return 0.0
    last = int(over[-1])
    return None if last == len(off) - 1 else float(times[last + 1]) - from_s


def _given_up(control: Control, restore_s: float) -> Literal["never", "missing"]:
    """Say whether what had not returned when the rows or the pause ended was late by then."""
    return "never" if control.check[1] - control.after[0] >= restore_s else "missing"


def _power(
    recording: Recording, control: Control, power: Series, tolerance_kw: float, restore_s: float
) -> Metric | None:
    """Return when the device's power was for good what it had been."""
    before = power.between(*control.before).value
    after = power.between(control.after[0], control.check[1])
    if len(before) < _FEWEST or len(after) < _FEWEST:
        return _metric(control, "power", value=None, state="missing", note=control.told)
    was_kw, noise_kw = mean_and_u(before)
    last_kw = float(after.value[-_FEWEST:].mean())
    doubt_kw = 2.0 * float(np.hypot(noise_sd(before), np.hypot(noise_kw, power_u_kw(recording, was_kw))))
    off = np.abs(after.value - was_kw)
    from_s, step_s = control.after[0], power.interval_s
    value = _settled_s(after.t_s, off, tolerance_kw, from_s)
    early = _settled_s(after.t_s, off, tolerance_kw + doubt_kw, from_s)
    late = _settled_s(after.t_s, off, max(tolerance_kw - doubt_kw, 0.0), from_s)
    note = f"{control.told}: was {was_kw:.3f} kW, at the end {last_kw:.3f} kW"
    soon = after.t_s <= from_s + restore_s
    back_s = _settled_s(after.t_s[soon], off[soon], tolerance_kw + doubt_kw, from_s)
    stayed = back_s is not None and restore_s - back_s >= _STAYED * restore_s
    if recording.foreign and stayed and not soon.all() and (value is None or value > restore_s):
        why = "power was back in time and left later: by whose order the rows do not tell"
        return _metric(control, "power", value=None, state="missing", note=f"{note}; {why}")
    if value is None:
        state = _given_up(control, restore_s) if early is None else "missing"
        return _metric(control, "power", value=None, state=state, note=note)
    return _metric(
        control,
        "power",
        value=value,
        interval95=(max((early or 0.0) - step_s, 0.0), None if late is None else late + step_s),
        method=f"power within {tolerance_kw:.3g} kW of what it had been, for good",
        note=note,
    )


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(float(one) - float(other)) <= 1e-6 * max(1.0, abs(float(one)))
    return bool(one == other)


def _looks(recording: Recording, span: tuple[float, float]) -> Mapping[str, Any] | None:
    """Return the settings that were looked at in a phase."""
    for event in recording.events:
        t_s = event.get("t_s")
        if (
            event.get("kind") == "settings"
            and isinstance(t_s, int | float)
            and span[0] - 0.5 <= t_s < span[1]
        ):
            found = event.get("settings")
            return found if isinstance(found, Mapping) else None
    return None


def _settings(recording: Recording, control: Control) -> Metric:
    """Return how many settings are not what they had been."""
    before, after = _looks(recording, control.before), _looks(recording, control.check)
    scope, window = Scope(phase=control.end), Window(from_s=control.before[0], to_s=control.check[1])
    name = "settings_lost_count"
    if before is None or after is None:
        note = f"{control.told}: the settings were not read"
        state: Literal["missing", "not_applicable"] = "not_applicable" if recording.foreign else "missing"
        return Metric(name=name, value=None, unit="1", scope=scope, window=window, state=state, note=note)
    lost = [
        f"{key} is {after.get(key)!r}, was {value!r}"
        for key, value in before.items()
        if not _same(value, after.get(key))
    ]
    return Metric(
        name=name,
        value=float(len(lost)),
        unit="1",
        uncertainty=0.0,
        scope=scope,
        window=window,
        method=f"settings that differ, of {len(before)}",
        note=f"{control.told}: {'; '.join(lost)}" if lost else control.told,
    )


def _idle(recording: Recording, control: Control, power: Series, tolerance_kw: float) -> Metric:
    """Return 1 where the control moved nothing: what was never taken over has not returned either."""
    before, during = power.between(*control.before).value, power.between(*control.control).value
    from_s, to_s = control.control
    common: dict[str, Any] = {
        "name": "idle_controls_count",
        "unit": "1",
        "scope": Scope(phase=control.end),
        "window": Window(from_s=from_s, to_s=to_s),
    }
    if len(before) < _FEWEST or len(during) < _FEWEST:
        return Metric(value=None, state="missing", note=control.told, **common)
    was_kw, got_kw = float(before.mean()), float(during[-_FEWEST:].mean())
    sent = [
        float(c.value)
        for c in recording.commands
        if c.quantity == "power_set_kw" and from_s <= c.t_s < to_s and not isinstance(c.value, str | bool)
    ]
    if sent:
        idle = abs(got_kw - sent[-1]) > max(_MOVED * abs(sent[-1] - was_kw), tolerance_kw)
    else:
        idle = abs(got_kw - was_kw) <= 2.0 * tolerance_kw
    return Metric(
        value=float(idle),
        uncertainty=0.0,
        method="1 where power did not go half way to what the control asked",
        note=f"{control.told}: was {was_kw:.3f} kW, under control {got_kw:.3f} kW",
        **common,
    )


def _later(one: Metric, other: Metric) -> Metric:
    """Return the worse of two returns: never before unknown before late."""
    rank = {"never": 2, "missing": 1}
    return max((one, other), key=lambda metric: (rank.get(metric.state, 0), metric.value or 0.0))


def restore(recording: Recording, options: Options) -> list[Metric]:
    """Measure every control of the run, and say which ends the station could not produce."""
    power = Series.of(recording.signals.get("meter.power_kw"))
    controls = _controls(recording)
    metrics: list[Metric] = []
    tolerance_kw = options.number("tolerance_kw")
    restore_s = options.number("restore_s", 0.0)
    returned = True
    for control in controls:
        # one that is still in a control before cannot show that this one took effect
        metrics += [_idle(recording, control, power, tolerance_kw)] if returned else []
        parts = [
            metric
            for metric in (
                _mode(recording, control, restore_s),
                _power(recording, control, power, tolerance_kw, restore_s),
            )
            if metric is not None
        ]
        worst = parts[0] if len(parts) == 1 else _later(*parts)
        returned = returned and worst.state != "never"
        # after a cut the device has its declared time, not that of a stop: it has a finding of its own
        metrics += [] if control.end in _CUTS else parts
        metrics.append(worst.model_copy(update={"scope": Scope(phase=control.end)}))
        metrics.append(_settings(recording, control))
    shown = {control.end for control in controls}
    for end, why in _ENDS.items():
        if end not in shown:
            gone = _gone(recording)
            note = why or "no mode of its own is declared ([device] modes)"
            note = f"the run ended before: {gone}" if gone else note
            metrics.append(
                Metric(
                    name=_NAME,
                    value=None,
                    unit="s",
                    scope=Scope(phase=end),
                    state="not_applicable",
                    note=note,
                )
            )
    return metrics
