"""The bench's own sentences are there in Japanese, and what is not is left as it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import bench
from bench.config.load import load_station, read_rules
from bench.doctor import doctor
from bench.japanese import in_japanese, sentences, told
from bench.rescore import plan_run
from bench.rooms import bundled_rules
from bench.run import RunRequest

ROOM = Path(bench.__file__).parent
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
# identities and addresses are what an instrument says of itself
NO_WORDS = re.compile(r"[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}")


def _templates(node: ast.expr) -> Iterator[str]:
    """Yield every text that an expression may come to, with 1 for what is filled in."""
    if isinstance(node, ast.IfExp):
        yield from (*_templates(node.body), *_templates(node.orelse))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "1" for part in node.values)


def _said(*words: str) -> list[str]:
    """Return what the estimators put under one of these names, after the file's name."""
    found = []
    for file in sorted((ROOM / "measure").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            named = {node.arg} if isinstance(node, ast.keyword) else set()
            if isinstance(node, ast.Assign):
                named = {target.id for target in node.targets if isinstance(target, ast.Name)}
            if named & set(words):
                found += [f"{file.name}: {text}" for text in _templates(node.value)]
    return found


@pytest.mark.parametrize("words", [("note",), ("method", "how")])
def test_every_note_and_method_of_an_estimator_has_its_japanese(words):
    said = _said(*words)
    assert len(said) > 40
    bare = [n for n in said if re.search("[a-z]{3}", n.partition(": ")[2])]
    assert [n for n in bare if not JAPANESE.search(in_japanese(n.partition(": ")[2]))] == []


def test_a_sentence_fills_every_place_that_it_has():
    assert len(sentences()) > 200
    for en, ja in sentences().items():
        assert {int(n) for n in re.findall(r"\{(\d)\}", ja)} == set(range(en.count("{}"))), en


def test_every_proposal_of_the_bench_has_its_japanese():
    said = {
        text
        for path in bundled_rules().values()
        for rule in read_rules(path)[0].rules.values()
        if rule.document == "drready-bench"
        for text in (rule.place, rule.quote)
    }
    assert len(said) > 50
    bare = {text for text in said if re.search("[a-z]{2,} [a-z]{2,}", text)}
    assert {text for text in bare if in_japanese(text) == text} == set()


def test_parts_are_known_by_themselves_and_what_is_unknown_stays():
    assert in_japanese("class n3; the worst point with its uncertainty needs 2.9 %") == (
        "階級 n3、最悪点は不確かさを含めて2.9 %"
    )
    assert in_japanese("nobody wrote this down") == "nobody wrote this down"
    assert told("power never moved", "en") == "power never moved"
    assert in_japanese("at 2.000 kW, charging") == "2.000 kW、充電"


@pytest.mark.parametrize(
    ("text", "japanese"),
    [
        ("from its own mode, ended by stop", "開始モード 機器自身のモード、終了方法 停止"),
        ("limiter own, at 5.0 s", "制限方法 機器自身（5.0 s）"),
        (
            "power moved the wrong way: sign (-135.7 W) 60.0 mHz below nominal",
            "基準周波数より60.0 mHz低い点で電力が逆方向に動いた：符号（-135.7 W）",
        ),
        (
            "t = 9 s: 2 kW 1 s after 1 kW: the older command was in force after 6 s; "
            "t = 30 s: 1 kW 1 s after 2 kW: the older command was in force again at 8.0 s",
            "t = 9 s、1 kWの1 s後に2 kWを指令：6 s後も先の指令が有効、"
            "t = 30 s、2 kWの1 s後に1 kWを指令：8.0 sに先の指令が再び有効",
        ),
        (
            "battery is new every 9 s only, so it tells no alarm sooner; "
            "how often it must be new, interval judges; "
            "to see whether it tells one at all: --set profile.alarm_s=19",
            "batteryの更新は9 s毎であり、警報をそれより早くは報告しない。更新間隔は interval で判定する、"
            "警報を報告するかどうか自体の確認には --set profile.alarm_s=19 を指定する",
        ),
        (
            "lab.toml: station.area: unknown key (did you mean 'area'?); known there: area",
            "lab.toml: station.area: 不明なキー（'area' のことか）、指定できるキー：area",
        ),
        (
            "from auto, ended by lan_cut: was auto, stays remote",
            "開始モード auto、終了方法 回線断：前はauto、その後もremoteのまま",
        ),
        (
            "from charge, ended by schedule: mode is 'auto', was 'charge'; power_set_kw is 1.5, was 0.0",
            "開始モード 充電、終了方法 スケジュール終了：mode が 'auto'（前は 'charge'）、"
            "power_set_kw が 1.5（前は 0.0）",
        ),
        ("Acme Co. Ltd; nobody: knows. this", "Acme Co. Ltd; nobody: knows. this"),
        (
            "no response 60.0 mHz below nominal nor 20.0 mHz above nominal",
            "基準周波数より60.0 mHz低い点でも20.0 mHz高い点でも応答がない",
        ),
        (
            "largest deviation of 1800 points of power against the signal 1.8 s before",
            "1.8 s前の信号に対する電力1800点の最大偏差",
        ),
    ],
)
def test_the_sentence_that_says_most_is_taken_whole(text, japanese):
    assert in_japanese(text) == japanese


def test_a_look_at_a_station_and_a_plan_have_no_english_left():
    rows = doctor(load_station("twin", {"twin.link": "direct", "instruments.source.sink_kw": 2.0}))
    told_ja = [in_japanese(row.text) for row in rows if row.check != "reachable"]
    (report,) = plan_run(RunRequest(["tertiary2"], "twin", overrides=["device.capacity_kwh=3"]))
    told_ja += [in_japanese(text) for text in (report.delta_from, *report.warnings)]
    assert len(told_ja) > 12
    assert [text for text in told_ja if NO_WORDS.search(re.sub("証明書 .*、", "", text))] == []
