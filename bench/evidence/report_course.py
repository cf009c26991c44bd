"""Sections on how the run went: phases, events, gaps, channels, the state it left, persons, integrity."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.evidence.report_html import Content, Markup, table, tag
from bench.evidence.report_setup import pairs, written
from bench.evidence.report_view import View
from bench.evidence.sums import digest
from bench.evidence.text import Lang, amount
from bench.japanese import sentence, told

__all__ = ["course", "integrity", "left_behind", "persons"]

MOST_ROWS = 200
RAW_FILES = (
    "samples.parquet",
    "samples.arrow",
    "commands.csv",
    "events.jsonl",
    "metrics.json",
    "verdict.json",
    "station.toml",
    "profile.toml",
    "rules.toml",
)


def course(view: View) -> Markup:
    """Return phases, events, gaps and channels."""
    words, info = view.words, view.info
    parts: list[Content] = [tag("h2", words("course"))]
    if info.notes:
        notes = tag("ul", [tag("li", told(note, words.lang)) for note in info.notes])
        parts.append(tag("div", tag("h3", words("notes")), notes, class_="callout"))
    parts += _clock(view)
    parts += _phases(view)
    parts += _events(view)
    parts += _gaps(view)
    parts += _channels(view)
    return tag("section", parts, id="course")


def _clock(view: View) -> list[Content]:
    """Tell where the wall clock was set during the run: its times of day do not fit together."""
    words, steps = view.words, view.info.clock_steps
    if not steps:
        return []
    rows = [
        tag(
            "li",
            words(
                "clock.step.forward" if step.step_s > 0 else "clock.step.back",
                s=amount(abs(step.step_s), 7),
                at=words("clock.step.before") if step.t_s is None else f"t = {amount(step.t_s, 7)} s",
                before=step.utc_before,
                after=step.utc,
            ),
        )
        for step in steps[:MOST_ROWS]
    ]
    told = [tag("h3", words("clock.step")), tag("ul", rows), tag("p", words("clock.step.long"))]
    return [tag("div", told, class_="callout")]


def left_behind(view: View) -> Markup:
    """Return the safe state at the end, how it was proved, and which settings were put back."""
    words, safe = view.words, view.info.safe_state
    kind = "good" if safe.state == "verified" else "bad"
    parts: list[Content] = [
        tag("h2", words("safe.title")),
        tag("p", tag("strong", words(f"safe.{safe.state}"), class_=kind)),
    ]
    if safe.steps:
        keys = list(dict.fromkeys(key for step in safe.steps for key in step))
        rows = [[sentence(written(step.get(key)), words.lang) for key in keys] for step in safe.steps]
        parts.append(table([words.head(key) for key in keys], rows))
    else:
        parts.append(tag("p", words("safe.steps.none")))
    told = {True: "restored.yes", False: "restored.no", None: "restored.unknown"}
    rows = [
        [
            instrument.role,
            tag(
                "span",
                words(told[instrument.settings_restored]),
                class_="bad" if instrument.settings_restored is False else None,
            ),
            written(instrument.settings_before),
        ]
        for instrument in view.info.instruments
    ]
    if rows:
        parts.append(table([words("role"), words("restored"), words("settings_before")], rows))
    return tag("section", parts, id="safe")


def persons(view: View) -> Markup:
    """Return who operated and witnessed, with room to sign on paper."""
    words, info = view.words, view.info
    rows = [
        [words("operator"), info.operator or words("operator.none"), ""],
        [words("witness"), info.witness or words("witness.none"), ""],
    ]
    listing = table(["", words("name"), words("signature")], rows, "signatures")
    return tag("section", tag("h2", words("signatures")), listing, id="persons")


def integrity(view: View) -> Markup:
    """Return versions, how to verify the folder, and fingerprints of what this page was drawn from."""
    words, info = view.words, view.info
    rows = []
    for name in RAW_FILES:
        path = view.folder / name
        if path.is_file() and not path.is_symlink():
            with contextlib.suppress(OSError):
                rows.append([name, tag("code", digest(path), class_="hash")])
    versions = dict(info.versions) | ({words("commit"): info.commit} if info.commit else {})
    return tag(
        "section",
        tag("h2", words("integrity")),
        tag("p", words("integrity.about", folder=view.folder.name)),
        tag("pre", f"drready verify {view.folder.name}"),
        tag("h3", words("fingerprints")) if rows else None,
        table([words("file"), "SHA-256"], rows, "small") if rows else None,
        tag("h3", words("versions")),
        pairs(view, versions),
        id="integrity",
    )


def _phases(view: View) -> list[Content]:
    words = view.words
    phases = view.info.phases or (list(view.recording.phases) if view.recording else [])
    if not phases:
        return [tag("p", words("phases.none"))]
    head = [words(key) for key in ("phase", "step", "direction", "from", "to", "length")]
    rows = [
        [
            words.phase(name),
            "–" if step is None else step,
            words.direction(direction) or "–",
            f"{amount(from_s, 7)} s",
            f"{amount(to_s, 7)} s",
            f"{amount(to_s - from_s, 7)} s",
        ]
        for name, from_s, to_s, step, direction in phases[:MOST_ROWS]
    ]
    return [_folded(words("phases"), len(phases), table(head, rows), open_to=10)]


def _events(view: View) -> list[Content]:
    words = view.words
    title = tag("h3", words("events"))
    if not view.events:
        return [title, tag("p", words("events.none"))]
    rows = [
        [_time(event), tag("code", str(event.get("kind", "–")), class_="kind"), _rest(event, words.lang)]
        for event in view.events[:MOST_ROWS]
    ]
    listing = table([words("time"), words("kind"), words("details")], rows, "small")
    more = len(view.events) - len(rows)
    return [
        _folded(words("events"), len(view.events), listing, open_to=15),
        tag("p", words("events.more", n=more)) if more else None,
    ]


def _gaps(view: View) -> list[Content]:
    words = view.words
    gaps = view.recording.gaps if view.recording else ()
    if not gaps:
        return [tag("h3", words("gaps")), tag("p", words("gaps.none"))]
    rows = [
        [
            gap.channel or words("channel.all"),
            f"{amount(gap.from_s, 7)} s",
            f"{amount(gap.to_s, 7)} s",
            told(gap.why, words.lang),
        ]
        for gap in gaps[:MOST_ROWS]
    ]
    more = len(gaps) - len(rows)
    listing = table([words(key) for key in ("channel", "from", "to", "why")], rows, "small")
    return [
        _folded(words("gaps"), len(gaps), listing, open_to=15),
        tag("p", words("gaps.more", n=more)) if more else None,
    ]


def _channels(view: View) -> list[Content]:
    words = view.words
    signals = view.recording.signals if view.recording else {}
    if not signals:
        return [tag("h3", words("channels")), tag("p", words("samples.none"))]
    rows = []
    for name, signal in sorted(signals.items()):
        finite = signal.value[np.isfinite(signal.value)]
        ends = [amount(float(end), 6) for end in (finite.min(), finite.max())] if len(finite) else ["–", "–"]
        missing = int((~np.isfinite(signal.value)).sum())
        rows.append([tag("code", name), signal.unit, f"{len(signal.t_s):,}", f"{missing:,}", *ends])
    head = [words(key) for key in ("channel", "unit", "samples", "samples.bad", "least", "greatest")]
    return [_folded(words("channels"), len(rows), table(head, rows, "small"), open_to=0)]


def _folded(title: str, count: int, content: Markup, open_to: int) -> Markup:
    """Fold a long table away; a short one stands open."""
    opened = "" if count <= open_to else None
    return tag("details", tag("summary", f"{title} ({count})"), content, open=opened)


def _time(event: Mapping[str, Any]) -> str:
    t_s = event.get("t_s")
    return f"{amount(float(t_s), 7)} s" if isinstance(t_s, int | float) else "–"


def _rest(event: Mapping[str, Any], lang: Lang) -> list[Content]:
    """Return the rest of an event: plain values as they are, nested ones as JSON."""
    said: list[Content] = []
    for key, value in event.items():
        if key in ("kind", "t_s") or value is None or value == "":
            continue
        nested = isinstance(value, Mapping | list | tuple)
        text = (
            json.dumps(value, ensure_ascii=False, default=str) if nested else sentence(written(value), lang)
        )
        said.append([tag("b", f"{key} "), text, "  "])
    return said or ["–"]
