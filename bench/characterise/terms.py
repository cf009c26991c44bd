"""What a run cannot know of itself, drawn at random: the limits of error that the budget allows for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Terms"]

_READING_PCT, _RANGE_PCT, _RANGE_KW = 0.1, 0.05, 6.0
_FREQUENCY_HZ, _CLOCK_S = 0.001, 0.01


@dataclass(frozen=True)
class Terms:
    """Errors of one analyzer, constant through a run, and the seed of its noise and phases.

    Each lies anywhere within its limit of error (rectangular). ``power_share`` is that of power, reading and
    range together, -1 to 1: what a meter may be wrong by at one level says nothing of another level, so the
    error is laid on as a gain and does not cancel against the rest. ``clock_s`` is the shift of the power
    channel against the frequency channel.
    """

    power_share: float
    frequency_hz: float
    clock_s: float
    seed: int

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Terms:
        """Draw them."""
        return cls(
            power_share=rng.uniform(-1.0, 1.0),
            frequency_hz=rng.uniform(-1.0, 1.0) * _FREQUENCY_HZ,
            clock_s=rng.uniform(-1.0, 1.0) * _CLOCK_S,
            seed=int(rng.integers(2**31)),
        )

    def gain_ratio(self, power_kw: float) -> float:
        """Return what the meter shows over what there is, at ``power_kw``."""
        limit_kw = _READING_PCT / 100.0 * power_kw + _RANGE_PCT / 100.0 * _RANGE_KW
        return 1.0 + self.power_share * limit_kw / power_kw

    @property
    def accuracy(self) -> dict[str, float]:
        """The limits of error, as a station declares them."""
        return {
            "power_reading_pct": _READING_PCT,
            "power_range_kw": _RANGE_KW,
            "power_range_pct": _RANGE_PCT,
            "frequency_hz": _FREQUENCY_HZ,
            "time_s": _CLOCK_S,
        }
