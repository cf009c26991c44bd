"""The house behind the receiving point: a constant load and a photovoltaic profile."""

from __future__ import annotations

import csv
import io
import math
from bisect import bisect_right
from pathlib import Path

from bench.config.text import read_text
from bench.errors import Fault, UsageError
from instruments.twins.config import HouseTwin
from instruments.twins.faults import FaultSet

__all__ = ["House"]

_LARGEST_BYTES = 64_000_000
_SHOWN = 20


class House:
    """Load and generation. A profile is a staircase: each value holds until the next row."""

    def __init__(self, config: HouseTwin, folder: Path) -> None:
        self.load_kw = config.load_kw
        self.bypass = config.bypass
        self.faults = FaultSet("house", config.faults)
        self._times_s, self._pv_kw = [0.0], [0.0]
        if isinstance(config.pv_kw, str):
            self._times_s, self._pv_kw = _read(folder / config.pv_kw)
        else:
            self._pv_kw = [config.pv_kw]

    def pv_kw(self, t_s: float) -> float:
        """Return the generation at ``t_s``."""
        index = bisect_right(self._times_s, t_s) - 1
        return self._pv_kw[index] if index >= 0 else 0.0

    def bypassed(self, t_s: float) -> bool:
        """True where the receiving point is wired past the battery."""
        return self.bypass or self.faults.active("bypass", t_s)

    def net_load_kw(self, t_s: float) -> float:
        """Return consumption less generation at ``t_s``."""
        return self.load_kw - self.pv_kw(t_s)

    def set(self, load_kw: float | None, pv_kw: float | None) -> None:
        """Change load or generation from now on; a generation that is set ends its profile."""
        if load_kw is not None:
            self.load_kw = load_kw
        if pv_kw is not None:
            self._times_s, self._pv_kw = [0.0], [pv_kw]

    def next_change_s(self, t_s: float) -> float | None:
        """Return the first time after ``t_s`` at which the generation changes; None if it never does."""
        index = bisect_right(self._times_s, t_s)
        return self._times_s[index] if index < len(self._times_s) else None


def _read(path: Path) -> tuple[list[float], list[float]]:
    place = "twin.house.pv_kw"
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(path, _LARGEST_BYTES), newline="")))
    except UsageError as error:
        raise UsageError(Fault(place, f"cannot read {error}")) from None
    except csv.Error as error:
        raise UsageError(Fault(place, f"{path} is no CSV: {error}")) from None
    times_s: list[float] = []
    pv_kw: list[float] = []
    faults: list[Fault] = []
    for line, row in enumerate(rows, start=2):
        try:
            t_s, power_kw = float(row["t_s"]), float(row["pv_kw"])
        except (KeyError, TypeError, ValueError):
            faults.append(Fault(place, f"{path} line {line}: expected numbers in the columns t_s,pv_kw"))
            continue
        if not math.isfinite(t_s) or not 0 <= power_kw < math.inf or (times_s and t_s <= times_s[-1]):
            faults.append(Fault(place, f"{path} line {line}: times must grow and power be zero or more"))
            continue
        times_s.append(t_s)
        pv_kw.append(power_kw)
    if faults or not times_s:
        more = [Fault(place, f"{path}: and {len(faults) - _SHOWN} more rows")] * (len(faults) > _SHOWN)
        raise UsageError([*faults[:_SHOWN], *more] or [Fault(place, f"{path} has no rows")])
    return times_s, pv_kw
