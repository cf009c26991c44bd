"""Make the matrix of one device from its run folders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.config.load import read_profile, read_rules
from bench.config.requirements import Requirements, read_requirements
from bench.config.rules import RuleSet
from bench.errors import UsageError
from bench.matrix.eligible import eligibility
from bench.matrix.lay import counting, lay
from bench.matrix.model import Eligibility, Line, MatrixRun, Point, RunRef
from bench.matrix.runs import find_folders, one_device, read_runs
from bench.rooms import bundled_profiles, bundled_rules, requirements_file

__all__ = ["Matrix", "make_matrix", "matrix_json", "matrix_of"]


@dataclass(frozen=True)
class Matrix:
    """What DR-ready asks, what shows it, and which markets it opens. Marks hold for the runs that count."""

    requirements: Requirements
    device: str
    firmwares: tuple[str, ...]
    lines: tuple[Line, ...]
    eligible: tuple[Eligibility, ...]
    runs: tuple[RunRef, ...]
    simulated: bool
    practice: bool
    untrusted: bool


def make_matrix(paths: Sequence[Path], serial: str | None = None) -> Matrix:
    """Return the matrix of the runs in ``paths`` (run folders, or folders of them).

    Raises:
        NoRunFolder: a path holds no run.
        UsageError: the runs are of several devices, or the bundled tables cannot be read.
    """
    runs = one_device(read_runs(find_folders(paths)), serial)
    rules = {key: read_rules(path)[0] for key, path in bundled_rules().items()}
    return matrix_of(read_requirements(requirements_file()), runs, rules, _points())


def _points() -> dict[str, Sequence[Point]]:
    found: dict[str, Sequence[Point]] = {}
    for name, path in bundled_profiles().items():
        try:
            found[name] = read_profile(path)[0].points
        except UsageError:
            continue  # a broken profile is told of by whoever runs it
    return found


def matrix_of(
    requirements: Requirements,
    runs: Sequence[MatrixRun],
    rules: Mapping[tuple[str, str], RuleSet],
    points_of: Mapping[str, Sequence[Point]],
) -> Matrix:
    """Return the matrix of ``runs``, which come newest first. Pure."""
    best = counting(runs)
    kept = {run.folder for run in best.values()}
    lines = lay(requirements, runs)
    found = eligibility(requirements, lines, best, rules, points_of)
    counted = [run for run in runs if run.folder in kept]
    return Matrix(
        requirements=requirements,
        device=next((run.device for run in runs if run.device), ""),
        firmwares=tuple(sorted({run.firmware for run in counted if run.firmware})),
        lines=tuple(lines),
        eligible=tuple(found),
        runs=tuple(_ref(run, run.folder in kept) for run in runs),
        simulated=any(run.simulated and run.trusted for run in counted),
        practice=any(run.dry_run for run in counted),
        untrusted=any(not run.trusted for run in runs),
    )


def _ref(run: MatrixRun, counts: bool) -> RunRef:
    return RunRef(
        folder=run.folder.name,
        profile=run.profile,
        edition=run.edition,
        point=run.point,
        started_utc=run.started_utc,
        outcome=run.outcome.value if run.outcome is not None else None,
        simulated=run.simulated,
        practice=run.dry_run,
        trusted=run.trusted,
        counts=counts and run.trusted,
        faults=run.faults,
        qualified_kw=run.verdict.qualified_kw if run.verdict is not None and run.trusted else None,
        reason=run.reason,
    )


def matrix_json(matrix: Matrix) -> dict[str, Any]:
    """Return the matrix as one JSON object; ``simulated`` and ``practice`` stand first."""
    content = {
        "schema": 1,
        "simulated": matrix.simulated,
        "practice": matrix.practice,
        "not_trusted": matrix.untrusted,
        "device": matrix.device,
        "firmwares": list(matrix.firmwares),
        "title": matrix.requirements.title.model_dump(),
        "items": [_line(line) for line in matrix.lines],
        "products": [one.model_dump(mode="json") for one in matrix.eligible],
        "runs": [run.model_dump(mode="json") for run in matrix.runs],
    }
    plain: dict[str, Any] = json.loads(json.dumps(content, allow_nan=False))
    return plain


def _line(line: Line) -> dict[str, Any]:
    item = line.item
    return {
        **item.model_dump(mode="json", exclude={"proofs", "prove"}),
        "outcome": line.state,
        "simulated": line.simulated,
        "practice": line.practice,
        "shown": [one.model_dump(mode="json") for one in line.shown],
        "missing": list(line.missing),
    }
