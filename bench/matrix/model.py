"""The matrix as data: what each line and each product came to, and by which runs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.config.requirements import Item, Product, Route, Text
from bench.model import Outcome, Source, Verdict

__all__ = ["Cell", "Eligibility", "Eligible", "Line", "MatrixRun", "Point", "RunRef", "Shown", "State"]

State = Literal[
    "PASS",
    "FAIL",
    "INCONCLUSIVE",
    "INVALID",
    "NOT_APPLICABLE",
    "ERROR",
    "ABORTED",
    "MISSING",
    "DOCUMENT",
    "NOT_TRUSTED",
]
Point = Literal["device", "receiving"]
Eligible = Literal["eligible", "simulated", "practice", "no", "not_shown"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MatrixRun(_Record):
    """A run folder as the matrix sees it. ``faults`` not empty: it is not what was signed."""

    folder: Path
    profile: str = ""
    product: str = ""
    edition: str = ""
    point: Point = "device"
    started_utc: str = ""
    serial: str = ""
    device: str = ""
    firmware: str = ""
    simulated: bool = True
    dry_run: bool = False
    outcome: Outcome | None = None
    reason: str = ""
    verdict: Verdict | None = None
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    faults: tuple[str, ...] = ()

    @property
    def trusted(self) -> bool:
        """True where the folder is as it was signed."""
        return not self.faults

    @property
    def real(self) -> bool:
        """True where it can be evidence at all: real instruments, not shortened, as signed."""
        return self.trusted and not self.simulated and not self.dry_run


class RunRef(_Record):
    """A run in the matrix's JSON."""

    folder: str
    profile: str
    edition: str
    point: str
    started_utc: str
    outcome: str | None
    simulated: bool
    practice: bool
    trusted: bool
    counts: bool
    faults: tuple[str, ...] = ()
    qualified_kw: float | None = None
    reason: str = ""


class Shown(_Record):
    """What proves something, or does not: the state and the folders of the runs behind it."""

    what: str
    state: State
    simulated: bool = False
    practice: bool = False
    runs: tuple[str, ...] = ()
    reason: str = ""


class Line(_Record):
    """One line of the requirement table with what shows it."""

    item: Item
    state: State
    simulated: bool
    practice: bool
    shown: tuple[Shown, ...]
    missing: tuple[str, ...] = ()


class Cell(_Record):
    """Whether one metering point and route is open under one edition, and which clause binds."""

    point: Point
    route: Route
    eligible: Eligible
    clause: Text
    clause_source: Source | None = None
    qualified_kw: float | None = None
    runs: tuple[str, ...] = ()


class Eligibility(_Record):
    """One product under one edition."""

    product: Product
    edition: str
    in_force_from: str = ""
    cells: tuple[Cell, ...] = ()
    open_items: tuple[str, ...] = Field(default=(), description="lines asked of it that nothing shows yet")
