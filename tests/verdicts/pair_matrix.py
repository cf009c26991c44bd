"""Run every pair and keep what its twins got: ``python -m tests.verdicts.pair_matrix [--keep] [WORD...]``.

With words only the pairs whose name holds one of them; ``--link tcp`` over real sockets. ``--keep`` writes
the rows, and the page of them. Exit 1 when a pair is told wrongly.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.model import Outcome
from tests.verdicts.following_pairs import PAIRS
from tests.verdicts.joined import joined
from tests.verdicts.more_pairs import MORE_PAIRS
from tests.verdicts.pair import Pair, Setting, distance, in_uncertainties

__all__ = ["EVERY", "PAGE", "ROWS", "Row", "Twin", "page", "read_rows", "twins", "wrong"]

EVERY = joined((*PAIRS, *MORE_PAIRS))
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "pairs.md"
ROWS = PAGE.with_suffix(".jsonl")
NEAR, FAR = 1.0, 4.0
"""Between so many uncertainties from its limit a measured value must lie on either side."""


@dataclass(frozen=True)
class Row:
    """What one twin of a pair got. ``distance`` is positive inside the limit, in the unit of the metric."""

    pair: str
    side: str
    setting: str
    outcome: str
    finding: str
    roots: tuple[str, ...]
    value: float | None
    distance: float | None
    in_uncertainties: float | None
    limit: Mapping[str, float]
    unit: str


@dataclass(frozen=True)
class Twin:
    """One run, and the pairs of which it is the twin inside, or the one pair of which it is the other."""

    profile: str
    side: str
    setting: Setting
    pairs: tuple[Pair, ...]

    def run(self, folder: Path, link: str = "direct") -> list[Row]:
        """Run it, and return what each of its pairs got."""
        with contextlib.redirect_stderr(io.StringIO()):
            got = self.setting.run(self.profile, folder, link)
        rows = []
        for pair in self.pairs:
            found = got.finding(pair.finding)
            rows.append(Row(
                str(pair), self.side, str(self.setting), got.outcome.value, found.outcome.value,
                tuple(sorted(got.roots)), found.value, distance(found), in_uncertainties(found),
                found.limit.model_dump(), found.unit,
            ))  # fmt: skip
        return rows

    def faults(self, rows: Iterable[Row]) -> list[str]:
        """Return what is wrong with the rows of a run, by pair."""
        return [
            f"{pair}: {'; '.join(found)}"
            for pair, row in zip(self.pairs, rows, strict=True)
            if (found := wrong(pair, row))
        ]

    def __str__(self) -> str:
        edition = f"@{self.setting.edition}" if self.setting.edition else ""
        return f"{self.profile}{edition}.{'+'.join(pair.finding for pair in self.pairs)}-{self.side}"


def twins(pairs: Iterable[Pair]) -> tuple[Twin, ...]:
    """Return the runs that show these pairs, each once."""
    found: dict[tuple[str, str, Setting], list[Pair]] = {}
    for pair in pairs:
        for side, setting in (("inside", pair.inside), ("outside", pair.outside)):
            found.setdefault((pair.profile, side, setting), []).append(pair)
    return tuple(Twin(*key, tuple(shown)) for key, shown in found.items())


def wrong(pair: Pair, row: Row) -> list[str]:
    """Return what is wrong with a row: another verdict, another cause, or too far from the limit."""
    outside = row.side == "outside"
    asked = Outcome.FAIL if outside else Outcome.PASS
    found = [] if row.outcome == row.finding == asked.value else [f"{row.outcome}, finding {row.finding}"]
    if row.roots != ((pair.finding,) if outside else ()):
        found.append(f"roots {', '.join(row.roots) or 'none'}")
    if outside and pair.never:
        return found if row.value is None else [*found, "it got there"]
    if row.distance is None:
        return [*found, "no value"]
    off = -row.distance if outside else row.distance
    if pair.quantum is not None:
        least = 1e-9 if outside else 0.0
        if not least <= off <= pair.quantum + 1e-9:
            found.append(f"{off:g} from the limit, a count moves by {pair.quantum:g}")
    elif row.in_uncertainties is None or not NEAR <= abs(row.in_uncertainties) <= FAR or off < 0.0:
        found.append(f"{row.in_uncertainties} uncertainties from the limit")
    return found


def read_rows(path: Path = ROWS) -> dict[tuple[str, str], Row]:
    """Return the rows that are kept, by pair and side."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {(row["pair"], row["side"]): Row(**{**row, "roots": tuple(row["roots"])}) for row in rows}


def page(rows: Mapping[tuple[str, str], Row]) -> str:
    """Return the page of the rows of every pair, in the order of the table."""
    lines = [
        "# Just inside and just outside",
        "",
        "For every finding that can fail a device: a simulated battery just inside its limit, which passes",
        "the whole profile, and one just outside, which fails it by this finding and no other. The one",
        "inside may be near several limits at once. Made by `python -m tests.verdicts.pair_matrix --keep`.",
        "Distances are from the limit, positive inside, in expanded uncertainties of the run itself",
        "(`2.1 U`); where a metric is counted and not measured, in its own unit. An edition is named where",
        "its limit is another than the latest edition's.",
        "",
        f"{len(EVERY)} pairs of {len({pair.profile for pair in EVERY})} profiles, {len(twins(EVERY))} twins.",
        "",
        "| finding | limit | just inside | value | distance | just outside | value | distance |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for pair in EVERY:
        inside, outside = rows[str(pair), "inside"], rows[str(pair), "outside"]
        limit = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in inside.limit.items())
        cells = [f"`{pair}`", f"{limit} {inside.unit if inside.unit != '1' else ''}".strip()]
        for row in (inside, outside):
            cells += [row.setting.replace("|", "/"), _value(row), _distance(row)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _value(row: Row) -> str:
    return "never" if row.value is None else f"{row.value:.6g}"


def _distance(row: Row) -> str:
    if row.in_uncertainties is not None:
        return f"{row.in_uncertainties:+.1f} U"
    return "" if row.distance is None else f"{row.distance:+.3g}"


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--link", default="direct", choices=["direct", "tcp"])
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    chosen = [pair for pair in EVERY if not given.words or any(word in str(pair) for word in given.words)]
    rows: dict[tuple[str, str], Row] = {}
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, twin in enumerate(twins(chosen)):
            got = twin.run(Path(folder) / str(number), given.link)
            faults = twin.faults(got)
            bad += bool(faults)
            print(f"{'BAD' if faults else 'ok '} {twin}: {twin.setting} {'; '.join(faults)}", flush=True)
            for row in got:
                rows[row.pair, row.side] = row
                print(f"    {row.pair:34} {_value(row):12} {_distance(row)}", flush=True)
    if given.keep:
        keys = [(str(pair), side) for pair in EVERY for side in ("inside", "outside")]
        rows = {**(read_rows() if ROWS.exists() else {}), **rows}
        kept = {key: rows[key] for key in keys if key in rows}
        ROWS.write_text("".join(json.dumps(asdict(row)) + "\n" for row in kept.values()), encoding="utf-8")
        if len(kept) == len(keys):
            PAGE.write_text(page(kept), encoding="utf-8")
    print(f"{len(twins(chosen)) - bad} of {len(twins(chosen))} twins of {len(chosen)} pairs told right")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
