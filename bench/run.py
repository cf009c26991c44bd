"""Where the stages meet: plan, execute, record, measure, judge and show, for one profile or a campaign."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from bench.attend import Attendance, attended
from bench.campaign import plan_campaign
from bench.clock import utc_now
from bench.conditioning import conditioning_for, read_reserve_pct, read_soc_pct
from bench.errors import BenchError, UsageError
from bench.evidence.attest import write_attestation
from bench.evidence.sums import digests, write_sums
from bench.execute import ExecutionResult, StopFlag, channel_units, execute, signals_set
from bench.host.locks import folder_held, held
from bench.host.process import me
from bench.host.versions import commit, versions
from bench.model import Outcome, Verdict
from bench.prepare import Prepared, RunRequest, prepare_all, prepare_campaign
from bench.record.folder import make_run_folder, write_inputs
from bench.record.info import write_info
from bench.record.recorder import Recorder
from bench.record.schema import MODE_CODES
from bench.recover import recover_all
from bench.rescore import PlanReport, plan_run, publish, redraw, score, verify
from bench.resume import new_campaign, seam_of
from bench.runinfo import InstrumentRecord, RunInfo
from bench.station import OpenStation, open_station
from bench.wire.record import WireLog

__all__ = [
    "PlanReport",
    "Progress",
    "RunRequest",
    "RunResult",
    "plan_run",
    "redraw",
    "run_campaign",
    "score",
    "verify",
]

Live = dict[str, float | str | None]


class Progress(Protocol):
    """What shows the engineer how far a run has come."""

    def start(self, profile: str, end_s: float, warnings: Sequence[str] = ()) -> None:
        """A run begins that lasts ``end_s``; ``warnings`` are what may not fit."""

    def update(self, t_s: float, end_s: float, phase: str, live: Live) -> None:
        """The run has come to ``t_s``; ``live`` holds the latest readings."""

    def finish(self) -> None:
        """The run is over."""


@dataclass(frozen=True)
class RunResult:
    """How one profile ended; ``conditioning`` true for a recharge between runs, which judges nothing.

    ``unsigned`` says why its evidence could not be signed; empty where it was.
    """

    profile: str
    outcome: Outcome
    folder: Path | None
    verdict: Verdict | None
    reason: str = ""
    conditioning: bool = False
    unsigned: str = ""
    safe_state: str | None = None
    """How the run left the station; None where nothing was run now."""


def run_campaign(
    request: RunRequest,
    *,
    progress: Progress | None = None,
    on_result: Callable[[RunResult], None] | None = None,
) -> list[RunResult]:
    """Run the profiles of ``request`` in their order; ERROR and ABORTED end the campaign, FAIL does not.

    Asked for ``all``, it finds the order itself and recharges the battery between runs where a run needs it;
    a profile that this station cannot do comes back as NOT_APPLICABLE with the reason. With ``resume`` it
    goes on with the first run that an earlier, equal call did not finish.

    Raises:
        UsageError: anything wrong on paper; nothing was touched.
        InstrumentError: the station could not be opened, is in use, or was left in a state that is not safe.
        KeyboardInterrupt: somebody stopped it, and no run in progress could end as ABORTED for it.
    """
    seam = seam_of(request) if request.resume else None
    left_out: tuple[tuple[str, str], ...] = ()
    if request.campaign:
        campaign = prepare_campaign(request)
        plans, left_out = list(campaign.plans), campaign.left_out
    else:
        plans = prepare_all(request)
    recover_all(request.out)
    results: list[RunResult] = []
    belongs = new_campaign(request) if seam is None else seam.campaign

    stop = StopFlag()

    def add(result: RunResult) -> bool:
        """Tell of a result; return whether the campaign goes on."""
        results.append(result)
        if on_result is not None:
            on_result(result)
        if result.outcome in (Outcome.ERROR, Outcome.ABORTED):
            return False
        if stop.is_set():  # while the evidence was written: that was not cut short
            raise KeyboardInterrupt(stop.reason)
        return True

    if seam is not None:
        plans = seam.left(plans)
        for one in seam.finished:
            add(RunResult(one.profile, one.outcome, one.folder, one.verdict))
        if not plans:
            return results
    loaded = plans[0].station
    what = f"drready run {' '.join(request.profiles)}"
    wire = WireLog() if request.record_wire else None
    with (
        held(loaded, what) as locks,
        open_station(loaded, tap=wire) as station,
        attended(station, locks) as attendance,
        signals_set(stop),
    ):
        faults = [
            fault
            for plan in plans
            for fault in plan.check({role: driver.capabilities for role, driver in station.drivers.items()})
        ]
        if faults:
            raise UsageError(list(dict.fromkeys(faults)))
        reserve_pct = read_reserve_pct(station) if request.campaign else None
        if request.campaign:
            plans = list(plan_campaign(plans, read_soc_pct(station), reserve_pct).runs)
        for plan in plans:
            recharge = None
            if request.campaign:
                recharge = conditioning_for(plan, read_soc_pct(station), reserve_pct)
            if recharge is not None and not add(
                _run_one(
                    recharge, request, attendance, stop, progress, {**belongs, "conditioning": True}, wire
                )
            ):
                break
            if not add(_run_one(plan, request, attendance, stop, progress, belongs, wire)):
                break
            belongs.pop("resumed_after", None)  # the seam lies before the first run only
        else:
            for name, why in left_out:
                add(RunResult(name, Outcome.NOT_APPLICABLE, None, None, f"left out: {why}"))
    return results


def _run_one(
    plan: Prepared,
    request: RunRequest,
    attendance: Attendance,
    stop: StopFlag,
    progress: Progress | None,
    belongs: dict[str, Any],
    wire: WireLog | None = None,
) -> RunResult:
    station = attendance.station
    started = utc_now()
    device = plan.station.station.device
    folder = make_run_folder(request.out, plan.loaded.profile.name, device.serial, station.simulated, started)
    with folder_held(folder):  # from before there is a run.json: nobody must take it for one left behind
        return _run_in(folder, plan, request, attendance, stop, progress, belongs, wire, started)


def _run_in(
    folder: Path,
    plan: Prepared,
    request: RunRequest,
    attendance: Attendance,
    stop: StopFlag,
    progress: Progress | None,
    belongs: dict[str, Any],
    wire: WireLog | None,
    started: dt.datetime,
) -> RunResult:
    station = attendance.station
    _copy_inputs(folder, plan)
    info = _first_info(plan, request, station, started)
    info.soc_start_pct = read_soc_pct(station)
    info.campaign = dict(belongs)
    if belongs.get("resumed_after"):
        info.notes.append(
            f"the campaign broke off in {belongs['resumed_after']} and was resumed with this run"
        )
    info.notes += attendance.notes
    warnings: tuple[str, ...] = ()
    if "conditioning" not in belongs:
        warnings = plan.estimate(info.soc_start_pct, read_reserve_pct(station)).warnings
    info.notes += [f"warning: {warning}" for warning in warnings]
    write_info(folder, info)
    if wire is not None:
        wire.begin(folder, _wired(station), aside=station.clock.kind != "virtual")
    recorder = Recorder(folder, channel_units(station), MODE_CODES, station.clock)
    if progress is not None:
        progress.start(plan.loaded.profile.name, plan.timeline.end_s, warnings)
    try:
        done = execute(
            plan.timeline,
            station,
            recorder,
            progress=progress.update if progress is not None else None,
            stop=stop,
            keepers=attendance.keepers(folder, info.process["what"]),
        )
    finally:
        if progress is not None:
            with contextlib.suppress(OSError):  # a terminal that was closed under us
                progress.finish()
        recorder.close()
        if wire is not None:
            wire.end()
    _complete(info, done, station, plan)
    outcome = {"done": None, "aborted": Outcome.ABORTED}.get(done.execution, Outcome.ERROR)
    ended = RunResult(info.profile, outcome or Outcome.ERROR, folder, None)
    ended = replace(ended, conditioning="conditioning" in belongs, safe_state=done.safe_state.state)
    try:
        if recorder.hung and recorder.failure is not None:  # whatever else is written there would hang too
            raise recorder.failure
        if done.execution == "done":
            info.record_sha256 = digests(folder)
        write_info(folder, info)
        verdict = publish(folder, info, outcome, lang=request.lang)
        if done.stays_away and verdict.outcome is not Outcome.FAIL:  # the profile does not judge it
            info.execution = "error"
            verdict = publish(folder, info, Outcome.ERROR, lang=request.lang)
        write_sums(folder)
        signed = write_attestation(folder)
    except BenchError as error:  # a full disk: what there is is kept, and can be closed when there is room
        why = "; ".join(dict.fromkeys(text for text in (done.reason, str(error)) if text))
        do = f"; next: drready recover {folder}" if recorder.hung or folder.is_dir() else ""
        return replace(ended, reason=f"{why}{do}")
    unsigned = signed.note if signed.key_id is None else ""
    return replace(ended, outcome=verdict.outcome, verdict=verdict, reason=verdict.reason, unsigned=unsigned)


def _copy_inputs(folder: Path, plan: Prepared) -> None:
    texts = {
        "station.toml": plan.station.text,
        "profile.toml": plan.loaded.text,
        "rules.toml": plan.loaded.rules_text,
    }
    station = plan.station.station
    files = [plan.recording.path] if plan.recording is not None else []
    files += [plan.station.folder / one.map for one in station.instruments.values() if one.map is not None]
    house = (station.twin or {}).get("house")
    if isinstance(house, dict) and isinstance(house.get("pv_kw"), str):
        files.append(plan.station.folder / house["pv_kw"])
    named: dict[str, Path] = {}
    for path in dict.fromkeys(files):
        name, count = path.name, 2
        while name in named:  # two folders may hold files of one name
            name, count = f"{path.stem}_{count}{path.suffix}", count + 1
        named[name] = path
    write_inputs(folder, texts, named)


def _first_info(plan: Prepared, request: RunRequest, station: OpenStation, started: dt.datetime) -> RunInfo:
    loaded = plan.loaded
    return RunInfo(
        profile=loaded.profile.name,
        product=loaded.profile.product,
        edition=loaded.edition,
        point=plan.point,
        delta_kw=plan.delta.value_kw,
        decision=request.decision,
        simulated=station.simulated,
        dry_run=bool(plan.practice_reasons),
        station=plan.station.name,
        clock="virtual" if station.clock.kind == "virtual" else "real",
        process=me(f"run of {loaded.profile.name}"),
        operator=request.operator,
        witness=request.witness,
        started_utc=started.isoformat(timespec="seconds"),
        versions=versions(),
        commit=commit(),
        overrides=plan.overrides.as_written(),
        practice_reasons=list(plan.practice_reasons),
        device=plan.station.station.device.model_dump(mode="json", exclude_none=True),
        instruments=_instruments(station),
        facts=plan.facts(simulated=station.simulated),
        phases=[(p.name, p.from_s, p.to_s, p.step, p.direction) for p in plan.timeline.phases],
        notes=[f"ΔkW {plan.delta.value_kw:g} kW: {plan.delta.why}", *plan.timeline.notes],
    )


def _instruments(station: OpenStation) -> list[InstrumentRecord]:
    records = []
    for role, config in station.loaded.station.instruments.items():
        driver = station.drivers[role]
        identity = station.identities[role]
        capabilities = driver.capabilities
        declared = config.accuracy is not None
        records.append(
            InstrumentRecord(
                role=role,
                driver=config.driver,
                resource=station.resources.get(role, config.resource or ""),
                maker=identity.maker,
                model=identity.model,
                serial=identity.serial,
                firmware=identity.firmware,
                simulated=identity.simulated or station.loaded.station.simulated,
                calibration=config.calibration.model_dump(mode="json") if config.calibration else None,
                capabilities=_plain(capabilities),
                accuracy=dict(config.accuracy if config.accuracy is not None else capabilities.accuracy),
                accuracy_from="station file" if declared else capabilities.accuracy_from,
            )
        )
    return records


def _wired(station: OpenStation) -> dict[str, dict[str, Any]]:
    """Return what the first line of a wire record says of each instrument."""
    return {
        role: {
            "driver": config.driver,
            "resource": station.resources.get(role, ""),
            "unit_id": config.unit_id,
            "identity": vars(station.identities[role]),
        }
        for role, config in station.loaded.station.instruments.items()
    }


def _plain(capabilities: Any) -> dict[str, Any]:
    names = ("resolution", "slew_hz_per_s", "native_list", "sink_kw", "reading_interval_s", "window_s")
    found = {name: getattr(capabilities, name) for name in (*names, "max_connections")}
    return {name: dict(value) if name == "resolution" else value for name, value in found.items()}


def _complete(info: RunInfo, done: ExecutionResult, station: OpenStation, plan: Prepared) -> None:
    """Write into ``info`` what is known only after the run."""
    info.clock_steps = list(done.clock_steps)
    # on the clock as it stood at the start, so that nothing ends before it began
    ended = utc_now() - dt.timedelta(seconds=sum(step.step_s for step in info.clock_steps))
    info.ended_utc = ended.isoformat(timespec="seconds")
    info.execution = done.execution
    info.reason = done.reason
    info.safe_state = done.safe_state
    before = dict(done.settings_before)
    info.instruments = _instruments(station)
    for record in info.instruments:
        record.settings_before = before.get(record.role, {})
        record.settings_restored = done.settings_restored.get(record.role)
    meter = station.drivers.get("meter")
    more: dict[str, Any] = {"simulated": station.simulated}
    if meter is not None:
        more["window_s"] = meter.capabilities.window_s
    mode = before.get("battery", {}).get("mode")
    if isinstance(mode, str):
        more["prior_mode"] = mode
    info.facts = plan.facts(**more)
    if done.execution == "done" and done.reached_s < plan.timeline.end_s:  # it ended before its time
        reached = [phase for phase in info.phases if phase[1] <= done.reached_s]
        info.phases = [(n, a, min(b, done.reached_s), i, d) for n, a, b, i, d in reached]
