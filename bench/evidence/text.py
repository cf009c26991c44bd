"""The words of the report and of the console, in English and Japanese. Pure look-ups and number formats."""

from __future__ import annotations

import math
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from bench.japanese import told
from bench.model import Finding, Limit, Outcome, Scope, Verdict

__all__ = ["Lang", "Words", "amount", "limit_text", "measured", "ratio_text"]

Lang = Literal["en", "ja"]
Phrases = dict[str, tuple[str, str]]
MINUS = "\N{MINUS SIGN}"


@cache
def _phrases() -> dict[str, Phrases]:
    """Return ``text.toml``: the page's phrases in one table, the names of findings, metrics, components."""
    tables: dict[str, Any] = tomllib.loads(files("bench.evidence").joinpath("text.toml").read_text("utf-8"))
    page = {key: tuple(pair) for part in tables.pop("page").values() for key, pair in part.items()}
    named = {name: {key: tuple(pair) for key, pair in table.items()} for name, table in tables.items()}
    return {"page": page, **named}


class Words:
    """The words of one language. ``words("verdict")`` is a phrase, with ``{names}`` filled in."""

    def __init__(self, lang: Lang) -> None:
        self.lang: Lang = lang
        self._column = 0 if lang == "en" else 1

    def __call__(self, key: str, **values: Any) -> str:
        """Return the phrase ``key``.

        Raises:
            KeyError: no such phrase: a mistake of ours.
        """
        return _phrases()["page"][key][self._column].format(**values)

    def has(self, key: str) -> bool:
        """Return whether there is a phrase ``key``."""
        return key in _phrases()["page"]

    def plain(self, key: str) -> bool:
        """Return whether the phrase ``key`` has nothing to be filled in."""
        return "{" not in _phrases()["page"][key][0]

    def outcome(self, outcome: Outcome) -> str:
        """Return the word shown for an outcome; Japanese keeps the English code beside it."""
        return self(f"outcome.{outcome.value}")

    def short(self, outcome: Outcome) -> str:
        """Return the word for a narrow column."""
        return self(f"short.{outcome.value}")

    def finding(self, finding_id: str) -> str:
        """Return the name of a finding, first under its full id; an unknown id as it is."""
        if finding_id in _phrases()["finding"]:
            return self._named("finding", finding_id)
        return self._named("finding", finding_id.rpartition(".")[2])

    def metric(self, name: str) -> str:
        """Return the name of a metric."""
        return self._named("metric", name)

    def component(self, name: str) -> str:
        """Return the name of a component of an uncertainty."""
        return self._named("component", name)

    def obtained(self, name: str) -> str:
        """Return how a component is known, empty where nobody wrote it down."""
        return self._named("obtained", name) if name in _phrases()["obtained"] else ""

    def phase(self, name: str) -> str:
        """Return the name of a phase of the timeline."""
        return self._named("phase", name)

    def direction(self, direction: str | None) -> str:
        """Return the name of a direction, or nothing."""
        return self(f"direction.{direction}") if direction in ("up", "down") else ""

    def head(self, key: str) -> str:
        """Return the head of a column that is called as the key of a file."""
        return self(f"list.{key}") if self.has(f"list.{key}") else key.replace("_", " ")

    def scope(self, scope: Scope) -> str:
        """Return where in the run a number belongs, e.g. ``step 3, up``; empty for the whole run."""
        parts = []
        if scope.phase:
            parts.append(self.phase(scope.phase))
        if scope.step is not None:
            parts.append(self("step_n", n=scope.step))
        if scope.direction:
            parts.append(self.direction(scope.direction))
        if scope.point:
            parts.append(self(f"point.{scope.point}"))
        return self("comma").join(parts)

    def qualified(self, verdict: Verdict) -> tuple[str, str]:
        """Return the label and the text of the qualified power: never rounded up, never a promise on FAIL."""
        less = verdict.outcome is Outcome.FAIL and bool(verdict.qualified_kw)
        label = f"qualified{'.less' if less else ''}{'.simulated' if verdict.simulated else ''}"
        if verdict.qualified_kw is None:
            return self(label), self("qualified.none")
        return self(label), amount(math.floor(verdict.qualified_kw * 1e5 + 1e-4) / 1e5, 7)

    def reason(self, finding: Finding) -> str:
        """Return the judge's reason, in Japanese where the judge gave one."""
        in_japanese = getattr(finding, "reason_ja", "") if self.lang == "ja" else ""
        return str(in_japanese) or told(finding.reason, self.lang)

    def _named(self, kind: str, key: str) -> str:
        names = _phrases()[kind]
        return names[key][self._column] if key in names else key.replace("_", " ")


def amount(value: float | None, digits: int = 4) -> str:
    """Return a number with at most ``digits`` significant digits, never in powers of ten below a million."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}" if decimals <= 9 and abs(value) < 1e9 else f"{value:.{digits}g}"
    if "." in text and "e" not in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", MINUS) if "e" not in text else text


def measured(value: float | None, uncertainty: float | None) -> str:
    """Return ``value ± uncertainty``: the uncertainty to two digits, the value to the same place."""
    if value is None:
        return "–"
    if not uncertainty:
        return amount(value)
    rounded = float(f"{abs(uncertainty):.1e}")
    decimals = min(9, max(0, 1 - math.floor(math.log10(rounded))))
    return f"{value:.{decimals}f} ± {rounded:.{decimals}f}".replace("-", MINUS)


def limit_text(limit: Limit, words: Words) -> str:
    """Return the bounds as ``≤ 2``, ``> 0 and ≤ 5``; empty when there is none."""
    signs = (("above", ">"), ("at_least", "≥"), ("below", "<"), ("at_most", "≤"))
    bounds = [(sign, getattr(limit, name)) for name, sign in signs]
    return words("and").join(f"{sign} {amount(bound, 6)}" for sign, bound in bounds if bound is not None)


def ratio_text(ratio: float | None) -> str:
    """Return a ratio as a signed percentage."""
    if ratio is None:
        return "–"
    if abs(ratio) >= 10:
        return f"{ratio:+.3g} ×".replace("-", MINUS)
    percent = f"{ratio * 100:+.0f}" if abs(ratio) >= 0.01 else f"{ratio * 100:+.1f}"
    return ("0" if ratio == 0 else percent.replace("-", MINUS)) + " %"
