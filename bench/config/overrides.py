"""``--set KEY=VALUE``: one value of the station file, or after ``profile.`` a parameter of the profile."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.config.shape import known_keys, nearest_text, step_into
from bench.config.station import Station
from bench.errors import Fault, UsageError

__all__ = ["Overrides", "apply_overrides", "parse_overrides"]


@dataclass(frozen=True)
class Overrides:
    """What ``--set`` changes: ``station`` by dotted key, ``profile`` by the parameter's name."""

    station: dict[str, Any] = field(default_factory=dict)
    profile: dict[str, Any] = field(default_factory=dict)

    def as_written(self) -> dict[str, Any]:
        """Return all of them by the key that was given, for ``run.json``."""
        return {**self.station, **{f"profile.{name}": value for name, value in self.profile.items()}}


def _value(text: str) -> Any:
    try:
        table = tomllib.loads(f"value = {text}")
    except (ValueError, OverflowError, RecursionError):
        return text
    return table["value"] if set(table) == {"value"} else text  # a line end could smuggle in further keys


def parse_overrides(given: Iterable[str]) -> Overrides:
    """Return what ``KEY=VALUE`` texts say; VALUE is a TOML value or, where it is none, a string.

    Raises:
        UsageError: no ``=``, or an empty part in a key.
    """
    overrides, faults = Overrides(), []
    for text in given:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals:
            faults.append(Fault(f"--set {text}", "expected KEY=VALUE"))
        elif not all(key.split(".")):
            faults.append(Fault(f"--set {text}", "the key is empty or has an empty part"))
        elif key.startswith("profile."):
            overrides.profile[key.removeprefix("profile.")] = _value(value.strip())
        else:
            overrides.station[key] = _value(value.strip())
    if faults:
        raise UsageError(faults)
    return overrides


def _unknown(path: list[str], index: int) -> str:
    known = known_keys(Station, path[:index])
    listed = f"; known there: {', '.join(known)}" if known else ""
    return f"unknown key {path[index]!r}{nearest_text(path[index], known)}{listed}"


def apply_overrides(data: dict[str, Any], overrides: Mapping[str, Any]) -> list[Fault]:
    """Change the tables of a station file in place; return the faults of keys that cannot be set.

    Keys below ``twin`` and extra keys of an instrument are judged by the twin and the driver later on.
    """
    faults = []
    for key, value in overrides.items():
        path, where = key.split("."), f"--set {key}"
        if path[0] == "twin" and not isinstance(data.get("twin"), dict):
            faults.append(Fault(where, "this station has no [twin] table"))
            continue
        if path[0] == "instruments" and len(path) > 1 and known_keys(Station, path[:1]).count(path[1]):
            instruments = data.get("instruments")
            if isinstance(instruments, dict) and path[1] not in instruments:
                faults.append(Fault(where, f"this station has no [instruments.{path[1]}]"))
                continue
        annotation: Any = Station
        table: Any = data
        problem: str | None = None
        for index, part in enumerate(path):
            annotation = step_into(annotation, part)
            if annotation is None:
                problem = _unknown(path, index)
            elif not isinstance(table, dict):
                problem = f"{'.'.join(path[:index])} is not a table"
            if problem:
                break
            if index < len(path) - 1:
                table = table.setdefault(part, {})
        if problem:
            faults.append(Fault(where, problem))
        else:
            table[path[-1]] = value
    return faults
