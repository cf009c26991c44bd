"""Carry out a request and tell of it: each run as it ends, then the worst outcome and its exit code."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from bench.cli import out
from bench.errors import BenchError, Fault, UsageError

if TYPE_CHECKING:
    from bench.evidence.text import Words
    from bench.model import Outcome
    from bench.run import RunRequest, RunResult

__all__ = ["carry_out"]

_LONGEST_NAME = 170
"""Of a run folder, with what is put into its name from outside."""
After = Callable[[Sequence[Path]], "dict[str, Any] | None"]


def carry_out(request: RunRequest, as_json: bool, after: After | None = None) -> None:
    """Carry out ``request``, tell of each run as it ends, and leave with the worst outcome's exit code.

    ``after`` is given the folders of the judged runs; what it returns goes into the JSON object.
    """
    from bench.cli.progress import progress
    from bench.evidence.text import Words
    from bench.host.signals import interrupts
    from bench.japanese import told as in_words
    from bench.model import Outcome, exit_code, worst
    from bench.run import run_campaign

    _writable(request.out)
    done: list[RunResult] = []
    stopped: dict[str, Any] = {}

    def tell(result: RunResult) -> None:
        done.append(result)
        if result.unsigned:
            unsigned = f"{result.folder}: {result.unsigned}; verify will not call it genuine"
            out.error(in_words(unsigned, request.lang))
        if not as_json:
            _show(result, request.lang)

    ended = None
    try:
        with interrupts():
            run_campaign(request, progress=progress(request.lang), on_result=tell)
    except KeyboardInterrupt:
        ended, stopped = Outcome.ABORTED, {"error": "stopped by the operator"}
        out.error(in_words("stopped by the operator", request.lang))
    except BenchError as error:
        if not done:
            raise
        ended, stopped = Outcome.ERROR, {"error": str(error)}
        out.explain(error, request.lang)
    judged = [result for result in done if not result.conditioning]
    broken = [r.outcome for r in done if r.conditioning and r.outcome in (Outcome.ERROR, Outcome.ABORTED)]
    outcome = worst([result.outcome for result in judged] + broken + ([ended] if ended is not None else []))
    last = next((result for result in reversed(done) if result.folder is not None), None)
    left = "verified" if last is None or last.folder is None else last.safe_state or _safe_state(last.folder)
    if left != "verified":
        said = f"the safe state of the station is {left}; next: drready safe --station {request.station}"
        out.error(in_words(said, request.lang))
    told = after([r.folder for r in judged if r.folder is not None]) if after and judged else None
    if as_json:
        recharges = [_row(result) for result in done if result.conditioning]
        extra = {"recharges": recharges} if recharges else {}
        runs = [_row(result) for result in judged]
        out.json_object({"outcome": outcome.value, "runs": runs, **extra, **stopped, **(told or {})})
    elif len(judged) > 1:
        words = Words(request.lang)
        each = ", ".join(f"{result.profile} {_code(result.outcome, words)}" for result in judged)
        out.text(f"{_code(outcome, words)}: {each}")
    raise typer.Exit(exit_code(outcome))


def _code(outcome: Outcome, words: Words) -> str:
    """Return an outcome as scripts know it, or with its Japanese before it."""
    return outcome.value if words.lang == "en" else words.outcome(outcome)


def _row(result: RunResult) -> dict[str, Any]:
    row: dict[str, Any] = {
        "profile": result.profile,
        "outcome": result.outcome.value,
        "folder": str(result.folder) if result.folder is not None else None,
    }
    if result.reason:
        row["reason"] = result.reason
    return row


def _show(result: RunResult, lang: Literal["en", "ja"]) -> None:
    from bench.cli.show import verdict
    from bench.evidence.text import Words
    from bench.japanese import told

    if result.conditioning:
        out.text(f"{result.profile}: {result.folder}")
    elif result.verdict is not None:
        verdict(result.verdict, lang)
    else:
        out.text(f"{result.profile}: {_code(result.outcome, Words(lang))}")
    if (
        result.reason
        and not _quiet(result)
        and (result.verdict is None or result.reason != result.verdict.reason)
    ):
        out.text(f"  {told(result.reason, lang)}")
    if result.folder is not None and not result.conditioning:
        page = result.folder / "report.html"
        out.text(f"  {page if page.is_file() else result.folder}")
    out.text()


def _quiet(result: RunResult) -> bool:
    """Return whether nothing need be said of a recharge: it judges nothing, so only a fault is told."""
    return result.conditioning and result.outcome.value not in ("ERROR", "ABORTED")


def _safe_state(folder: Path) -> str:
    """Return how the station was left, as ``run.json`` has it."""
    try:
        info = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        return str(info["safe_state"]["state"])
    except (OSError, ValueError, KeyError, TypeError):
        return "unknown"


def _writable(folder: Path) -> None:
    """Make sure, before an instrument is opened, that evidence can be put there; make nothing yet.

    Raises:
        UsageError: the nearest folder that exists is not one that can be written in.
    """
    from bench.record.texts import plain

    if plain(str(folder)) != str(folder):
        raise UsageError(
            Fault("--out", f"{plain(str(folder))} is not text; choose a folder with another name")
        )
    try:
        os.lstat(folder / ("x" * _LONGEST_NAME) / "samples.parquet.part")
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UsageError(Fault("--out", f"{folder} is too long a name; choose a shorter one")) from None
    here = folder
    while not here.exists() and here.parent != here:
        here = here.parent
    if not here.is_dir():
        raise UsageError(Fault("--out", f"{here} is not a folder; choose another"))
    if not os.access(here, os.W_OK | os.X_OK):
        raise UsageError(Fault("--out", f"cannot write in {here.resolve()}; choose another folder"))
