"""Whether ΔkW was asked for at all: what was never commanded cannot have been followed."""

from __future__ import annotations

from bench.measure.command.commands import commands_kw
from bench.measure.command.gave_out import gave_out
from bench.measure.options import Options
from bench.model import Metric, Scope, Window
from bench.moved_house import targets
from bench.recording import Recording

__all__ = ["OPTIONS", "commanded"]

OPTIONS = frozenset({"delta_kw"})
_ZERO_KW = 1e-6


def commanded(recording: Recording, options: Options) -> list[Metric]:
    """Return ``commanded_ratio``: the largest command in a judged direction over ΔkW, to the percent.

    To the percent, since a log rounds what it was told. Not applicable where the recording has no commands.
    With it ``gave_out_count`` where power fell away under a command.

    Raises:
        UsageError: nobody knows ``delta_kw``.
    """
    recording = targets(recording)
    delta_kw = options.number("delta_kw")
    directions = recording.facts.get("directions") or ("up", "down")
    signs = [1.0 if direction == "up" else -1.0 for direction in directions]
    reached = [(max(sign * kw for sign in signs), t_s) for t_s, kw, _ in commands_kw(recording)]
    name, scope = "commanded_ratio", Scope(point=recording.point)
    if max(reached, default=(0.0, 0.0))[0] <= _ZERO_KW:
        note = "the recording commands nothing in a judged direction, or does not say what was commanded"
        return [Metric(name=name, value=None, unit="1", scope=scope, state="not_applicable", note=note)]
    largest_kw, at_s = max(reached)
    return [
        Metric(
            name=name,
            value=round(max(0.0, largest_kw) / delta_kw, 2),
            unit="1",
            uncertainty=0.0,
            scope=scope,
            window=Window(from_s=at_s, to_s=at_s),
            method=f"largest of {len(reached)} commands, {largest_kw:.4g} kW, over {delta_kw:.4g} kW",
        ),
        *gave_out(recording, delta_kw),
    ]
