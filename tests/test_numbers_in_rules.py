"""A number of the regulation stands in ``profiles/rules`` and nowhere else.

A number alone proves nothing (0.1 and 60 are everywhere), so a literal is suspicious only together with
its place: it equals a rule, and the name beside it (given to, compared with, filed under) has its words.
A number that merely looks like one says so where it stands: ``# no rule: why``.
Limits of findings are stricter: they name rules, so no number but 0 and 1 belongs there at all.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from bench.rooms import bundled_profiles, bundled_rules, room

ROOMS = ("bench", "instruments", "profiles", "fixtures")
UNITS = {"s", "hz", "kw", "kwh", "pct", "ratio", "v", "count", "1"}
PLAIN = {0.0, 1.0}
LONG_S = 100.0  # a profile's own rests and margins are shorter
Rules = dict[float, set[frozenset[str]]]


def words(name: str) -> frozenset[str]:
    """Return the words of a name without its unit: ``abnormal_hz`` is {abnormal}."""
    return frozenset(re.findall(r"[a-z0-9]+", name.lower())) - UNITS


def rules() -> Rules:
    """Return the words of every rule by its value."""
    found: Rules = {}
    for path in bundled_rules().values():
        for name, rule in tomllib.loads(path.read_text(encoding="utf-8"))["rules"].items():
            if rule["value"] not in PLAIN and words(name):
                found.setdefault(float(rule["value"]), set()).add(words(name))
                if name.endswith("_s"):  # the same number in other units
                    found.setdefault(1000.0 * rule["value"], set()).add(words(name) | {"ms"})
                if name.endswith("_ratio"):
                    found.setdefault(round(100.0 * rule["value"], 9), set()).add(words(name))
    return found


def named_after_a_rule(value: float, context: frozenset[str], known: Rules) -> bool:
    return any(stem <= context for stem in known.get(abs(value), ()))


def literals(tree: ast.AST) -> Iterator[tuple[float, frozenset[str], int]]:
    """Yield every number with the words it stands beside, and its line."""
    for node in ast.walk(tree):
        for value, names in _pairs(node):
            if isinstance(value, ast.BinOp) and (sum_ := _reckoned(value)) is not None:
                yield sum_, words(" ".join(names)), value.lineno
            for number in ast.walk(value):
                if (
                    isinstance(number, ast.Constant)
                    and isinstance(number.value, int | float)
                    and not isinstance(number.value, bool)
                ):
                    yield float(number.value), words(" ".join(names)), number.lineno


def _reckoned(node: ast.AST) -> float | None:
    """Return what an expression of numbers alone comes to; None for any other."""
    if any(not isinstance(each, ast.BinOp | ast.Constant | ast.operator) for each in ast.walk(node)):
        return None
    try:
        return float(eval(ast.unparse(node), {"__builtins__": {}}))  # noqa: S307  (numbers and operators only)
    except (ArithmeticError, TypeError, ValueError):
        return None


def _pairs(node: ast.AST) -> Iterator[tuple[ast.AST, list[str]]]:
    """Yield values with the names they go with: what they are assigned to, compared with, given beside."""
    if isinstance(node, ast.Assign):
        yield node.value, [name for target in node.targets for name in _names(target)]
    elif isinstance(node, ast.AnnAssign | ast.AugAssign) and node.value is not None:
        yield node.value, _names(node.target)
    elif isinstance(node, ast.FunctionDef):
        for each in ast.walk(node):
            if isinstance(each, ast.Return) and isinstance(each.value, ast.Constant | ast.UnaryOp):
                yield each.value, [node.name]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield from _beside([node.left, node.right])
    elif isinstance(node, ast.Tuple | ast.List):
        yield from _beside(node.elts)
    elif isinstance(node, ast.keyword) and node.arg:
        yield node.value, [node.arg]
    elif isinstance(node, ast.arguments):
        plain = [*node.posonlyargs, *node.args]
        for argument, default in zip(plain[len(plain) - len(node.defaults) :], node.defaults, strict=True):
            yield default, [argument.arg]
        for argument, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
            if default is not None:
                yield default, [argument.arg]
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield value, [key.value]
    elif isinstance(
        node, ast.Call
    ):  # number("response_s", 10.0), min(delay_s, 2.0), judge(delay_s, limit=2.0)
        yield from _beside([*node.args, *(keyword.value for keyword in node.keywords)])
    elif isinstance(node, ast.Compare):
        yield from _beside([node.left, *node.comparators])


def _beside(sides: list[ast.expr]) -> Iterator[tuple[ast.AST, list[str]]]:
    """Yield every bare number among ``sides`` with the names in each of the others."""
    for index, side in enumerate(sides):
        if isinstance(side, ast.Constant | ast.UnaryOp):
            for other in sides[:index] + sides[index + 1 :]:
                yield side, _names(other)


def _names(node: ast.AST) -> list[str]:
    found = []
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            found.append(each.id)
        elif isinstance(each, ast.Attribute):
            found.append(each.attr)
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            found.append(each.value)
    return found


def code_faults(text: str, known: Rules, name: str = "code") -> list[str]:
    """Return where code gives a rule's value to a name that is the rule's."""
    lines = text.splitlines()
    return [
        f"{name}:{line}: {value:g} beside {' '.join(sorted(context))}"
        for value, context, line in literals(ast.parse(text))
        if value not in PLAIN
        and named_after_a_rule(value, context, known)
        and not re.search(r"# no rule: \w+", lines[line - 1])
    ]


def numbers(expression: Any) -> list[float]:
    """Return the numbers written in an expression of a profile."""
    if isinstance(expression, bool) or expression is None:
        return []
    if isinstance(expression, int | float):
        return [float(expression)]
    without_units = re.sub(r"/\s*(3600|1000|100|60)\b", "", str(expression))  # kWh of kW and s, a share of %
    return [
        float(text)
        for text in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.])", without_units)
    ]


def by_unit(product: str) -> dict[str, set[float]]:
    """Return the values of every rule of ``product`` by the unit in its name."""
    found: dict[str, set[float]] = {}
    for (name, _), path in bundled_rules().items():
        if name == product:
            for rule, entry in tomllib.loads(path.read_text(encoding="utf-8"))["rules"].items():
                found.setdefault(rule.rpartition("_")[2], set()).add(float(entry["value"]))
    return found


def profile_faults(table: dict[str, Any], known: Rules) -> list[str]:
    """Return where a profile writes a number that a rule gives."""
    found, mine = [], by_unit(table.get("product", ""))
    for finding in table.get("findings", []):
        for bound, expression in finding.get("limit", {}).items():
            found += [
                f"findings.{finding['id']}.limit.{bound}: {value:g}"
                for value in numbers(expression)
                if value not in PLAIN
            ]
    for name, parameter in table.get("parameters", {}).items():
        for key in ("value", "at_least", "at_most"):
            found += [
                f"parameters.{name}.{key}: {value:g}"
                for value in numbers(parameter.get(key))
                if value not in PLAIN and named_after_a_rule(value, words(name), known)
            ]
    for measure in table.get("measure", []):
        for name, option in measure.get("options", {}).items():
            found += [
                f"measure.{measure['name']}.{name}: {value:g}"
                for value in (numbers(option) if isinstance(option, str | int | float) else [])
                if value not in PLAIN and named_after_a_rule(value, words(name), known)
            ]
    for block in table.get("timeline", []):
        for segment in block["segments"]:
            for target, expression in segment.get("set", {}).items():
                unit = target.rpartition("_")[2]
                found += [
                    f"timeline {segment['phase']}.set.{target}: {value:g}"
                    for value in numbers(re.sub(r"/\s*\d+", "", str(expression)))
                    if value not in PLAIN and value in mine.get(unit, ())
                ]
            found += [
                f"timeline {segment['phase']}.duration_s: {value:g}"
                for value in numbers(segment["duration_s"])
                if value not in PLAIN
                and (
                    named_after_a_rule(value, words(segment["phase"]), known)
                    or (value >= LONG_S and value in mine.get("s", ()))
                )
            ]
    return found


KNOWN = rules()
SOURCES = [path for name in ROOMS for path in sorted(room(name).rglob("*.py"))]


@pytest.mark.parametrize("name", ROOMS)
def test_no_code_holds_a_number_of_the_regulation(name):
    faults = [
        fault
        for path in SOURCES
        if room(name) in path.parents
        for fault in code_faults(
            path.read_text(encoding="utf-8"), KNOWN, path.relative_to(room(name).parent).as_posix()
        )
    ]

    assert faults == []


@pytest.mark.parametrize(("name", "path"), sorted(bundled_profiles().items()))
def test_no_profile_holds_a_number_of_the_regulation(name, path):
    assert profile_faults(tomllib.loads(path.read_text(encoding="utf-8")), KNOWN) == []


@pytest.mark.parametrize(
    "planted",
    [
        "DELAY_LIMIT_S = 2.0",
        "def f(droop_pct: float = 5.0): ...",
        "ok = metric.response_s <= 10",
        "x = dict(dead_band_hz=0.01)",
        "delay_s = 2.0  # no rule:",
        "LIMITS = {'abnormal_hz': 0.2}",
        "if shortfall * 1 > 0:\n    penalty_ratio: float = 1.5",
        "band_kw = 0.1 * delta_kw",
        'limit = options.number("response_s", 10.0)',
        'options.get("abnormal_hz", 0.2)',
        "def delay_limit_s() -> float:\n    return 2.0",
        "late = delay_s - 2.0 > 0",
        "worst = min(delay_s, 2.0)",
        "judge(delay_s, limit=2.0)",
        "LIMITS = [('delay_s', 2.0)]",
        "_MAX_DELAY_S = 1.5 + 0.5",
        "band_pct = 10",
        "delay_ms = 2000",
    ],
)
def test_a_planted_number_in_code_is_found(planted):
    assert code_faults(planted, KNOWN) != []


@pytest.mark.parametrize(
    "harmless",
    [
        "hours = seconds / 3600",
        "POLL_S = 0.1",
        "timeout_s = 2.0",
        "delay_s = 0.5",
        "steps = 10",
        "dead_band_hz = names['dead_band_hz']",
        "if retries > 5: ...",
        "delay_s = 2.0  # no rule: shortened for a drawing",
    ],
)
def test_it_does_not_cry_wolf(harmless):
    assert code_faults(harmless, KNOWN) == []


def test_a_planted_number_in_a_profile_is_found():
    table = tomllib.loads(bundled_profiles()["primary"].read_text(encoding="utf-8"))
    assert profile_faults(table, KNOWN) == []

    table["findings"][0]["limit"] = {"at_most": 2.0}
    table["parameters"]["duration_s"]["value"] = "300"
    assert len(profile_faults(table, KNOWN)) == 2

    table["findings"][0]["limit"] = {"at_most": "0.5 * delay_s"}
    assert any(fault.startswith("findings.delay") for fault in profile_faults(table, KNOWN))

    _, steps, holds = table["timeline"]
    steps["segments"][0]["set"]["source.frequency_hz"] = "nominal_hz - sign * 0.2"
    holds["segments"][0]["duration_s"] = "response_s + 300 + 30"
    faults = profile_faults(table, KNOWN)
    assert "timeline step.set.source.frequency_hz: 0.2" in faults
    assert "timeline hold.duration_s: 300" in faults
