"""A signal in closed form: pieces that are constant, straight or exponential, each with its exact integral.

Nothing is sampled on a grid, so a value or a window mean does not depend on how often anybody looks.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Piece", "Trace", "split_at_zero"]


@dataclass(frozen=True, slots=True)
class Piece:
    """From ``t_s`` on: ``level + slope * dt + swing * exp(-dt / tau_s)``, where ``dt = t - t_s``."""

    t_s: float
    level: float
    slope: float = 0.0
    swing: float = 0.0
    tau_s: float = 1.0

    def value(self, dt_s: float) -> float:
        """Return the value ``dt_s`` after the start of the piece."""
        decay = self.swing * math.exp(-dt_s / self.tau_s) if self.swing else 0.0
        return self.level + self.slope * dt_s + decay

    def integral(self, dt_s: float) -> float:
        """Return the integral over the first ``dt_s`` of the piece."""
        total = (self.level + 0.5 * self.slope * dt_s) * dt_s
        if self.swing:
            total -= self.swing * self.tau_s * math.expm1(-dt_s / self.tau_s)
        return total

    def later(self, t_s: float) -> Piece:
        """Return the same curve, described from ``t_s`` on."""
        dt_s = t_s - self.t_s
        swing = self.swing * math.exp(-dt_s / self.tau_s) if self.swing else 0.0
        return Piece(t_s, self.level + self.slope * dt_s, self.slope, swing, self.tau_s)

    def raised(self, by: float) -> Piece:
        """Return the curve shifted upwards by ``by``."""
        return Piece(self.t_s, self.level + by, self.slope, self.swing, self.tau_s)

    def zero_dt_s(self) -> float | None:
        """Return when the curve crosses zero, in seconds after its start; None if it never does."""
        if self.slope:
            dt_s = -self.level / self.slope
        elif self.swing and self.level and -self.swing / self.level > 0:
            dt_s = self.tau_s * math.log(-self.swing / self.level)
        else:
            return None
        return dt_s if dt_s > 0 else None


def split_at_zero(pieces: Sequence[Piece]) -> list[Piece]:
    """Cut pieces where they cross zero, so that each keeps one sign (straight or exponential, not both)."""
    cut: list[Piece] = []
    for index, piece in enumerate(pieces):
        cut.append(piece)
        dt_s = piece.zero_dt_s()
        end_s = pieces[index + 1].t_s if index + 1 < len(pieces) else math.inf
        if dt_s is not None and piece.t_s < piece.t_s + dt_s < end_s:
            cut.append(piece.later(piece.t_s + dt_s))
    return cut


class Trace:
    """What a signal was and, as far as is known, will be; the last piece lasts for ever.

    Args:
        first: the piece the signal starts with.
        signed: keep the integral of the positive part as well (every piece is then cut at zero).
    """

    def __init__(self, first: Piece, *, signed: bool = False) -> None:
        self._signed = signed
        self._starts: list[float] = []
        self._pieces: list[Piece] = []
        self._sums: list[float] = []
        self._positive: list[float] = []
        self.plan([first])

    def plan(self, pieces: Iterable[Piece]) -> None:
        """Replace everything from the first piece's start on; later starts must not decrease."""
        new = list(pieces)
        if self._signed:
            new = split_at_zero(new)
        keep = bisect_left(self._starts, new[0].t_s)
        total, positive = self._at(new[0].t_s) if self._starts else (0.0, 0.0)
        for column in (self._starts, self._pieces, self._sums, self._positive):
            del column[keep:]
        for index, piece in enumerate(new):
            if index:
                last = new[index - 1]
                grown = last.integral(piece.t_s - last.t_s)
                total += grown
                positive += max(grown, 0.0)
            self._starts.append(piece.t_s)
            self._pieces.append(piece)
            self._sums.append(total)
            self._positive.append(positive)

    def _index(self, t_s: float) -> int:
        return max(bisect_right(self._starts, t_s) - 1, 0)

    def _at(self, t_s: float) -> tuple[float, float]:
        index = self._index(t_s)
        grown = self._pieces[index].integral(t_s - self._starts[index])
        return self._sums[index] + grown, self._positive[index] + max(grown, 0.0)

    def value(self, t_s: float) -> float:
        """Return the value at ``t_s``; at a step, the value after it."""
        index = self._index(t_s)
        return self._pieces[index].value(t_s - self._starts[index])

    def integral(self, t_s: float) -> float:
        """Return the integral from the start of the trace to ``t_s``."""
        index = self._index(t_s)
        return self._sums[index] + self._pieces[index].integral(t_s - self._starts[index])

    def positive_integral(self, t_s: float) -> float:
        """Return the integral of the positive part from the start of the trace to ``t_s``."""
        return self._at(t_s)[1]

    def mean(self, from_s: float, to_s: float) -> float:
        """Return the exact mean over a window that has not been forgotten."""
        index = self._index(from_s)
        if index + 1 == len(self._starts) or to_s <= self._starts[index + 1]:
            piece = self._pieces[index]
            if not piece.slope and not piece.swing:
                return piece.level
        return (self.integral(to_s) - self.integral(from_s)) / (to_s - from_s)

    def from_on(self, t_s: float) -> list[Piece]:
        """Return what is planned from ``t_s`` on."""
        index = self._index(t_s)
        return [self._pieces[index].later(max(t_s, self._starts[index])), *self._pieces[index + 1 :]]

    def settled_at_s(self) -> float:
        """Return when the last piece began."""
        return self._starts[-1]

    def forget(self, before_s: float) -> None:
        """Drop what ended before ``before_s``; integrals go on from where they were."""
        keep = self._index(before_s)
        for column in (self._starts, self._pieces, self._sums, self._positive):
            del column[:keep]

    def __len__(self) -> int:
        return len(self._pieces)
