"""Both languages say everything, and numbers are written as a laboratory writes them."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from pathlib import Path

import pytest

from bench.evidence.text import Words, amount, limit_text, measured, ratio_text
from bench.model import Limit, Outcome
from tests.bench.evidence import report_samples as samples

ROOT = Path(__file__).resolve().parents[3]
TABLES = tomllib.loads((ROOT / "bench/evidence/text.toml").read_text("utf-8"))
PROFILES = [
    tomllib.loads(path.read_text("utf-8"))
    for folder in ("", "conditioning")
    for path in sorted((ROOT / "profiles" / folder).glob("*.toml"))
]
PHRASES = {key: pair for part in TABLES["page"].values() for key, pair in part.items()}


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(PHRASES))
def test_each_phrase_has_both_languages_with_the_same_fields(key):
    english, japanese = PHRASES[key]
    assert english.strip()
    assert japanese.strip()
    assert _fields(english) == _fields(japanese)


def test_no_phrase_is_defined_twice():
    assert sum(len(part) for part in TABLES["page"].values()) == len(PHRASES)


def test_each_phrase_the_code_asks_for_exists():
    asked = set()
    for path in (ROOT / "bench/evidence").glob("*.py"):
        asked |= set(re.findall(r'words\(\s*"([a-z0-9_.A-Z]+)"', path.read_text("utf-8")))
    assert len(asked) > 60
    assert asked <= set(PHRASES)


def test_each_finding_of_each_bundled_profile_has_a_name():
    names = {
        (f"{profile['name']}.{finding['id']}", finding["id"])
        for profile in PROFILES
        for finding in profile.get("findings", ())
    }
    assert len(names) > 100
    assert {whole for whole, short in names if not {whole, short} & set(TABLES["finding"])} == set()


def test_each_metric_has_a_name():
    asked = set()
    for profile in PROFILES:
        asked |= {one["metric"] for one in profile.get("findings", ()) if "metric" in one}
    for path in (ROOT / "bench/measure").rglob("*.py"):
        asked |= set(re.findall(r'\bname="([a-z0-9_]+)"', path.read_text("utf-8")))
    assert len(asked) > 80
    assert asked - set(TABLES["metric"]) == set()


def test_each_phase_of_each_bundled_profile_has_a_name():
    asked = set()
    for profile in PROFILES:
        asked |= {segment["phase"] for block in profile["timeline"] for segment in block["segments"]}
    assert len(asked) > 50
    assert asked - set(TABLES["phase"]) == set()


def test_each_thing_that_doctor_looks_at_has_a_name():
    calls = [
        [*node.args, *(one.value for one in node.keywords)]
        for node in ast.walk(ast.parse((ROOT / "bench/doctor.py").read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "DoctorRow"
    ]
    asked = {call[1].value for call in calls if isinstance(call[1], ast.Constant)}
    assert len(asked) > 15
    assert {f"station.check.{check}" for check in asked} - set(PHRASES) == set()


def _components() -> set[str]:
    """Return the components that the estimators name: the keys of what they give as components or parts."""
    named = ("components", "parts", "relative", "fixed", "power_parts")
    found = set()
    for path in (ROOT / "bench/measure").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                part = node.value
                names = {target.id for target in targets if isinstance(target, ast.Name)}
                for target in targets:
                    match target:
                        case ast.Subscript(value=ast.Name(id=table), slice=ast.Constant(value=key)):
                            found |= {key} if table in named else set()
            elif isinstance(node, ast.keyword):
                names, part = {node.arg}, node.value
            else:
                continue
            if names & set(named):
                dicts = [one for one in ast.walk(part) if isinstance(one, ast.Dict)]
                found |= {key.value for one in dicts for key in one.keys if isinstance(key, ast.Constant)}
    return found


def test_each_component_of_an_uncertainty_has_a_name_and_says_how_it_was_obtained():
    asked = _components()
    assert len(asked) >= 15
    for table in ("component", "obtained"):
        assert asked - set(TABLES[table]) == set()
    for english, japanese in [*TABLES["component"].values(), *TABLES["obtained"].values()]:
        assert english.strip()
        assert japanese.strip()
    assert Words("ja").obtained("acme") == ""


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_each_outcome_has_a_word_a_reason_and_a_next_step(lang):
    words = Words(lang)
    found = {words.outcome(outcome) for outcome in Outcome}
    assert len(found) == len(Outcome)
    for outcome in Outcome:
        assert words.short(outcome)
        assert words.has(f"why.{outcome.value}")
        assert words.has(f"next.{outcome.value}")


def test_an_unknown_name_is_shown_as_it_is():
    assert Words("ja").finding("acme.new_thing") == "new thing"
    assert Words("ja").finding("primary.delay") == "遅れ時間"


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (0.5523, 0.0312, "0.552 ± 0.031"),
        (-1800.24, 12.0, "−1800 ± 12"),
        (2.0, 0.0999, "2.00 ± 0.10"),
        (2.0, None, "2"),
        (0.0, 0.004, "0.0000 ± 0.0040"),
        (None, 0.1, "–"),
        (1.2, 0.0, "1.2"),
    ],
)
def test_value_and_uncertainty_end_at_the_same_place(value, uncertainty, text):
    assert measured(value, uncertainty) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1234567.0, "1234567"), (0.000123, "0.000123"), (-5.50, "−5.5"), (None, "–")],
)
def test_amounts(value, text):
    assert amount(value) == text


def test_limits_and_ratios():
    words = Words("en")
    assert limit_text(Limit(above=0, at_most=5), words) == "> 0 and ≤ 5"
    assert limit_text(Limit(at_least=-0.3, at_most=0.3), words) == "≥ −0.3 and ≤ 0.3"
    assert limit_text(Limit(), words) == ""
    assert [ratio_text(r) for r in (None, 0.0, 0.72, -0.123, 12.0)] == ["–", "0 %", "+72 %", "−12 %", "+12 ×"]


@pytest.mark.parametrize(
    ("outcome", "qualified_kw", "label", "text"),
    [
        (Outcome.PASS, 0.53625, "Qualified", "0.53625"),
        (Outcome.PASS, 2.9999999, "Qualified", "2.99999"),
        (Outcome.FAIL, 0.0, "Qualified", "0"),
        (Outcome.FAIL, 2.5, "Would have passed at", "2.5"),
        (Outcome.INCONCLUSIVE, None, "Qualified", "undecided"),
    ],
)
def test_qualified_power_is_never_rounded_up_nor_promised_on_a_fail(outcome, qualified_kw, label, text):
    changes = {"outcome": outcome, "qualified_kw": qualified_kw, "simulated": False}
    verdict = samples.tertiary2()[3].model_copy(update=changes)
    assert Words("en").qualified(verdict) == (label, text)
