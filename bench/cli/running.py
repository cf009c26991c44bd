"""``demo``, ``run`` and ``plan``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import out
from bench.cli.campaign import carry_out
from bench.cli.matrix import after_demo
from bench.cli.options import (
    Decision,
    DeltaKw,
    Edition,
    Json,
    Lang,
    Out,
    Point,
    Profiles,
    RecordWire,
    Sets,
    StationName,
)

__all__ = ["demo", "plan", "run"]

DEMO = ("tertiary2", "primary")
RESULTS = Path("results")
Recharge = Annotated[
    bool,
    typer.Option(
        "--recharge",
        help="Find the order of the profiles named, and recharge between them; 'all' always does.",
    ),
]


def demo(
    everything: Annotated[bool, typer.Option("--all", help="Run every bundled profile.")] = False,
    to: Out = RESULTS,
    as_json: Json = False,
    lang: Lang = "en",
) -> None:
    """Run tertiary2 and primary on the twin.

    With --all: every bundled profile, and at the end the DR-ready matrix.
    """
    from bench.run import RunRequest

    names = ["all"] if everything else list(DEMO)
    after = after_demo(to, lang, as_json) if everything else None
    carry_out(RunRequest(profiles=names, station="twin", out=to, lang=lang), as_json, after)


def run(
    profiles: Profiles,
    station: StationName,
    edition: Edition = None,
    delta_kw: DeltaKw = None,
    point: Point = "device",
    sets: Sets = None,
    decision: Decision = "guarded",
    operator: Annotated[
        str | None, typer.Option("--operator", metavar="NAME", help="Who ran the test.")
    ] = None,
    witness: Annotated[
        str | None, typer.Option("--witness", metavar="NAME", help="Who witnessed it.")
    ] = None,
    to: Out = RESULTS,
    record_wire: RecordWire = False,
    recharge: Recharge = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the first run that an equal call did not finish.")
    ] = False,
    as_json: Json = False,
    lang: Lang = "en",
) -> None:
    """Test the device: one run per profile.

    Plan, execute, record, measure, judge and write the evidence: one folder per profile, in the order
    given. A FAIL does not stop the rest; ERROR and ABORTED do. "all" is every bundled profile, in an order
    found from the battery's charge, with recharges between the runs.
    """
    from bench.run import RunRequest

    request = RunRequest(
        profiles=profiles,
        station=station,
        edition=edition,
        delta_kw=delta_kw,
        point=point,
        overrides=sets or (),
        decision=decision,
        operator=operator,
        witness=witness,
        out=to,
        lang=lang,
        resume=resume,
        recharge=recharge,
        record_wire=record_wire,
    )
    carry_out(request, as_json)


def plan(
    profiles: Profiles,
    station: StationName,
    edition: Edition = None,
    delta_kw: DeltaKw = None,
    point: Point = "device",
    sets: Sets = None,
    recharge: Recharge = False,
    as_json: Json = False,
    lang: Lang = "en",
) -> None:
    """Show a run on paper; touch nothing.

    Each command, duration, energy, state of charge at the end, what cannot fit and why. "all" is the
    campaign: the order of every bundled profile, the recharges between them, and the hours it takes.
    """
    from bench.run import RunRequest

    request = RunRequest(
        profiles=profiles,
        station=station,
        edition=edition,
        delta_kw=delta_kw,
        point=point,
        overrides=sets or (),
        lang=lang,
        recharge=recharge,
    )
    if request.campaign:
        from bench.cli.planning import campaign

        campaign(request, as_json)
        return
    from bench.cli.show import plain, plan_report
    from bench.run import plan_run

    reports = plan_run(request)
    if as_json:
        out.json_object({"plans": [plain(report) for report in reports]})
        return
    for report in reports:
        plan_report(report, lang)
