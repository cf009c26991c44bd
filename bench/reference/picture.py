"""A timeline as a small SVG: phases as bands, grid frequency and the power asked for as steps."""

from __future__ import annotations

import html
from collections.abc import Sequence

from bench.plan.energy import asked_power
from bench.timeline import SetPoint, Timeline

__all__ = ["timeline_svg"]

WIDTH, LEFT, RIGHT, LANE, TOP = 760, 74, 26, 74, 22
MOST_POINTS = 400
SHADES = ("#eef2f7", "#dde5ef")


def timeline_svg(timeline: Timeline, rated_kw: float) -> str:
    """Return the drawing; a quantity that never changes has no lane. ``rated_kw`` is what a mode asks for."""
    power = [(step.from_s, step.power_kw) for step in asked_power(timeline, rated_kw=rated_kw)]
    drawn = (("Hz", _frequency(timeline.set_points)), ("kW", power))
    lanes = [(unit, points) for unit, all_points in drawn if (points := _moving(all_points))]
    height = TOP + LANE * max(1, len(lanes)) + 26
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        f'font-size="11" role="img" aria-label="{html.escape(timeline.profile)}">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        *_bands(timeline, height - 26),
    ]
    for index, (unit, points) in enumerate(lanes):
        parts += _lane(timeline, points, unit, TOP + index * LANE)
    parts += _axis(timeline, height)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _x(timeline: Timeline, t_s: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * t_s / timeline.end_s, 1)


def _frequency(points: Sequence[SetPoint]) -> list[tuple[float, float]]:
    return [
        (point.t_s, float(point.value))
        for point in points
        if (point.role, point.quantity) == ("source", "frequency_hz") and not isinstance(point.value, str)
    ]


def _moving(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points where the value changes, thinned out; none where it never does."""
    found = [point for at, point in enumerate(points) if at == 0 or point[1] != points[at - 1][1]]
    return [] if len(found) < 2 else found[:: max(1, -(-len(found) // MOST_POINTS))]


def _bands(timeline: Timeline, bottom: int) -> list[str]:
    parts, last_end, shade = [], -100.0, 0
    previous = ""
    for phase in timeline.phases:
        left, right = _x(timeline, phase.from_s), _x(timeline, phase.to_s)
        shade = shade if phase.name == previous else 1 - shade
        previous = phase.name
        parts.append(
            f'<rect x="{left}" y="{TOP}" width="{round(right - left, 1)}" height="{bottom - TOP}" '
            f'fill="{SHADES[shade]}"/>'
        )
        room = 6.2 * len(phase.name)
        if right - left >= room * 0.9 and left >= last_end:
            parts.append(
                f'<text x="{left + 3}" y="{TOP - 8}" fill="#475569">{html.escape(phase.name)}</text>'
            )
            last_end = left + room + 6
    return parts


def _lane(timeline: Timeline, points: list[tuple[float, float]], unit: str, top: int) -> list[str]:
    values = [value for _, value in points]
    low, high = min(values), max(values)

    def y(value: float) -> float:
        return round(top + LANE - 14 - (LANE - 26) * (value - low) / (high - low), 1)

    path = [f"M{_x(timeline, points[0][0])} {y(points[0][1])}"]
    for t_s, value in points[1:]:
        path.append(f"H{_x(timeline, t_s)}V{y(value)}")
    path.append(f"H{_x(timeline, timeline.end_s)}")
    colour = "#b45309" if unit == "Hz" else "#1e3a8a"
    return [
        f'<text x="4" y="{y(high) + 4}" fill="{colour}">{high:g} {unit}</text>',
        f'<text x="4" y="{y(low) + 4}" fill="{colour}">{low:g} {unit}</text>',
        f'<path d="{"".join(path)}" fill="none" stroke="{colour}" stroke-width="1.6"/>',
    ]


def _axis(timeline: Timeline, height: int) -> list[str]:
    step_s = next(
        (s for s in (10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600) if timeline.end_s / s <= 10), 86400
    )
    parts = []
    for k in range(int(timeline.end_s // step_s) + 1):
        x = _x(timeline, k * step_s)
        word = f"{k * step_s} s" if step_s < 60 else f"{k * step_s / 60:g} min"
        parts.append(
            f'<line x1="{x}" x2="{x}" y1="{height - 26}" y2="{height - 21}" stroke="#64748b"/>'
            f'<text x="{x}" y="{height - 8}" fill="#64748b" text-anchor="middle">{word}</text>'
        )
    return parts
