"""The page around the sections: style, scripts, charts; and a policy under which nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files

from plotly.offline import get_plotlyjs

from bench.evidence.charts_figure import Chart
from bench.evidence.report_banner import banner, key_facts, strips
from bench.evidence.report_course import course, integrity, left_behind, persons
from bench.evidence.report_html import Markup, join, tag
from bench.evidence.report_setup import budget, declared, instruments, metrics, parameters, rules
from bench.evidence.report_verdict import verdict_section
from bench.evidence.report_view import View

__all__ = ["page"]


def page(view: View, charts: Sequence[Chart]) -> str:
    """Return the whole HTML document."""
    scripts = [_own("report.js")]
    if charts:
        scripts.insert(0, _plotly())
    name = view.words("title", profile=view.info.profile, outcome=view.outcome_word, device=view.device)
    title = f"{view.stamp} – {name}" if view.stamp else name
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(scripts)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content="drready-bench"),
        tag("title", title),
        tag("style", Markup(_own("report.css"))),
    )
    body = tag(
        "body",
        strips(view),
        tag("div", _header(view), _main(view, charts), class_="page"),
        tag("footer", view.folder.name, " · drready-bench ", view.info.versions.get("drready-bench", "")),
        [tag("script", Markup(script)) for script in scripts],
        class_="simulated" if view.stamp else None,
    )
    return f"<!doctype html>\n{tag('html', head, body, lang=view.words.lang)}\n"


def _header(view: View) -> Markup:
    links = ["verdict", "charts", "budget", "instruments", "course", "integrity"]
    return tag(
        "header",
        tag("p", "drready-bench · ", view.words("report"), class_="kicker"),
        tag("h1", view.title),
        tag("p", view.device, " · ", tag("code", view.folder.name), class_="quiet"),
        tag("nav", [tag("a", view.words(link), href=f"#{link}") for link in links]),
    )


def _main(view: View, charts: Sequence[Chart]) -> Markup:
    return tag(
        "main",
        banner(view),
        key_facts(view),
        verdict_section(view),
        _charts(view, charts),
        budget(view),
        metrics(view),
        instruments(view),
        declared(view),
        parameters(view),
        course(view),
        left_behind(view),
        rules(view),
        persons(view),
        integrity(view),
    )


def _charts(view: View, charts: Sequence[Chart]) -> Markup:
    words = view.words
    if not charts:
        return tag("section", tag("h2", words("charts")), tag("p", words("charts.none")), id="charts")
    drawn = [
        tag(
            "figure",
            tag("h3", chart.title),
            tag(
                "div",
                class_="chart",
                id=f"chart-{chart.id}",
                style=f"height:{chart.figure['layout']['height']}px",
            ),
            tag("script", _json(chart), type="application/json", data_chart=f"chart-{chart.id}"),
            tag("figcaption", chart.caption),
        )
        for chart in charts
    ]
    note = tag("noscript", tag("p", words("noscript"), class_="callout"))
    return tag("section", tag("h2", words("charts")), note, drawn, id="charts")


def _json(chart: Chart) -> Markup:
    """Return the figure as JSON that cannot end its script element, and that UTF-8 can hold."""
    text = json.dumps(chart.figure, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text = text.encode("utf-8", "replace").decode("utf-8")
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _policy(scripts: Sequence[str]) -> str:
    """Return a policy under which only our own scripts run and nothing is fetched."""
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


@lru_cache(maxsize=2)  # the charts' library is the same in every report
def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def _plotly() -> str:
    return str(get_plotlyjs()).replace("</script", "<\\/script")


def _own(name: str) -> str:
    return str(join(Markup(files("bench.evidence").joinpath(name).read_text("utf-8"))))
