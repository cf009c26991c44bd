"""The rules that a simulated run is made for, from their files: no number of theirs stands in the code."""

from __future__ import annotations

from functools import cache

from bench.config.load import DEFAULT_EDITION, read_rules
from bench.names import rule_values
from bench.rooms import bundled_rules

__all__ = ["bounds"]


@cache
def bounds(product: str) -> dict[str, float]:
    """Return the rules of ``product`` in the default edition by name."""
    return rule_values(read_rules(bundled_rules()[product, DEFAULT_EDITION])[0])
