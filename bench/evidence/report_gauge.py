"""A value in its limit as a small drawing: allowed region, value, and uncertainty. Needs no script."""

from __future__ import annotations

from bench.evidence.report_html import Markup
from bench.model import Finding

__all__ = ["gauge"]

WIDTH, HEIGHT = 150.0, 26.0


def gauge(finding: Finding) -> Markup:
    """Return an SVG of the finding on its own scale; empty where there is no value or no limit."""
    limit = finding.limit
    low = limit.at_least if limit.at_least is not None else limit.above
    high = limit.at_most if limit.at_most is not None else limit.below
    if finding.value is None or (low is None and high is None):
        return Markup("")
    spread = [finding.value - (finding.uncertainty or 0.0), finding.value + (finding.uncertainty or 0.0)]
    if finding.interval95 is not None:
        ends = [end for end in finding.interval95 if end is not None]
        spread = [min([finding.value, *ends]), max([finding.value, *ends])]
    marks = [0.0, *spread, *(bound for bound in (low, high) if bound is not None)]
    start, end = min(marks), max(marks)
    pad = (end - start) * 0.12 or 1.0
    start, end = (start if start == 0.0 else start - pad), end + pad

    def x(value: float) -> float:
        return round((min(max(value, start), end) - start) / (end - start) * WIDTH, 1)

    left, right = x(start if low is None else low), x(end if high is None else high)
    bounds = "".join(
        f'<line class="g-limit" x1="{x(b)}" x2="{x(b)}" y1="3" y2="{HEIGHT - 3:g}"/>'
        for b in (low, high)
        if b is not None
    )
    middle = HEIGHT / 2
    return Markup(
        f'<svg class="gauge-svg {finding.outcome.value}" viewBox="-4 0 {WIDTH + 8:g} {HEIGHT:g}" role="img" '
        f'aria-hidden="true"><rect class="g-all" x="0" y="9" width="{WIDTH:g}" height="8" rx="4"/>'
        f'<rect class="g-in" x="{left}" y="9" width="{max(right - left, 0):.1f}" height="8" rx="2"/>{bounds}'
        f'<line class="g-u" x1="{x(spread[0])}" x2="{x(spread[1])}" y1="{middle:g}" y2="{middle:g}"/>'
        f'<circle class="g-v" cx="{x(finding.value)}" cy="{middle:g}" r="4.5"/></svg>'
    )
