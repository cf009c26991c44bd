"""Nobody can take a simulated or practice run for a real one; and a real one carries no such mark."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.evidence.report import render_report
from tests.bench.evidence import report_samples as samples
from tests.bench.evidence.report_reading import Page

FOLDER = Path("run")


def drawn(lang: str = "en", **changes: object) -> Page:
    info, recording, metrics, verdict = samples.tertiary2()
    real = [i.model_copy(update={"simulated": False}) for i in info.instruments]
    changes = {"simulated": False, "dry_run": False, "instruments": real} | changes
    info = info.model_copy(update=changes)
    said = {key: changes[key] for key in ("simulated", "dry_run")}
    verdict = verdict.model_copy(update=said)
    profile, rules = samples.profile("tertiary2"), samples.rules("tertiary2_2026")
    return Page(render_report(FOLDER, info, recording, metrics, verdict, profile, rules, lang=lang))


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize(
    ("key", "en", "ja"), [("simulated", "SIMULATED", "模擬試験"), ("dry_run", "PRACTICE RUN", "練習")]
)
def test_it_is_said_everywhere(key, en, ja, lang):
    page, word = drawn(lang, **{key: True}), en if lang == "en" else ja
    assert page.title.startswith(word)
    assert len(page.with_class("strip")) == 1
    assert len(page.with_class("flag")) >= 1
    assert page.with_class("watermark")
    assert page.text.count(word) >= 8, "strip, watermark and banner"
    for attributes, script in page.scripts:
        if attributes.get("type") == "application/json":
            assert word in script, "a chart cut out of the page still says it"


def test_a_real_run_carries_no_such_mark():
    page = drawn()
    assert page.with_class("strip") == []
    assert page.with_class("watermark") == []
    assert page.with_class("flag") == []
    assert "SIMULATED" not in page.text + page.title
    assert "PRACTICE" not in page.text + page.title
    assert all("SIMULATED" not in script for a, script in page.scripts if a.get("type"))


def test_one_simulated_instrument_is_enough():
    info = samples.tertiary2()[0]
    real = [i.model_copy(update={"simulated": False}) for i in info.instruments[1:]]
    page = drawn(instruments=[info.instruments[0], *real])
    assert page.with_class("watermark")
    assert page.title.startswith("SIMULATED")


def test_the_mark_is_there_on_paper_and_without_script():
    info, recording, metrics, verdict = samples.tertiary2()
    text = render_report(FOLDER, info, recording, metrics, verdict, None, None)
    style = text.split("<style>")[1].split("</style>")[0]
    printed = style.split("@media print")[1]
    assert ".strips { position: static; }" in printed
    assert ".watermark { opacity: .13; }" in printed
    assert "display: none" not in printed.replace("nav, .modebar { display: none !important; }", "")
    before_scripts = text.split("<script")[0]
    assert before_scripts.count("SIMULATED") >= 8
