"""Faults as a station file names them: ``NAME``, or ``NAME@FROM-TO`` to confine one to these seconds.

The seconds count from the run's start once :meth:`FaultSet.begin` has been told of it, before (and where the
twin serves others) from the clock's zero. A new fault is one line of the catalogue and one question
(``faults.active("name", t_s)``) where the physics, the dialect or the wire would go wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from instruments.twins.fault_catalogue import CATALOGUE, FaultKind

__all__ = ["CATALOGUE", "Fault", "FaultKind", "FaultSet", "known", "parse"]


@dataclass(frozen=True)
class Fault:
    """A fault as a station file names it, with the seconds in which it acts."""

    name: str
    from_s: float = -math.inf
    to_s: float = math.inf


_SPEC = re.compile(r"^(?P<name>[a-z_]+)(?:@(?P<from>\d+(?:\.\d*)?)-(?P<to>\d+(?:\.\d*)?))?$")


def known(part: str) -> list[str]:
    """Return the names of the faults of one part of the station."""
    return sorted(name for owner, name in CATALOGUE if owner == part)


def parse(part: str, spec: str) -> Fault:
    """Read ``name`` or ``name@FROM-TO``.

    Raises:
        ValueError: no such fault of this part, or an empty stretch of time.
    """
    match = _SPEC.match(spec)
    if match is None or (part, match["name"]) not in CATALOGUE:
        raise ValueError(
            f"unknown fault {spec!r}; known: {', '.join(known(part))} (each may be confined: name@FROM-TO)"
        )
    if match["from"] is None:
        return Fault(match["name"])
    fault = Fault(match["name"], float(match["from"]), float(match["to"]))
    if fault.from_s >= fault.to_s:
        raise ValueError(f"fault {spec!r}: FROM must be below TO")
    return fault


class FaultSet:
    """The faults of one part, asked by name and the clock's time."""

    def __init__(self, part: str, specs: Sequence[str] = ()) -> None:
        self._zero_s = 0.0
        self._faults: dict[str, list[Fault]] = {}
        for spec in specs:
            fault = parse(part, spec)
            self._faults.setdefault(fault.name, []).append(fault)

    def __bool__(self) -> bool:
        return bool(self._faults)

    def named(self, name: str) -> bool:
        """True where the station file names the fault, whenever it acts."""
        return name in self._faults

    def begin(self, zero_s: float) -> None:
        """Count the seconds of every stretch from the clock's ``zero_s`` on."""
        self._zero_s = zero_s

    def active(self, name: str, t_s: float) -> bool:
        """True where the fault acts at ``t_s`` (the end of its stretch is outside)."""
        faults = self._faults.get(name)
        if faults is None:
            return False
        t_s -= self._zero_s
        return any(fault.from_s <= t_s < fault.to_s for fault in faults)

    def touches(self, name: str, from_s: float, to_s: float) -> bool:
        """True where the fault acts anywhere between the two times."""
        faults = self._faults.get(name)
        if faults is None:
            return False
        from_s, to_s = from_s - self._zero_s, to_s - self._zero_s
        return any(fault.from_s < to_s and from_s < fault.to_s for fault in faults)

    def edges_s(self) -> Iterable[float]:
        """Return the finite times of the clock at which a fault begins or ends."""
        for faults in self._faults.values():
            for fault in faults:
                yield from (edge + self._zero_s for edge in (fault.from_s, fault.to_s) if math.isfinite(edge))
