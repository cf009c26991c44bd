"""What there is: bundled profiles, stations, drivers, editions of the rules, schemas of what people write."""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel

from bench.config.load import load_station, read_profile, read_rules
from bench.config.profile import Profile
from bench.config.rules import RuleSet
from bench.config.station import Station
from bench.drivers.base import Driver
from bench.drivers.register_map import RegisterMap
from bench.errors import Fault, UsageError
from bench.instrument_facts import driver_facts
from bench.rooms import bundled_profiles, bundled_rules, bundled_stations, load_object, room

__all__ = [
    "SCHEMAS",
    "editions",
    "editions_diff",
    "instruments",
    "profiles",
    "schema",
    "stations",
    "twin_faults",
]

SchemaName = Literal["profile", "station", "rules", "map"]
SCHEMAS: dict[SchemaName, type[BaseModel]] = {
    "profile": Profile,
    "station": Station,
    "rules": RuleSet,
    "map": RegisterMap,
}
_METHODS = tuple(name for name in vars(Driver) if not name.startswith("_") and callable(vars(Driver)[name]))


def profiles() -> list[dict[str, Any]]:
    """Return the bundled profiles: ``name product kind title_en ... editions parameters file``."""
    by_product = _editions_by_product()
    rows = []
    for name, path in bundled_profiles().items():
        profile, _ = read_profile(path)
        rows.append(
            {
                "name": name,
                "product": profile.product,
                "kind": profile.kind,
                "title_en": profile.title_en,
                "title_ja": profile.title_ja,
                "about_en": profile.about_en,
                "about_ja": profile.about_ja,
                "editions": by_product.get(profile.product, []),
                "parameters": sorted(profile.parameters),
                "file": str(path),
            }
        )
    return rows


def stations() -> list[dict[str, Any]]:
    """Return the bundled stations: ``name nominal_hz simulated device roles file``."""
    rows = []
    for name, path in bundled_stations().items():
        station = load_station(str(path), checked=False).station
        rows.append(
            {
                "name": name,
                "nominal_hz": station.station.nominal_hz,
                "simulated": station.simulated,
                "device": f"{station.device.maker} {station.device.model}".strip(),
                "rated_kw": station.device.rated_kw,
                "roles": {role: instrument.driver for role, instrument in station.instruments.items()},
                "file": str(path),
            }
        )
    return rows


def instruments() -> list[dict[str, Any]]:
    """Return the drivers there are: ``driver about options file`` and :func:`driver_facts` of each."""
    rows = []
    for path in sorted(room("instruments").glob("*.py")):
        if path.stem.startswith("_"):
            continue
        module = importlib.import_module(f"instruments.{path.stem}")
        for name, found in inspect.getmembers(module, inspect.isclass):
            if found.__module__ == module.__name__ and _is_driver(name, found):
                options: type[BaseModel] | None = getattr(found, "OPTIONS", None)
                rows.append(
                    {
                        "driver": f"{module.__name__}:{name}",
                        "about": (inspect.getdoc(found) or "").partition("\n")[0],
                        "options": sorted(options.model_fields) if options is not None else [],
                        "file": str(path),
                        **driver_facts(found),
                    }
                )
    return rows


def editions() -> list[dict[str, Any]]:
    """Return the rule files: ``product edition title_en ... in_force_from admitted_points rules file``."""
    return [
        {
            "product": rules.product,
            "edition": rules.edition,
            "title_en": rules.title_en,
            "title_ja": rules.title_ja,
            "in_force_from": rules.in_force_from,
            "admitted_points": list(rules.admitted_points),
            "rules": len(rules.rules),
            "file": str(path),
        }
        for rules, path in ((read_rules(path)[0], path) for path in bundled_rules().values())
    ]


def editions_diff(first: str, second: str) -> list[dict[str, Any]]:
    """Return the rules that differ: ``product rule unit first second``, each side a rule or None.

    ``first`` and ``second`` are editions (``2021 2026``: every product that has both) or rule sets
    (``tertiary2_2021 tertiary2_2026``).

    Raises:
        UsageError: there is no such edition, or no product has both.
    """
    return [
        row
        for product, ours, theirs in _pairs(first, second)
        for row in _differences(product, _rules(*ours), _rules(*theirs))
    ]


def twin_faults() -> list[dict[str, Any]]:
    """Return the faults that a twin can be given: ``name part kind doc caught_by``, and that by profile."""
    catalogue = load_object("instruments.twins.faults:CATALOGUE", "twin faults")
    return [
        {
            **{key: getattr(kind, key) for key in ("name", "part", "kind", "doc")},
            "caught_by": list(kind.caught_by),
            "expected": {profile: list(one.ids) for profile, one in kind.expected.items()},
        }
        for kind in catalogue.values()
    ]


def schema(what: SchemaName) -> dict[str, Any]:
    """Return the JSON Schema of a profile, a station file or a rule file, for editors."""
    found = SCHEMAS[what].model_json_schema(by_alias=True)
    if what == "station":  # the twin checks its table itself; an editor wants it spelled out
        twin = _finite(load_object("instruments.twins.config:TwinConfig", "schema").model_json_schema())
        found["$defs"] |= {**twin.pop("$defs"), "TwinConfig": twin}
        found["properties"]["twin"] = {"$ref": "#/$defs/TwinConfig"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def _finite(schema: dict[str, Any]) -> dict[str, Any]:
    """Return ``schema`` without the defaults that JSON cannot say: no limit is infinity."""
    kept = {key: _finite(value) if isinstance(value, dict) else value for key, value in schema.items()}
    return {key: value for key, value in kept.items() if value not in (math.inf, -math.inf)}


def _rules(product: str, edition: str) -> RuleSet:
    return read_rules(bundled_rules()[product, edition])[0]


def _is_driver(name: str, found: type) -> bool:
    return (
        not name.startswith("_")
        and not inspect.isabstract(found)
        and all(callable(getattr(found, method, None)) for method in _METHODS)
    )


def _editions_by_product() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for product, edition in bundled_rules():
        found.setdefault(product, []).append(edition)
    return found


def _pairs(first: str, second: str) -> Iterator[tuple[str, tuple[str, str], tuple[str, str]]]:
    have = bundled_rules()
    named = {f"{product}_{edition}": (product, edition) for product, edition in have}
    if first in named and second in named:
        product = named[first][0]
        other = named[second][0]
        yield product if product == other else f"{product}/{other}", named[first], named[second]
        return
    known = {edition for _, edition in have}
    faults = [
        Fault(
            "--diff",
            f"no edition {word!r}; there are {', '.join(sorted(known))} and {', '.join(sorted(named))}",
        )
        for word in (first, second)
        if word not in known
    ]
    if faults:
        raise UsageError(faults)
    both = [product for product, edition in have if edition == first and (product, second) in have]
    if not both:
        raise UsageError(Fault("--diff", f"no product has both editions {first} and {second}"))
    for product in both:
        yield product, (product, first), (product, second)


def _differences(product: str, ours: RuleSet, theirs: RuleSet) -> Iterator[dict[str, Any]]:
    for name in sorted({*ours.rules, *theirs.rules}):
        old, new = ours.rules.get(name), theirs.rules.get(name)
        if old is not None and new is not None and (old.value, old.unit) == (new.value, new.unit):
            continue
        unit = next(rule.unit for rule in (new, old) if rule is not None)
        keep = {"value", "unit", "document", "place", "mark", "status"}
        yield {
            "product": product,
            "rule": name,
            "unit": unit,
            "first": old.model_dump(include=keep) if old is not None else None,
            "second": new.model_dump(include=keep) if new is not None else None,
        }
