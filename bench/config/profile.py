"""The schema of a profile: what is commanded when, what is measured, what is judged against which rule."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.config.expression import Expression

__all__ = [
    "Block",
    "FindingSpec",
    "House",
    "LimitSpec",
    "MeasureSpec",
    "Parameter",
    "Profile",
    "Segment",
    "Walk",
]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Parameter(_Table):
    """A value that ``--set profile.NAME=VALUE`` may change.

    It may carry the name of a rule, which it then replaces in every expression.
    Below ``at_least`` (or above ``at_most``) the run is practice: never PASS.
    """

    value: Expression | bool | None = None
    text: str | None = Field(default=None, description="a word or a file name instead of a number")
    unit: str = ""
    at_least: Expression | None = None
    at_most: Expression | None = None
    about: str = ""


class Walk(_Table):
    """A signal that wanders between two bounds like one of load-frequency control, always the same."""

    set: str = Field(description="'role.quantity' that gets it")
    low: Expression = Field(description="lower bound; may name judged_up and judged_down, 1 or 0")
    high: Expression = Field(description="upper bound")
    every_s: Expression = Field(description="from one value to the next")
    sweep_s: Expression = Field(description="least time from the centre to a bound; it rests that long first")


class House(_Table):
    """The house around the battery in this segment: at the receiving point, where the site moves load and PV.

    Elsewhere it is left out. The first position of a run is what changes are counted from. Expressions of
    load and PV may name ``gone`` (the share of the segment that is over), and ``way``: 1 or -1, so that
    what compensates a rise of ``load_kw - pv_kw`` times ``way`` leads from ``compensate`` towards ΔkW / 2.
    """

    load_kw: Expression
    pv_kw: Expression
    every_s: Expression | None = Field(
        default=None, description="from one position to the next; left out: one position, at the start"
    )
    compensate: str | None = Field(
        default=None,
        description="'role.quantity' in ``set`` that the loop sends, with what the house changed",
    )
    loop_s: Expression | None = Field(default=None, description="from one command of the loop to the next")
    ratio: Expression = Field(default=1, description="share of the house's change that is compensated")


class Segment(_Table):
    """A stretch of the timeline: what is set at its start, and how long it lasts."""

    phase: str
    duration_s: Expression
    direction: Literal["up", "down"] | None = Field(
        default=None, description="left out of the plan when this direction is not judged"
    )
    set: dict[str, Expression] = Field(
        default_factory=dict,
        description="'role.quantity' (role controller: the gateway where there is one, else the battery) = "
        "expression of rules, parameters, delta_kw, rated_kw, nominal_hz, "
        "nominal_v, sign (of the direction), k (repeat, from 0) and the block's variable",
    )
    words: dict[str, str] = Field(default_factory=dict, description="'role.quantity' = a word, for modes")
    do: tuple[str, ...] = Field(default=(), description="'role.sequence': start, stop, ...")
    dither_s: Expression | None = Field(
        default=None, description="shift the start by a pseudo-random part of this, so that phases differ"
    )
    play: str | None = Field(
        default=None, description="parameter that names a recording of grid frequency to be played"
    )
    walk: Walk | None = None
    house: House | None = None
    silent: tuple[str, ...] = Field(
        default=(),
        description="roles that need not answer while this lasts: their mains are off, their line cut",
    )
    alarm: bool = Field(
        default=False,
        description="a warning is provoked: from here on the codes of [device] test_alarms end no run",
    )


class Block(_Table):
    """Segments in order, repeated; once per judged direction where ``each_direction``."""

    segments: tuple[Segment, ...] = Field(min_length=1)
    repeat: Expression = 1
    each_direction: bool = False
    each_mode: bool = Field(
        default=False, description="once for each of the device's own modes; '{mode}' in words is its name"
    )
    over: dict[str, tuple[Expression, ...]] = Field(
        default_factory=dict, description="one variable and the values it takes in turn"
    )


class MeasureSpec(_Table):
    """An estimator by name, with its options."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)


class LimitSpec(_Table):
    """Bounds as expressions of rules and facts."""

    at_most: Expression | None = None
    at_least: Expression | None = None
    below: Expression | None = None
    above: Expression | None = None


class FindingSpec(_Table):
    """One line of the verdict: a metric, its limit, the rule it comes from."""

    id: str = Field(description="short id: 'delay' becomes 'primary.delay'")
    metric: str
    phase: str | None = None
    direction: Literal["up", "down"] | None = None
    points: tuple[Literal["device", "receiving"], ...] = Field(
        default=("device", "receiving"), description="where it is judged; at the other it is left out"
    )
    limit: LimitSpec = LimitSpec()
    rule: str | None = Field(
        default=None, description="rule whose source is printed; default: first rule named"
    )
    required: bool = False
    counts: bool = True
    fail_is: Literal["FAIL", "INVALID", "INCONCLUSIVE"] = Field(
        default="FAIL", description="INVALID where the bench, not the battery, would be at fault"
    )
    if_unknown: Literal["NOT_APPLICABLE", "INCONCLUSIVE"] = "NOT_APPLICABLE"
    causes: tuple[str, ...] = Field(default=(), description="findings whose FAIL explains a FAIL of this one")
    reason_en: str = ""
    reason_ja: str = ""


class Profile(_Table):
    """A profile file."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    name: str
    product: str
    title_en: str
    title_ja: str
    about_en: str = ""
    about_ja: str = ""
    kind: Literal["command", "frequency", "site", "observe"] = Field(
        description="command: ΔkW is commanded; frequency: the source moves the grid; site: load and PV move"
    )
    start_do: tuple[str, ...] = Field(default=(), description="'role.sequence' before the first segment")
    directions: Literal["both", "device"] = "device"
    points: tuple[Literal["device", "receiving"], ...] = ("device", "receiving")
    sample_s: Expression = 1.0
    slow_sample_s: Expression = 1.0
    frequency_resolution_hz: Expression | None = Field(
        default=None, description="the coarsest source resolution this profile can use"
    )
    prefer_source_list: bool = Field(
        default=False, description="steps of frequency are made by the source's own list where it has one"
    )
    qualifies: bool = Field(
        default=True, description="false: no market asks for it, so that it qualifies no power"
    )
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    timeline: tuple[Block, ...] = Field(min_length=1)
    measure: tuple[MeasureSpec, ...] = Field(min_length=1)
    findings: tuple[FindingSpec, ...] = Field(min_length=1)

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
