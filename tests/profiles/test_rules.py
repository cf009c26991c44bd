"""Every number of the regulation has a source, and a quotation of a seed stands in that seed."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from pathlib import Path

import pytest
from pydantic import ValidationError

from bench.config.rules import RuleSet
from bench.rooms import bundled_rules

SEEDS = Path(__file__).resolve().parents[3] / "shared" / "seeds"
FILES = sorted(bundled_rules().items())
EDITIONS = {
    "tertiary2": {"2021", "2026"},
    "tertiary1": {"2022", "2026"},
    "secondary1": {"2024", "2026"},
    "secondary2": {"2024", "2026"},
    "primary": {"2024", "2026"},
}


def _plain(text: str) -> str:
    return re.sub(r"[\s*|]+", "", unicodedata.normalize("NFKC", text))


def _rules(path: Path) -> RuleSet:
    return RuleSet.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(("key", "path"), FILES, ids=[path.stem for _, path in FILES])
def test_a_rule_file_is_what_its_name_says(key: tuple[str, str], path: Path) -> None:
    rules = _rules(path)
    assert (rules.product, rules.edition) == key
    for name, rule in rules.rules.items():
        suffix = name.rpartition("_")[2]
        known = {"s": "s", "hz": "Hz", "kw": "kW", "kwh": "kWh", "pct": "%", "ratio": "1", "count": "1"}
        assert known.get(suffix) == rule.unit, f"{path.name}: {name} is in {rule.unit}"


def test_the_editions_of_the_contract_exist() -> None:
    found: dict[str, set[str]] = {}
    for product, edition in bundled_rules():
        found.setdefault(product, set()).add(edition)
    for product, editions in EDITIONS.items():
        assert editions <= found[product]
    assert all("2026" in editions for editions in found.values())


@pytest.mark.parametrize("missing", ["document", "place", "quote", "mark", "status", "unit"])
def test_a_rule_without_its_source_is_refused(missing: str) -> None:
    path = bundled_rules()["primary", "2026"]
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    del table["rules"]["delay_s"][missing]
    with pytest.raises(ValidationError, match=missing):
        RuleSet.model_validate(table)


@pytest.mark.parametrize("blank", ["document", "place", "quote"])
def test_spaces_are_no_source(blank: str) -> None:
    table = tomllib.loads(bundled_rules()["primary", "2026"].read_text(encoding="utf-8"))
    table["rules"]["delay_s"][blank] = " "
    with pytest.raises(ValidationError, match=blank):
        RuleSet.model_validate(table)


def test_what_the_bench_proposes_is_never_a_document_that_was_read() -> None:
    for _, path in FILES:
        for name, rule in _rules(path).rules.items():
            own = rule.document == "drready-bench"
            assert not own or rule.mark in ("proposal", "unverified"), f"{path.name}: {name}"
            assert own or rule.mark != "proposal", f"{path.name}: {name}"


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the seed documents are not beside the project")
@pytest.mark.parametrize(("key", "path"), FILES, ids=[path.stem for _, path in FILES])
def test_a_quotation_marked_seed_stands_in_that_seed(key: tuple[str, str], path: Path) -> None:
    seeds = {seed.stem: _plain(seed.read_text(encoding="utf-8")) for seed in SEEDS.glob("*.txt")}
    rules = _rules(path)
    for name, rule in rules.rules.items():
        if rule.mark == "seed":
            assert _plain(rule.quote) in seeds[rule.document], f"{path.name}: {name}"
