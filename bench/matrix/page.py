"""The matrix as one HTML file that opens offline, in the look of the report."""

from __future__ import annotations

from importlib.resources import files

from bench.config.requirements import Requirements
from bench.evidence.report_html import Content, Markup, join, table, tag
from bench.evidence.text import Lang, Words, amount
from bench.japanese import told
from bench.matrix.matrix import Matrix
from bench.matrix.model import Cell, Eligibility, Line, RunRef, Shown
from bench.matrix.words import said, say
from bench.model import Source

__all__ = ["page"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_MORE = """
table.cards td, table.cards th { overflow-wrap: break-word; } .pill, .flag { white-space: nowrap; }
#requirements td:first-child { min-width: 190px; } td p { margin: 0 0 4px; } .block { overflow-x: auto; }
#requirements td:last-child, #requirements th:last-child { min-width: 84px; }
.tight { white-space: nowrap; } td .flag { margin-left: 0; } td small, td code { overflow-wrap: anywhere; }
#requirements td:nth-child(7), #requirements th:nth-child(7) { min-width: 200px; }
#requirements th, #requirements td:nth-child(2) { word-break: keep-all; }
"""
"""Beside the report's style: words stay whole, and a simulated PASS is an outline and no green field."""
_GROUPS = ("function", "communication", "command", "document")
_MARKETS = ("economic_dr", "capacity", "balancing")


def page(matrix: Matrix, lang: Lang) -> str:
    """Return the whole document; what is simulated, practice or changed says so over everything."""
    requirements = matrix.requirements
    marks = [("simulated", matrix.simulated), ("practice", matrix.practice), ("untrusted", matrix.untrusted)]
    on = [key for key, true in marks if true]
    stamp = " · ".join(say(key, lang) for key in on)
    title = f"{stamp} – {say('title', lang)}" if stamp else say("title", lang)
    css = files("bench.evidence").joinpath("report.css").read_text("utf-8")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} – {matrix.device}"),
        tag("style", Markup(css + _MORE)),
    )
    header = tag(
        "header",
        tag("p", "drready-bench · ", say("title", lang), class_="kicker"),
        tag("h1", said(requirements.title, lang)),
        tag("p", matrix.device, class_="quiet"),
        tag("p", said(requirements.about, lang), class_="about"),
        _firmware(matrix, lang),
        tag(
            "nav", [tag("a", say(key, lang), href=f"#{key}") for key in ("requirements", "products", "runs")]
        ),
    )
    main = tag("main", _requirements(matrix, lang), _products(matrix, lang), _runs(matrix.runs, lang))
    body = tag(
        "body",
        _strips(on, stamp, lang),
        tag("div", header, main, class_="page"),
        tag("footer", "drready-bench"),
        class_="simulated" if on else None,
    )
    return f"<!doctype html>\n{tag('html', head, body, lang=lang)}\n"


def _strips(on: list[str], stamp: str, lang: Lang) -> Markup:
    if not on:
        return Markup("")
    bars = [
        tag(
            "div",
            tag("strong", say(key, lang)),
            " ",
            tag("span", say(f"{key}.long", lang)),
            class_="strip",
        )
        for key in on
    ]
    mark = tag("div", [tag("span", stamp) for _ in range(6)], class_="watermark", aria_hidden="true")
    return join([tag("div", bars, class_="strips", role="alert"), mark])


def _firmware(matrix: Matrix, lang: Lang) -> Markup:
    if len(matrix.firmwares) < 2:
        return Markup("")
    listed = ", ".join(matrix.firmwares)
    return tag("p", say("firmwares", lang).format(list=listed), class_="callout")


def _requirements(matrix: Matrix, lang: Lang) -> Markup:
    head = [say(key, lang) for key in ("item", "need", *_MARKETS, "outcome", "proof", "missing")]
    parts: list[Content] = []
    for group in _GROUPS:
        lines = [line for line in matrix.lines if line.item.group == group]
        if lines:
            parts += [
                tag("h3", say(f"group.{group}", lang)),
                table(head, [_row(line, lang) for line in lines]),
            ]
    return tag("section", tag("h2", say("requirements", lang)), parts, id="requirements")


def _row(line: Line, lang: Lang) -> list[Content]:
    item = line.item
    need: list[Content] = [say(f"need.{item.need}", lang)]
    if item.need_mark == "inferred":
        need.append(tag("small", f" ({say('inferred', lang)})", class_="tight"))
    about: list[Content] = [
        tag("strong", said(item.title, lang)),
        tag("p", said(item.why, lang), class_="about"),
    ]
    if item.note is not None:
        about.append(tag("p", said(item.note, lang), class_="about"))
    about.append(_source(item.source, lang))
    asked = [getattr(item.asked, market) for market in _MARKETS]
    weak = item.asked_mark == "inferred"
    marks = [
        [mark, tag("small", f" ({say('inferred', lang)})", class_="tight") if weak and mark != "-" else ""]
        for mark in asked
    ]
    proofs = [_proof(one, lang) for one in line.shown]
    missing: list[Content] = [tag("p", tag("code", one)) for one in line.missing]
    missing += [tag("p", said(document, lang)) for document in item.documents]
    state = [
        _pill(line.state, lang, weak=line.simulated or line.practice),
        _flags(line.simulated, line.practice, lang),
    ]
    return [about, need, *marks, state, proofs, missing]


def _proof(one: Shown, lang: Lang) -> Markup:
    return tag(
        "p",
        tag("code", one.what),
        " ",
        _pill(one.state, lang, weak=one.simulated or one.practice),
        _flags(one.simulated, one.practice, lang),
        [tag("br"), tag("small", ", ".join(one.runs))] if one.runs else "",
        [tag("br"), tag("small", told(one.reason, lang))] if one.reason else "",
    )


def _products(matrix: Matrix, lang: Lang) -> Markup:
    parts = [_product(one, matrix.requirements, lang) for one in matrix.eligible]
    return tag(
        "section",
        tag("h2", say("products", lang)),
        tag("p", say("aggregate", lang), class_="about"),
        parts,
        id="products",
    )


def _product(one: Eligibility, requirements: Requirements, lang: Lang) -> Markup:
    head = [
        say(k, lang) for k in ("point", "route", "control", "settlement", "eligible", "clause", "qualified")
    ]
    since = f" ({one.in_force_from} –)" if one.in_force_from else ""
    titles = {item.id: said(item.title, lang) for item in requirements.items}
    more = Markup("")
    if one.open_items:
        names = ", ".join(titles[name] for name in one.open_items)
        more = tag("p", say("open", lang), ": ", names, class_="about")
    return tag(
        "div",
        tag("h3", said(one.product.title, lang), f" · {say('edition', lang)} {one.edition}{since}"),
        table(head, [_cell(cell, lang) for cell in one.cells]),
        more,
        class_="block",
    )


def _cell(cell: Cell, lang: Lang) -> list[Content]:
    kind = {"eligible": "PASS", "no": "FAIL"}.get(cell.eligible, "NONE")
    word = tag("span", say(f"eligible.{cell.eligible}", lang), class_=f"pill {kind}")
    power = "–" if cell.qualified_kw is None else f"{amount(cell.qualified_kw, 6)}"
    flag = tag("span", say("simulated", lang), class_="flag") if cell.eligible == "simulated" else ""
    clause: list[Content] = [tag("p", said(cell.clause, lang))]
    if cell.clause_source is not None:
        clause.append(_source(cell.clause_source, lang))
    return [
        say(f"point.{cell.point}", lang),
        say(f"route.{cell.route.by}", lang),
        said(cell.route.control, lang),
        said(cell.route.settlement, lang),
        word,
        clause,
        [power, flag],
    ]


def _runs(runs: tuple[RunRef, ...], lang: Lang) -> Markup:
    head = [say(k, lang) for k in ("started", "profile", "edition", "point", "outcome", "qualified", "marks")]
    rows: list[list[Content]] = []
    for run in runs:
        state = run.outcome or "ERROR" if run.trusted else "NOT_TRUSTED"
        marks: list[Content] = [
            say("counts" if run.counts else "older", lang),
            _flags(run.simulated, run.practice, lang),
            [tag("p", fault, class_="bad") for fault in run.faults],
            tag("p", tag("code", run.folder)),
        ]
        power = "–" if run.qualified_kw is None else amount(run.qualified_kw, 6)
        point = say(f"point.{run.point}", lang)
        rows.append(
            [
                run.started_utc,
                run.profile,
                run.edition,
                point,
                _pill(state, lang, weak=run.simulated or run.practice),
                power,
                marks,
            ]
        )
    return tag("section", tag("h2", say("runs", lang)), table(head, rows), id="runs")


def _pill(state: str, lang: Lang, *, weak: bool) -> Markup:
    """Return the outcome; ``weak`` (simulated, practice) as an outline."""
    kind = {"NOT_TRUSTED": "FAIL", "MISSING": "NONE", "DOCUMENT": "NONE"}.get(state, state)
    pill = tag("span", say(f"state.{state}", lang), class_=f"pill {kind}")
    return tag("span", pill, class_="bare") if weak else pill


def _flags(simulated: bool, practice: bool, lang: Lang) -> list[Content]:
    on = [key for key, true in (("simulated", simulated), ("practice", practice)) if true]
    return [tag("span", say(key, lang), class_="flag") for key in on]


def _source(source: Source, lang: Lang) -> Markup:
    words = Words(lang)
    return tag(
        "p",
        tag("span", words(f"mark.{source.mark}"), class_=f"mark {source.mark}"),
        tag("span", words(f"status.{source.status}"), class_="mark status"),
        f"{told(source.document, lang)}: {told(source.place, lang)} ",
        tag("q", told(source.quote, lang)),
        class_="source",
    )
