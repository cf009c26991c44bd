"""What the names in a profile mean in one run: rules, parameters, and quantities of the run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from bench.config.offers import offers
from bench.config.profile import Parameter, Profile
from bench.config.rules import RuleSet
from bench.config.shape import nearest_text
from bench.config.station import Station
from bench.errors import Fault, UsageError
from bench.expr import ExpressionError, evaluate, names_in, no_time

__all__ = ["facts", "namespace", "parameter_values", "rule_values"]

ParameterValue = float | str | bool


def rule_values(rules: RuleSet, area: str | None = None) -> dict[str, float]:
    """Return every rule's value by name; in an area with its own value that one takes the name.

    ``abnormal_hokkaido_hz`` is what ``abnormal_hz`` means in the area "hokkaido".
    """
    values = {name: rule.value for name, rule in rules.rules.items()}
    if area:
        mark = f"_{area.strip().lower()}_"
        for name, rule in rules.rules.items():
            if mark in name:
                values[name.replace(mark, "_")] = rule.value
    return values


def _run_values(station: Station, delta_kw: float | None) -> dict[str, float]:
    device = station.device
    values = {
        "delta_kw": delta_kw,
        "rated_kw": device.rated_kw,
        "capacity_kwh": device.capacity_kwh,
        "nominal_hz": station.station.nominal_hz,
        "nominal_v": station.station.nominal_v,
        "export_limit_kw": device.export_limit_kw,
        "declared_droop_pct": device.declared_droop_pct,
        "declared_dead_band_hz": device.declared_dead_band_hz,
        "command_validity_s": device.command_validity_s,
    }
    known = {name: float(value) for name, value in values.items() if value is not None}
    return known | offers(station)


def namespace(
    profile: Profile,
    rules: RuleSet,
    station: Station,
    delta_kw: float | None,
    parameters: Mapping[str, ParameterValue] | None = None,
) -> dict[str, float]:
    """Return what an expression of ``profile`` may name, as numbers.

    All rules (those of the station's area), shadowed by ``parameters`` of the same name, and the
    quantities of the run; what is not declared (an export limit, say) is left out.
    """
    names = rule_values(rules, station.station.area)
    for name, value in (parameters or {}).items():
        if not isinstance(value, str):
            names[name] = float(value)
    return names | _run_values(station, delta_kw)


class _Resolver:
    """Evaluates parameters that name each other; the parameter's own name means the rule it replaces."""

    def __init__(self, profile: Profile, base: Mapping[str, float], overrides: Mapping[str, Any]) -> None:
        self.profile, self.base, self.overrides = profile, base, overrides
        self.values: dict[str, ParameterValue] = {}
        self._open: list[str] = []

    def value(self, name: str) -> ParameterValue | None:
        if name not in self.values:
            if name in self._open:
                raise ExpressionError(f"is defined by itself: {' -> '.join([*self._open, name])}")
            self._open.append(name)
            try:
                found = self._compute(name, self.profile.parameters[name])
            finally:
                self._open.pop()
            if found is None:
                return None
            self.values[name] = found
        return self.values[name]

    def _compute(self, name: str, parameter: Parameter) -> ParameterValue | None:
        given = self.overrides.get(name)
        if parameter.text is not None:
            if given is not None and not isinstance(given, str):
                raise ExpressionError(f"expected text, found {given!r}")
            return parameter.text if given is None else given
        if isinstance(parameter.value, bool):
            if given is not None and not isinstance(given, bool):
                raise ExpressionError(f"expected true or false, found {given!r}")
            return parameter.value if given is None else given
        expression = parameter.value if given is None else given
        if expression is None:
            return None
        if isinstance(expression, bool) or not isinstance(expression, int | float | str):
            raise ExpressionError(f"expected a number, found {expression!r}")
        if not isinstance(expression, str) and not math.isfinite(expression):
            raise ExpressionError(f"expected a finite number, found {expression!r}")
        return evaluate(expression, self.numbers(expression, own=name))

    def numbers(
        self, expression: str | float, own: str | None, rules_first: bool = False
    ) -> dict[str, float]:
        """Return the names that ``expression`` uses: parameters over rules, or rules over parameters."""
        found = dict(self.base)
        for name in names_in(expression):
            if name == own or name not in self.profile.parameters or (rules_first and name in self.base):
                continue
            value = self.value(name)
            if value is not None and not isinstance(value, str):
                found[name] = float(value)
        return found


def _practice(name: str, parameter: Parameter, value: float, bound: float, word: str) -> str:
    unit = f" {parameter.unit}" if parameter.unit not in ("", "1") else ""
    return f"profile.{name} = {value:g}{unit} is {word} the rule's {bound:g}{unit}"


def parameter_values(
    profile: Profile,
    rules: RuleSet,
    overrides: Mapping[str, Any] | None = None,
    station: Station | None = None,
    declared: Mapping[str, float] | None = None,
) -> tuple[dict[str, ParameterValue], list[str]]:
    """Return the parameters of ``profile`` and why the run is practice (empty: it is not).

    Inside a parameter's own ``value`` and bounds its name means the rule; elsewhere a parameter stands
    before a rule. ``station`` gives the area and the nominal values, where an expression names them; without
    one, ``declared`` says what is known, and a parameter that needs more is left out unless it is overridden.

    Raises:
        UsageError: an override of no declared parameter or of the wrong kind, or an expression without value.
    """
    overrides = overrides or {}
    base = rule_values(rules, station.station.area if station else None)
    if station is not None:
        base |= _run_values(station, None)
    base |= declared or {}
    known = ", ".join(profile.parameters) or "none"
    faults = [
        Fault(
            f"--set profile.{name}",
            f"{profile.name} has no parameter {name!r}{nearest_text(name, profile.parameters)}; "
            f"it declares: {known}",
        )
        for name in overrides
        if name not in profile.parameters
    ]
    faults += [
        Fault(f"{rules.product} {rules.edition}: rules.{name}.value", wrong)
        for name, rule in rules.rules.items()
        if (wrong := no_time(name, rule.value))
    ]
    resolver, reasons = _Resolver(profile, base, overrides), []
    for name, parameter in profile.parameters.items():
        where = f"--set profile.{name}" if name in overrides else f"{profile.name}: parameters.{name}"
        try:
            value = resolver.value(name)
            if value is None or isinstance(value, str | bool):
                continue
            if wrong := no_time(name, value):
                faults.append(Fault(where, wrong))
            for bound, sign, word in ((parameter.at_least, -1, "below"), (parameter.at_most, 1, "above")):
                if bound is None:
                    continue
                limit = evaluate(bound, resolver.numbers(bound, own=name, rules_first=True))
                if sign * (value - limit) > 1e-9 * max(1.0, abs(limit)):
                    reasons.append(_practice(name, parameter, value, limit, word))
        except ExpressionError as error:
            if declared is None or name in overrides:
                faults.append(Fault(where, str(error)))
    if faults:
        raise UsageError(faults)
    return resolver.values, reasons


def facts(
    profile: Profile,
    rules: RuleSet,
    station: Station,
    delta_kw: float,
    point: Literal["device", "receiving"],
    edition: str,
    parameters: Mapping[str, ParameterValue],
    *,
    directions: Sequence[str] = ("up",),
    **more: Any,
) -> dict[str, Any]:
    """Return the facts of a run: what ``run.json`` keeps and the estimators get.

    ``more`` are facts that only the opened station can tell: ``window_s``, ``prior_mode``, ``simulated``.
    Whatever is None is unknown and left out.
    """
    device = station.device
    found: dict[str, Any] = {
        **{name: value for name, value in parameters.items() if isinstance(value, str)},
        **namespace(profile, rules, station, delta_kw, parameters),
        "profile": profile.name,
        "product": profile.product,
        "kind": profile.kind,
        "edition": edition,
        "point": point,
        "directions": list(directions),
        "dead_band_kind": device.dead_band_kind,
        "droop_base": device.droop_base,
        "area": station.station.area,
        "simulated": station.simulated,
        **more,
    }
    return {name: value for name, value in found.items() if value is not None}
