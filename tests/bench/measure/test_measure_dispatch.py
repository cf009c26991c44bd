"""The door of the stage: estimators by name, options worked out, every fault at once."""

from __future__ import annotations

import tomllib

import pytest

from bench.config.profile import MeasureSpec, Profile
from bench.config.rules import RuleSet
from bench.errors import UsageError
from bench.measure import ESTIMATORS, measure
from bench.rooms import bundled_profiles, bundled_rules
from tests.bench.measure.synthetic import Following, Frequency


def test_unknown_names_are_reported_together() -> None:
    case = Following(baseline_s=300.0)
    specs = [
        MeasureSpec(name="folowing"),
        MeasureSpec(name="following", options={"intervall_s": 300, "band_ratio": "no_such_rule"}),
    ]
    with pytest.raises(UsageError) as caught:
        measure(case.recording(), specs, case.names())
    places = [fault.place for fault in caught.value.faults]
    assert places == [
        "measure.folowing",
        "measure.following.intervall_s",
        "measure.following.band_ratio",
    ]
    assert "following" in str(caught.value)


def test_a_number_nobody_knows_is_a_usage_error() -> None:
    case = Following(baseline_s=300.0)
    names = {key: value for key, value in case.names().items() if key != "interval_s"}
    with pytest.raises(UsageError, match="interval_s"):
        measure(case.recording(), [MeasureSpec(name="following")], names)


def test_options_take_precedence_over_names() -> None:
    case = Following(baseline_s=600.0, gain=0.85)
    wide = measure(
        case.recording(),
        [MeasureSpec(name="following", options={"band_ratio": "2 * band_ratio"})],
        case.names(),
    )
    narrow = measure(case.recording(), [MeasureSpec(name="following")], case.names())
    assert [m.state for m in wide if m.name == "response_s"] == ["measured"]
    assert [m.state for m in narrow if m.name == "response_s"] == ["never"]


@pytest.mark.parametrize("name", ["tertiary2", "primary", "grid_replay"])
def test_every_metric_a_bundled_profile_judges_is_promised(name: str) -> None:
    """A profile must not ask for a metric that its estimators never give."""
    profile = Profile.model_validate(tomllib.loads(bundled_profiles()[name].read_text(encoding="utf-8")))
    rules = RuleSet.model_validate(
        tomllib.loads(bundled_rules()[profile.product, "2026"].read_text(encoding="utf-8"))
    )
    case: Following | Frequency = Following() if name == "tertiary2" else Frequency(steps_count=2)
    names = {rule: item.value for rule, item in rules.rules.items()} | case.names()
    given = {m.name for m in measure(case.recording(), profile.measure, names)}
    assert {spec.name for spec in profile.measure} <= set(ESTIMATORS)
    assert {finding.metric for finding in profile.findings} <= given
