"""The verdict table: each finding with its value in its limit, its reason, and where the limit comes from."""

from __future__ import annotations

from collections.abc import Sequence

from bench.evidence.report_gauge import gauge
from bench.evidence.report_html import Content, Markup, join, tag
from bench.evidence.report_view import View
from bench.evidence.text import amount, ratio_text
from bench.japanese import told
from bench.model import Finding, Outcome, Source

__all__ = ["pill", "verdict_section"]


def pill(outcome: Outcome, text: str) -> Markup:
    """Return a small coloured label of an outcome."""
    return tag("span", text, class_=f"pill {outcome.value}")


def verdict_section(view: View) -> Markup:
    """Return the table, the findings that are only information, the legend and the note on drafts."""
    words = view.words
    if view.verdict is None or not view.verdict.findings:
        return tag("section", tag("h2", words("verdict")), tag("p", words("verdict.none")), id="verdict")
    counting = [finding for finding in view.verdict.findings if finding.counts]
    others = [finding for finding in view.verdict.findings if not finding.counts]
    parts: list[Content] = [tag("h2", words("verdict")), _table(view, counting)]
    if others:
        parts += [tag("h3", words("information")), _table(view, others, "info")]
    parts += [tag("p", words(f"decision.{view.verdict.decision}.long"), class_="about"), _legend(view)]
    return tag("section", parts, id="verdict")


def _table(view: View, findings: Sequence[Finding], class_: str = "") -> Markup:
    names = ["outcome", "finding", "value", "limit", "picture", "margin", "bare"]
    head = tag("thead", tag("tr", [tag("th", view.words(name), scope="col") for name in names]))
    bodies = [_finding(view, finding) for finding in findings]
    return tag("table", head, bodies, class_=f"verdict {class_}".strip())


def _finding(view: View, finding: Finding) -> Markup:
    words = view.words
    name = tag("td", tag("strong", words.finding(finding.id)), tag("code", finding.id), class_="name")
    cells = [
        tag("td", pill(finding.outcome, words.short(finding.outcome)), class_="out"),
        name,
        tag("td", view.value_text(finding), data_label=words("value"), class_="number"),
        tag("td", view.limit_text(finding), data_label=words("limit"), class_="number"),
        tag("td", gauge(finding), data_label=words("picture"), class_="gauge"),
        tag("td", ratio_text(finding.margin_ratio), data_label=words("margin"), class_="number"),
        tag(
            "td",
            pill(finding.rule_outcome, words.short(finding.rule_outcome)),
            data_label=words("bare"),
            class_="bare",
        ),
    ]
    more = [tag("td"), tag("td", _notes(view, finding), tag("p", _source(view, finding.source)), colspan="6")]
    return tag(
        "tbody", tag("tr", cells), tag("tr", more, class_="more"), class_=f"finding {finding.outcome.value}"
    )


def _notes(view: View, finding: Finding) -> list[Content]:
    """Return the reason and the smaller facts of a finding."""
    words = view.words
    facts: list[str] = []
    if finding.cause:
        facts.append(words("cause", name=f"{words.finding(finding.cause)} ({finding.cause})"))
    if finding.counts:
        facts.append(words("required" if finding.required else "optional"))
    if scope := words.scope(finding.scope):
        facts.append(scope)
    if finding.interval95 is not None and any(end is not None for end in finding.interval95):
        low, high = (words("open_end") if end is None else amount(end) for end in finding.interval95)
        facts.append(words("range95", low=low, high=high))
    if finding.conforms_probability is not None:
        percent = finding.conforms_probability * 100
        text = "> 99.9 %" if percent > 99.9 else "< 0.1 %" if percent < 0.1 else f"{percent:.1f} %"
        facts.append(words("probability", p=text))
    if finding.repeats_to_decide is not None:
        facts.append(words("repeats", n=finding.repeats_to_decide))
    if finding.evidence is not None:
        facts.append(
            words("window", a=amount(finding.evidence.from_s, 7), b=amount(finding.evidence.to_s, 7))
        )
    reason = words.reason(finding)
    return [
        tag("p", reason, class_="reason") if reason else None,
        tag("ul", [tag("li", fact) for fact in facts], class_="small facts-line"),
    ]


def _source(view: View, source: Source | None) -> Content:
    words = view.words
    if source is None:
        return tag("span", words("source.none"), class_="source")
    return tag(
        "span",
        tag("span", words(f"mark.{source.mark}"), class_=f"mark {source.mark}"),
        tag("span", words(f"status.{source.status}"), class_="mark status"),
        " ",
        tag("b", told(source.document, words.lang)),
        " — ",
        told(source.place, words.lang),
        [" — ", tag("q", told(source.quote, words.lang), lang="ja")] if source.quote else None,
        class_="source",
    )


def _legend(view: View) -> Markup:
    """Return what the marks mean and how much of this verdict stands on drafts and proposals."""
    words = view.words
    sources = [finding.source for finding in view.verdict.findings if finding.source] if view.verdict else []
    marks = [
        tag("li", tag("span", words(f"mark.{mark}"), class_=f"mark {mark}"), " ", words(f"mark.{mark}.long"))
        for mark in ("seed", "found", "unverified", "proposal")
    ]
    note = words(
        "status.note",
        n=len(sources),
        drafts=sum(source.status == "draft" for source in sources),
        proposals=sum(source.mark == "proposal" for source in sources),
        unverified=sum(source.mark == "unverified" for source in sources),
    )
    return join(
        [tag("h3", words("legend")), tag("ul", marks, class_="legend"), tag("p", note, class_="note")]
    )
