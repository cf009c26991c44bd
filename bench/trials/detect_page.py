"""The detection matrix as a page of the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.trials.detect import Cell, station_of

__all__ = ["page"]

_HEAD = """# Which fault is caught by which finding

Written by `drready detect`; do not edit. Every fault of the catalogue (`drready twin faults`) runs in every
profile, over the direct link, in virtual time: {runs} runs. A cell holds the outcome and the root of it: the
finding that counts and follows from no other, or, where the outcome stays, the warning (in brackets).

The catalogue says for each fault and profile which finding has to name it, decided from what the fault is and
what the profile looks at. **{missed}** of the cells are held by another finding, or by none, and are marked
*missed*. {caught} faults change a finding in at least one profile.

- `·`: nothing that counts changed, and nothing had to: the profile does not look there, or the rule allows
  it.
- `–`: the profile cannot be played on this station{lacking}.

On the direct link a late, lost or misnumbered reply is a time-out and a reply in pieces is a reply; the same
faults act on real sockets in `tests/instruments/twins/test_wire_faults.py`. A reply that is lost once is a
gap in the record and changes nothing.
"""
_GROUPS = (
    ("Products that follow a command",
     ("tertiary2", "tertiary2_partial", "tertiary2_repeat", "tertiary1", "secondary2", "secondary1")),
    ("Frequency response", ("primary", "droop", "dead_band", "frequency_accuracy", "grid_replay")),
    ("A new command every few minutes, energy a slot", ("follow1", "follow5", "economic_dr", "capacity")),
    ("Site, modes, meter, communication", ("reverse_flow", "mode_restore", "metering", "telemetry")),
)  # fmt: skip


def page(cells: Sequence[Cell], kinds: Sequence[Any], lacking: int = 0) -> str:
    """Return the page: for each station and group of profiles a table, a row a fault, a column a profile.

    Args:
        cells: what came of the runs.
        kinds: the catalogue.
        lacking: how many runs have not been made.
    """
    faulty = [cell for cell in cells if cell.fault]
    text = _HEAD.format(
        runs=len(cells),
        lacking=f", or has not been run yet ({lacking} cells)" if lacking else "",
        missed=sum(cell.result == "missed" for cell in faulty) or "None",
        caught=len({(cell.part, cell.fault) for cell in faulty if cell.result == "caught"}),
    )
    profiles = list(dict.fromkeys(cell.profile for cell in cells))
    known = {profile for _, group in _GROUPS for profile in group}
    groups = [*_GROUPS, ("Others", tuple(one for one in profiles if one not in known))]
    for station in dict.fromkeys(station_of(kind) for kind in kinds):
        here = [kind for kind in kinds if station_of(kind) == station]
        text += f"\n## Station `{station}`\n"
        for title, group in groups:
            columns = [one for one in group if one in profiles]
            if columns:
                text += f"\n### {title}\n\n{_table(station, columns, here, cells)}"
    return text


def _table(station: str, profiles: Sequence[str], kinds: Sequence[Any], cells: Sequence[Cell]) -> str:
    found = {(c.part, c.fault, c.profile): c for c in cells if c.station == station}
    lines = [
        f"| part | fault | what it does | {' | '.join(profiles)} |",
        "| --- " * (3 + len(profiles)) + "|",
        f"| | none | a healthy device | {' | '.join(_text(found.get(('', '', p))) for p in profiles)} |",
    ]
    for kind in kinds:
        texts = [_text(found.get((kind.part, kind.name, profile))) for profile in profiles]
        lines.append(f"| {kind.part} | {kind.name} | {kind.doc} | {' | '.join(texts)} |")
    return "\n".join(lines) + "\n"


def _text(cell: Cell | None) -> str:
    if cell is None:
        return "–"
    if not cell.fault:
        return cell.seen.outcome.value
    if cell.result == "silent":
        return "·"
    names = ", ".join(one.partition(".")[2] or one for one in cell.seen.roots)
    names = names or f"[{', '.join(one.partition('.')[2] for one in cell.seen.warnings)}]"
    outcome = cell.seen.outcome.value
    text = outcome if names == outcome else f"{outcome}: {names}"
    return f"**missed** {text}" if cell.result == "missed" else text
