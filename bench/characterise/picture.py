"""The operating characteristic as a picture: P(pass) over the true value, one panel a quantity (SVG)."""

from __future__ import annotations

from bench.characterise.cases import CASES
from bench.characterise.draw import WINDOWS_S, grid
from bench.characterise.trial import Trial, limit_of_case

__all__ = ["passed_ratio", "svg"]

_WIDE, _HIGH, _LEFT, _TOP = 250, 150, 45, 34
_COLOURS = ("#1b6ca8", "#c4572a", "#3d8b40")
_TITLES = {
    "delay": "delay (s)", "response": "response (s)", "droop": "droop (%)", "dead_band": "dead band (Hz)",
    "band": "band deviation (kW)", "hold": "hold (s)",
}  # fmt: skip


def passed_ratio(
    found: list[Trial], quantity: str, window_s: float, value: float, *, rule: bool = False
) -> float | None:
    """Return the share of trials of one true value that passed, guarded or by the bare rule."""
    outcomes = [
        item.rule_outcome if rule else item.outcome
        for item in found
        if item.asked.quantity == quantity and item.asked.window_s == window_s and item.asked.value == value
    ]
    return sum(outcome == "PASS" for outcome in outcomes) / len(outcomes) if outcomes else None


def _panel(found: list[Trial], quantity: str, left: float, top: float) -> list[str]:
    values = grid(quantity)
    limit = limit_of_case(CASES[quantity], quantity)
    low, high = values[0], values[-1]

    def x(value: float) -> float:
        return left + _WIDE * (value - low) / (high - low)

    def y(share: float) -> float:
        return top + _HIGH * (1.0 - share)

    parts = [
        f'<rect x="{left}" y="{top}" width="{_WIDE}" height="{_HIGH}" fill="none" stroke="#999"/>',
        f'<text x="{left + _WIDE / 2}" y="{top - 8}" text-anchor="middle">P(PASS) against true '
        f"{_TITLES[quantity]}</text>",
        f'<line x1="{x(limit):.1f}" y1="{top}" x2="{x(limit):.1f}" y2="{top + _HIGH}" stroke="#999" '
        'stroke-dasharray="3 3"/>',
    ]
    parts += [
        f'<text x="{left - 5}" y="{y(share) + 4:.1f}" text-anchor="end">{share:g}</text>'
        for share in (0.0, 0.5, 1.0)
    ]
    parts += [
        f'<text x="{x(value):.1f}" y="{top + _HIGH + 15}" text-anchor="middle">{value:.4g}</text>'
        for value in (low, limit, high)
    ]
    for window_s, colour in zip(WINDOWS_S, _COLOURS, strict=True):
        for rule in (True, False):
            shares = [passed_ratio(found, quantity, window_s, value, rule=rule) for value in values]
            points = " ".join(
                f"{x(value):.1f},{y(share):.1f}"
                for value, share in zip(values, shares, strict=True)
                if share is not None
            )
            dash = ' stroke-dasharray="2 4" stroke-width="1"' if rule else ' stroke-width="2"'
            parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}"{dash}/>')
    return parts


def svg(found: list[Trial]) -> str:
    """Draw six panels."""
    parts: list[str] = []
    for index, quantity in enumerate(CASES):
        left = _LEFT + (index % 3) * (_WIDE + 60)
        parts += _panel(found, quantity, left, _TOP + (index // 3) * (_HIGH + 64))
    width, height = 3 * (_WIDE + 60) + 10, 2 * (_HIGH + 64) + 30
    key = "; ".join(f"{1e3 * window:g} ms" for window in WINDOWS_S)
    for index, (window, colour) in enumerate(zip(WINDOWS_S, _COLOURS, strict=True)):
        parts.append(
            f'<text x="{_LEFT + 110 * index}" y="{height - 8}" fill="{colour}">{1e3 * window:g} ms</text>'
        )
    parts.append(
        f'<text x="{_LEFT + 340}" y="{height - 8}">solid: guarded; dotted: the bare rule; '
        "dashed vertical: the limit</text>"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">'
        f"<title>Operating characteristic at windows of {key}</title>"
        '<rect width="100%" height="100%" fill="white"/>' + "\n".join(parts) + "</svg>\n"
    )
