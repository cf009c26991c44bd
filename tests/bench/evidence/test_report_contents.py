"""The page says what a reader must be able to find, and is written whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.evidence.report import render_report, write_report
from bench.evidence.report_gauge import gauge
from bench.model import Limit, Outcome
from tests.bench.evidence import report_samples as samples
from tests.bench.evidence.report_reading import Page

FOLDER = Path("20260504T010203Z_tertiary2_SIM-0001_simulated")


def whole(lang: str = "en", power: float = 1.0, **changes: object) -> str:
    info, recording, metrics, verdict = samples.tertiary2(power)
    info = info.model_copy(update=changes)
    profile, rules = samples.profile("tertiary2"), samples.rules("tertiary2_2026")
    return render_report(FOLDER, info, recording, metrics, verdict, profile, rules, lang=lang)


def test_each_finding_has_value_limit_margin_source_and_mark():
    page = Page(whole(power=0.86))
    for said in (
        "0.4320 ± 0.0070 kW",
        "≤ 0.3 kW",
        "deviates by 0.42 kW",
        "hold, up (discharge)",
        "002_8be3fa9a2fd4e2ff",
        "±10％",
        "EPRX 商品要件 第6版 (secondary source)",
        "conforms with probability > 99.9 %",
        "evidence 3600–9001 s",
        "Qualified (simulated)",
    ):
        assert said in page.text, said
    marks = {(a.get("class") or "").split()[-1] for a in page.with_class("mark")}
    assert {"seed", "found", "proposal", "unverified"} <= marks, "the legend shows all four"


def test_instruments_persons_versions_and_state_are_there():
    page = Page(whole())
    for said in (
        "YOKOGAWA WT5000",
        "S/N SIM002, FW 3.1",
        "TCPIP::127.0.0.1::5026::SOCKET",
        "JCSS-1",
        "due 2027-03-31",
        "power_reading_pct = 0.1",
        "IM WT5000-01 (as the driver's table)",
        "A. Operator",
        "nobody: a run of the maker alone",
        "safe, verified by read-back",
        "put back, read back",
        "mode = auto",
        "b21554e",
        "drready verify 20260504T010203Z_tertiary2_SIM-0001_simulated",
        "the analyzer sent NAN",
        "Acme B5 SIM-0001",
        "Not every limit above is law in force.",
    ):
        assert said in page.text, said


def test_an_expired_calibration_is_pointed_out():
    info = samples.tertiary2()[0]
    meter = info.instruments[1].model_copy(update={"calibration": {"certificate": "C", "due": "2026-05-03"}})
    assert "EXPIRED" in Page(whole(instruments=[meter])).text
    assert "EXPIRED" not in Page(whole()).text


def test_a_witness_is_named():
    page = Page(whole(witness="B. Witness"))
    assert "B. Witness" in page.text
    assert "nobody" not in page.text


def test_japanese_says_it_in_japanese():
    page = Page(whole("ja"))
    for said in (
        "三次調整力② 事前審査",
        "合格",
        "規定値",
        "一次資料",
        "不確かさの内訳",
        "計測器",
        "機器点",
        "なし（実施者のみの試験）",
    ):
        assert said in page.text, said
    for unsaid in ("Verdict", "Uncertainty budget", "Witnessed by"):
        assert unsaid not in page.text


def test_a_reason_in_japanese_is_used_where_the_judge_gave_one():
    info, recording, metrics, verdict = samples.tertiary2()
    told = samples.finding("tertiary2.band", 0.1, 0.01, Limit(at_most=0.3), "kW", reason_ja="規定値の内側")
    verdict = verdict.model_copy(update={"findings": (told,)})
    japanese = Page(render_report(FOLDER, info, recording, metrics, verdict, None, None, lang="ja")).text
    english = Page(render_report(FOLDER, info, recording, metrics, verdict, None, None)).text
    assert "規定値の内側" in japanese
    assert "規定値の内側" not in english
    assert "inside the limit with its uncertainty" in english


def test_tables_need_no_script_and_charts_say_so():
    text = whole()
    without = text.split('<script type="application/json"')[0]
    assert "0.0110 ± 0.0060 kW" in without
    assert "<noscript>" in text


def test_one_file_of_bearable_size_and_the_same_each_time():
    first, second = whole(), whole()
    assert first == second
    assert len(first.encode()) < 8_000_000


def test_written_beside_the_run_or_where_asked(tmp_path):
    info, recording, metrics, verdict = samples.tertiary2()
    (tmp_path / "samples.parquet").write_bytes(b"PAR1")
    path = write_report(tmp_path, info, recording, metrics, verdict, None, None)
    assert path == tmp_path / "report.html"
    digest = hashlib.sha256(b"PAR1").hexdigest()
    assert f"samples.parquet {digest}" in Page(path.read_text("utf-8")).text
    other = write_report(
        tmp_path, info, recording, metrics, verdict, None, None, out=tmp_path / "ja.html", lang="ja"
    )
    assert other.read_text("utf-8").startswith('<!doctype html>\n<html lang="ja">')
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ja.html", "report.html", "samples.parquet"]


def test_a_place_that_cannot_be_written_is_one_message(tmp_path):
    info, recording, metrics, verdict = samples.tertiary2()
    with pytest.raises(UsageError, match="cannot write the report"):
        write_report(
            tmp_path, info, recording, metrics, verdict, None, None, out=tmp_path / "none" / "report.html"
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("limit", "value", "inside"),
    [
        (Limit(at_most=2), 1.0, True),
        (Limit(at_most=2), 3.0, False),
        (Limit(at_least=300), 310.0, True),
        (Limit(at_least=300), 200.0, False),
        (Limit(above=0, at_most=5), 4.0, True),
        (Limit(above=0, at_most=5), -4.0, False),
    ],
)
def test_the_small_drawing_puts_the_value_where_it_is(limit, value, inside):
    drawn = gauge(samples.finding("x.y", value, 0.01, limit, "s", outcome=Outcome.PASS))
    x = float(drawn.split('cx="')[1].split('"')[0])
    region = drawn.split('class="g-in" x="')[1]
    left, width = float(region.split('"')[0]), float(region.split('width="')[1].split('"')[0])
    assert (left <= x <= left + width) is inside


def test_nothing_is_drawn_without_a_value():
    assert gauge(samples.finding("x.y", None, None, Limit(at_most=2), "s")) == ""
    assert gauge(samples.finding("x.y", 1.0, None, Limit(), "s")) == ""
