"""Bounds, and on which side of them a number lies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bench.config.profile import LimitSpec
from bench.expr import evaluate, names_in
from bench.model import Limit

__all__ = [
    "ROUNDING",
    "Bound",
    "bounds",
    "inside",
    "limit_of",
    "nearest",
    "undeclared",
    "wholly_inside",
    "wholly_outside",
]

# Two numbers that differ by less than the rounding of the arithmetic that made them are one number:
# |0.77 - 0.7| must not lie outside 0.1 * 0.7.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Bound:
    """One bound: ``upper`` bounds from above, ``closed`` lets the bound itself pass."""

    value: float
    upper: bool
    closed: bool

    def distance(self, value: float) -> float:
        """Return how far inside ``value`` lies, in its unit; negative outside, 0 on the bound."""
        if math.isclose(value, self.value, rel_tol=ROUNDING):
            return 0.0
        return self.value - value if self.upper else value - self.value

    def holds(self, value: float) -> bool:
        """Tell whether ``value`` keeps the bound."""
        distance = self.distance(value)
        return distance > 0 or (distance == 0 and self.closed)


def limit_of(spec: LimitSpec, names: Mapping[str, float]) -> Limit:
    """Return the bounds of ``spec`` as numbers.

    Raises:
        ExpressionError: an expression names something unknown, or has no finite value.
    """
    written = {name: getattr(spec, name) for name in LimitSpec.model_fields}
    return Limit(
        **{name: evaluate(written[name], names) for name in written if written[name] is not None},
    )


def undeclared(spec: LimitSpec, names: Mapping[str, float]) -> list[str]:
    """Return the names that the bounds of ``spec`` use and ``names`` does not have."""
    written = [getattr(spec, name) for name in LimitSpec.model_fields]
    used = [name for one in written if one is not None for name in names_in(one)]
    return [name for name in dict.fromkeys(used) if name not in names]


def bounds(limit: Limit) -> tuple[Bound, ...]:
    """Return the bounds of ``limit``."""
    shapes = {
        "at_most": (True, True),
        "at_least": (False, True),
        "below": (True, False),
        "above": (False, False),
    }
    values = ((getattr(limit, name), upper, closed) for name, (upper, closed) in shapes.items())
    return tuple(Bound(value, upper, closed) for value, upper, closed in values if value is not None)


def inside(limit: Limit, value: float) -> bool:
    """Tell whether ``value`` keeps every bound."""
    return all(bound.holds(value) for bound in bounds(limit))


def wholly_inside(limit: Limit, low: float, high: float) -> bool:
    """Tell whether everything from ``low`` to ``high`` keeps every bound."""
    return inside(limit, low) and inside(limit, high)


def wholly_outside(limit: Limit, low: float, high: float) -> bool:
    """Tell whether everything from ``low`` to ``high`` breaks one and the same bound."""
    return any(not bound.holds(low) and not bound.holds(high) for bound in bounds(limit))


def nearest(limit: Limit, value: float) -> Bound | None:
    """Return the bound that ``value`` keeps by least, or breaks by most; None without bounds."""
    return min(bounds(limit), key=lambda bound: bound.distance(value), default=None)
