"""The detection matrix as a page of the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.detect import Cell

__all__ = ["page"]

_HEAD = """# Which fault is caught by which finding

Written by `drready detect`; do not edit. Every fault of the catalogue (`drready twin faults`) runs in each
profile on the station `{station}`, over the direct link, in virtual time. A cell holds the outcome and the
root of it: the finding that counts and follows from no other, or the warning (in brackets).

- A cell with no remark: caught by a finding that the catalogue names.
- `·`: nothing that counts changed, because the profile does not look there, or because the rule allows it.
- **missed**: something changed, and under another name. {missed}
- `–`: the station has no such instrument.

On the direct link a late, lost or misnumbered reply is a time-out and a reply in pieces is a reply; the same
faults act on real sockets in `tests/instruments/twins/test_wire_faults.py`.

| part | fault | what it does | {profiles} | named findings |
| --- | --- | --- | {rule} | --- |
"""


def page(cells: Sequence[Cell], kinds: Sequence[Any], station: str) -> str:
    """Return the page: a row a fault, a column a profile."""
    profiles = list(dict.fromkeys(cell.profile for cell in cells))
    found = {(cell.part, cell.fault, cell.profile): cell for cell in cells}
    missed = sum(cell.result == "missed" for cell in cells)
    said = f"There are {missed}." if missed else "There is none."
    head = _HEAD.format(
        station=station,
        missed=said,
        profiles=" | ".join(profiles),
        rule=" | ".join("---" for _ in profiles),
    )
    healthy = [_text(found.get(("", "", profile))) for profile in profiles]
    rows = [f"| | none | a healthy device | {' | '.join(healthy)} | |"]
    for kind in kinds:
        texts = [_text(found.get((kind.part, kind.name, profile))) for profile in profiles]
        named = ", ".join(kind.caught_by) or "must change nothing"
        rows.append(f"| {kind.part} | {kind.name} | {kind.doc} | {' | '.join(texts)} | {named} |")
    return head + "\n".join(rows) + "\n"


def _text(cell: Cell | None) -> str:
    if cell is None:
        return ""
    if cell.result == "no such part":
        return "–"
    if cell.result == "refused":
        return "cannot be run"
    if not cell.fault:
        return cell.seen.outcome.value
    if cell.result == "silent":
        return "·"
    roots = ", ".join(one.partition(".")[2] or one for one in cell.seen.roots)
    if not roots:
        roots = f"[{', '.join(one.partition('.')[2] for one in cell.seen.warnings)}]"
    text = f"{cell.seen.outcome.value}: {roots}" if roots != cell.seen.outcome.value else roots
    return f"**missed** {text}" if cell.result == "missed" else text
