"""The verdict on a terminal, in the words of the report."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bench.evidence.text import Lang, Words, amount, limit_text, measured, ratio_text
from bench.japanese import told
from bench.model import Finding, Outcome, Verdict

__all__ = ["verdict_table"]

_STYLE = {
    Outcome.PASS: "bold green",
    Outcome.FAIL: "bold red",
    Outcome.INCONCLUSIVE: "bold yellow",
    Outcome.INVALID: "bold magenta",
    Outcome.NOT_APPLICABLE: "dim",
    Outcome.ERROR: "bold white on red",
    Outcome.ABORTED: "bold red",
}


def verdict_table(verdict: Verdict, lang: Lang = "en") -> RenderableType:
    """Return the verdict as a table with a heading; what is simulated or practice says so first.

    Every text goes in as :class:`rich.text.Text`, so brackets in a name are not read as markup.
    """
    words = Words(lang)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    table.add_column(words("outcome"), no_wrap=True)
    table.add_column(words("finding"), overflow="fold")
    for key in ("value", "limit", "margin"):
        table.add_column(words(key), justify="right", no_wrap=key == "margin", overflow="fold")
    table.add_column(words("bare"), no_wrap=True)
    for finding in sorted(verdict.findings, key=lambda item: not item.counts):
        table.add_row(*_cells(finding, words))
    parts: list[RenderableType] = [*_warnings(verdict, words), _heading(verdict, words), table]
    parts += [_reason(finding, words) for finding in verdict.findings if _tells(finding)]
    return Group(*parts)


def _cells(finding: Finding, words: Words) -> list[Text]:
    unit = "" if finding.unit == "1" else f" {finding.unit}"
    if finding.value is None:
        value = words("never" if finding.outcome is Outcome.FAIL else "no_value")
    else:
        value = measured(finding.value, finding.uncertainty) + unit
    limit = limit_text(finding.limit, words)
    style = "" if finding.counts else "dim"
    name = Text(words.finding(finding.id), style=style)
    if not finding.counts:
        name.append(f" ({words('information.short')})")
    return [
        Text(words.short(finding.outcome), style=_STYLE[finding.outcome] if finding.counts else "dim"),
        name,
        Text(value, style=style),
        Text(limit + unit if limit else words("no_limit"), style=style),
        Text(ratio_text(finding.margin_ratio), style=style),
        Text(words.short(finding.rule_outcome), style="dim"),
    ]


def _warnings(verdict: Verdict, words: Words) -> list[Panel]:
    said = [("simulated", verdict.simulated), ("dry_run", verdict.dry_run)]
    return [
        Panel(Text(f"{words(key)}  {words(f'{key}.long')}"), style="bold black on yellow", box=box.SQUARE)
        for key, true in said
        if true
    ]


def _heading(verdict: Verdict, words: Words) -> Text:
    text = Text(f"{verdict.profile} {verdict.edition}  ", style="bold")
    text.append(f" {words.outcome(verdict.outcome)} ", style=f"{_STYLE[verdict.outcome]} reverse")
    if verdict.qualified_kw is not None or verdict.outcome is not Outcome.PASS:  # else: qualifies nothing
        label, power = words.qualified(verdict)
        unit = " kW" if verdict.qualified_kw is not None else ""
        text.append(f"  {label}: {power}{unit} {words('qualified.of', kw=amount(verdict.delta_kw, 6))}")
    said = (verdict.reason_ja if words.lang == "ja" else "") or told(verdict.reason, words.lang)
    if said and (verdict.outcome is not Outcome.PASS or verdict.dry_run):
        text.append(f"\n{said}", style="not bold")
    return text


def _tells(finding: Finding) -> bool:
    return finding.counts and finding.outcome not in (Outcome.PASS, Outcome.NOT_APPLICABLE)


def _reason(finding: Finding, words: Words) -> Text:
    text = Text(f"{words.short(finding.outcome)} ", style=_STYLE[finding.outcome])
    text.append(f"{finding.id}: {words.reason(finding)}", style="not bold")
    if finding.cause:
        text.append(f" [{words('cause', name=finding.cause)}]", style="dim")
    return text
