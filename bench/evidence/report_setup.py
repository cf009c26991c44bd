"""Sections on what the run was made with: uncertainty, instruments, device, station, parameters, rules."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

from bench.evidence.report_html import Content, Markup, table, tag
from bench.evidence.report_view import View
from bench.evidence.text import amount, measured
from bench.japanese import told
from bench.runinfo import InstrumentRecord

__all__ = ["budget", "declared", "instruments", "metrics", "pairs", "parameters", "rules"]


def pairs(view: View, values: Mapping[str, Any]) -> Markup:
    """Return keys and values as a two-column table."""
    rows = [[tag("code", str(key)), written(value)] for key, value in values.items()]
    return table([view.words("item"), view.words("value")], rows, "pairs")


def written(value: object) -> str:
    """Return any value of a file as text a person reads."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return amount(value, 7) if math.isfinite(value) else "–"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {written(item)}" for key, item in value.items()) or "–"
    if isinstance(value, list | tuple):
        return ", ".join(written(item) for item in value) or "–"
    return str(value)


def budget(view: View) -> Markup:
    """Return, for each finding with components, what its uncertainty is made of."""
    words = view.words
    found = [f for f in (view.verdict.findings if view.verdict else ()) if f.components]
    parts: list[Content] = [tag("h2", words("budget"))]
    if not found:
        return tag("section", parts, tag("p", words("budget.none")), id="budget")
    parts.append(tag("p", words("budget.about"), class_="about"))
    for finding in found:
        total = sum(value**2 for value in finding.components.values())
        unit = "" if finding.unit == "1" else finding.unit
        rows: list[list[Content]] = [
            [
                [words.component(name), tag("br"), tag("small", words.obtained(name), class_="quiet")],
                f"{amount(value, 3)} {unit}" if abs(value) > 1e-6 * math.sqrt(total) else f"≈ 0 {unit}",
                _bar(value**2 / total if total else 0.0),
            ]
            for name, value in sorted(finding.components.items(), key=lambda item: -abs(item[1]))
        ]
        rows.append([tag("em", words("combined")), f"{amount(math.sqrt(total), 3)} {unit}", ""])
        low, high = finding.interval95 or (None, None)
        judged = amount(finding.uncertainty, 3)
        if finding.uncertainty is None and low is not None and high is not None:
            judged = f"{amount(low)} – {amount(high)}"
        rows.append([tag("strong", words("expanded")), f"{judged} {unit}", ""])
        title = [words.finding(finding.id), " ", tag("small", f"{measured(finding.value, None)} {unit}")]
        head = [words("component.how"), words("standard"), words("share")]
        parts.append(tag("div", tag("h3", title), table(head, rows, "budget"), class_="block"))
    return tag("section", parts[0], parts[1], tag("div", parts[2:], class_="columns"), id="budget")


def metrics(view: View) -> Markup:
    """Return every measured number, folded away."""
    words = view.words
    if not view.metrics:
        return tag("section", tag("p", words("metrics.none")))
    head = [words(key) for key in ("metric", "value", "scope", "evidence_s", "method")]
    rows = [
        [
            [tag("code", metric.name), " ", words.metric(metric.name)],
            [measured(metric.value, metric.uncertainty), f" {metric.unit}" if metric.unit != "1" else ""]
            if metric.state == "measured"
            else [
                words(f"state.{metric.state}"),
                f" ({amount(metric.value)})" if metric.value is not None else "",
            ],
            words.scope(metric.scope) or "–",
            f"{amount(metric.window.from_s, 7)}–{amount(metric.window.to_s, 7)}" if metric.window else "–",
            [told(metric.method, words.lang), f" {told(metric.note, words.lang)}" if metric.note else ""],
        ]
        for metric in view.metrics
    ]
    title = f"{words('metrics')} ({len(view.metrics)})"
    return tag("details", tag("summary", title), table(head, rows, "small"))


def instruments(view: View) -> Markup:
    """Return who answered at each address, with calibration and accuracy."""
    words = view.words
    parts: list[Content] = [tag("h2", words("instruments"))]
    if not view.info.instruments:
        return tag("section", parts, tag("p", words("instruments.none")), id="instruments")
    head = [words(key) for key in ("role", "identity", "address", "calibration", "accuracy")]
    rows = [
        [
            tag("strong", instrument.role),
            _identity(view, instrument),
            [tag("code", instrument.resource), tag("br"), tag("code", instrument.driver, class_="quiet")],
            _calibration(view, instrument),
            _accuracy(view, instrument),
        ]
        for instrument in view.info.instruments
    ]
    capable = [
        [tag("strong", instrument.role), written(instrument.capabilities)]
        for instrument in view.info.instruments
        if instrument.capabilities
    ]
    parts.append(table(head, rows))
    if capable:
        listing = table([words("role"), words("capabilities")], capable, "small")
        parts.append(tag("details", tag("summary", words("capabilities")), listing))
    return tag("section", parts, id="instruments")


def declared(view: View) -> Markup:
    """Return what the maker declared of the device."""
    return tag("section", tag("h2", view.words("declared")), pairs(view, view.info.device), id="device")


def parameters(view: View) -> Markup:
    """Return the overrides, why the run was practice, and the numbers it was run with."""
    words, info = view.words, view.info
    parts: list[Content] = [tag("h2", words("parameters"))]
    if info.practice_reasons:
        reasons = tag("ul", [tag("li", told(reason, words.lang)) for reason in info.practice_reasons])
        parts.append(tag("div", tag("h3", words("practice")), reasons, class_="callout"))
    parts.append(tag("h3", words("overridden")))
    parts.append(pairs(view, info.overrides) if info.overrides else tag("p", words("overrides.none")))
    if info.facts:
        title = f"{words('facts')} ({len(info.facts)})"
        parts.append(tag("details", tag("summary", title), pairs(view, info.facts)))
    return tag("section", parts, id="parameters")


def rules(view: View) -> Markup:
    """Return every rule of the edition with its source, folded away."""
    words, applied = view.words, view.rules
    if applied is None:
        return Markup("")
    title = (applied.title_ja if words.lang == "ja" else applied.title_en) or applied.product
    points = words("comma").join(words(f"point.{point}") for point in applied.admitted_points)
    note = (applied.admitted_note_ja if words.lang == "ja" else "") or applied.admitted_note
    rows = [
        [
            tag("code", name),
            f"{amount(rule.value, 6)} {rule.unit if rule.unit != '1' else ''}",
            [
                tag("span", words(f"mark.{rule.mark}"), class_=f"mark {rule.mark}"),
                tag("span", words(f"status.{rule.status}"), class_="mark status"),
            ],
            [
                tag("b", told(rule.document, words.lang)),
                " — ",
                told(rule.place, words.lang),
                " — ",
                tag("q", told(rule.quote, words.lang), lang="ja"),
                f" {told(rule.note, words.lang)}",
            ],
        ]
        for name, rule in applied.rules.items()
    ]
    head = [words("rule"), words("value"), words("mark"), words("source")]
    about = [title, " · ", f"{applied.product} {applied.edition}"]
    if applied.in_force_from:
        about += [" · ", words("rules.force", date=applied.in_force_from)]
    return tag(
        "section",
        tag("h2", words("rules")),
        tag("p", about),
        tag("p", f"{words('admitted')}: {points}. {note}", class_="about"),
        tag("details", tag("summary", f"{words('rules')} ({len(rows)})"), table(head, rows, "small")),
        id="rules",
    )


def _bar(share: float) -> Markup:
    percent = f"{share * 100:.0f} %"
    return tag("span", tag("i", style=f"width:{share * 100:.1f}%"), tag("b", percent), class_="share")


def _identity(view: View, instrument: InstrumentRecord) -> list[Content]:
    name = " ".join(part for part in (instrument.maker, instrument.model) if part) or "–"
    small = ", ".join(
        f"{label} {text}" for label, text in (("S/N", instrument.serial), ("FW", instrument.firmware)) if text
    )
    flag = tag("span", view.words("simulated"), class_="flag") if instrument.simulated else None
    return [name, tag("br"), tag("small", small), " ", flag]


def _calibration(view: View, instrument: InstrumentRecord) -> Content:
    words = view.words
    if not instrument.calibration:
        return tag("span", words("calibration.none"), class_="warn")
    due = str(instrument.calibration.get("due") or "")
    parts: list[Content] = [str(instrument.calibration.get("certificate") or "–")]
    if due:
        parts += [tag("br"), tag("small", words("calibration.due", due=due))]
    try:
        if dt.date.fromisoformat(due[:10]) < dt.date.fromisoformat(view.info.started_utc[:10]):
            parts += [" ", tag("span", words("calibration.expired"), class_="bad")]
    except ValueError:
        pass  # a date of another form is shown as it is
    return parts


def _accuracy(view: View, instrument: InstrumentRecord) -> Content:
    words = view.words
    if not instrument.accuracy:
        return words("accuracy.none")
    lines = [tag("div", f"{key} = {amount(value, 5)}") for key, value in instrument.accuracy.items()]
    origin = tag(
        "small", words("accuracy.from", origin=told(instrument.accuracy_from, words.lang) or words("unknown"))
    )
    return [lines, origin]
