"""Load a station, or a profile with its rules: every fault at once, each with its address."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bench.config.check_profile import check_profile
from bench.config.check_station import check_station
from bench.config.faults import place, pydantic_faults
from bench.config.find import find_file
from bench.config.overrides import Overrides, apply_overrides, parse_overrides
from bench.config.profile import Profile
from bench.config.rules import RuleSet
from bench.config.shape import nearest_text
from bench.config.station import Station
from bench.config.text import parse_toml, read_text
from bench.errors import Fault, UsageError
from bench.rooms import bundled_profiles, bundled_rules, bundled_stations

__all__ = [
    "DEFAULT_EDITION",
    "LoadedProfile",
    "LoadedStation",
    "Overrides",
    "editions_of",
    "load_profile",
    "load_station",
    "parse_overrides",
    "read_profile",
    "read_rules",
]

DEFAULT_EDITION = "2026"
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class LoadedStation:
    """A station with the file it came from; ``text`` is verbatim, ``overrides`` is what ``--set`` changed."""

    station: Station
    name: str
    path: Path
    text: str
    folder: Path
    overrides: dict[str, Any] = field(default_factory=dict)

    def at(self, *keys: str) -> str:
        """Return where a value was written: in the file, or in the ``--set`` that changed it."""
        return place(str(self.path), keys, self.overrides)


@dataclass(frozen=True)
class LoadedProfile:
    """A profile with its rules, and the verbatim texts of both files."""

    profile: Profile
    rules: RuleSet
    path: Path
    text: str
    rules_path: Path
    rules_text: str
    edition: str


def _validated(model: type[_Model], data: Any, file: str, overridden: Mapping[str, Any]) -> _Model:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise UsageError(pydantic_faults(error, file, data, model=model, overridden=overridden)) from None


def load_station(
    name_or_path: str, overrides: Mapping[str, Any] | None = None, *, checked: bool = True
) -> LoadedStation:
    """Load a bundled station or a station file, with ``overrides`` by dotted key.

    ``checked`` false leaves out what goes beyond the schema (drivers, twin, limits): for reading the copy in
    a run folder, whose drivers need not be installed here.

    Raises:
        UsageError: everything that is wrong with the file or the overrides.
    """
    path = find_file(name_or_path, bundled_stations(), "station")
    text, overrides = read_text(path), dict(overrides or {})
    data = parse_toml(text, str(path))
    faults = apply_overrides(data, deepcopy(overrides))
    try:
        station = _validated(Station, data, str(path), overrides)
    except UsageError as error:
        raise UsageError([*faults, *error.faults]) from None
    if checked:
        faults += check_station(station, str(path), path.parent, overrides)
    if faults:
        raise UsageError(faults)
    return LoadedStation(station, station.station.name, path, text, path.parent, overrides)


def read_profile(path: Path) -> tuple[Profile, str]:
    """Return the profile in the file ``path`` and its verbatim text.

    Raises:
        UsageError: everything that is wrong with it.
    """
    text = read_text(path)
    return _validated(Profile, parse_toml(text, str(path)), str(path), {}), text


def read_rules(path: Path) -> tuple[RuleSet, str]:
    """Return the rules in the file ``path`` and its verbatim text.

    Raises:
        UsageError: everything that is wrong with it.
    """
    text = read_text(path)
    return _validated(RuleSet, parse_toml(text, str(path)), str(path), {}), text


def _rule_files(product: str, beside: Path | None) -> dict[str, Path]:
    found = {edition: path for (name, edition), path in bundled_rules().items() if name == product}
    if not found and beside is not None:  # a product of the user's own, with its rules next to the profile
        for path in sorted((beside / "rules").glob("*_*.toml")):
            name, _, edition = path.stem.rpartition("_")
            if name == product:
                found[edition] = path
    return found


def editions_of(product: str) -> list[str]:
    """Return the editions of the bundled rules of ``product``, oldest first."""
    return sorted(_rule_files(product, None))


def load_profile(name_or_path: str, edition: str | None = None) -> LoadedProfile:
    """Load a bundled profile or a profile file, and the rules of its product in ``edition`` (default 2026).

    Raises:
        UsageError: no such profile or edition, or everything that is wrong with either file.
    """
    path = find_file(name_or_path, bundled_profiles(), "profile")
    profile, text = read_profile(path)
    wanted = DEFAULT_EDITION if edition is None else edition
    files = _rule_files(profile.product, path.parent)
    if not files:
        products = sorted({product for product, _ in bundled_rules()})
        hint = nearest_text(profile.product, products)
        raise UsageError(
            Fault(
                f"{path}: product",
                f"there are no rules for {profile.product!r}{hint}; there are for: {', '.join(products)}",
            )
        )
    if wanted not in files:
        raise UsageError(
            Fault(
                "--edition",
                f"{profile.product} has no edition {wanted!r}; it has: {', '.join(sorted(files))}",
            )
        )
    rules, rules_text = read_rules(files[wanted])
    faults = [
        Fault(f"{files[wanted]}: {key}", f"is {found!r}, but the file's name says {expected!r}")
        for key, found, expected in (
            ("product", rules.product, profile.product),
            ("edition", rules.edition, wanted),
        )
        if found != expected
    ]
    faults += check_profile(profile, rules, str(path))
    if faults:
        raise UsageError(faults)
    return LoadedProfile(profile, rules, path, text, files[wanted], rules_text, wanted)
