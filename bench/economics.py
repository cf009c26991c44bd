"""What an award would have paid: Assessment I and II and their penalties, as pure functions. Indicative.

The formulas are those of the draft for 三次② (seed 002, pages 23 to 37). They judge the aggregate of a
pattern; one device alone is a simulation of it, and neither prices of energy nor imbalance are in it. Every
number comes from the rules of the product; nothing here enters a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.config.rules import RuleSet
from bench.errors import Fault, UsageError

__all__ = [
    "INDICATIVE",
    "AssessmentRules",
    "SlotResult",
    "adjustment_kwh",
    "assessment_rules",
    "at_sending_end_kwh",
    "demand_change_kw",
    "first_reward_ratio",
    "generation_change_kw",
    "inside_band",
    "mean_kw",
    "negaposi_change_kw",
    "reward_ratio",
    "settle_slot",
    "shortfall_ratio",
]

INDICATIVE = "indicative: one device stands for a pattern, and energy and imbalance are not settled"
Voltage = Literal["low", "high", "extra_high"]
_LOSS = {
    "low": "loss_low_voltage_ratio",
    "high": "loss_high_voltage_ratio",
    "extra_high": "loss_extra_high_voltage_ratio",
}


@dataclass(frozen=True)
class AssessmentRules:
    """The numbers of the assessments: ``penalty_ratio`` is the strength of the penalty over the award."""

    penalty_ratio: float
    band_ratio: float
    interval_s: float
    no_command_kw: float
    loss_ratio: dict[str, float]


def assessment_rules(rules: RuleSet) -> AssessmentRules:
    """Return the numbers of the assessments of a product.

    Raises:
        UsageError: its rules do not have them all; each missing one is named.
    """
    wanted = ("penalty_ratio", "band_ratio", "assessment_interval_s", "no_command_kw", *_LOSS.values())
    where = f"{rules.product}_{rules.edition}"
    missing = [Fault(where, f"has no rule {name!r}") for name in wanted if name not in rules.rules]
    if missing:
        raise UsageError(missing)
    value = {name: rules.rules[name].value for name in wanted}
    return AssessmentRules(
        penalty_ratio=value["penalty_ratio"],
        band_ratio=value["band_ratio"],
        interval_s=value["assessment_interval_s"],
        no_command_kw=value["no_command_kw"],
        loss_ratio={voltage: value[name] for voltage, name in _LOSS.items()},
    )


def generation_change_kw(actual_kw: float, plan_kw: float) -> float:
    """Return the change of output of generation: actual less plan (seed 002 p13)."""
    return actual_kw - plan_kw


def demand_change_kw(baseline_kw: float, actual_kw: float) -> float:
    """Return the change of output of demand: baseline less actual, so a cut is positive (seed 002 p13).

    It is not clipped at zero: more demand than the baseline is a negative change.
    """
    return baseline_kw - actual_kw


def negaposi_change_kw(
    baseline_kw: float, demand_kw: float, generation_kw: float, plan_kw: float = 0.0
) -> float:
    """Return the change of a site that cuts demand and then exports: the sum of both (seed 004 p18)."""
    return demand_change_kw(baseline_kw, demand_kw) + generation_change_kw(generation_kw, plan_kw)


def mean_kw(values_kw: Sequence[float]) -> float:
    """Return the mean over one interval, as Assessment II takes it (seed 002 p27).

    Raises:
        ValueError: there is no value.
    """
    if not values_kw:
        raise ValueError("no value to take the mean of")
    return math.fsum(values_kw) / len(values_kw)


def shortfall_ratio(awarded_kw: float, available_kw: float) -> float:
    """Return 未達率 = (awarded - available) / awarded, 0 where all of it is available (seed 002 p26).

    What is available cannot be less than nothing, so the ratio is at most 1.

    Raises:
        ValueError: nothing was awarded.
    """
    if not awarded_kw > 0:
        raise ValueError(f"the award must be above zero, is {awarded_kw:g} kW")
    return max(0.0, (awarded_kw - max(0.0, available_kw)) / awarded_kw)


def first_reward_ratio(shortfall: float, penalty_ratio: float) -> float:
    """Return reward over award after Assessment I: 1 - 未達率 × penalty (seed 002 p26)."""
    return 1.0 - shortfall * penalty_ratio


def inside_band(
    change_kw: float,
    command_kw: float | None,
    awarded_kw: float,
    rules: AssessmentRules,
    *,
    former_kw: float | None = None,
) -> bool:
    """Return whether Assessment II is met: command ± band × award; no command is zero (seed 002 p27).

    While a command is answered, ``former_kw`` is the one before: then power lies between the two, widened by
    the same band (seed 002 p24).
    """
    asked_kw = rules.no_command_kw if command_kw is None else command_kw
    low_kw, high_kw = sorted((asked_kw, asked_kw if former_kw is None else former_kw))
    band_kw = rules.band_ratio * awarded_kw * (1 + 1e-12)
    return low_kw - band_kw <= change_kw <= high_kw + band_kw


def reward_ratio(shortfall: float, second_met: bool, penalty_ratio: float) -> float:
    """Return reward over award: that of Assessment I, or 1 - penalty where Assessment II is not met (p28)."""
    return first_reward_ratio(shortfall, penalty_ratio) if second_met else 1.0 - penalty_ratio


def at_sending_end_kwh(metered_kwh: float, loss_ratio: float) -> float:
    """Return energy metered at a point of demand as at the sending end: metered / (1 - loss) (seed 002 p37).

    Raises:
        ValueError: the loss is not a share below one.
    """
    if not 0.0 <= loss_ratio < 1.0:
        raise ValueError(f"a loss is a share from 0 to below 1, is {loss_ratio:g}")
    return metered_kwh / (1.0 - loss_ratio)


def adjustment_kwh(baseline_kwh: float, actual_kwh: float, loss_ratio: float = 0.0) -> float:
    """Return 調整力kWh = baseline - actual at the sending end (seed 002 p36, p37). Not clipped at zero."""
    return at_sending_end_kwh(baseline_kwh, loss_ratio) - at_sending_end_kwh(actual_kwh, loss_ratio)


@dataclass(frozen=True)
class SlotResult:
    """One slot settled; ``reward_ratio`` and ``reward_yen`` are indicative."""

    shortfall_ratio: float
    change_kw: float
    second_met: bool
    reward_ratio: float
    reward_yen: float
    note: str = INDICATIVE


def settle_slot(
    awarded_kw: float,
    available_kw: float,
    changes_kw: Sequence[float],
    command_kw: float | None,
    award_yen: float,
    rules: AssessmentRules,
) -> SlotResult:
    """Return what one slot pays, by the mean of ``changes_kw``, which carry the sign of the service.

    Raises:
        ValueError: nothing was awarded, or there is no value.
    """
    shortfall = shortfall_ratio(awarded_kw, available_kw)
    change_kw = mean_kw(changes_kw)
    met = inside_band(change_kw, command_kw, awarded_kw, rules)
    ratio = reward_ratio(shortfall, met, rules.penalty_ratio)
    return SlotResult(shortfall, change_kw, met, ratio, ratio * award_yen)
