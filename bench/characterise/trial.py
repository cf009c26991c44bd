"""One trial: a known truth through recording, measure and judge."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from bench.characterise.cases import CASES, Case
from bench.characterise.terms import Terms
from bench.config.load import LoadedProfile, load_profile
from bench.config.profile import FindingSpec
from bench.judge.finding import Court, judge_finding
from bench.judge.interval import interval
from bench.measure import measure
from bench.measure.uncertainty import COVERAGE, coverage_factor
from bench.model import Metric
from bench.names import rule_values

__all__ = ["Asked", "Trial", "limit_of_case", "trial"]


@dataclass(frozen=True)
class Asked:
    """What to try: the quantity, its true value (less any sampling of the device), window, seed."""

    quantity: str
    value: float
    window_s: float
    seed: int


@dataclass(frozen=True)
class Trial:
    """What came of it. ``truth`` is the worst true value of the run, ``doubt`` half the interval there.

    Of ``counted`` metrics ``covered`` held their truth in the judged interval (k = 2), ``covered95``
    in the 95 % interval of the same budget; ``errors`` are those metrics less their truth.
    """

    asked: Asked
    truth: float
    outcome: str
    rule_outcome: str
    doubt: float
    covered: int
    covered95: int
    counted: int
    errors: tuple[float, ...]


@cache
def _profile(name: str) -> LoadedProfile:
    return load_profile(name, None)


def _finding(case: Case) -> FindingSpec:
    return next(spec for spec in _profile(case.profile).profile.findings if spec.id == case.finding)


def limit_of_case(case: Case, quantity: str) -> float:
    """Return the limit in the unit of the metric, from the rule and the run that is drawn."""
    if quantity == "band":
        return 0.3
    if quantity == "hold":
        return 300.0
    return rule_values(_profile(case.profile).rules)[case.rule]


def _covers(metric: Metric, truth: float) -> bool:
    span = interval(metric)
    return span is not None and span[0] <= truth <= span[1]


def _covers_95(metric: Metric, truth: float) -> bool:
    if metric.interval95 is not None or metric.uncertainty is None or not metric.components:
        return _covers(metric, truth)
    half = metric.uncertainty / COVERAGE * coverage_factor(metric.components)
    return metric.value is not None and abs(metric.value - truth) <= half


def trial(asked: Asked) -> Trial:
    """Try one device."""
    case = CASES[asked.quantity]
    made = case.make(asked.value, asked.window_s, Terms.drawn(np.random.default_rng(asked.seed)))
    loaded = _profile(case.profile)
    names = {**rule_values(loaded.rules), **made.names}
    specs = [spec for spec in loaded.profile.measure if spec.name == case.estimator]
    metrics = measure(made.recording, specs, names)
    court = Court(loaded.profile, loaded.rules, names, "device", "guarded")
    spec = _finding(case)
    finding, _ = judge_finding(court, spec, metrics)
    mine = [
        metric for metric in metrics
        if metric.name == case.metric and metric.state == "measured" and metric.value is not None
        and spec.phase in (None, metric.scope.phase)
    ]  # fmt: skip
    truths = made.truth if len(made.truth) == len(mine) else made.truth[:1] * len(mine)
    pairs = list(zip(mine, truths, strict=True))
    span = finding.interval95 or (None, None)
    low, high = span
    doubt = finding.uncertainty or 0.0
    if finding.value is not None and low is not None and high is not None:
        doubt = max(finding.value - low, high - finding.value)
    return Trial(
        asked,
        max(made.truth) if case.upper else min(made.truth),
        finding.outcome.value,
        finding.rule_outcome.value,
        doubt,
        sum(_covers(metric, truth) for metric, truth in pairs),
        sum(_covers_95(metric, truth) for metric, truth in pairs),
        len(pairs),
        tuple(float(metric.value or 0.0) - truth for metric, truth in pairs),
    )
