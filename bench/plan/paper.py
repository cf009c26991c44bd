"""A timeline as rows of text, for ``drready plan``."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from bench.plan.estimate import Estimate
from bench.timeline import PhaseSpan, SetPoint, Timeline

__all__ = ["COLUMNS", "PaperRow", "paper_rows", "paper_text"]

COLUMNS = ("from", "phase", "length", "commands", "kWh", "charge after")
_SHOWN_VALUES = 3


@dataclass(frozen=True)
class PaperRow:
    """One phase: when, what is commanded in it, the energy asked, and the state of charge after it."""

    from_s: float
    duration_s: float
    phase: str
    commands: str
    energy_kwh: float
    soc_end_pct: float

    def cells(self) -> tuple[str, ...]:
        """Return the row as text, in the order of :data:`COLUMNS`."""
        return (
            hms(self.from_s),
            self.phase,
            hms(self.duration_s),
            self.commands,
            f"{self.energy_kwh:+.3f}",
            f"{self.soc_end_pct:.1f} %",
        )


def hms(seconds: float) -> str:
    """Return ``1:05:03`` or ``0:00:30.2``."""
    whole, rest = divmod(round(seconds, 3), 60)
    hours, minutes = divmod(int(whole), 60)
    return (
        f"{hours}:{minutes:02d}:{rest:06.3f}".rstrip("0").rstrip(".")
        if rest % 1
        else (f"{hours}:{minutes:02d}:{int(rest):02d}")
    )


def _named(phase: PhaseSpan) -> str:
    return " ".join(str(part) for part in (phase.name, phase.direction, phase.step) if part is not None)


def _values(points: list[SetPoint]) -> str:
    values = [point.value for point in points]
    if len(values) > _SHOWN_VALUES:
        numbers = [value for value in values if not isinstance(value, str)]
        return (
            f"{len(values)} values, {min(numbers):g} to {max(numbers):g}"
            if numbers
            else f"{len(values)} words"
        )
    return ", ".join(
        "on"
        if value is True
        else "off"
        if value is False
        else value
        if isinstance(value, str)
        else f"{value:g}"
        for value in values
    )


def _commands(timeline: Timeline, phase: PhaseSpan) -> str:
    parts = [f"{act.role}.{act.sequence}" for act in timeline.acts if _belongs(act.t_s, act.phase, phase)]
    targets: dict[str, list[SetPoint]] = defaultdict(list)
    for point in timeline.set_points:
        if _belongs(point.t_s, point.phase, phase):
            targets[f"{point.role}.{point.quantity}"].append(point)
    return "; ".join([*parts, *(f"{target} = {_values(points)}" for target, points in targets.items())])


def _belongs(t_s: float, name: str, phase: PhaseSpan) -> bool:
    return name == phase.name and phase.from_s <= t_s < max(phase.to_s, phase.from_s + 1e-9)


def paper_rows(timeline: Timeline, estimated: Estimate) -> list[PaperRow]:
    """Return one row a phase."""
    return [
        PaperRow(
            energy.phase.from_s,
            energy.phase.to_s - energy.phase.from_s,
            _named(energy.phase),
            _commands(timeline, energy.phase),
            energy.energy_kwh,
            energy.soc_end_pct,
        )
        for energy in estimated.phases
    ]


def paper_text(timeline: Timeline, estimated: Estimate, *, delta_kw: float, why: str = "") -> str:
    """Return the whole plan as plain text: a table, the sums, notes and warnings."""
    table = [COLUMNS, *(row.cells() for row in paper_rows(timeline, estimated))]
    widths = [max(len(row[column]) for row in table) for column in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
    assumed = " (assumed)" if estimated.soc_assumed else ""
    head = f"{timeline.profile}: ΔkW {delta_kw:.4g} kW" + (f" = {why}" if why else "")
    tail = [
        f"length {hms(estimated.duration_s)}; out {estimated.discharged_kwh:.3f} kWh, in "
        f"{estimated.charged_kwh:.3f} kWh; charge {estimated.soc_start_pct:.1f} %{assumed} to "
        f"{estimated.soc_end_pct:.1f} %",
        *(f"note: {note}" for note in timeline.notes),
        *(f"warning: {warning}" for warning in estimated.warnings),
    ]
    return "\n".join([head, *(line.rstrip() for line in lines), *tail])
