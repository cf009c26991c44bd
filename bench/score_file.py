"""Judge a recording made elsewhere (contract section 6): no station, only the file and what is declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bench.config.load import LoadedProfile, load_profile, parse_overrides
from bench.errors import Fault, UsageError
from bench.foreign import Declared, read_columns, read_recording, with_phases
from bench.japanese import in_japanese
from bench.judge import judge
from bench.measure import measure
from bench.model import Metric, Verdict
from bench.names import ParameterValue, parameter_values, rule_values
from bench.plan.delta import LEAST_KW, MOST_KW
from bench.recording import Recording

__all__ = ["judge_file", "score_file"]

_TIMES_RATED, _TIMES_DELTA = 10.0, 100.0


def score_file(target: Path, **how: Any) -> Verdict:
    """Return the verdict on a CSV or Parquet file; see :func:`judge_file`."""
    return judge_file(target, **how)[2]


def judge_file(
    target: Path,
    *,
    profile: str | None,
    edition: str | None = None,
    delta_kw: float | None = None,
    point: Literal["device", "receiving"] = "device",
    columns: Path | None = None,
    overrides: Sequence[str] = (),
    decision: Literal["guarded", "simple"] = "guarded",
) -> tuple[Recording, list[Metric], Verdict]:
    """Measure and judge a file with the estimators and the judge that our own runs have.

    Raises:
        UsageError: anything wrong with the call, the file, or its columns.
    """
    faults = [] if target.exists() else [Fault(str(target), "there is no such file")]
    if profile is None:
        faults.append(Fault("--profile", f"needed: {target} does not say what it was tested for"))
    if profile is None or faults:
        raise UsageError(faults)
    given = parse_overrides(overrides)
    if given.station:
        raise UsageError(
            [
                Fault(f"--set {key}", "a recording has no station; put it under [declared] of --columns")
                for key in given.station
            ]
        )
    loaded = load_profile(profile, edition)
    declared = read_columns(columns).declared
    rules = rule_values(loaded.rules, declared.area)
    told = _numbers(_declared_names(declared))
    parameters, practice = parameter_values(
        loaded.profile, loaded.rules, given.profile, declared={**rules, **told}
    )
    names = {**rules, **_numbers(parameters), **told}
    delta = _delta_kw(delta_kw, loaded, names)
    names["delta_kw"] = delta
    facts: dict[str, Any] = {
        **names,
        "profile": loaded.profile.name,
        "product": loaded.profile.product,
        "kind": loaded.profile.kind,
        "edition": loaded.edition,
        "point": point,
        "steps_judged": any(spec.name == "step_response" for spec in loaded.profile.measure),
    }
    if loaded.profile.directions == "both":
        facts["directions"] = ["up", "down"]
    elif loaded.profile.kind == "command":
        facts["directions"] = ["up"]
    recording = read_recording(target, columns, kind=loaded.profile.kind, point=point, facts=facts)
    _believable(recording, target, told.get("rated_kw"), delta)
    names = {**_numbers(recording.facts), **names}
    recording = with_phases(recording, {spec.name for spec in loaded.profile.measure}, names)
    undeclared: set[str] = set()
    metrics = measure(recording, loaded.profile.measure, names, undeclared=undeclared)
    verdict = judge(
        metrics,
        loaded.profile,
        loaded.rules,
        names,
        edition=loaded.edition,
        point=point,
        delta_kw=delta,
        simulated=bool(declared.simulated),
        practice_reasons=practice,
        decision=decision,
    )
    said = "; ".join(str(event["text"]) for event in recording.events if event.get("kind") == "clock_offset")
    notes = [f"Clocks: {said}"] if said else []
    notes += [f"Not told by [declared]: {', '.join(sorted(undeclared))}"] if undeclared else []
    if notes:
        both = {
            "reason": " ".join([verdict.reason, *(f"{note}." for note in notes)]),
            "reason_ja": "".join([verdict.reason_ja, *(f"{in_japanese(note)}。" for note in notes)]),
        }
        verdict = verdict.model_copy(update=both)
    return recording, metrics, verdict


def _believable(recording: Recording, target: Path, rated_kw: float | None, delta_kw: float) -> None:
    """Refuse powers that no device of this size has: a factor is missing.

    Raises:
        UsageError: commands or the device's power far beyond the rating, or without one beyond ΔkW.
    """
    most_kw = _TIMES_RATED * rated_kw if rated_kw is not None else _TIMES_DELTA * delta_kw
    of_what = "the declared rating" if rated_kw is not None else "ΔkW"
    faults: list[Fault] = []
    for ours, channel in (("command_kw", "battery.power_set_kw"), ("power_kw", "meter.power_kw")):
        signal = recording.signals.get(channel)
        value = signal.good()[1] if signal is not None else np.zeros(0)
        low, high = (float(edge) for edge in np.percentile(value, [1.0, 99.0])) if len(value) else (0.0, 0.0)
        largest = max(abs(low), abs(high))
        # power that stands high and moves little may be that of a large plant, if no command says otherwise
        told = rated_kw is not None or ours == "command_kw" or bool(faults)
        if (largest if told else min(largest, high - low)) > most_kw:
            text = f"reaches {largest:.4g} kW, far beyond {of_what}: is its factor missing (W: * 0.001)?"
            faults.append(Fault(f"{target}: {ours}", text))
    if faults:
        raise UsageError(faults)


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _declared_names(declared: Declared) -> dict[str, ParameterValue]:
    """Return what is declared under the names that rules and estimators use."""
    found = {name: value for name, value in declared.facts().items() if isinstance(value, int | float)}
    return {name: value for name, value in found.items() if not isinstance(value, bool)}


def _delta_kw(asked: float | None, loaded: LoadedProfile, names: Mapping[str, float]) -> float:
    """Return ΔkW: as asked, else for frequency response from the declared droop (contract section 3)."""
    if asked is not None:
        rated = names.get("rated_kw")
        if not 0 < asked < float("inf"):
            raise UsageError(Fault("--delta-kw", f"must be a finite number above zero, is {asked:g}"))
        if not LEAST_KW <= asked <= MOST_KW:
            raise UsageError(Fault("--delta-kw", f"{asked:g} kW is no power of a device"))
        if rated is not None and asked > rated * (1 + 1e-9):
            raise UsageError(Fault("--delta-kw", f"{asked:g} kW is above the declared rating, {rated:g} kW"))
        return asked
    needed = ("rated_kw", "nominal_hz", "abnormal_hz", "declared_droop_pct", "declared_dead_band_hz")
    if loaded.profile.kind == "frequency" and all(name in names for name in needed):
        swing_hz = names["abnormal_hz"] - names["declared_dead_band_hz"]
        slope_hz = names["declared_droop_pct"] / 100 * names["nominal_hz"]
        delta_kw = names["rated_kw"] * swing_hz / slope_hz if slope_hz else float("inf")
        if not LEAST_KW <= delta_kw <= MOST_KW:
            raise UsageError(
                Fault("[declared]", f"rating, droop and dead band make a ΔkW of {delta_kw:g} kW")
            )
        return delta_kw
    hint = (
        "; it follows from [declared] rated_kw, nominal_hz, droop_pct and dead_band_hz together"
        if loaded.profile.kind == "frequency"
        else ""
    )
    raise UsageError(Fault("--delta-kw", f"needed: the ΔkW that the recording is to be judged for{hint}"))
