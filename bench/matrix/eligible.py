"""Which product, metering point and route is open under which edition, and the clause that binds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.config.requirements import Product, Requirements, Route, Text
from bench.config.rules import RuleSet
from bench.matrix.lay import Key, state_of
from bench.matrix.model import Cell, Eligibility, Eligible, Line, MatrixRun, Point
from bench.model import Source

__all__ = ["eligibility"]

Rules = Mapping[tuple[str, str], RuleSet]


def eligibility(
    requirements: Requirements,
    lines: Sequence[Line],
    best: Mapping[Key, MatrixRun],
    rules: Rules,
    points_of: Mapping[str, Sequence[Point]],
) -> list[Eligibility]:
    """Return every product under every edition of its rules, newest edition first.

    ``points_of`` is where each profile can be judged: one that cannot be judged at a point counts from where
    it can.
    """
    found = []
    for product in requirements.products:
        editions = sorted((edition for name, edition in rules if name == product.id), reverse=True)
        for edition in editions:
            rule_set = rules[product.id, edition]
            cells = [
                _cell(product, edition, route, rule_set, lines, best, points_of)
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
    points_of: Mapping[str, Sequence[Point]],
) -> Cell:
    point: Point = route.point
    proofs = {
        name: best.get((name, edition, _judged_at(name, point, points_of))) for name in product.profiles
    }
    behind = [run for run in proofs.values() if run is not None]
    qualified_kw = _least_kw(behind)
    names = tuple(run.folder.name for run in behind)
    only_if = _condition(rules, point)

    def cell(kind: Eligible, en: str, ja: str, source: Source | None = None) -> Cell:
        return Cell(
            point=point,
            route=route,
            eligible=kind,
            clause=Text(en=en, ja=ja),
            clause_source=source,
            qualified_kw=qualified_kw,
            runs=names,
        )

    if point not in rules.admitted_points:
        note_ja = rules.admitted_note_ja or rules.admitted_note
        en = f"edition {edition} does not admit the {point} point: {rules.admitted_note}"
        return cell("no", en, f"{edition}版はこの計測点を認めていない。{note_ja}")
    states = {name: state_of(run) for name, run in proofs.items() if run is not None}
    lacking = [name for name, state in states.items() if state != "PASS"]

    def why(name: str) -> str:
        run = proofs[name]
        assert run is not None  # noqa: S101  (it has a state)
        return f"{name}: {states[name]}: {run.faults[0] if run.faults else run.reason}"

    shut = [n for n in lacking if states[n] == "NOT_TRUSTED" or (states[n] == "FAIL" and _whole(proofs[n]))]
    if shut:
        return cell("no", why(shut[0]), why(shut[0]), product.source)
    if not route.ready and not _opened(route, lines):
        missing = route.missing or Text(en="the route is not ready", ja="制御ルートが未対応")
        return cell("no", missing.en, missing.ja, route.source)
    undecided = [name for name in lacking if _whole(proofs[name])]
    if undecided:
        return cell("not_shown", why(undecided[0]), why(undecided[0]), product.source)
    absent = ", ".join(name for name, run in proofs.items() if run is None)
    if absent:
        en = f"no run of {absent} at the {point} point under edition {edition}"
        return cell("not_shown", en, f"この計測点・{edition}版での {absent} の試験がない", product.source)
    failed = [name for name in lacking if states[name] != "INCONCLUSIVE"]
    if failed:
        en, ja = f"a practice run came to {why(failed[0])}", f"練習の試験：{why(failed[0])}"
        return cell("practice", en, ja, product.source)
    if any(run.dry_run for run in behind):
        return cell("practice", "shown by a practice run only", "練習の試験のみ", product.source)
    if any(run.simulated for run in behind) or _simulated(route, lines):
        en = f"shown on a simulated device only{only_if.en}"
        return cell("simulated", en, f"シミュレーションのみ{only_if.ja}", product.source)
    en = f"every run asked for passed{only_if.en}"
    return cell("eligible", en, f"求められる試験にすべて合格{only_if.ja}", product.source)


def _condition(rules: RuleSet, point: Point) -> Text:
    """Return what a bench cannot see and the market asks all the same, to be put behind a clause."""
    note, note_ja = (rules.admitted_note, rules.admitted_note_ja) if point == "device" else ("", "")
    en = [part for part in (rules.admitted_condition, note) if part]
    ja = [part for part in (rules.admitted_condition_ja, note_ja or note) if part]
    return Text.model_construct(
        en="".join(f"; {part}" for part in en), ja="".join(f"。{part}" for part in ja)
    )


def _least_kw(behind: Sequence[MatrixRun]) -> float | None:
    """Return the ΔkW that every run of the product bears out; None where one of them leaves it open."""
    told = [run.verdict.qualified_kw if run.trusted and run.verdict else None for run in behind]
    known = [value for value in told if value is not None]
    return min(known) if known and len(known) == len(told) else None


def _whole(run: MatrixRun | None) -> bool:
    """Tell whether a run is more than practice."""
    return run is not None and not run.dry_run


def _judged_at(name: str, point: Point, points_of: Mapping[str, Sequence[Point]]) -> str:
    able = points_of.get(name, (point,))
    return point if point in able else able[0]


def _opened(route: Route, lines: Sequence[Line]) -> bool:
    return any(line.item.id == route.unless_item and line.state == "PASS" for line in lines)


def _simulated(route: Route, lines: Sequence[Line]) -> bool:
    return not route.ready and any(
        line.item.id == route.unless_item and (line.simulated or line.practice) for line in lines
    )
