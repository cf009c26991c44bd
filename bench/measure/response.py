"""The response time of an activation: from the command to the entry into the band, to stay."""

from __future__ import annotations

import math

from bench.measure.story import Story
from bench.measure.uncertainty import COVERAGE
from bench.model import Metric, Scope, Window

__all__ = ["response_metric", "words"]


def words(story: Story, start_s: float) -> str:
    """Say in words what happened."""
    after = f"{story.entry.from_s - start_s:.0f} s after the command" if story.entry else ""
    match story.kind:
        case "late" if story.entry is not None:
            return f"entered the band {after}"
        case "late":
            at = 100 * (story.plateau_ratio or 0)
            return f"still on the way at the end of the judged time, at {at:.0f} % of ΔkW"
        case "level":
            return f"settled at {100 * (story.plateau_ratio or 0):.0f} % of ΔkW"
        case "dead":
            return "power never moved"
        case "wrong_way":
            return "power moved the wrong way: sign"
    return ""


def response_metric(
    story: Story,
    tight: Story,
    loose: Story,
    *,
    start_s: float,
    late_s: float = 0.0,
    sample_s: float,
    clock_s: float,
    end_s: float,
    scope: Scope,
    how: str,
) -> Metric:
    """Return ``response_s``.

    ``tight`` and ``loose`` are the same story told with the band less and plus the uncertainty of a point:
    where power creeps along the edge of the band they bound the time (one-sided, so as an interval).
    ``late_s`` is by how much the command may have come before ``start_s``, the first row that shows it.
    """
    method = f"fast samples, first entry into the band that lasts until the judged points; {how}"
    note = words(story, start_s)
    follows = story.follows("response")
    if story.entry is None:
        state = "missing" if story.kind == "unknown" else "never"
        if loose.entry is not None:
            bounds = (max(0.0, loose.entry.earliest_s - start_s), None)
            note = f"{note}; inside the band within the uncertainty"
        else:
            bounds = None
        return Metric(
            name="response_s", value=None, unit="s", scope=scope, state=state, method=method, note=note,
            follows=follows, interval95=bounds, window=Window(from_s=start_s, to_s=end_s),
        )  # fmt: skip
    entry = story.entry
    value = max(0.0, entry.from_s - start_s)
    gap = entry.from_s - entry.earliest_s
    sampling = max(gap if gap > 3.0 * sample_s else 0.0, sample_s)
    components = {"sampling": sampling / math.sqrt(12.0), "clock": clock_s / math.sqrt(3.0)}
    around = COVERAGE * math.hypot(*components.values())
    low = min(value, loose.entry.from_s - start_s) if loose.entry else value
    high = max(value, tight.entry.from_s - start_s) if tight.entry else None
    low = max(0.0, min(low, entry.earliest_s - start_s) - around)
    return Metric(
        name="response_s",
        value=value,
        unit="s",
        uncertainty=around,
        interval95=(low, None if high is None or math.isinf(late_s) else high + around + late_s),
        scope=scope,
        window=Window(from_s=start_s, to_s=entry.from_s),
        method=method,
        note=note,
        follows=follows,
        components=components,
    )
