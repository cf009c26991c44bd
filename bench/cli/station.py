"""``doctor``, ``safe`` and ``init``: the station by itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli import out
from bench.cli.options import Json, Lang, Sets, StationName
from bench.errors import Fault, UsageError

if TYPE_CHECKING:
    from bench.doctor import DoctorRow
    from bench.model import Outcome

__all__ = ["doctor", "init", "safe", "station_sets"]


def station_sets(sets: Sequence[str] | None) -> dict[str, Any]:
    """Return what ``--set`` changes in the station file, for commands that run no profile.

    Raises:
        UsageError: a text that is no override, or one that is meant for a profile.
    """
    from bench.config.load import parse_overrides

    overrides = parse_overrides(sets or ())
    if overrides.profile:
        faults = [Fault(f"--set profile.{name}", "no profile is run here") for name in overrides.profile]
        raise UsageError(faults)
    return overrides.station


def doctor(station: StationName, sets: Sets = None, as_json: Json = False, lang: Lang = "en") -> None:
    """Look at every instrument; change nothing.

    Open each, identify it, check calibration, capabilities, limits and the safe state.
    Exit 0: all is well (a warning may be worth reading), 3: an instrument does not answer or is another one,
    4: another fault, with which no run is worth anything.
    """
    from bench.cli.show import listing, plain
    from bench.config.load import load_station
    from bench.doctor import doctor as examine
    from bench.evidence.text import Words
    from bench.host.signals import interrupts
    from bench.japanese import told
    from bench.model import exit_code

    loaded = load_station(station, station_sets(sets))
    with interrupts():
        rows = examine(loaded)
    outcome = _health(rows)
    if as_json:
        out.json_object(
            {
                "outcome": outcome.value,
                "station": loaded.name,
                "simulated": loaded.station.simulated,
                "checks": [plain(row) for row in rows],
            }
        )
    else:
        words = Words(lang)
        if loaded.station.simulated:
            out.text(words("station.simulated"))
        listing(
            [words(f"station.{key}") for key in ("role", "check", "status", "found")],
            [
                (r.role, words(f"station.check.{r.check}"), words(f"station.{r.status}"), told(r.text, lang))
                for r in rows
            ],
        )
    raise typer.Exit(exit_code(outcome))


def _health(rows: Sequence[DoctorRow]) -> Outcome:
    """Return what the rows come to: ERROR where an instrument does not answer or is another one.

    Raises:
        UsageError: the station file asks of a driver what it cannot do.
    """
    from bench.model import Outcome

    wrong = [row for row in rows if row.status == "fault"]
    in_the_file = [row.text for row in wrong if row.role == "station" and row.check == "file"]
    if in_the_file:
        raise UsageError([Fault("", text) for text in in_the_file])
    if any(row.check in ("reachable", "identity", "open") for row in wrong):
        return Outcome.ERROR
    return Outcome.INVALID if wrong else Outcome.PASS


def safe(station: StationName, sets: Sets = None, as_json: Json = False, lang: Lang = "en") -> None:
    """Bring the station to its safe state.

    Each quantity is set in the order of the station file and proved by read-back.
    Exit 0: proved, 4: commanded but not provable, 3: unknown.
    """
    from bench.cli.show import listing
    from bench.evidence.text import Words
    from bench.host.signals import interrupts
    from bench.japanese import told
    from bench.make_safe import make_safe
    from bench.model import Outcome, exit_code

    station_sets(sets)
    with interrupts():
        found = make_safe(station, sets or ())
    outcome = {"verified": Outcome.PASS, "commanded": Outcome.INCONCLUSIVE}.get(found.state, Outcome.ERROR)
    if as_json:
        out.json_object({"outcome": outcome.value, "state": found.state, "steps": found.steps})
    else:
        words = Words(lang)
        out.text(told(f"safe state: {found.state}", lang))
        columns = list(dict.fromkeys(key for step in found.steps for key in step))
        if columns:
            heads = columns if lang == "en" else [words.head(key) for key in columns]
            listing(heads, [[_cell(key, step.get(key), lang) for key in columns] for step in found.steps])
    raise typer.Exit(exit_code(outcome))


def _cell(key: str, value: object, lang: Lang) -> object:
    """Return the cell of a step: its state and what it says in Japanese where asked; all else as it is."""
    from bench.japanese import sentence, told

    if not isinstance(value, str):
        return value
    return told(value, lang) if key == "state" else sentence(value, lang)


def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Station file to be made; must not exist.")],
    lang: Lang = "en",
) -> None:
    """Write a commented station file to fill in."""
    from bench.japanese import told
    from bench.template import station_template

    template = station_template(lang)
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(template)
    except FileExistsError:
        raise UsageError(Fault(str(file), "is there already, and is left as it is")) from None
    except OSError as problem:
        raise UsageError(Fault(str(file), f"cannot be written: {problem.strerror}")) from None
    out.text(f"{file}: {told('fill it in, then', lang)}: drready doctor --station {file}")
