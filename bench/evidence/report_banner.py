"""The top of the page: what it came to, why, what to do next; and that it was simulated, if it was."""

from __future__ import annotations

import datetime as dt

from bench.evidence.report_html import Markup, join, tag
from bench.evidence.report_view import View
from bench.evidence.text import amount
from bench.japanese import told
from bench.model import Finding, Outcome

__all__ = ["banner", "key_facts", "strips"]


def strips(view: View) -> Markup:
    """Return the bars over everything and the watermark behind everything; nothing for a real, full run."""
    bars = [
        tag(
            "div", tag("strong", view.words(key)), " ", tag("span", view.words(f"{key}.long")), class_="strip"
        )
        for key, true in (("simulated", view.simulated), ("dry_run", view.practice))
        if true
    ]
    if not bars:
        return Markup("")
    mark = tag("div", [tag("span", view.stamp) for _ in range(6)], class_="watermark", aria_hidden="true")
    return join([tag("div", bars, class_="strips", role="alert"), mark])


def banner(view: View) -> Markup:
    """Return the outcome: colour, word, why, next step, and the power that is qualified."""
    words = view.words
    code = view.outcome.value if view.outcome is not None else "NONE"
    badges = [tag("span", words(key), class_="flag") for key, on in _flags(view) if on]
    told = tag(
        "div",
        tag("p", view.outcome_word, class_="word"),
        badges,
        tag("p", _why(view), class_="why"),
        class_="told",
    )
    step = tag("div", tag("h2", words("next")), [tag("p", line) for line in _next(view)], class_="next")
    return tag("section", tag("div", told, _qualified(view), class_="upper"), step, class_=f"banner {code}")


def key_facts(view: View) -> Markup:
    """Return the facts one looks for first: device, station, point, persons, times, state left behind."""
    words, info = view.words, view.info
    safe = info.safe_state.state
    facts = [
        ("device", view.device or "–", ""),
        ("station", info.station, ""),
        ("point", words(f"point.{info.point}"), ""),
        ("delta", f"{amount(info.delta_kw, 6)} kW", ""),
        ("edition", f"{info.product} {info.edition}", ""),
        ("decision", words(f"decision.{info.decision}"), ""),
        ("operator", info.operator or words("operator.none"), ""),
        ("witness", info.witness or words("witness.none"), "" if info.witness else "warn"),
        ("started", _when(info.started_utc), ""),
        ("recorded", f"{_span(view)} ({words(f'clock.{info.clock}')})", ""),
        ("execution", words(f"execution.{info.execution}"), "good" if info.execution == "done" else "bad"),
        ("safe", words(f"safe.{safe}"), "good" if safe == "verified" else "bad"),
    ]
    rows = [
        tag("div", tag("dt", words(key)), tag("dd", text, class_=kind or None)) for key, text, kind in facts
    ]
    return tag("dl", rows, class_="facts")


def _flags(view: View) -> list[tuple[str, bool]]:
    return [("simulated", view.simulated), ("dry_run", view.practice)]


def _why(view: View) -> str:
    words, verdict = view.words, view.verdict
    if view.info.execution == "running":
        return words("why.cut")
    code = view.outcome.value if view.outcome is not None else "NONE"
    if view.info.execution != "done" and view.info.reason:
        return told(view.info.reason, words.lang)
    named = _deciding(view)
    if code == Outcome.PASS and verdict is not None:
        return words("why.PASS", n=sum(f.counts for f in verdict.findings))
    if named and code in ("FAIL", "INCONCLUSIVE", "INVALID") and not view.practice:
        first = named[0]
        name = words.finding(first.id)
        if first.value is None and first.reason:
            return f"{name}: {words.reason(first)}"
        return words(f"why.{code}", name=name, value=view.value_text(first), limit=view.limit_text(first))
    said = ""
    if verdict is not None:
        said = (verdict.reason_ja if words.lang == "ja" else "") or told(verdict.reason, words.lang)
    return (
        said
        or told(view.info.reason, words.lang)
        or words(f"why.{code}" if words.plain(f"why.{code}") else "why.NONE")
    )


def _deciding(view: View) -> list[Finding]:
    """Return the findings that made the outcome, root causes first."""
    if view.verdict is None:
        return []
    same = [f for f in view.verdict.findings if f.counts and f.outcome is view.verdict.outcome]
    if not same and view.verdict.outcome is Outcome.INCONCLUSIVE:
        same = [f for f in view.verdict.findings if f.required and f.outcome is Outcome.NOT_APPLICABLE]
    return sorted(same, key=lambda f: f.cause is not None)


def _next(view: View) -> list[str]:
    words = view.words
    lines: list[str] = []
    if view.info.safe_state.state != "verified":
        lines.append(words("next.unsafe"))
    unrestored = [i.role for i in view.info.instruments if i.settings_restored is False]
    if unrestored:
        lines.append(words("next.unrestored", roles=words("comma").join(unrestored)))
    code = view.outcome.value if view.outcome is not None else "NONE"
    roots = [f for f in _deciding(view) if f.cause is None]
    names = words("comma").join(dict.fromkeys(words.finding(f.id) for f in roots)) or "–"
    if view.practice and code in ("PASS", "INCONCLUSIVE", "NOT_APPLICABLE"):
        lines.append(words("next.dry_run"))
    elif code == Outcome.PASS and view.simulated:
        lines.append(words("next.PASS.simulated"))
    else:
        lines.append(words(f"next.{code}", names=names))
    findings = view.verdict.findings if view.verdict is not None else ()
    if code == Outcome.FAIL and any(finding.cause for finding in findings):
        lines[-1] += f" {words('next.follows')}"
    repeats = [f.repeats_to_decide for f in roots if f.repeats_to_decide is not None]
    if repeats:
        lines.append(words("next.repeats", n=max(repeats)))
    refused = [f for f in findings if f.metric == "admitted_point" and f.outcome is not Outcome.PASS]
    return [*lines, *(words.reason(finding) for finding in refused)]


def _qualified(view: View) -> Markup:
    words, verdict = view.words, view.verdict
    if verdict is None or (view.profile is not None and not view.profile.qualifies):
        return Markup("")
    known = verdict.qualified_kw is not None
    label, power = words.qualified(verdict)
    return tag(
        "div",
        tag("p", label, class_="small"),
        tag("p", power, tag("small", " kW") if known else None, class_="big" if known else "big none"),
        tag("p", words("qualified.of", kw=amount(verdict.delta_kw, 6)), class_="small"),
        class_="qualified",
    )


def _when(text: str) -> str:
    try:
        return dt.datetime.fromisoformat(text).astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except ValueError:
        return text


def _span(view: View) -> str:
    ends = [phase[2] for phase in view.info.phases]
    if view.recording is not None:
        ends += [float(signal.t_s.max()) for signal in view.recording.signals.values() if len(signal.t_s)]
    seconds = round(max(ends, default=0.0))
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
