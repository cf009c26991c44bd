"""From a recording to a verdict with no bench attached: our own run folders, and other people's files."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench.config.load import (
    LoadedStation,
    load_profile,
    load_station,
    parse_overrides,
    read_profile,
    read_rules,
)
from bench.config.profile import Profile
from bench.config.rules import RuleSet
from bench.errors import BenchError, Fault, NoRunFolder, UsageError
from bench.evidence.integrity import check as integrity_faults
from bench.evidence.report import write_report
from bench.evidence.sums import SUMS
from bench.judge import judge, verdict_json
from bench.measure import measure
from bench.model import Metric, Outcome, Verdict
from bench.names import facts, namespace, parameter_values
from bench.plan import delta_faults, paper_rows
from bench.plan.delta import LEAST_KW, MOST_KW
from bench.prepare import RunRequest, prepare_all
from bench.record.files import DamagedFile, read_json
from bench.record.info import write_info
from bench.record.load import LoadedRun, load_run
from bench.recording import Recording
from bench.rooms import load_object
from bench.runinfo import RunInfo

__all__ = ["PlanReport", "plan_run", "publish", "redraw", "score", "unjudged", "verify"]

Lang = Literal["en", "ja"]
Point = Literal["device", "receiving"]
Decision = Literal["guarded", "simple"]


@dataclass(frozen=True)
class Judged:
    """A recording judged, with everything a report needs."""

    run: LoadedRun
    recording: Recording
    metrics: list[Metric]
    verdict: Verdict
    profile: Profile
    rules: RuleSet


@dataclass(frozen=True)
class PlanReport:
    """One profile on paper: ``rows`` are those of :func:`bench.plan.paper_rows`."""

    profile: str
    edition: str
    delta_kw: float
    delta_from: str
    rows: list[dict[str, Any]]
    duration_s: float
    discharged_kwh: float
    charged_kwh: float
    soc_start_pct: float
    soc_end_pct: float
    soc_assumed: bool
    warnings: list[str]
    notes: list[str]
    practice_reasons: list[str]


def plan_run(request: RunRequest) -> list[PlanReport]:
    """Return each profile of ``request`` on paper, in the order given; touches no instrument.

    Raises:
        UsageError: everything that is wrong.
    """
    reports = []
    plans = prepare_all(request)
    soc_pct, reserve_pct = twin_charge(plans[0].station) if plans else (None, None)
    for plan in plans:
        estimate = plan.estimate(soc_pct, reserve_pct)
        if soc_pct is not None:  # the next begins where this one ends
            soc_pct = min(100.0, max(reserve_pct or 0.0, estimate.soc_end_pct))
        reports.append(
            PlanReport(
                profile=plan.loaded.profile.name,
                edition=plan.loaded.edition,
                delta_kw=plan.delta.value_kw,
                delta_from=plan.delta.why,
                rows=[dataclasses.asdict(row) for row in paper_rows(plan.timeline, estimate)],
                duration_s=estimate.duration_s,
                discharged_kwh=estimate.discharged_kwh,
                charged_kwh=estimate.charged_kwh,
                soc_start_pct=estimate.soc_start_pct,
                soc_end_pct=estimate.soc_end_pct,
                soc_assumed=estimate.soc_assumed,
                warnings=list(estimate.warnings),
                notes=list(plan.timeline.notes),
                practice_reasons=list(plan.practice_reasons),
            )
        )
    return reports


def twin_charge(station: LoadedStation) -> tuple[float | None, float | None]:
    """Return the state of charge that an embedded twin starts with, and its reserve; None: no such twin."""
    table = station.station.twin
    if table is None:
        return None, None
    battery = load_object("instruments.twins.config:read_twin", "twin")(table).battery
    return float(battery.soc_pct), float(battery.soc_min_pct)


def judge_folder(
    folder: Path,
    *,
    profile: str | None = None,
    edition: str | None = None,
    delta_kw: float | None = None,
    point: Point | None = None,
    overrides: Sequence[str] = (),
    decision: Decision | None = None,
) -> Judged:
    """Measure and judge a run folder from its raw data; what is not given is as it was in the run.

    Raises:
        NoRunFolder: not a run folder, or damaged.
        UsageError: anything else that is wrong.
    """
    run = load_run(folder)
    info = run.info
    if profile is not None or edition is not None:
        given = load_profile(profile or info.profile, edition or info.edition)
        kept_profile, kept_rules, edition = given.profile, given.rules, given.edition
    else:
        kept_profile, _ = read_profile(folder / "profile.toml")
        kept_rules, _ = read_rules(folder / "rules.toml")
        edition = info.edition
    changed = parse_overrides(overrides)
    then = {key: value for key, value in info.overrides.items() if not key.startswith("profile.")}
    station = load_station(str(folder / "station.toml"), {**then, **changed.station}, checked=False)
    faults = delta_faults(delta_kw, station.station.device, "--delta-kw") if delta_kw is not None else []
    if faults:
        raise UsageError(faults)
    parameters_then = {
        key.removeprefix("profile."): value
        for key, value in info.overrides.items()
        if key.startswith("profile.") and key.removeprefix("profile.") in kept_profile.parameters
    }
    parameters, practice = parameter_values(
        kept_profile, kept_rules, {**parameters_then, **changed.profile}, station.station
    )
    delta = delta_kw if delta_kw is not None else info.delta_kw
    if not LEAST_KW <= delta <= MOST_KW:
        raise DamagedFile(Fault("run.json: delta_kw", f"{delta:g} kW is no power of a device"))
    at: Point = point or info.point
    names = namespace(kept_profile, kept_rules, station.station, delta, parameters)
    known = facts(
        kept_profile,
        kept_rules,
        station.station,
        delta,
        at,
        edition,
        parameters,
        directions=info.facts.get("directions", ("up",)),
    )
    recording = dataclasses.replace(run.recording, facts={**run.recording.facts, **known})
    metrics = measure(recording, kept_profile.measure, names)
    verdict = judge(
        metrics,
        kept_profile,
        kept_rules,
        names,
        edition=edition,
        point=at,
        delta_kw=delta,
        simulated=info.simulated,
        dry_run=info.dry_run,
        practice_reasons=practice,
        decision=decision or info.decision,
    )
    return Judged(run, recording, metrics, verdict, kept_profile, kept_rules)


def publish(folder: Path, info: RunInfo, ended: Outcome | None, *, lang: Lang) -> Verdict:
    """Measure and judge a recorded run; write metrics.json, verdict.json, run.json and the report.

    ``ended`` is ERROR or ABORTED where the run did not come to its end: then nothing is judged.
    """
    judged: Judged | None = None
    if ended is None:
        judged = judge_folder(folder)
        verdict = judged.verdict
    else:
        verdict = unjudged(info, ended)
    metrics = judged.metrics if judged is not None else []
    _write(folder / "metrics.json", metrics_json(metrics))
    _write(folder / "verdict.json", verdict_json(verdict))
    info.outcome = verdict.outcome
    info.reason = info.reason or verdict.reason
    write_info(folder, info)
    if judged is not None:
        profile, rules, recording = judged.profile, judged.rules, judged.recording
    else:
        profile, rules = read_profile(folder / "profile.toml")[0], read_rules(folder / "rules.toml")[0]
        recording = load_run(folder).recording
    write_report(folder, info, recording, metrics, verdict, profile, rules, lang=lang)
    return verdict


def unjudged(info: RunInfo, ended: Outcome) -> Verdict:
    """Return the verdict of a run that did not come to its end: nothing is judged."""
    return Verdict(
        profile=info.profile,
        edition=info.edition,
        point=info.point,
        delta_kw=info.delta_kw,
        simulated=info.simulated,
        dry_run=info.dry_run,
        decision=info.decision,
        outcome=ended,
        qualified_kw=None,
        findings=(),
        reason=info.reason,
    )


def metrics_json(metrics: Sequence[Metric]) -> str:
    """Return ``metrics`` as the text of ``metrics.json``; never with NaN."""
    content = [metric.model_dump(mode="json") for metric in metrics]
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _write(path: Path, text: str) -> None:
    try:
        # half a surrogate, which JSON allows, has no UTF-8: as the escape that JSON has for it
        path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise BenchError(f"cannot write {path}: {error.strerror or error}") from None


def redraw(folder: Path, *, lang: Lang = "en", out: Path | None = None) -> Path:
    """Draw the report of a run again, beside the run folder and not into it.

    Raises:
        NoRunFolder: not a run folder, or damaged.
    """
    run = load_run(folder)
    target = out if out is not None else folder.resolve().parent / f"{folder.resolve().name}_{lang}.html"
    if folder.resolve() in target.resolve().parents:
        raise UsageError(Fault("--out", f"{target} lies inside the run folder, which is closed"))
    profile, rules = read_profile(folder / "profile.toml")[0], read_rules(folder / "rules.toml")[0]
    if run.info.execution == "done":
        judged = judge_folder(folder)
        return write_report(
            folder,
            run.info,
            judged.recording,
            judged.metrics,
            judged.verdict,
            profile,
            rules,
            out=target,
            lang=lang,
        )
    ended = Outcome.ABORTED if run.info.execution == "aborted" else Outcome.ERROR
    verdict = unjudged(run.info, ended)
    return write_report(folder, run.info, run.recording, [], verdict, profile, rules, out=target, lang=lang)


def verify(folder: Path, key: Path | None = None) -> list[str]:
    """Return what speaks against a run folder: integrity, signature, and the verdict judged again.

    ``key`` is the public key (PEM) that must have signed it. Without one, the key that the folder carries is
    believed: somebody who changed it could have signed it again with a key of his own.

    Raises:
        NoRunFolder: there is no run folder here.
        UsageError: ``key`` cannot be read.
    """
    if not (folder / "run.json").is_file() and not (folder / SUMS).is_file():
        raise NoRunFolder(Fault(str(folder), "not a run folder: it has no run.json"))
    problems = integrity_faults(folder, key)
    try:
        info = load_run(folder).info
        stored = read_json(folder / "verdict.json")
        if info.execution == "done":
            again = judge_folder(folder)
            problems += _differences(stored, json.loads(verdict_json(again.verdict)), "verdict.json")
            kept = read_json(folder / "metrics.json")
            problems += _differences(kept, json.loads(metrics_json(again.metrics)), "metrics.json")
            if info.outcome is not again.verdict.outcome:
                problems.append(f"run.json: outcome {info.outcome} is not the verdict's")
        else:
            outcome = stored.get("outcome") if isinstance(stored, dict) else None
            if outcome not in ("ERROR", "ABORTED"):
                problems.append(f"verdict.json: outcome {outcome}, but the run did not end")
    except BenchError as error:
        problems.append(f"cannot be judged again: {error}")
    return problems


def _differences(stored: Any, again: Any, place: str) -> list[str]:
    """Return where two JSON values differ, the first few with their places."""
    if isinstance(stored, dict) and isinstance(again, dict):
        return [
            text
            for key in sorted({*stored, *again} - {"reason_ja"})  # a translation of the reason may be mended
            for text in _differences(stored.get(key), again.get(key), f"{place}: {key}")
        ][:8]
    if isinstance(stored, list) and isinstance(again, list):
        if len(stored) != len(again):
            return [f"{place}: {len(stored)} entries are stored, judged again there are {len(again)}"]
        return [
            text
            for index, (one, other) in enumerate(zip(stored, again, strict=True))
            for text in _differences(one, other, f"{place}[{index}]")
        ][:8]
    numbers = isinstance(stored, float | int) and isinstance(again, float | int)
    # another processor may round the last digits of a fit differently
    if numbers and abs(stored - again) <= 1e-6 * max(1.0, abs(stored), abs(again)):
        return []
    return [] if stored == again else [f"{place}: {stored!r} is stored, judged again it is {again!r}"]


def score(
    target: Path,
    *,
    profile: str | None = None,
    edition: str | None = None,
    delta_kw: float | None = None,
    point: Point | None = None,
    columns: Path | None = None,
    overrides: Sequence[str] = (),
    decision: Decision = "guarded",
    lang: Lang = "en",
) -> Verdict:
    """Judge a run folder, or somebody else's CSV or Parquet file; writes nothing.

    Raises:
        UsageError: anything wrong with the call or the file.
    """
    if target.is_dir():
        if columns is not None:
            raise UsageError(Fault("--columns", "a run folder has our own columns"))
        run = load_run(target)
        if run.info.execution != "done":
            ended = Outcome.ABORTED if run.info.execution == "aborted" else Outcome.ERROR
            return unjudged(run.info, ended)
        return judge_folder(
            target,
            profile=profile,
            edition=edition,
            delta_kw=delta_kw,
            point=point,
            overrides=overrides,
            decision=decision,
        ).verdict
    from bench.score_file import score_file

    return score_file(
        target,
        profile=profile,
        edition=edition,
        delta_kw=delta_kw,
        point=point or "device",
        columns=columns,
        overrides=overrides,
        decision=decision,
    )
