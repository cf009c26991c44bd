"""Which product, metering point and route is open under which edition, and the clause that binds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.config.requirements import Product, Requirements, Route
from bench.config.rules import RuleSet
from bench.matrix.lay import Key, state_of
from bench.matrix.model import Cell, Eligibility, Line, MatrixRun, Point
from bench.model import Source

__all__ = ["eligibility"]

Rules = Mapping[tuple[str, str], RuleSet]


def eligibility(
    requirements: Requirements, lines: Sequence[Line], best: Mapping[Key, MatrixRun], rules: Rules
) -> list[Eligibility]:
    """Return every product under every edition of its rules, newest edition first."""
    found = []
    for product in requirements.products:
        editions = sorted((edition for name, edition in rules if name == product.id), reverse=True)
        for edition in editions:
            rule_set = rules[product.id, edition]
            cells = [
                _cell(product, edition, route, rule_set, lines, best)
                for route in requirements.routes
                if route.group == product.group and route.point in product.points
            ]
            found.append(
                Eligibility(
                    product=product,
                    edition=edition,
                    in_force_from=rule_set.in_force_from,
                    cells=tuple(cells),
                    open_items=tuple(_open(product, lines)),
                )
            )
    return found


def _open(product: Product, lines: Sequence[Line]) -> list[str]:
    """Return the lines marked 〇 and required for this market that are not shown (documents among them)."""
    return [
        line.item.id
        for line in lines
        if getattr(line.item.asked, product.group) == "〇"
        and line.item.need == "required"
        and (line.state != "PASS" or line.simulated or line.practice)
    ]


def _cell(
    product: Product,
    edition: str,
    route: Route,
    rules: RuleSet,
    lines: Sequence[Line],
    best: Mapping[Key, MatrixRun],
) -> Cell:
    point: Point = route.point
    proofs = {name: _run_for(name, edition, point, best) for name in product.profiles}
    behind = [run for run in proofs.values() if run is not None]
    main = proofs[product.profiles[0]]
    qualified_kw = main.verdict.qualified_kw if main is not None and main.trusted and main.verdict else None
    names = tuple(run.folder.name for run in behind)
    document = f"{product.id}_{edition}"
    market = Source(
        document=document, place="admitted_points", mark="found", status="in force", quote=rules.admitted_note
    )

    def cell(kind: str, clause: str, source: Source | None = None) -> Cell:
        return Cell(
            point=point,
            route=route,
            eligible=kind,  # type: ignore[arg-type]  # the five words below
            clause=clause,
            clause_source=source,
            qualified_kw=qualified_kw,
            runs=names,
        )

    if point not in rules.admitted_points:
        return cell("no", f"edition {edition} does not admit the {point} point: {rules.admitted_note}", market)
    if not route.ready and not _opened(route, lines):
        why = route.missing.en if route.missing is not None else "the route is not ready"
        return cell("no", why, route.source)
    for name, run in proofs.items():
        if run is not None and (state := state_of(run)) != "PASS" and not run.dry_run:
            return cell("no", f"{name}: {state}: {run.faults[0] if run.faults else run.reason}", product.source)
    absent = [name for name, run in proofs.items() if run is None]
    if absent:
        what = ", ".join(absent)
        return cell("not_shown", f"no run of {what} at the {point} point under edition {edition}", product.source)
    if any(run.dry_run for run in behind):
        return cell("practice", "shown by a practice run only", product.source)
    if any(run.simulated for run in behind) or _simulated(route, lines):
        return cell("simulated", "shown on a simulated device only", product.source)
    return cell("eligible", "every run asked for passed", product.source)


def _run_for(name: str, edition: str, point: str, best: Mapping[Key, MatrixRun]) -> MatrixRun | None:
    return best.get((name, edition, point))


def _opened(route: Route, lines: Sequence[Line]) -> bool:
    return any(line.item.id == route.unless_item and line.state == "PASS" for line in lines)


def _simulated(route: Route, lines: Sequence[Line]) -> bool:
    return not route.ready and any(
        line.item.id == route.unless_item and (line.simulated or line.practice) for line in lines
    )
