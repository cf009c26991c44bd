"""One watched channel: outside its limits, changing too fast, or silent. A single odd sample never trips."""

from __future__ import annotations

import math
from collections import deque

from bench.errors import LimitTripped

__all__ = ["TRIP_S", "TRIP_SAMPLES", "Unwatched", "Watch"]

# A single sample may be a torn frame or a range change of the analyzer. An excess counts when three samples
# in a row show it, or two that lie half a second or more apart: at most 0.2 s at 0.1 s sampling, one interval
# of a slow channel.
TRIP_SAMPLES = 3
TRIP_S = 0.5
# A rate is taken over two intervals, so that one odd sample exceeds it once each way, never twice the same
# way in a row; a real slope or step does.
_BACK = 2
_RATE_IN_A_ROW = 2
# a profile that reads every twenty seconds is not unwatched for one reading that is lost
_LACKING = 1.5


class Watch:
    """One watched channel, and how long it has been outside."""

    __slots__ = (
        "_before",
        "_good_s",
        "_rate_row",
        "channel",
        "count",
        "high",
        "low",
        "no_data_s",
        "per_s",
        "since_s",
    )

    def __init__(
        self,
        channel: str,
        low: float,
        high: float,
        *,
        per_s: float | None = None,
        no_data_s: float = math.inf,
    ) -> None:
        self.channel = channel
        self.low = low
        self.high = high
        self.per_s = per_s
        self.no_data_s = no_data_s
        self.count = 0
        self.since_s = 0.0
        self._good_s: float | None = None
        self._before: deque[tuple[float, float]] = deque(maxlen=_BACK)
        self._rate_row = 0

    def see(self, value: float, t_s: float) -> None:
        """Take one reading.

        Raises:
            LimitTripped: it is not the first one outside, or the quantity changes too fast.
        """
        self._good_s = t_s
        if self.per_s is not None:
            self._rate(value, t_s)
        if self.low <= value <= self.high:
            self.count = 0
        else:
            self.outside(value, t_s)

    def outside(self, value: float, t_s: float) -> None:
        """Count one reading outside.

        Raises:
            LimitTripped: it was not the first.
        """
        if self.count == 0:
            self.since_s = t_s
        self.count += 1
        if self.count >= TRIP_SAMPLES or (self.count >= 2 and t_s - self.since_s >= TRIP_S):
            raise LimitTripped(
                f"{self.says(value)} ({self.count} readings since t = {self.since_s:.3f} s)",
                reading=self._told(value, t_s, since_s=self.since_s, readings=self.count),
            )

    def nothing(self, t_s: float) -> None:
        """Take a reading without data.

        Raises:
            LimitTripped: there have been no data for ``no_data_s``.
        """
        if self._good_s is None:
            self._good_s = t_s
        if t_s - self._good_s >= self.no_data_s:
            raise LimitTripped(
                f"{self.channel} has had no data since t = {self._good_s:.3f} s, with the output on",
                reading=self._told(None, t_s, since_s=self._good_s),
            )

    def says(self, value: float) -> str:
        """Return the sentence for a value outside."""
        return f"{self.channel} = {value:g} is outside [{self.low:g}, {self.high:g}]"

    def _rate(self, value: float, t_s: float) -> None:
        before = self._before
        if len(before) == _BACK and t_s > before[0][0]:
            per_s = (value - before[0][1]) / (t_s - before[0][0])
            if abs(per_s) <= (self.per_s or math.inf):
                self._rate_row = 0
            else:
                way = 1 if per_s > 0 else -1
                self._rate_row = self._rate_row + way if self._rate_row * way > 0 else way
                if abs(self._rate_row) >= _RATE_IN_A_ROW:
                    raise LimitTripped(
                        f"{self.channel} = {value:g} changes by {per_s:g}/s, more than {self.per_s:g}/s",
                        reading=self._told(value, t_s, per_s=per_s, at_most_per_s=self.per_s),
                    )
        before.append((t_s, value))

    def _told(self, value: float | None, t_s: float, **more: float | None) -> dict[str, object]:
        return {
            "channel": self.channel,
            "value": value,
            "t_s": t_s,
            "low": self.low,
            "high": self.high,
            **more,
        }


class Unwatched:
    """A quantity that several instruments tell: it is watched as long as one of them does."""

    def __init__(self, name: str, at_most_s: float) -> None:
        self.name = name
        self.at_most_s = at_most_s
        self._good_s: float | None = None

    def told(self, t_s: float) -> None:
        """Note that somebody has told it."""
        self._good_s = t_s

    def nothing(self, t_s: float, every_s: float = 0.0) -> None:
        """Note that somebody who tells it ``every_s`` could not.

        Raises:
            LimitTripped: nobody has for too long, and more than one reading is lacking.
        """
        if self._good_s is None:
            self._good_s = t_s
        elif t_s - self._good_s >= max(self.at_most_s, _LACKING * every_s):
            raise LimitTripped(
                f"nobody tells {self.name} since t = {self._good_s:.3f} s, with the output on",
                reading={"channel": self.name, "value": None, "t_s": t_s, "since_s": self._good_s},
            )
