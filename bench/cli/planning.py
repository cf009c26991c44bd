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
    at_s, rows = 0.0, []
    for step in plan.steps:
        name = f"(recharge for {step.profile})" if step.kind == "recharge" else step.profile
        charge = f"{step.soc_start_pct:.0f} % to {step.soc_end_pct:.0f} %"
        energy = f"{step.discharged_kwh:.2f} out, {step.charged_kwh:.2f} in"
        rows.append((span(at_s), name, span(step.duration_s), energy, charge))
        at_s += step.duration_s
    listing(("at", "run", "lasts", "energy kWh", "charge"), rows)
    recharges = [step for step in plan.steps if step.kind == "recharge"]
    out.text(
        f"{len(plan.runs)} runs and {len(recharges)} recharges in {plan.duration_s / 3600:.1f} h, of which "
        f"{sum(step.duration_s for step in recharges) / 3600:.1f} h recharge"
    )
    out.text("losses and reserve are assumed, since a device does not declare them")
    for step in plan.steps:
        for note in step.notes:
            out.text(f"warning: {step.profile}: {note}")
    for warning in warnings:
        out.text(f"warning: {warning}")
