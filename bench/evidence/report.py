"""Draws the report of a run: one HTML file that opens anywhere, without a network."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.config.profile import Profile
from bench.config.rules import RuleSet
from bench.errors import BenchError, Fault, UsageError
from bench.evidence.charts import charts_of
from bench.evidence.report_page import page
from bench.evidence.report_view import View
from bench.evidence.text import Lang, Words
from bench.host.places import put
from bench.model import Metric, Verdict
from bench.recording import Recording
from bench.runinfo import RunInfo

__all__ = ["render_report", "write_report"]


def render_report(
    folder: Path,
    info: RunInfo,
    recording: Recording | None,
    metrics: Sequence[Metric],
    verdict: Verdict | None,
    profile: Profile | None,
    rules: RuleSet | None,
    *,
    events: Sequence[Mapping[str, Any]] | None = None,
    lang: Lang = "en",
) -> str:
    """Return the report as HTML. What a broken run does not have is None or empty.

    ``events`` default to the recording's. The text is the same for the same run, whenever it is drawn.
    """
    if events is None:
        events = recording.events if recording is not None else ()
    words = Words(lang)
    view = View(folder, info, recording, metrics, verdict, profile, rules, events, words)
    return page(view, charts_of(recording, profile, verdict, words, view.stamp))


def write_report(
    folder: Path,
    info: RunInfo,
    recording: Recording | None,
    metrics: Sequence[Metric],
    verdict: Verdict | None,
    profile: Profile | None,
    rules: RuleSet | None,
    *,
    events: Sequence[Mapping[str, Any]] | None = None,
    out: Path | None = None,
    lang: Lang = "en",
) -> Path:
    """Write the report to ``out`` (default ``folder/report.html``), whole or not at all; return its path.

    Raises:
        UsageError: the file cannot be written to ``out``.
        BenchError: it cannot be written into the run folder.
    """
    target = out if out is not None else folder / "report.html"
    text = render_report(folder, info, recording, metrics, verdict, profile, rules, events=events, lang=lang)
    making = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        making.write_text(text, encoding="utf-8", newline="\n")
        put(making, target)
    except OSError as error:
        with contextlib.suppress(OSError):
            making.unlink()
        fault = Fault(str(target), f"cannot write the report: {error.strerror or error}")
        raise (BenchError(str(fault)) if out is None else UsageError(fault)) from None
    return target
