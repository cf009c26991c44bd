"""Staircases of frequency with known truth, as the tests of the static estimators use them."""

from __future__ import annotations

from typing import Any

from bench.characterise.physics import ACCURACY, signal
from bench.characterise.staircase import Staircase, droop_path, fine_path
from bench.measure.options import Options
from bench.measure.static.characteristic import OPTIONS, static_characteristic
from bench.model import Metric

__all__ = [
    "ACCURACY",
    "Staircase",
    "droop_case",
    "droop_path",
    "fine_path",
    "measured",
    "one",
    "signal",
    "value",
]


def droop_case(**changes: Any) -> Staircase:
    return Staircase(**{"path_hz": droop_path(), "dwell_s": 60.0, **changes})


def measured(case: Staircase) -> list[Metric]:
    options, faults = Options.resolve("static_characteristic", {}, OPTIONS, case.names())
    assert faults == []
    return static_characteristic(case.recording(), options)


def one(metrics: list[Metric], name: str, direction: str | None = None) -> Metric:
    [found] = [m for m in metrics if m.name == name and m.scope.direction == direction]
    return found


def value(metrics: list[Metric], name: str, direction: str | None = None) -> float:
    found = one(metrics, name, direction)
    assert found.value is not None, found.note
    return found.value
