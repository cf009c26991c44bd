"""The way between two commands: power may be anywhere between those in force within the response time.

While a command is being answered the permitted span reaches from the command before to the new one, widened
by the band ("変化前・後の指令値±落札ΔkW×10%"). Where commands follow each other faster than
the response time, each of those in force since then may still be on its way, so the span covers them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.measure.command.activation import Activation, Times
from bench.measure.command.commands import Level, levels
from bench.measure.command.scaling import scale_metrics
from bench.measure.points import Point, points_at
from bench.measure.series import Series
from bench.measure.uncertainty import robust_noise_sd
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["permitted_span", "transition_metrics"]

_TINY_S = 1e-3


@dataclass(frozen=True)
class _Outside:
    """How far one judged point lies outside its span; negative inside."""

    point: Point
    span_kw: tuple[float, float]

    @property
    def over_kw(self) -> float:
        low, high = self.span_kw
        return max((self.point.kw or 0.0) - high, low - (self.point.kw or 0.0))


def permitted_span(commands: Sequence[Level], t_s: float, response_s: float) -> tuple[float, float]:
    """Return the lowest and the highest command in force between ``t_s - response_s`` and ``t_s``, in kW."""
    since_s = t_s - response_s
    inside = [
        level.kw for level in commands if level.to_s > since_s + _TINY_S and level.since_s < t_s - _TINY_S
    ]
    if not commands or commands[0].from_s > since_s:
        inside.append(0.0)  # before the first command there is none: zero
    return min(inside), max(inside)


def _times(level: Level, times: Times, end_s: float) -> list[float]:
    """Return the judged instants of ``level`` before its response time is over."""
    last_s = min(level.from_s + times.response_s - _TINY_S, level.until_s + _TINY_S, end_s)
    count = max(0, int((last_s - level.from_s) / times.interval_s))
    return [level.from_s + k * times.interval_s for k in range(1, count + 1)]


def transition_metrics(
    recording: Recording, power: Series, judged: Sequence[Activation], times: Times
) -> list[Metric]:
    """Return per level how far its points before the response time left the permitted span.

    The levels are those from the first activation in ``judged`` to the last, a zero between them included;
    the return to zero after the last is not among them. Value 0 where every point lies inside.
    """
    first, last = judged[0], judged[-1]
    end_s = power.end_s + max(_TINY_S, power.jitter_s)
    commands = levels(recording, end_s)
    usual_kw = robust_noise_sd(power.value)
    found: list[Metric] = []
    for level in commands:
        if level.from_s < first.level.from_s or level.from_s > last.level.from_s:
            continue
        if level.direction != first.level.direction:
            continue
        zero = next(item for item in reversed(judged) if item.level.from_s <= level.from_s).zero_kw
        at = _times(level, times, end_s)
        # power on its way is no noise: what a reading is known to is what readings usually differ by
        points = [
            replace(point, noise_kw=min(point.noise_kw, usual_kw))
            for point in points_at(recording, power, at, level.kw, times.window_s, zero)
        ]
        read = [
            _Outside(point, permitted_span(commands, point.t_s, times.response_s))
            for point in points
            if point.kw is not None
        ]
        if not read:
            continue
        worst = max(read, key=lambda item: item.over_kw)
        low, high = worst.span_kw
        here = Scope(
            point=recording.point, phase="transition", step=level.step, direction=first.level.direction
        )
        found += scale_metrics([(item.point, *item.span_kw, times.band_kw) for item in read], here)
        found.append(
            Metric(
                name="band_deviation_kw",
                value=max(0.0, worst.over_kw),
                unit="kW",
                uncertainty=worst.point.uncertainty_kw,
                scope=here,
                window=Window(from_s=worst.point.t_s, to_s=worst.point.t_s),
                method=f"how far the farthest of {len(read)} points before the response time left the span "
                "of the commands in force since then",
                note=f"{worst.point.kw:+.3f} kW at {worst.point.t_s:.0f} s, span {low:.3f} to {high:.3f} kW",
                components=worst.point.components,
            )
        )
    return found
