"""Runs made up for the tests of the report: a command-following one, a frequency one, and broken ones."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from bench.config.profile import Profile
from bench.config.rules import RuleSet
from bench.model import Finding, Limit, Metric, Outcome, Scope, Source, Verdict, Window
from bench.recording import Command, Gap, Recording, Signal
from bench.runinfo import InstrumentRecord, RunInfo, SafeState

ROOT = Path(__file__).resolve().parents[3]


def profile(name: str) -> Profile:
    return Profile.model_validate(tomllib.loads((ROOT / f"profiles/{name}.toml").read_text("utf-8")))


def rules(name: str) -> RuleSet:
    return RuleSet.model_validate(tomllib.loads((ROOT / f"profiles/rules/{name}.toml").read_text("utf-8")))


def signal(t_s: Any, value: Any, unit: str) -> Signal:
    value = np.asarray(value, dtype=float)
    return Signal(np.asarray(t_s, dtype=float), value, np.where(np.isnan(value), "missing", "ok"), unit)


def finding(
    name: str, value: float | None, uncertainty: float | None, limit: Limit, unit: str, **more: Any
) -> Finding:
    outcome = more.pop("outcome", Outcome.PASS)
    given: dict[str, Any] = {
        "id": name,
        "metric": more.pop("metric", "x"),
        "value": value,
        "uncertainty": uncertainty,
        "limit": limit,
        "unit": unit,
        "required": True,
        "counts": True,
        "outcome": outcome,
        "rule_outcome": outcome,
        "margin_ratio": 0.5 if value is not None else None,
        "repeats_to_decide": None,
        "cause": None,
        "scope": Scope(),
        "reason": "inside the limit with its uncertainty",
        "evidence": Window(from_s=3600, to_s=9001),
        "source": Source(
            document="002_8be3fa9a2fd4e2ff", place="p13", mark="seed", status="draft", quote="±10％"
        ),
    }
    return Finding(**(given | more))


def info(profile_name: str, **more: Any) -> RunInfo:
    edition = "2026"
    given: dict[str, Any] = {
        "profile": profile_name,
        "product": "primary" if profile_name in ("primary", "grid_replay") else profile_name,
        "edition": edition,
        "point": "device",
        "delta_kw": 3.0,
        "decision": "guarded",
        "simulated": True,
        "dry_run": False,
        "station": "twin",
        "clock": "virtual",
        "operator": "A. Operator",
        "started_utc": "2026-05-04T01:02:03Z",
        "ended_utc": "2026-05-04T01:03:03Z",
        "versions": {"drready-bench": "0.1.0", "python": "3.11.9", "pyvisa": "1.16.2"},
        "commit": "b21554e",
        "device": {
            "maker": "Acme",
            "model": "B5",
            "serial": "SIM-0001",
            "rated_kw": 5.5,
            "capacity_kwh": 15.0,
        },
        "instruments": [
            InstrumentRecord(
                role="source",
                driver="instruments.kikusui_pcr:KikusuiPcr",
                resource="TCPIP::127.0.0.1::5025::SOCKET",
                maker="KIKUSUI",
                model="PCR6000WE2R",
                serial="SIM001",
                firmware="1.0",
                simulated=True,
                capabilities={"resolution": {"frequency_hz": 0.001}, "sink_kw": 6.0},
                settings_restored=None,
            ),
            InstrumentRecord(
                role="meter",
                driver="instruments.yokogawa_wt:YokogawaWt",
                resource="TCPIP::127.0.0.1::5026::SOCKET",
                maker="YOKOGAWA",
                model="WT5000",
                serial="SIM002",
                firmware="3.1",
                simulated=True,
                calibration={"certificate": "JCSS-1", "due": "2027-03-31"},
                accuracy={"power_reading_pct": 0.1, "power_range_kw": 6.0, "power_range_pct": 0.05},
                accuracy_from="IM WT5000-01 (as the driver's table)",
            ),
            InstrumentRecord(
                role="battery",
                driver="instruments.sunspec:SunSpec",
                resource="TCP::127.0.0.1::5020",
                maker="Acme",
                model="B5",
                serial="SIM-0001",
                simulated=True,
                settings_before={"mode": "auto", "power_set_kw": 0.0},
                settings_restored=True,
            ),
        ],
        "safe_state": SafeState(
            state="verified",
            steps=[
                {
                    "role": "battery",
                    "quantity": "power_set_kw",
                    "value": 0.0,
                    "read_back": 0.0,
                    "proved": True,
                },
                {"role": "source", "quantity": "output", "value": False, "read_back": False, "proved": True},
            ],
        ),
        "execution": "done",
        "outcome": "PASS",
    }
    return RunInfo(**(given | more))


def tertiary2(power: float = 1.0, seed: int = 1) -> tuple[RunInfo, Recording, list[Metric], Verdict]:
    """A command-following run of 160 minutes at 1 s, with ``power`` the ratio delivered."""
    rng = np.random.default_rng(seed)
    phases = (
        ("baseline", 0.0, 3600.0, None, "up"),
        ("response", 3600.0, 7200.0, None, "up"),
        ("hold", 7200.0, 9301.0, None, "up"),
        ("return", 9301.0, 9901.0, None, "up"),
    )
    t_s = np.arange(0.0, 9901.0)
    ideal_kw = np.where((t_s > 3600.5) & (t_s < 9301.5), 3.0 * power, 0.0)
    power_kw = ideal_kw + rng.normal(0, 0.004, len(t_s))
    power_kw[5000:5040] = np.nan
    recording = Recording(
        signals={
            "meter.power_kw": signal(t_s, power_kw, "kW"),
            "meter.receiving_power_kw": signal(t_s, power_kw - 0.4, "kW"),
            "meter.frequency_hz": signal(t_s, 50 + rng.normal(0, 0.001, len(t_s)), "Hz"),
            "battery.power_kw": signal(t_s[::5], ideal_kw[::5], "kW"),
            "battery.soc_pct": signal(t_s[::5], 90 - np.cumsum(ideal_kw)[::5] / 3600 / 15 * 100, "%"),
        },
        commands=(
            Command(0.0, "frequency_hz", 50.0, "source"),
            Command(0.0, "power_set_kw", 0.0, "battery"),
            Command(3600.0, "power_set_kw", 3.0, "battery"),
            Command(9301.0, "power_set_kw", 0.0, "battery"),
        ),
        phases=phases,
        facts={
            "delta_kw": 3.0,
            "rated_kw": 5.5,
            "nominal_hz": 50.0,
            "band_ratio": 0.1,
            "interval_s": 300.0,
            "point_window_s": 1.0,
            "response_s": 3600.0,
            "duration_s": 1800.0,
            "baseline_s": 3600.0,
            "point": "device",
        },
        accuracy={"power_reading_pct": 0.1, "power_range_kw": 6.0, "power_range_pct": 0.05},
        events=({"kind": "gap", "t_s": 5000.0, "channel": "meter.power_kw", "seconds": 40},),
        gaps=(Gap(5000.0, 5040.0, "meter.power_kw", "the analyzer sent NAN"),),
    )
    components = {"meter accuracy": 0.003, "noise": 0.001, "window": 0.0004}
    good = abs(power - 1) < 0.1
    bad = {} if good else {"outcome": Outcome.FAIL, "reason": f"deviates by {abs(power - 1) * 3:.2f} kW"}
    findings = (
        finding(
            "tertiary2.baseline",
            0.011,
            0.006,
            Limit(at_most=0.3),
            "kW",
            metric="band_deviation_kw",
            components=components,
            conforms_probability=1.0,
        ),
        finding(
            "tertiary2.response",
            1.2,
            0.6,
            Limit(at_most=3600),
            "s",
            metric="response_s",
            source=Source(
                document="EPRX 商品要件 第6版 (secondary source)",
                place="三次調整力② 応動時間",
                mark="found",
                status="in force",
                quote="60分以内",
            ),
        ),
        finding(
            "tertiary2.band",
            abs(power - 1) * 3 + 0.012,
            0.007,
            Limit(at_most=0.3),
            "kW",
            metric="band_deviation_kw",
            components=components,
            scope=Scope(direction="up", phase="hold"),
            **bad,
        ),
        finding(
            "tertiary2.hold",
            1800.0,
            None,
            Limit(at_least=1800),
            "s",
            metric="hold_s",
            interval95=(1800.0, 2100.0),
            margin_ratio=0.0,
        ),
        finding(
            "tertiary2.stay",
            1.0,
            None,
            Limit(at_least=1.0),
            "1",
            counts=False,
            required=False,
            source=Source(document="drready-bench", place="p13", mark="proposal", status="draft"),
        ),
        finding(
            "tertiary2.data", 0, None, Limit(at_most=0), "1", margin_ratio=None, required=False, source=None
        ),
    )
    outcome = Outcome.PASS if good else Outcome.FAIL
    verdict = Verdict(
        profile="tertiary2",
        edition="2026",
        point="device",
        delta_kw=3.0,
        simulated=True,
        dry_run=False,
        decision="guarded",
        outcome=outcome,
        qualified_kw=3.0 if good else 0.0,
        findings=findings,
    )
    metrics = [
        Metric(
            name="response_s", value=1.2, unit="s", uncertainty=0.6, window=Window(from_s=3600, to_s=7200)
        ),
        Metric(name="hold_s", value=None, unit="s", state="censored", interval95=(1500.0, None)),
    ]
    run = info("tertiary2", phases=list(phases), outcome=outcome, facts=dict(recording.facts))
    return run, recording, metrics, verdict


def primary(seed: int = 1) -> tuple[RunInfo, Recording, list[Metric], Verdict]:
    """A frequency run at 0.1 s: five steps each way and a hold each way."""
    rng = np.random.default_rng(seed)
    phases: list[tuple[str, float, float, int | None, str | None]] = [("settle", 0.0, 30.0, None, None)]
    commands = [Command(0.0, "frequency_hz", 50.0, "source")]
    at_s, step = 30.0, 0
    for name, length_s, repeats in (("step", 20.0, 5), ("hold", 340.0, 1)):
        for direction in ("up", "down"):
            for _ in range(repeats):
                step += 1
                start_s = at_s + float(rng.uniform(0, 0.2))
                commands.append(
                    Command(start_s, "frequency_hz", 49.8 if direction == "up" else 50.2, "source")
                )
                phases.append((name, start_s, at_s + length_s, step, direction))
                commands.append(Command(at_s + length_s, "frequency_hz", 50.0, "source"))
                phases.append(("rest", at_s + length_s, at_s + length_s + 20, step, direction))
                at_s += length_s + 20
    t_s = np.arange(0.0, at_s, 0.1)
    asked = np.array([c.value for c in commands], dtype=float)
    sent = np.array([c.t_s for c in commands])
    f_hz = asked[np.searchsorted(sent, t_s, side="right") - 1]
    seen_hz = asked[np.clip(np.searchsorted(sent, t_s - 0.5, side="right") - 1, 0, None)]
    target = np.sign(50 - seen_hz) * np.maximum(np.abs(50 - seen_hz) - 0.005, 0) * 5.5 / (0.04 * 50)
    p_kw = np.zeros(len(t_s))
    for i in range(1, len(t_s)):
        p_kw[i] = p_kw[i - 1] + (target[i] - p_kw[i - 1]) * (1 - np.exp(-0.1 / 0.3))
    recording = Recording(
        signals={
            "meter.power_kw": signal(t_s, p_kw + rng.normal(0, 0.002, len(t_s)), "kW"),
            "meter.frequency_hz": signal(t_s, f_hz + rng.normal(0, 0.001, len(t_s)), "Hz"),
            "battery.soc_pct": signal(t_s[::10], 90 - np.cumsum(p_kw)[::10] / 36000 / 15 * 100, "%"),
        },
        commands=tuple(commands),
        phases=tuple(phases),
        facts={
            "delta_kw": 0.53,
            "rated_kw": 5.5,
            "nominal_hz": 50.0,
            "band_ratio": 0.1,
            "point_window_s": 1.0,
            "response_s": 10.0,
            "duration_s": 300.0,
            "declared_droop_pct": 4.0,
            "declared_dead_band_hz": 0.005,
            "dead_band_kind": "subtracted",
            "droop_base": "rated",
        },
        accuracy={
            "power_reading_pct": 0.1,
            "power_range_kw": 6.0,
            "power_range_pct": 0.05,
            "frequency_hz": 0.001,
        },
    )
    parts = {"fit": 0.004, "window centre": 0.012, "model form": 0.006, "clock": 0.001}
    findings = (
        finding(
            "primary.delay",
            0.523,
            0.031,
            Limit(at_most=2.0),
            "s",
            metric="delay_s",
            margin_ratio=0.74,
            scope=Scope(step=3, direction="up"),
            components=parts,
            conforms_probability=1.0,
            evidence=Window(from_s=110, to_s=130),
        ),
        finding(
            "primary.response", 1.26, 0.06, Limit(at_most=10.0), "s", metric="response_s", margin_ratio=0.87
        ),
        finding("primary.band", 0.0049, 0.0075, Limit(at_most=0.053), "kW", metric="band_deviation_kw"),
        finding(
            "primary.hold",
            300,
            None,
            Limit(at_least=300),
            "s",
            metric="hold_s",
            margin_ratio=0.0,
            interval95=(300.0, 331.0),
        ),
        finding(
            "primary.droop",
            4.02,
            0.05,
            Limit(above=0, at_most=5.0),
            "%",
            metric="droop_pct",
            components={"power accuracy": 0.02, "frequency accuracy": 0.015},
            margin_ratio=0.196,
            source=Source(document="domain", place="一次", mark="unverified", status="draft", quote="5%以下"),
        ),
        finding(
            "primary.offline_response", 1.26, 0.06, Limit(at_most=30.0), "s", counts=False, required=False
        ),
    )
    verdict = Verdict(
        profile="primary",
        edition="2026",
        point="device",
        delta_kw=0.53,
        simulated=True,
        dry_run=False,
        decision="guarded",
        outcome=Outcome.PASS,
        qualified_kw=0.53,
        findings=findings,
    )
    run = info("primary", phases=phases, delta_kw=0.53, facts=dict(recording.facts))
    return run, recording, [], verdict
