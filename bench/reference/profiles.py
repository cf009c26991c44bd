"""The page of profiles: each with the picture of its timeline, its findings and what may be changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.config.load import editions_of, load_profile, load_station
from bench.config.overrides import Overrides
from bench.config.profile import FindingSpec, Profile
from bench.config.rules import RuleSet
from bench.errors import UsageError
from bench.expr import names_in
from bench.prepare import Prepared, prepare
from bench.reference.picture import timeline_svg
from bench.rooms import bundled_profiles, bundled_stations

__all__ = ["cell", "profile_pages", "rows"]

FIRST_STATION = "twin"


def cell(value: object) -> str:
    """Return a value as the cell of a Markdown table."""
    return str(value).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;").strip() or "–"


def rows(head: Sequence[str], body: Iterable[Sequence[object]]) -> list[str]:
    """Return a Markdown table."""
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    return [*lines, *(f"| {' | '.join(cell(one) for one in row)} |" for row in body)]


def profile_pages() -> dict[str, str]:
    """Return ``profiles.md`` and the pictures by name.

    Raises:
        UsageError: a profile or its rules are wrong.
    """
    found: dict[str, str] = {}
    text = [
        "# Profiles",
        "",
        "Made from `profiles/*.toml` by `make docs`; do not edit. The pictures show the default edition on a",
        "bundled station, whose device sets ΔkW. Discharge is positive.",
        "",
    ]
    names = sorted(bundled_profiles())
    text += [f"- [{name}](#{name})" for name in names]
    for name in names:
        loaded = load_profile(name)
        prepared = {edition: _prepared(name, edition) for edition in editions_of(loaded.profile.product)}
        shown = prepared.get(loaded.edition)
        if shown is not None:
            found[f"img/{name}.svg"] = timeline_svg(shown.timeline, shown.station.station.device.rated_kw)
        text += ["", *_section(loaded.profile, loaded.rules, prepared, shown)]
    found["profiles.md"] = "\n".join(text) + "\n"
    return found


def _prepared(name: str, edition: str) -> Prepared | None:
    """Return the profile on the first bundled station that can do it; None where none can."""
    stations = sorted(bundled_stations(), key=lambda each: (each != FIRST_STATION, each))
    for station in stations:
        for point in load_profile(name, edition).profile.points:
            try:
                loaded = load_station(station)
                return prepare(name, loaded, Overrides(), edition=edition, delta_kw=None, point=point)
            except UsageError:
                continue
    return None


def _section(
    profile: Profile, rules: RuleSet, prepared: dict[str, Prepared | None], shown: Prepared | None
) -> list[str]:
    lines = [f"## {profile.name}", "", f"**{profile.title_en}** · {profile.title_ja}", ""]
    lines += [profile.about_en, ""] if profile.about_en else []
    if shown is not None:
        lines += [f"![timeline of {profile.name}](img/{profile.name}.svg)", ""]
    else:
        lines += ["No bundled station can do this profile; it needs one of your own.", ""]
    lines += rows(
        ("edition", "lasts", "ΔkW", "out", "in", "on station"),
        [_edition(edition, plan) for edition, plan in prepared.items()],
    )
    lines += [
        "",
        *rows(("finding", "metric", "limit", "from", "kind"), [_finding(f, rules) for f in profile.findings]),
    ]
    if profile.parameters:
        body = [
            (f"`{name}`", one.text if one.text is not None else one.value, one.unit, one.about)
            for name, one in profile.parameters.items()
        ]
        lines += ["", *rows(("`--set profile.…`", "value", "unit", "what it is"), body)]
    points = " and ".join(f"{point} point" for point in profile.points)
    return [*lines, "", f"Product `{profile.product}`; judged at the {points}."]


def _edition(edition: str, plan: Prepared | None) -> tuple[str, ...]:
    if plan is None:
        return (edition, "–", "–", "–", "–", "–")
    found = plan.estimate()
    return (
        edition,
        f"{found.duration_s / 60:.4g} min",
        f"{plan.delta.value_kw:.4g} kW",
        f"{found.discharged_kwh:.3g} kWh",
        f"{found.charged_kwh:.3g} kWh",
        plan.station.name,
    )


def _finding(finding: FindingSpec, rules: RuleSet) -> tuple[str, ...]:
    bounds = {name: value for name, value in finding.limit if value is not None}
    signs = {"at_most": "≤", "at_least": "≥", "below": "<", "above": ">"}
    limit = " and ".join(f"{signs[name]} `{value}`" for name, value in bounds.items())
    used = [finding.rule] if finding.rule else [n for v in bounds.values() for n in names_in(v)]
    known = list(dict.fromkeys(name for name in used if name in rules.rules))
    source = ", ".join(f"{name} ({rules.rules[name].mark}, {rules.rules[name].status})" for name in known)
    kind = "required" if finding.required else "counts" if finding.counts else "information"
    if len(finding.points) == 1:
        kind += f", {finding.points[0]} point"
    return (f"`{finding.id}`", f"`{finding.metric}`", limit, source, kind)
