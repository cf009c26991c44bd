"""Make the synthetic grid recording: ``python -m profiles.recordings.synthetic FILE``.

A mean-reverting random walk around 50 Hz, smoothed as a grid's inertia does, with one abnormal excursion.
"""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path

__all__ = ["synthetic_csv"]

NOMINAL_HZ = 50.0
SEED = 20260314
STEP_S = 0.1
LENGTH_S = 600.0
SPREAD_HZ = 0.020
CORRELATION_S = 20.0
INERTIA_S = 2.0
EXCURSION_HZ = -0.2
EXCURSION_AT_S = (400.0, 405.0, 425.0, 455.0)  # begins to fall, is down, begins to rise, is over


def _excursion_hz(t_s: float) -> float:
    falls, down, rises, over = EXCURSION_AT_S
    if t_s <= falls or t_s >= over:
        return 0.0
    if t_s < down:
        return EXCURSION_HZ * (t_s - falls) / (down - falls)
    return EXCURSION_HZ if t_s <= rises else EXCURSION_HZ * (over - t_s) / (over - rises)


def synthetic_csv() -> str:
    """Return the recording as CSV text with ``t_s`` (s) and ``frequency_hz`` (Hz), ten rows a second.

    The walk is an Ornstein-Uhlenbeck process of correlation time 20 s through a first-order lag of 2 s,
    scaled to a standard deviation of 20 mHz and a mean of zero over its length; the excursion is added after.
    """
    chance = random.Random(SEED)  # noqa: S311  (a recording, not a secret)
    keep, lag = math.exp(-STEP_S / CORRELATION_S), STEP_S / INERTIA_S
    walk = smooth = 0.0
    values = []
    warm_up = int(10 * CORRELATION_S / STEP_S)
    for index in range(warm_up + int(LENGTH_S / STEP_S)):
        walk = keep * walk + math.sqrt(1 - keep * keep) * chance.gauss(0.0, 1.0)
        smooth += lag * (walk - smooth)
        if index >= warm_up:
            values.append(smooth)
    mean = sum(values) / len(values)
    spread = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
    lines = ["t_s,frequency_hz"]
    for index, value in enumerate(values):
        t_s = index * STEP_S
        deviation_hz = (value - mean) / spread * SPREAD_HZ
        if EXCURSION_AT_S[0] <= t_s <= EXCURSION_AT_S[3]:
            deviation_hz *= 1 - abs(_excursion_hz(t_s) / EXCURSION_HZ)  # the bottom is flat: exactly -0.2 Hz
        lines.append(f"{t_s:.1f},{NOMINAL_HZ + deviation_hz + _excursion_hz(t_s):.5f}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(synthetic_csv(), encoding="utf-8", newline="")
