"""Every way a run can end has a report, in both languages, that says so."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bench.evidence.report import render_report
from bench.evidence.text import Words
from bench.model import Limit, Outcome
from bench.runinfo import SafeState
from tests.bench.evidence import report_samples as samples
from tests.bench.evidence.report_reading import Page

FOLDER = Path("20260504T010203Z_tertiary2_SIM-0001_simulated")
RULES, PROFILE = samples.rules("tertiary2_2026"), samples.profile("tertiary2")


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("outcome", list(Outcome))
def test_each_outcome_is_named_and_coloured(outcome, lang):
    info, recording, metrics, verdict = samples.tertiary2()
    bad = samples.finding(
        "tertiary2.band", 0.4, 0.01, Limit(at_most=0.3), "kW", outcome=outcome, reason="because of it"
    )
    verdict = verdict.model_copy(update={"outcome": outcome, "findings": (*verdict.findings[:1], bad)})
    if outcome in (Outcome.ERROR, Outcome.ABORTED):
        info = info.model_copy(update={"execution": outcome.value.lower(), "reason": "the link died"})
    page = Page(render_report(FOLDER, info, recording, metrics, verdict, PROFILE, RULES, lang=lang))
    assert page.broken == []
    assert f"banner {outcome.value}" in [a.get("class") for a in page.all("section")]
    assert Words(lang).outcome(outcome) in page.text
    assert Words(lang).outcome(outcome) in page.title
    assert page.all("html")[0]["lang"] == lang


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_a_run_that_broke_at_once_still_has_a_report(lang):
    info = samples.info(
        "tertiary2",
        execution="error",
        outcome=None,
        reason="meter: nobody answers at 192.0.2.11",
        instruments=[],
        safe_state=SafeState(),
        device={},
        versions={},
        operator=None,
    )
    page = Page(render_report(FOLDER, info, None, [], None, None, None, lang=lang))
    words = Words(lang)
    assert page.broken == []
    for said in (
        "meter: nobody answers at 192.0.2.11",
        words.outcome(Outcome.ERROR),
        words("safe.unknown"),
        words("next.unsafe"),
        words("verdict.none"),
        words("charts.none"),
        words("instruments.none"),
        words("samples.none"),
    ):
        assert said in page.text
    assert len(page.scripts) == 1, "without charts there is no need for plotly"


def test_what_broke_the_run_outranks_what_was_judged():
    info, recording, metrics, verdict = samples.tertiary2()
    info = info.model_copy(update={"execution": "error", "reason": "the link died"})
    page = Page(render_report(FOLDER, info, recording, metrics, verdict, PROFILE, RULES))
    assert page.with_class("ERROR")
    assert "banner PASS" not in [a.get("class") for a in page.all("section")]


def test_a_run_that_was_cut_off_is_not_a_pass():
    info, recording, metrics, verdict = samples.tertiary2()
    info = info.model_copy(update={"execution": "running", "safe_state": SafeState()})
    page = Page(render_report(FOLDER, info, recording, metrics, verdict, PROFILE, RULES))
    assert Words("en")("why.cut") in page.text
    assert "banner ABORTED" in [a.get("class") for a in page.all("section")]


def test_values_that_are_not_there_are_said_in_words():
    info, recording, metrics, verdict = samples.tertiary2()
    findings = (
        samples.finding("tertiary2.response", None, None, Limit(at_most=3600), "s", outcome=Outcome.FAIL),
        samples.finding(
            "tertiary2.hold",
            None,
            None,
            Limit(at_least=1800),
            "s",
            outcome=Outcome.INCONCLUSIVE,
            interval95=(1500.0, None),
            repeats_to_decide=4,
        ),
        samples.finding(
            "tertiary2.stay", None, None, Limit(), "1", outcome=Outcome.NOT_APPLICABLE, evidence=None
        ),
    )
    changed = {"outcome": Outcome.FAIL, "qualified_kw": None, "findings": findings}
    verdict = verdict.model_copy(update=changed)
    page = Page(render_report(FOLDER, info, recording, metrics, verdict, PROFILE, RULES))
    for said in ("never reached", "95 % range 1500 to open", "repeats to decide: 4", "undecided", "no value"):
        assert said in page.text
    assert "None" not in page.text
    assert "nan" not in page.text.lower().replace("the analyzer sent nan", "")


@pytest.mark.parametrize("empty", ["all missing", "one sample", "no signals"])
def test_recordings_without_data_are_drawn_as_far_as_they_go(empty):
    info, recording, metrics, verdict = samples.tertiary2()
    power = recording.signals["meter.power_kw"]
    signals = {
        "all missing": {"meter.power_kw": dataclasses.replace(power, value=np.full(len(power.t_s), np.nan))},
        "one sample": {"meter.power_kw": samples.signal([5.0], [1.0], "kW")},
        "no signals": {},
    }[empty]
    recording = dataclasses.replace(recording, signals=signals, commands=(), phases=())
    page = Page(render_report(FOLDER, info, recording, metrics, verdict, PROFILE, RULES))
    assert page.broken == []
    assert len(page.with_class("chart")) == (1 if empty == "one sample" else 0)


def test_root_cause_comes_before_what_follows_from_it():
    info, recording, metrics, verdict = samples.tertiary2()
    bad = {"outcome": Outcome.FAIL}
    findings = (
        samples.finding(
            "tertiary2.band", 2.9, 0.01, Limit(at_most=0.3), "kW", cause="tertiary2.response", **bad
        ),
        samples.finding("tertiary2.response", None, None, Limit(at_most=3600), "s", **bad),
    )
    verdict = verdict.model_copy(update={"outcome": Outcome.FAIL, "findings": findings})
    page = Page(render_report(FOLDER, info, recording, metrics, verdict, PROFILE, RULES))
    assert "Begin with the root cause: Response time." in page.text
    assert "follows from Response time (tertiary2.response)" in page.text


def test_an_unproved_safe_state_is_the_first_thing_to_do():
    info, recording, metrics, verdict = samples.tertiary2()
    info = info.model_copy(update={"safe_state": SafeState(state="commanded")})
    text = Page(render_report(FOLDER, info, recording, metrics, verdict, PROFILE, RULES)).text
    assert text.index(Words("en")("next.unsafe")) < text.index(Words("en")("next.PASS.simulated"))
    safe = samples.tertiary2()[0]
    shown = Page(render_report(FOLDER, safe, recording, metrics, verdict, PROFILE, RULES)).text
    assert Words("en")("next.unsafe") not in shown


def test_settings_that_were_not_put_back_are_something_to_do():
    info, recording, metrics, verdict = samples.tertiary2()
    left = info.instruments[2].model_copy(update={"settings_restored": False})
    changed = info.model_copy(update={"instruments": [*info.instruments[:2], left]})
    said = "The settings of battery were NOT put back"
    assert said in Page(render_report(FOLDER, changed, recording, metrics, verdict, PROFILE, RULES)).text
    assert said not in Page(render_report(FOLDER, info, recording, metrics, verdict, PROFILE, RULES)).text
