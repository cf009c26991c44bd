"""Names from files are text, never code; and the page fetches nothing."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from pathlib import Path

import pytest

from bench.evidence.report import render_report
from bench.evidence.report_html import Markup, join, tag
from bench.model import Limit, Source
from bench.recording import Gap
from tests.bench.evidence import report_samples as samples
from tests.bench.evidence.report_reading import Page

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&</style></title><a href=javascript:alert(3)>"
FOLDER = Path("run")


def hostile() -> str:
    """A report in which every name that a file can carry is hostile."""
    info, recording, metrics, verdict = samples.tertiary2()
    instrument = info.instruments[0].model_copy(
        update=dict.fromkeys(
            ("role", "maker", "model", "serial", "firmware", "resource", "driver", "accuracy_from"), EVIL
        )
        | {"accuracy": {EVIL: 1.0}, "calibration": {"certificate": EVIL, "due": EVIL}}
        | {"settings_before": {EVIL: EVIL}, "capabilities": {EVIL: EVIL}}
    )
    safe = info.safe_state.model_copy(update={"steps": [{EVIL: EVIL}]})
    text = dict.fromkeys(("station", "operator", "witness", "reason", "started_utc", "commit"), EVIL)
    info = info.model_copy(
        update={
            **text,
            "instruments": [instrument],
            "safe_state": safe,
            "device": {"maker": EVIL, "model": EVIL, "serial": EVIL, EVIL: EVIL},
            "overrides": {EVIL: EVIL},
            "practice_reasons": [EVIL],
            "notes": [EVIL],
            "facts": {EVIL: EVIL},
            "versions": {EVIL: EVIL},
            "phases": [(EVIL, 0.0, 9000.0, 1, "up")],
        }
    )
    signals = {**recording.signals, EVIL: samples.signal([0, 1], [0, 1], EVIL)}
    recording = dataclasses.replace(
        recording,
        signals=signals,
        phases=((EVIL, 0.0, 9000.0, 1, "up"),),
        events=({"kind": EVIL, "t_s": 1.0, EVIL: {EVIL: [EVIL]}},),
        gaps=(Gap(1.0, 2.0, EVIL, EVIL),),
    )
    source = Source(document=EVIL, place=EVIL, mark="seed", status="draft", quote=EVIL)
    findings = (
        samples.finding(
            EVIL,
            1.0,
            0.1,
            Limit(at_most=2.0),
            EVIL,
            reason=EVIL,
            cause=EVIL,
            source=source,
            components={EVIL: 0.1},
        ),
    )
    verdict = verdict.model_copy(update={"profile": EVIL, "findings": findings, "reason": EVIL})
    metrics = [
        m.model_copy(update={"name": EVIL, "method": EVIL, "note": EVIL, "unit": EVIL}) for m in metrics
    ]
    profile = samples.profile("tertiary2").model_copy(update={"title_en": EVIL, "name": EVIL})
    rules = samples.rules("tertiary2_2026").model_copy(update={"title_en": EVIL, "admitted_note": EVIL})
    return render_report(FOLDER, info, recording, metrics, verdict, profile, rules)


def test_hostile_names_stay_text():
    page = Page(hostile())
    assert page.broken == []
    assert page.all("img") == []
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    kinds = [attributes.get("type") for attributes, _ in page.scripts]
    assert kinds == ["application/json", None, None], "a chart's data, plotly, our own script, and no other"
    assert page.text.count("<script>alert(1)</script>") > 20, "the names are shown as they are"


def test_generic_chart_with_hostile_channels_cannot_leave_its_script():
    info, recording, _, _ = samples.tertiary2()
    signals = {"</script><script>alert(1)</script>": samples.signal([0, 1], [0, 1], "<b>")}
    recording = dataclasses.replace(recording, signals=signals)
    text = render_report(FOLDER, info, recording, [], None, None, None)
    page = Page(text)
    assert page.broken == []
    figure = json.loads(page.scripts[0][1])
    names = [trace["name"] for trace in figure["data"]]
    assert names == ["&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;"], (
        "plotly would read HTML in a name"
    )


@pytest.mark.parametrize("run", [samples.tertiary2, samples.primary])
def test_nothing_is_fetched_and_only_our_scripts_may_run(run):
    info, recording, metrics, verdict = run()
    name = info.profile
    text = render_report(
        FOLDER, info, recording, metrics, verdict, samples.profile(name), samples.rules(f"{name}_2026")
    )
    page = Page(text)
    for element, attributes in page.elements:
        assert "src" not in attributes
        assert element not in ("link", "iframe", "object", "embed", "base", "form")
        assert attributes.get("href", "#").startswith("#")
    policy = next(
        meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy
    runnable = [script for attributes, script in page.scripts if "type" not in attributes]
    for script in runnable:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy, "a browser would refuse to run it"
    allowed = policy.split("script-src")[1].split(";")[0]
    assert "unsafe-inline" not in allowed
    assert allowed.count("sha256-") == len(runnable)
    style = text.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_charts_offer_no_button_that_sends_data_away():
    info, recording, metrics, verdict = samples.tertiary2()
    own = Page(render_report(FOLDER, info, recording, metrics, verdict, None, None)).scripts[-1][1]
    assert "modeBarButtons:" in own
    assert "sendChartToCloud" not in own
    assert 'plotlyServerURL: ""' in own
    assert "http" not in own


def test_markup_is_only_what_we_made():
    assert tag("p", "<b>", title='"><b>') == '<p title="&quot;&gt;&lt;b&gt;">&lt;b&gt;</p>'
    assert join([None, 3, ["<", Markup("<br>")]]) == "3&lt;<br>"
    assert join("a\u202eb\x07") == "a\ufffdb\ufffd", "a name cannot turn the text around"
