"""What the schema of a profile cannot see: names that no rule, parameter or quantity of the run has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bench.config.faults import place
from bench.config.offers import CONTROLLER, OFFERS
from bench.config.profile import House, Profile, Segment
from bench.config.rules import RuleSet
from bench.config.shape import nearest_text
from bench.config.station import ROLES
from bench.errors import Fault
from bench.expr import names_in

__all__ = ["RUN_NAMES", "check_profile"]

RUN_NAMES = (
    "delta_kw",
    "rated_kw",
    "capacity_kwh",
    "nominal_hz",
    "nominal_v",
    "export_limit_kw",
    "declared_droop_pct",
    "declared_dead_band_hz",
    "command_validity_s",
    *OFFERS,
)
JUDGED = {"judged_up", "judged_down"}
HOUSE = {"gone", "way"}
_KNOWN = (*ROLES, CONTROLLER)
_Path = tuple[str | int, ...]


def _unknown(file: str, path: _Path, expression: Any, known: Iterable[str]) -> list[Fault]:
    if expression is None or isinstance(expression, bool):
        return []
    known = set(known)
    return [
        Fault(place(file, path), f"unknown name {name!r}{nearest_text(name, sorted(known))}")
        for name in names_in(expression)
        if name not in known
    ]


def _targets(file: str, path: _Path, keys: Iterable[str]) -> list[Fault]:
    return [
        Fault(place(file, (*path, key)), f"expected 'role.name' with a role of {', '.join(ROLES)}")
        for key in keys
        if key.partition(".")[0] not in _KNOWN or not key.partition(".")[2].isidentifier()
    ]


def _blocks(profile: Profile, file: str, known: set[str]) -> Iterator[Fault]:
    for block_index, block in enumerate(profile.timeline):
        at: _Path = ("timeline", block_index)
        yield from _unknown(file, (*at, "repeat"), block.repeat, known)
        if len(block.over) > 1:
            yield Fault(place(file, (*at, "over")), "takes one variable")
        for variable, values in block.over.items():
            for index, value in enumerate(values):
                yield from _unknown(file, (*at, "over", variable, index), value, known)
        inside = known | {"k", *block.over}
        for index, segment in enumerate(block.segments):
            here = (*at, "segments", index)
            signed = block.each_direction or segment.direction is not None
            names = inside | ({"sign"} if signed else set())
            yield from _unknown(file, (*here, "duration_s"), segment.duration_s, names)
            yield from _unknown(file, (*here, "dither_s"), segment.dither_s, names)
            for key, expression in segment.set.items():
                yield from _unknown(file, (*here, "set", key), expression, names)
            yield from _targets(file, (*here, "set"), segment.set)
            yield from _targets(file, (*here, "words"), segment.words)
            yield from _sequences(file, (*here, "do"), segment.do)
            for place_, role in enumerate(segment.silent):
                if role not in _KNOWN:
                    message = f"unknown role {role!r}{nearest_text(role, _KNOWN)}"
                    yield Fault(place(file, (*here, "silent", place_)), message)
            if segment.walk is not None:
                for key in ("low", "high", "every_s", "sweep_s"):
                    expression = getattr(segment.walk, key)
                    yield from _unknown(file, (*here, "walk", key), expression, names | JUDGED)
                yield from _targets(file, (*here, "walk"), [segment.walk.set])
            if segment.house is not None:
                yield from _house(file, (*here, "house"), segment, segment.house, names)
            if segment.play is not None and segment.play not in profile.parameters:
                hint = nearest_text(segment.play, profile.parameters)
                yield Fault(place(file, (*here, "play")), f"no parameter {segment.play!r}{hint}")


def _house(file: str, path: _Path, segment: Segment, house: House, names: set[str]) -> Iterator[Fault]:
    for key in ("load_kw", "pv_kw", "every_s", "loop_s", "ratio"):
        extra = HOUSE if key in ("load_kw", "pv_kw") else set()
        yield from _unknown(file, (*path, key), getattr(house, key), names | extra)
    if house.compensate is not None and house.compensate not in segment.set:
        yield Fault(place(file, (*path, "compensate")), f"{house.compensate!r} is not set in this segment")


def _sequences(file: str, path: _Path, given: Sequence[str]) -> list[Fault]:
    return [
        Fault(place(file, (*path, index)), f"expected 'role.sequence', found {text!r}")
        for index, text in enumerate(given)
        if text.partition(".")[0] not in _KNOWN or not text.partition(".")[2]
    ]


def _findings(profile: Profile, file: str, known: set[str], rules: RuleSet) -> Iterator[Fault]:
    seen: set[str] = set()
    ids = {finding.id for finding in profile.findings}
    for index, finding in enumerate(profile.findings):
        here: _Path = ("findings", index)
        if finding.id in seen:
            yield Fault(place(file, (*here, "id")), f"{finding.id!r} is there twice")
        seen.add(finding.id)
        for bound, expression in finding.limit:
            yield from _unknown(file, (*here, "limit", bound), expression, known)
        if finding.rule is not None and finding.rule not in rules.rules:
            hint = nearest_text(finding.rule, rules.rules)
            yield Fault(place(file, (*here, "rule")), f"no rule {finding.rule!r}{hint}")
        for cause in finding.causes:
            if cause not in ids:
                yield Fault(place(file, (*here, "causes")), f"no finding {cause!r}{nearest_text(cause, ids)}")


def check_profile(profile: Profile, rules: RuleSet, file: str) -> list[Fault]:
    """Return the faults of a profile whose schema is right, under ``rules``."""
    known = {*rules.rules, *profile.parameters, *RUN_NAMES}
    faults: list[Fault] = []
    for name, parameter in profile.parameters.items():
        for key in ("value", "at_least", "at_most"):
            faults += _unknown(file, ("parameters", name, key), getattr(parameter, key), known)
    for key in ("sample_s", "slow_sample_s", "frequency_resolution_hz"):
        faults += _unknown(file, (key,), getattr(profile, key), known)
    faults += _sequences(file, ("start_do",), profile.start_do)
    faults += _blocks(profile, file, known)
    faults += _findings(profile, file, known, rules)
    return faults
