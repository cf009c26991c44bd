"""``plan all``: a whole campaign on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli import out

if TYPE_CHECKING:
    from bench.run import RunRequest

__all__ = ["campaign"]


def campaign(request: RunRequest, as_json: bool) -> None:
    """Show the order of the runs, the recharges between them, the hours, and what cannot fit."""
    from bench.campaign import plan_campaign
    from bench.cli.progress import span
    from bench.cli.show import listing, plain
    from bench.evidence.text import Words
    from bench.japanese import told
    from bench.prepare import prepare_campaign
    from bench.rescore import twin_charge

    prepared = prepare_campaign(request)
    plan = plan_campaign(prepared.plans, *twin_charge(prepared.plans[0].station))
    warnings = [*plan.warnings, *(f"{name} is left out: {why}" for name, why in prepared.left_out)]
    if as_json:
        content = {
            "order": [run.loaded.profile.name for run in plan.runs],
            "steps": [plain(step) for step in plan.steps],
            "duration_s": plan.duration_s,
            "warnings": warnings,
            "left_out": [{"profile": name, "reason": why} for name, why in prepared.left_out],
        }
        out.json_object({"campaign": content})
        return
    words = Words(request.lang)
    at_s, rows = 0.0, []
    for step in plan.steps:
        name = words("plan.recharge", profile=step.profile) if step.kind == "recharge" else step.profile
        charge = words("plan.from_to", start=f"{step.soc_start_pct:.0f}", end=f"{step.soc_end_pct:.0f}")
        energy = words("plan.moved", out=f"{step.discharged_kwh:.2f}", taken=f"{step.charged_kwh:.2f}")
        rows.append((span(at_s), name, span(step.duration_s), energy, charge))
        at_s += step.duration_s
    listing([words(f"plan.{key}") for key in ("at", "run", "lasts", "energy", "soc")], rows)
    recharges = [step for step in plan.steps if step.kind == "recharge"]
    hours, of_them = (plan.duration_s / 3600, sum(step.duration_s for step in recharges) / 3600)
    out.text(
        words(
            "plan.all", runs=len(plan.runs), recharges=len(recharges), h=f"{hours:.1f}", rh=f"{of_them:.1f}"
        )
    )
    out.text(words("plan.losses"))
    for step in plan.steps:
        for note in step.notes:
            out.text(f"{words('plan.warning')}: {step.profile}: {told(note, request.lang)}")
    for warning in warnings:
        out.text(f"{words('plan.warning')}: {told(warning, request.lang)}")
