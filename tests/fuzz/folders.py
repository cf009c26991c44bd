"""A run folder of our own to be spoilt, and everything that a user does with somebody else's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from bench.evidence.integrity import signer
from bench.matrix.matrix import make_matrix, matrix_json
from bench.matrix.page import page as matrix_page
from bench.prepare import RunRequest
from bench.recover import needs_recovery
from bench.rescore import redraw, score, verify
from bench.resume import seam_of
from bench.rooms import room
from bench.run import run_campaign
from bench.runs import list_runs
from bench.wire.exchanges import read_session
from tests.fuzz.hostile import no_script, survives

JSON = ("run.json", "verdict.json", "metrics.json", "attestation.json")
TEXTS = ("commands.csv", "events.jsonl", "SHA256SUMS", "station.toml", "profile.toml", "rules.toml")
FILES = (*JSON, *TEXTS, "samples.parquet", "report.html", "wire.jsonl")


def asked(out: Path) -> RunRequest:
    """Return the request for a short practice run on the embedded twin."""
    practice = str(room("fixtures") / "faults" / "practice.toml")
    return RunRequest(
        (practice,), station="twin", out=out, overrides=('twin.link="direct"',), record_wire=True
    )


def made(out: Path) -> Path:
    """Carry it out and return its folder."""
    found = run_campaign(asked(out))[0].folder
    assert found is not None
    return found


def copy(run: Path, at: Path) -> Path:
    """Return a copy of ``run`` in a results folder below ``at``."""
    to = at / "results" / run.name
    shutil.copytree(run, to)
    return to


def everything(found: Path, at: Path) -> None:
    """Do with the folder all that a user does with somebody else's; where pages come out, look into them."""
    survives("folder: verify", lambda: verify(found), at)
    survives("folder: signer", lambda: signer(found), at)
    survives("folder: score", lambda: score(found), at)
    survives("folder: runs", lambda: list_runs(found.parent), at)
    survives("folder: resume", lambda: seam_of(asked(found.parent)), at)
    survives("folder: left open", lambda: needs_recovery(found), at)
    survives("folder: wire", lambda: read_session(found), at)
    drawn = survives("folder: report", lambda: redraw(found, out=at / "again.html"), at)
    if drawn is not None:
        no_script(drawn.read_text(encoding="utf-8"))
    matrix = survives("folder: matrix", lambda: make_matrix([found.parent]), at)
    if matrix is not None:
        json.dumps(matrix_json(matrix), allow_nan=False)
        no_script(matrix_page(matrix, "en"))
