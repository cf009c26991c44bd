"""A recorded grid frequency: a CSV with ``t_s`` and ``frequency_hz``, read strictly."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.config.faults import shown
from bench.config.profile import Profile
from bench.config.text import read_text
from bench.errors import Fault, UsageError
from bench.rooms import room

__all__ = ["GridRecording", "read_grid_recording", "recording_for"]

BUNDLED = "synthetic_50hz.csv"
NOMINALS_HZ = (50.0, 60.0)
FARTHEST_HZ = 4.0  # farther from either nominal no grid runs: a unit, a column or a sign is wrong
SHOWN_FAULTS = 10
LARGEST_BYTES = 64_000_000


@dataclass(frozen=True)
class GridRecording:
    """``t_s`` (increasing) and ``frequency_hz``, both of shape (n,), n >= 2; ``nominal_hz`` is 50 or 60."""

    path: Path
    t_s: NDArray[np.float64]
    frequency_hz: NDArray[np.float64]
    nominal_hz: float

    @property
    def duration_s(self) -> float:
        """The recording's length: the last value lasts as long as a typical one."""
        return float(self.t_s[-1] - self.t_s[0] + np.median(np.diff(self.t_s)))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _columns(header: list[str], where: str) -> tuple[int, int]:
    names = [name.strip() for name in header]
    faults = [
        Fault(f"{where}: line 1", f"the column {name!r} is {'missing' if not names.count(name) else 'twice'}")
        for name in ("t_s", "frequency_hz")
        if names.count(name) != 1
    ]
    if faults:
        found = ", ".join(shown(name) for name in names[:8]) or "nothing"
        hint = " (fields are separated by commas)" if len(names) == 1 else ""
        raise UsageError([*faults, Fault(f"{where}: line 1", f"columns found: {found}{hint}")])
    return names.index("t_s"), names.index("frequency_hz")


def _row_fault(row: list[str], width: int, columns: tuple[int, int], before_s: float) -> str | None:
    if len(row) != width:
        return f"has {len(row)} fields, the header {width}"
    for column, name in zip(columns, ("t_s", "frequency_hz"), strict=True):
        if _number(row[column]) is None:
            return f"{name} is not a finite number: {shown(row[column])}"
    t_s, frequency_hz = float(row[columns[0]]), float(row[columns[1]])
    if t_s <= before_s:
        return f"t_s = {t_s:g} does not come after {before_s:g}"
    if min(abs(frequency_hz - nominal) for nominal in NOMINALS_HZ) > FARTHEST_HZ:
        return f"frequency_hz = {frequency_hz:g} is not near 50 or 60"
    return None


def read_grid_recording(path: Path) -> GridRecording:
    """Return the recording in ``path``.

    Raises:
        UsageError: not a CSV with both columns, or rows that are not numbers, go back in time or lie far from
            50 and 60 Hz; the first faults with their lines and the number of the others.
    """
    where = str(path)
    rows = csv.reader(io.StringIO(read_text(path, LARGEST_BYTES).removeprefix("\ufeff"), newline=""))
    t_s: list[float] = []
    frequency_hz: list[float] = []
    faults: list[Fault] = []
    bad = 0
    try:
        columns = _columns(header := next(rows, []), where)
        for row in rows:
            if not row:
                continue
            problem = _row_fault(row, len(header), columns, t_s[-1] if t_s else -math.inf)
            if problem is None:
                t_s.append(float(row[columns[0]]))
                frequency_hz.append(float(row[columns[1]]))
                continue
            bad += 1
            if bad <= SHOWN_FAULTS:
                faults.append(Fault(f"{where}: line {rows.line_num}", problem))
    except csv.Error as error:
        raise UsageError(Fault(f"{where}: line {rows.line_num}", f"not CSV: {error}")) from None
    if bad > SHOWN_FAULTS:
        faults.append(Fault(where, f"and {bad - SHOWN_FAULTS} more lines like these"))
    if not faults and len(t_s) < 2:
        faults.append(Fault(where, "a recording needs at least two rows"))
    if faults:
        raise UsageError(faults)
    times, values = np.asarray(t_s), np.asarray(frequency_hz)
    middle = float(np.median(values))
    nominal_hz = min(NOMINALS_HZ, key=lambda nominal: abs(nominal - middle))
    far = int(np.argmax(np.abs(values - nominal_hz)))
    if abs(values[far] - nominal_hz) > FARTHEST_HZ:
        raise UsageError(Fault(where, f"holds values near 50 and near 60 Hz (at t_s = {times[far]:g})"))
    return GridRecording(path, times, values, nominal_hz)


def recording_for(profile: Profile, parameters: Mapping[str, Any]) -> GridRecording | None:
    """Return the recording that a profile plays; None where it plays none.

    The parameter that its ``play`` segment names holds the path; empty is the bundled synthetic recording.

    Raises:
        UsageError: the file is missing or wrong.
    """
    for block in profile.timeline:
        for segment in block.segments:
            if segment.play is not None:
                text = str(parameters.get(segment.play, ""))
                path = Path(text) if text else room("profiles") / "recordings" / BUNDLED
                return read_grid_recording(path)
    return None
