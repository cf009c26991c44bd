"""The verdict on a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bench.evidence.summary import verdict_table
from bench.model import Limit, Outcome
from tests.bench.evidence import report_samples as samples


def shown(verdict, lang="en", width=120) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(verdict_table(verdict, lang))
    return console.file.getvalue()


def test_it_names_outcome_values_limits_and_reasons():
    text = shown(samples.tertiary2(0.86)[3])
    for said in (
        "FAIL",
        "0.4320 ± 0.0070 kW",
        "≤ 0.3 kW",
        "tertiary2.band: deviates by 0.42 kW",
        "0 kW of 3 kW",
    ):
        assert said in text
    assert "SIMULATED" in text.splitlines()[1]


def test_a_real_run_is_not_called_simulated():
    verdict = samples.tertiary2()[3].model_copy(update={"simulated": False})
    assert "SIMULATED" not in shown(verdict)
    assert "PRACTICE" in shown(verdict.model_copy(update={"dry_run": True}))


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("lang", ["en", "ja"])
def test_every_outcome_can_be_shown(outcome, lang):
    finding = samples.finding(
        "x.hold", None, None, Limit(at_least=1), "s", outcome=outcome, reason="[bold]so[/x]"
    )
    changes = {"outcome": outcome, "findings": (finding,), "qualified_kw": None}
    text = shown(samples.tertiary2()[3].model_copy(update=changes), lang)
    if outcome not in (Outcome.PASS, Outcome.NOT_APPLICABLE):
        assert "[bold]so[/x]" in text, "brackets in a reason are text"


def test_japanese_and_a_narrow_terminal():
    text = shown(samples.primary()[3], "ja", width=80)
    assert "遅れ時間" in text
    assert "合格" in text
    assert max(len(line) for line in text.splitlines()) <= 80
