"""Staircases of frequency with known truth, as the tests of the static estimators use them."""

from __future__ import annotations

from bench.characterise.physics import ACCURACY, signal
from bench.characterise.staircase import Staircase, droop_path, fine_path

__all__ = ["ACCURACY", "Staircase", "droop_path", "fine_path", "signal"]
