"""The fault catalogue: named ways in which a twin may misbehave, and what must catch each.

A station file names them in ``twin.<part>.faults``; ``name@FROM-TO`` confines a fault to these seconds of
the world's clock, whose zero is the clock's zero. A new fault is one line here and one question
(``faults.active("name", t_s)``) where the physics, the dialect or the wire would go wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["CATALOGUE", "Fault", "FaultKind", "FaultSet", "known", "parse"]

Part = Literal["battery", "gateway", "meter", "source"]
Kind = Literal["battery", "gateway", "meter", "source", "wiring", "clock"]


@dataclass(frozen=True)
class FaultKind:
    """One fault: ``part`` is the table of the station file it is named in, ``kind`` what it belongs to.

    ``caught_by`` names findings (or a command, or the outcome ERROR) that must show it in some profile; empty
    for what a rule allows (a warning at most).
    """

    name: str
    part: Part
    kind: Kind
    doc: str
    caught_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """A fault as a station file names it, with the seconds in which it acts."""

    name: str
    from_s: float = -math.inf
    to_s: float = math.inf


def _catalogue(*kinds: FaultKind) -> dict[tuple[str, str], FaultKind]:
    return {(kind.part, kind.name): kind for kind in kinds}


_COMMAND = ("tertiary2.response", "tertiary2.band")

CATALOGUE = _catalogue(
    FaultKind(
        "wrong_sign",
        "battery",
        "battery",
        "charges where it should discharge",
        (*_COMMAND, "primary.delay", "primary.droop"),
    ),
    FaultKind(
        "never_responds",
        "battery",
        "battery",
        "gives no power",
        (*_COMMAND, "primary.delay", "primary.response"),
    ),
    FaultKind(
        "never_charges",
        "battery",
        "battery",
        "answers in one direction only",
        ("primary.delay", "primary.response"),
    ),
    FaultKind(
        "saturated",
        "battery",
        "battery",
        "gives at most 5 % of its rating",
        (*_COMMAND, "primary.band", "primary.droop"),
    ),
    FaultKind(
        "thermal_sag",
        "battery",
        "battery",
        "falls to 80 % of the power two minutes after leaving zero",
        ("tertiary2.band", "primary.hold"),
    ),
    FaultKind("slow", "battery", "battery", "time constant 8 s longer", ("primary.response",)),
    FaultKind(
        "jitter",
        "battery",
        "battery",
        "a delay that varies by up to 3 s from sample to sample",
        ("primary.delay",),
    ),
    FaultKind(
        "soft_droop",
        "battery",
        "battery",
        "droop 1.6 times as large as declared",
        ("primary.droop", "primary.band"),
    ),
    FaultKind(
        "wide_dead_band",
        "battery",
        "battery",
        "dead band 20 mHz wider",
        ("primary.response", "dead_band.value"),
    ),
    FaultKind("hysteretic", "battery", "battery", "12 mHz more hysteresis", ("dead_band.hysteresis",)),
    FaultKind(
        "frequency_offset",
        "battery",
        "battery",
        "reads the frequency 30 mHz high",
        ("frequency_accuracy.offset",),
    ),
    FaultKind(
        "stuck_soc", "battery", "battery", "always reports the same state of charge", ("telemetry.soc",)
    ),
    FaultKind(
        "soc_floor",
        "battery",
        "battery",
        "stops once a tenth of its capacity has been given",
        ("tertiary2.hold", "tertiary2.band"),
    ),
    FaultKind("not_applied", "battery", "battery", "acknowledges set-points, applies none", _COMMAND),
    FaultKind(
        "refuses", "battery", "battery", "answers a write of a set-point with an exception", ("ERROR",)
    ),
    FaultKind(
        "latched", "battery", "battery", "keeps its power when commanded to zero", ("tertiary2.return",)
    ),
    FaultKind(
        "stays_remote", "battery", "battery", "ignores the release to its own mode", ("mode_restore.mode",)
    ),
    FaultKind(
        "burst", "battery", "battery", "full power for 2 s when a command ends", ("reverse_flow.export",)
    ),
    FaultKind(
        "reports_wrong_sign", "battery", "battery", "reports its own power with the sign turned", ("data",)
    ),
    FaultKind("busy", "battery", "battery", "answers every Modbus request with 'device busy'", ("ERROR",)),
    FaultKind("not_applied", "gateway", "gateway", "acknowledges commands, passes none on", _COMMAND),
    FaultKind("silent", "gateway", "gateway", "its telemetry stands still", ("telemetry.interval",)),
    FaultKind(
        "coarse",
        "source",
        "source",
        "sets in steps of 50 mHz, reads back what was asked",
        ("grid_replay.stimulus", "dead_band.stimulus"),
    ),
    FaultKind("offset", "source", "source", "delivers 30 mHz more than set", ("stimulus",)),
    FaultKind(
        "stuck", "source", "source", "acknowledges a frequency, keeps the old one", ("primary.stimulus",)
    ),
    FaultKind("low_voltage", "source", "source", "delivers 8 % less voltage than set", ("stimulus_voltage",)),
    FaultKind("nan", "meter", "meter", "no data", ("data",)),
    FaultKind("inf", "meter", "meter", "overflow on every channel", ("data",)),
    FaultKind("frozen", "meter", "meter", "repeats its last values", ("tertiary2.data", "primary.stimulus")),
    FaultKind("sparse", "meter", "meter", "publishes one window in twenty", ("primary.stimulus",)),
    FaultKind("late", "meter", "clock", "publishes every window a second late", ("primary.stimulus",)),
    FaultKind("gain_error", "meter", "meter", "reads power 15 % high", ("tertiary2.band", "primary.band")),
    FaultKind("sentinel", "meter", "meter", "writes 9.91E+37 for all it measures", ("data",)),
    FaultKind("header", "meter", "meter", "puts the header into replies though it is off", ()),
    FaultKind(
        "wrong_sign",
        "meter",
        "wiring",
        "both elements wired the wrong way round",
        (*_COMMAND, "primary.delay", "primary.droop"),
    ),
    FaultKind("swapped", "meter", "wiring", "the elements of the two points are exchanged", ("commission",)),
)

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
    """The faults of one part, asked by name and time."""

    def __init__(self, part: str, specs: Sequence[str] = ()) -> None:
        self._faults: dict[str, list[Fault]] = {}
        for spec in specs:
            fault = parse(part, spec)
            self._faults.setdefault(fault.name, []).append(fault)

    def active(self, name: str, t_s: float) -> bool:
        """True where the fault acts at ``t_s`` (the end of its stretch is outside)."""
        return any(fault.from_s <= t_s < fault.to_s for fault in self._faults.get(name, ()))

    def touches(self, name: str, from_s: float, to_s: float) -> bool:
        """True where the fault acts anywhere between the two times."""
        return any(fault.from_s < to_s and from_s < fault.to_s for fault in self._faults.get(name, ()))

    def edges_s(self) -> Iterable[float]:
        """Return the finite times at which a fault begins or ends."""
        for faults in self._faults.values():
            for fault in faults:
                yield from (edge for edge in (fault.from_s, fault.to_s) if math.isfinite(edge))
