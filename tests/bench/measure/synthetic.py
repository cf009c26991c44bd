"""Recordings with known truth, as the tests of the estimators use them."""

from __future__ import annotations

from bench.characterise.following import Following
from bench.characterise.frequency import Frequency
from bench.characterise.physics import (
    ACCURACY,
    GRID_S,
    FloatArray,
    lag,
    ramp,
    second_order,
    signal,
    window_means,
)

__all__ = [
    "ACCURACY",
    "GRID_S",
    "FloatArray",
    "Following",
    "Frequency",
    "lag",
    "ramp",
    "second_order",
    "signal",
    "window_means",
]
