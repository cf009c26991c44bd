"""Lay runs over the requirement table. Pure: tables and runs in, lines and cells out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.config.requirements import Item, Proof, Requirements
from bench.matrix.model import Line, MatrixRun, Shown, State
from bench.model import Outcome, worst

__all__ = ["counting", "lay", "state_of"]

_ORDER: tuple[State, ...] = (  # from best to worst
    "PASS",
    "NOT_APPLICABLE",
    "DOCUMENT",
    "MISSING",
    "INCONCLUSIVE",
    "NOT_TRUSTED",
    "FAIL",
    "INVALID",
    "ABORTED",
    "ERROR",
)
Key = tuple[str, str, str]
_BROKEN = (None, Outcome.ERROR, Outcome.ABORTED, Outcome.INVALID)  # nothing is said of the device


def counting(runs: Sequence[MatrixRun]) -> dict[Key, MatrixRun]:
    """Return the run that counts for each (profile, edition, point): the newest of the best kind there is.

    Kinds: real and complete before simulated or practice, and those before what is not as it was signed; of
    each, one that says something about the device before one in which the bench broke or was stopped. So a
    twin never displaces a device, a shortened run a whole one, nor a broken bench a verdict; of equals the
    newest counts, also when it is the worse one. ``runs`` come newest first.
    """
    best: dict[Key, MatrixRun] = {}
    for run in runs:
        key = (run.profile, run.edition, run.point)
        if run.profile and (key not in best or _kind(run) < _kind(best[key])):
            best[key] = run
    return best


def _kind(run: MatrixRun) -> tuple[int, bool]:
    broken = run.verdict is None or run.outcome in _BROKEN
    if not run.trusted:
        return 3, broken
    return 2 if run.dry_run else 1 if run.simulated else 0, broken


def state_of(run: MatrixRun, findings: Sequence[str] = ()) -> State:
    """Return what ``run`` came to, or only some of its findings, given by short id."""
    if not run.trusted:
        return "NOT_TRUSTED"
    outcome = run.outcome
    if outcome is None or run.verdict is None:
        return "ERROR"
    if findings and outcome not in _BROKEN:
        wanted = {f"{run.profile}.{short}" for short in findings}
        there = [finding for finding in run.verdict.findings if finding.id in wanted]
        outcome = worst([finding.outcome for finding in there])
        if len({finding.id for finding in there}) < len(wanted):
            outcome = worst([outcome, Outcome.NOT_APPLICABLE])
        if run.dry_run and outcome is Outcome.PASS:
            outcome = Outcome.INCONCLUSIVE
    return outcome.value


def lay(requirements: Requirements, runs: Sequence[MatrixRun]) -> list[Line]:
    """Return every item of ``requirements`` with the runs that show it."""
    best = counting(runs)
    return [_line(item, runs, best) for item in requirements.items]


def _line(item: Item, runs: Sequence[MatrixRun], best: Mapping[Key, MatrixRun]) -> Line:
    shown = tuple(_shown(proof, runs, best) for proof in item.proofs)
    if not shown:
        state: State = "DOCUMENT"
    elif item.prove == "any":
        tried = [one for one in shown if one.state != "MISSING"] or list(shown)
        real = [one for one in tried if not (one.simulated or one.practice or one.state == "NOT_TRUSTED")]
        state = min((one.state for one in real or tried), key=_ORDER.index)
        shown_for = [one for one in real or tried if one.state == state]
    else:
        state = max((one.state for one in shown), key=_ORDER.index)
    behind = shown if item.prove == "all" or not shown else tuple(shown_for)
    # whatever a run has not decided about the device is still to be shown
    missing = [one.what for one in shown if one.state not in ("PASS", "FAIL")] if state != "PASS" else []
    return Line(
        item=item,
        state=state,
        simulated=any(one.simulated for one in behind),
        practice=any(one.practice for one in behind),
        shown=shown,
        missing=tuple(missing),
    )


def _shown(proof: Proof, runs: Sequence[MatrixRun], best: Mapping[Key, MatrixRun]) -> Shown:
    return _by_profile(proof, best) if proof.profile is not None else _by_quantity(proof, runs)


def _by_profile(proof: Proof, best: Mapping[Key, MatrixRun]) -> Shown:
    """Judge by the best kind of runs, of these by the newest edition; at several points the worst counts."""
    what = ".".join([str(proof.profile), *proof.findings]) + (
        f" --point {proof.point}" if proof.point else ""
    )
    mine = [run for (name, _, at), run in best.items() if name == proof.profile and proof.point in (None, at)]
    best_kind = min((_kind(run)[0] for run in mine), default=0)
    mine = [run for run in mine if _kind(run)[0] == best_kind]
    newest = max((run.edition for run in mine), default="")
    mine = [run for run in mine if run.edition == newest]
    if not mine:
        return Shown(what=what, state="MISSING")
    states = [(state_of(run, proof.findings), run) for run in mine]
    state = max((state for state, _ in states), key=_ORDER.index)
    deciding = [run for each, run in states if each == state]
    return Shown(
        what=what,
        state=state,
        simulated=any(run.simulated for run in mine),
        practice=any(run.dry_run for run in mine),
        runs=tuple(run.folder.name for run in mine),
        reason="; ".join(dict.fromkeys(_why(run) for run in deciding if state != "PASS")),
    )


def _why(run: MatrixRun) -> str:
    return run.faults[0] if run.faults else run.reason


def _by_quantity(proof: Proof, runs: Sequence[MatrixRun]) -> Shown:
    """A quantity was told, or a command taken, in a run that came to its end: real runs before simulated."""
    names = proof.reads or proof.writes
    what = " / ".join(names)
    kept = [
        run
        for run in runs
        if run.trusted
        and run.outcome not in (None, Outcome.ERROR, Outcome.ABORTED)
        and set(names) & (run.reads if proof.reads else run.writes)
    ]
    real = [run for run in kept if run.real]
    behind = (real or kept)[:1]
    if not behind:
        return Shown(what=what, state="MISSING")
    return Shown(
        what=what,
        state="PASS",
        simulated=behind[0].simulated,
        practice=False,
        runs=tuple(run.folder.name for run in behind),
    )
