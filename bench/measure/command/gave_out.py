"""Whether power was there and then fell away for good, as that of a battery that runs empty.

What was given after that says nothing of a smaller ΔkW: it might have lasted.
"""

from __future__ import annotations

import numpy as np

from bench.measure.command.commands import commands_kw
from bench.measure.entry import smooth
from bench.measure.series import Series
from bench.measure.zero import zero_kw
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["gave_out"]

_ASKED = 0.2  # of ΔkW: less is no command that a fall could be seen in
_NEAR = 0.1  # of ΔkW, about what is asked and about zero
_GIVEN_S = 10.0
_GONE_S = 100.0


def gave_out(recording: Recording, delta_kw: float) -> list[Metric]:
    """Return ``gave_out_count``: 1 where power left zero to what was asked and was gone before that ended.

    In a judged direction, at least 10 s within a tenth of ΔkW of the command, and later within a tenth of
    ΔkW of zero from some time on until a command of that direction ends, 100 s at least. Else nothing.
    """
    commands, power = commands_kw(recording), Series.of(recording.power())
    if not commands or len(power) < 2:
        return []
    at_s, asked_kw = (np.array(column) for column in list(zip(*commands, strict=True))[:2])
    index = np.searchsorted(at_s, power.t_s, side="right") - 1
    asked_kw = np.where(index >= 0, asked_kw[index], 0.0)
    first = np.flatnonzero(np.abs(asked_kw) > 0.0)
    if len(first) == 0:
        return []
    (zero, _), _ = zero_kw(recording, power, float(power.t_s[0]), float(power.t_s[first[0]]))
    given_kw = smooth(power, 1.0) - zero
    step_s = np.minimum(np.diff(power.t_s, prepend=power.t_s[0]), 2.0 * power.interval_s)
    for direction in recording.facts.get("directions") or ("up", "down"):
        sign = 1.0 if direction == "up" else -1.0
        on = sign * asked_kw >= _ASKED * delta_kw
        there = on & (np.abs(given_kw - asked_kw) <= _NEAR * delta_kw)
        there &= sign * given_kw > _NEAR * delta_kw
        given_s = np.cumsum(np.where(there, step_s, 0.0))
        edges = np.flatnonzero(np.diff(np.r_[False, on, False]))
        for low, high in zip(edges[::2], edges[1::2], strict=True):
            away = np.flatnonzero(np.abs(given_kw[low:high]) > _NEAR * delta_kw)
            gone = int(low + away[-1] + 1) if len(away) else int(low)
            if gone >= high or given_s[gone] < _GIVEN_S:
                continue
            window = Window(from_s=float(power.t_s[gone]), to_s=float(power.t_s[high - 1]))
            if window.to_s - window.from_s >= _GONE_S:
                return [
                    Metric(
                        name="gave_out_count", value=1.0, unit="1", uncertainty=0.0, window=window,
                        scope=Scope(point=recording.point, direction=direction),
                        method="power that had followed a command was gone until the command ended",
                    )
                ]  # fmt: skip
    return []
