"""For which other ΔkW the same points would have been inside: what the judge takes the qualified ΔkW from.

A command that is a share of ΔkW, and its band, grow with ΔkW. A point of power p that must lie between
``low - band`` and ``high + band`` (kW, at the ΔkW tested) lies inside at ``s`` times that ΔkW where
``s * (low - band) <= p <= s * (high + band)``: a least and a largest ``s`` for each point.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.measure.points import Point
from bench.model import Metric, Scope

__all__ = ["scale_metrics"]

Spanned = tuple[Point, float, float, float]


def _range(kw: float, low_kw: float, high_kw: float) -> tuple[float, float]:
    """Return the least and the largest ``s >= 0`` with ``s * low_kw <= kw <= s * high_kw``."""
    least, largest = 0.0, math.inf
    for edge_kw, over in ((high_kw, kw), (-low_kw, -kw)):
        if edge_kw > 0.0:
            least = max(least, over / edge_kw)
        elif over > 0.0 or edge_kw < 0.0:
            largest = min(largest, over / edge_kw if edge_kw < 0.0 else 0.0)
    return least, max(largest, 0.0)


def scale_metrics(points: Sequence[Spanned], scope: Scope) -> list[Metric]:
    """Return ``least_scale_ratio`` and ``largest_scale_ratio``, over the ΔkW tested, that all points allow.

    Args:
        points: each with the lowest and the highest target and the half width of the band, in kW.
        scope: of the metrics.

    The interval of the first reaches up to what holds with the uncertainty of each point, that of the second
    down to it. No metric where no point has data; none of the second where nothing bounds it.
    """
    known = [(p, low - band, high + band) for p, low, high, band in points if p.kw is not None]
    if not known:
        return []
    plain = [_range(point.kw or 0.0, low, high) for point, low, high in known]
    sure = [
        _range((point.kw or 0.0) + side * point.uncertainty_kw, low, high)
        for point, low, high in known
        for side in (-1.0, 1.0)
    ]
    least, least_sure = max(span[0] for span in plain), max(span[0] for span in sure)
    largest, largest_sure = min(span[1] for span in plain), min(span[1] for span in sure)
    found = [
        Metric(
            name="least_scale_ratio", value=least, unit="1", interval95=(least, least_sure), scope=scope,
            method=f"least share of ΔkW whose band holds all {len(known)} judged points",
        )
    ]  # fmt: skip
    if math.isfinite(largest):
        found.append(
            Metric(
                name="largest_scale_ratio", value=largest, unit="1", interval95=(largest_sure, largest),
                scope=scope, method=f"largest share of ΔkW whose band holds all {len(known)} judged points",
            )
        )  # fmt: skip
    return found
