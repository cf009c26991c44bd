"""Many trials: a grid of true values for the curves, draws around the limit for the figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from bench.characterise.cases import CASES
from bench.characterise.trial import Asked, Trial, limit_of_case, trial

__all__ = ["WINDOWS_S", "Figures", "characterise", "figures", "plan"]

WINDOWS_S = (0.05, 0.1, 0.2)
_POINTS = 9
_AT_LIMIT = 3
"""As many trials on the limit itself as on any other point of the grid, times this."""


@dataclass(frozen=True)
class Figures:
    """What trials of one quantity and window came to; ratios are None where nothing was counted."""

    quantity: str
    window_s: float
    trials: int
    bias: float
    sd: float
    covered_ratio: float | None
    covered95_ratio: float | None
    counted: int
    false_accept_ratio: float
    at_limit: int
    wrong: int
    beyond: int
    median_u: float


def grid(quantity: str) -> list[float]:
    """Return the true values tried, the limit in the middle."""
    case = CASES[quantity]
    limit = limit_of_case(case, quantity)
    return [float(value) for value in limit + case.reach * np.linspace(-1.0, 1.0, _POINTS)]


def plan(trials: int, seed: int) -> list[Asked]:
    """Spread about ``trials`` trials over quantities, windows and true values."""
    rng = np.random.default_rng(seed)
    cells = len(CASES) * len(WINDOWS_S) * (_POINTS + _AT_LIMIT - 1)
    each = max(1, round(trials / cells))
    asked = []
    for quantity in CASES:
        for window_s in WINDOWS_S:
            for index, value in enumerate(grid(quantity)):
                count = each * (_AT_LIMIT if index == _POINTS // 2 else 1)
                asked += [Asked(quantity, value, window_s, int(rng.integers(2**31))) for _ in range(count)]
    return asked


def characterise(
    asked: Iterable[Asked], *, processes: int | None = None, told: Callable[[int], None] | None = None
) -> list[Trial]:
    """Run the trials, on ``processes`` processes (0: here)."""
    work = list(asked)
    if processes == 0:
        return [trial(item) for item in work]
    found = []
    with ProcessPoolExecutor(max_workers=processes) as pool:
        for done in pool.map(trial, work, chunksize=8):
            found.append(done)
            if told is not None and len(found) % 100 == 0:
                told(len(found))
    return found


def figures(found: list[Trial], quantity: str, window_s: float | None = None) -> Figures:
    """Count what a quantity's trials (under one window, or all) came to."""
    case = CASES[quantity]
    limit = limit_of_case(case, quantity)
    mine = [
        item for item in found
        if item.asked.quantity == quantity and window_s in (None, item.asked.window_s)
    ]  # fmt: skip
    sign = 1.0 if case.upper else -1.0
    at = [item for item in mine if abs(item.asked.value - limit) <= 1e-9 * max(1.0, limit)]
    beyond = [item for item in mine if abs(item.truth - limit) > 2.0 * item.doubt and item.truth != limit]
    wrong = sum(item.outcome == ("PASS" if sign * (item.truth - limit) > 0 else "FAIL") for item in beyond)
    errors = np.array([error for item in mine for error in item.errors])
    counted = 0 if quantity == "hold" else sum(item.counted for item in mine)
    return Figures(
        quantity,
        window_s or 0.0,
        len(mine),
        float(errors.mean()) if len(errors) else 0.0,
        float(errors.std()) if len(errors) else 0.0,
        sum(item.covered for item in mine) / counted if counted else None,
        sum(item.covered95 for item in mine) / counted if counted else None,
        counted,
        # a hold of exactly the limit is long enough: that one is no false accept
        0.0 if quantity == "hold" else sum(item.outcome == "PASS" for item in at) / max(1, len(at)),
        len(at),
        wrong,
        len(beyond),
        float(np.median([item.doubt for item in mine])) if mine else 0.0,
    )
