"""``drready commission``: prove sign, element, wiring and units with a small step before the first real run.

It is a run like any other (limits, safe state, record), of ``profiles/conditioning/commission.toml``; what is
added here is what to do about each thing that is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench.config.load import LoadedStation, load_station, parse_overrides
from bench.errors import Fault, UsageError
from bench.model import Finding, Outcome, Verdict
from bench.plan.delta import delta_faults
from bench.prepare import RunRequest
from bench.rooms import room
from bench.run import Progress, RunResult, run_campaign

__all__ = ["Check", "Commissioned", "advise", "commission", "tripped_by"]

POWER_W = 100.0
_THOUSAND = (500.0, 2000.0)
Lang = Literal["en", "ja"]


@dataclass(frozen=True)
class Check:
    """One thing that was proved or not: what was found, and what to do about it (empty: nothing)."""

    check: str
    outcome: str
    found: str
    do: str
    do_ja: str = ""


@dataclass(frozen=True)
class Commissioned:
    """A station after the small step."""

    outcome: Outcome
    folder: Path | None
    checks: tuple[Check, ...]
    reason: str
    unsigned: str = ""


def commission(
    station: str,
    *,
    power_w: float = POWER_W,
    overrides: Sequence[str] = (),
    out: Path = Path("results"),
    operator: str | None = None,
    lang: Lang = "en",
    record_wire: bool = False,
    progress: Progress | None = None,
) -> Commissioned:
    """Give the step, judge what everything that measures made of it, and return it with what to do.

    Raises:
        UsageError: wrong on paper; nothing was touched.
        InstrumentError: the station could not be opened or is in use.
    """
    loaded = load_station(station, parse_overrides(overrides).station)
    faults = delta_faults(power_w / 1000.0, loaded.station.device, "--power-w")
    if faults:
        raise UsageError(faults)
    missing = [role for role in ("source", "meter", "battery") if role not in loaded.station.instruments]
    if missing:
        where = f"{loaded.path}: instruments"
        raise UsageError([Fault(f"{where}.{role}", "is missing: it is commissioned") for role in missing])
    request = RunRequest(
        profiles=[str(room("profiles") / "conditioning" / "commission.toml")],
        station=station,
        delta_kw=power_w / 1000.0,
        overrides=overrides,
        operator=operator,
        out=out,
        lang=lang,
        record_wire=record_wire,
    )
    result: RunResult = run_campaign(request, progress=progress)[0]
    if result.outcome in (Outcome.ERROR, Outcome.ABORTED):
        checks = tripped_by(result.folder, power_w / 1000.0, loaded) if result.folder else ()
    else:
        assert result.verdict is not None  # noqa: S101  (a run that came to its end was judged)
        checks = advise(result.verdict, loaded)
    return Commissioned(result.outcome, result.folder, checks, result.reason, result.unsigned)


def advise(verdict: Verdict, loaded: LoadedStation) -> tuple[Check, ...]:
    """Return every finding that was judged in words, with what to do where it is not PASS."""
    by_id = {finding.id.partition(".")[2]: finding for finding in verdict.findings}
    checks = []
    for name, tell in _TELL.items():
        finding = by_id.get(name)
        if finding is None or finding.outcome is Outcome.NOT_APPLICABLE:
            continue
        found = _value(finding)
        do, do_ja = ("", "") if finding.outcome is Outcome.PASS else tell(finding, loaded)
        if name == "device_point" and do and _seen_elsewhere(by_id, finding):
            do, do_ja = _SWAPPED
        if name == "receiving_point" and do == _BYPASS[0] and _still(by_id.get("device_point")):
            do, do_ja = _NOT_THERE
        checks.append(Check(name, finding.outcome.value, found, do, do_ja))
    return tuple(checks)


def tripped_by(folder: Path, step_kw: float, loaded: LoadedStation) -> tuple[Check, ...]:
    """Return what tripped a run that did not come to its end, read as wrong units or voltage."""
    for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines():
        event: dict[str, Any] = json.loads(line)
        reading = event.get("reading") if event.get("kind") == "tripped" else None
        if not isinstance(reading, dict) or not isinstance(reading.get("value"), int | float):
            continue
        channel, value = str(reading.get("channel")), float(reading["value"])
        found = f"{channel} read {value:g} and tripped limits [{reading.get('low')}, {reading.get('high')}]"
        outcome = Outcome.ABORTED.value
        if channel.endswith(".power_kw"):
            if abs(value) / step_kw >= _THOUSAND[0]:
                return (Check("units", outcome, found, *_units(channel.partition(".")[0])),)
            return (Check("power", outcome, found, *_OTHER_POWER),)
        if channel.endswith(".voltage_v"):
            ratio = value / loaded.station.station.nominal_v
            return (Check("voltage", outcome, f"{found}: {ratio:.2f} of nominal", *_VOLTAGE),)
        return (Check(channel, outcome, found, *_OTHER),)
    return ()


def _value(finding: Finding) -> str:
    if finding.value is None:
        return finding.reason
    if finding.metric == "elements_exchanged_ratio":
        return f"{finding.value:.0%} of the house's power shows at the device point"
    if finding.unit == "Hz":
        return f"{finding.value:+.4f} Hz beside the source"
    way = {"up": " (discharge)", "down": " (charge)"}.get(finding.scope.direction or "", "")
    return f"reads {finding.value:.3g} times what it should{way}"


def _seen_elsewhere(by_id: dict[str, Finding], finding: Finding) -> bool:
    """Return whether the step that the device point misses shows at the receiving point."""
    other = by_id.get("receiving_point")
    return _still(finding) and other is not None and other.outcome is Outcome.PASS


_STILL = 0.2


def _still(finding: Finding | None) -> bool:
    return finding is not None and finding.value is not None and abs(finding.value) < _STILL


def _thousand(value: float) -> bool:
    size = abs(value)
    return _THOUSAND[0] <= size <= _THOUSAND[1] or (size > 0 and _THOUSAND[0] <= 1 / size <= _THOUSAND[1])


def _units(who: str) -> tuple[str, str]:
    key = (
        "the scale of the register map"
        if who == "battery"
        else "the analyzer's scaling (VT, CT ratio, W or kW)"
    )
    return (
        f"units: {who} is wrong by a factor of 1000; check {key}",
        f"単位: {who} の値が1000倍違う。スケール設定を確認する",
    )


def _battery(finding: Finding, loaded: LoadedStation) -> tuple[str, str]:
    del loaded
    value = finding.value
    if value is None:
        return "no instrument tells the power: check the meter's element and wiring", "電力の計測値がない"
    if _thousand(value):
        return (
            "units: the battery does a thousandth or a thousandfold of what it is told; check the scale of "
            "power_set_kw in its map",
            "単位: power_set_kw のスケールを確認する",
        )
    if abs(value) < _STILL:
        return (
            "the battery did not follow the command: check its mode, its permission to be controlled, and "
            "whether its state of charge lets it go this way",
            "蓄電池が指令に追従しない。運転モード・遠隔許可・SOCを確認する",
        )
    if value < 0:
        return (
            "the battery goes the wrong way: turn the sign of power_set_kw in its map; discharge is positive",
            "指令の符号が逆。power_set_kw の符号を確認する",
        )
    return (
        "the battery gives another power than it is told: take a larger --power-w if its steps are coarse, "
        "else check the scale of power_set_kw",
        "指令値と実出力の大きさが違う。スケールまたは分解能を確認する",
    )


def _element(key: str) -> Callable[[Finding, LoadedStation], tuple[str, str]]:
    def tell(finding: Finding, loaded: LoadedStation) -> tuple[str, str]:
        value = finding.value
        meter = loaded.station.instruments["meter"]
        sign = getattr(meter, f"{key}_sign")
        if value is None:
            return f"no data of the {key}: check the element number", f"{key} の計測値がない"
        if _thousand(value):
            return _units("meter")
        if abs(value) < _STILL:
            return _BYPASS if key == "receiving_point" else _NOT_THERE
        if value < 0:
            return (
                f"{key} reads discharge as negative: set {key}_sign = {-sign}, or turn the current leads",
                f"{key} の符号が逆: {key}_sign = {-sign} とするか電流線を入れ替える",
            )
        return (
            f"{key} shows {value:.2f} of the step: check VT and CT ratio, the wiring system, and that all of "
            "the current passes the element",
            f"{key} の大きさが違う: VT/CT比と結線方式を確認する",
        )

    return tell


def _report(finding: Finding, loaded: LoadedStation) -> tuple[str, str]:
    del loaded
    value = finding.value
    if value is not None and _thousand(value):
        return _units("battery")
    if value is not None and value < -_STILL:
        return (
            "the battery's own report has the other sign: turn the scale of power_kw in its map; if it has "
            "no map, tell the maker",
            "蓄電池の報告値の符号が逆。power_kw のスケールの符号を確認する",
        )
    return (
        "the battery's own report disagrees with the analyzer: check power_kw in its map and how often it is "
        "renewed",
        "蓄電池の報告値が計測器と一致しない。power_kw の設定と更新周期を確認する",
    )


def _exchanged(finding: Finding, loaded: LoadedStation) -> tuple[str, str]:
    del loaded
    if finding.value is None:
        return (
            "put a load of at least the step on the house (a kettle) and commission again: with none, the "
            "two elements cannot be told apart",
            "宅内負荷を入れてから再実行する（負荷がないと二つの計測点を区別できない）",
        )
    return _SWAPPED


def _frequency(finding: Finding, loaded: LoadedStation) -> tuple[str, str]:
    del finding, loaded
    return (
        "the analyzer's frequency does not show what the source was set to: check which voltage it takes its "
        "frequency from, its line filter, and the source's setting",
        "周波数の計測値が電源の設定値と一致しない。周波数測定元と電源設定を確認する",
    )


def _voltage(finding: Finding, loaded: LoadedStation) -> tuple[str, str]:
    del finding, loaded
    return _VOLTAGE


_SWAPPED = (
    "device_point and receiving_point are swapped: exchange the two numbers in [instruments.meter]",
    "機器点と受電点が入れ替わっている。device_point と receiving_point を入れ替える",
)
_BYPASS = (
    "receiving_point does not see the battery: it is wired past the receiving point (bypass); wire it "
    "behind it",
    "受電点が蓄電池を含んでいない（バイパス結線）。受電点の下流に接続する",
)
_NOT_THERE = (
    "does not move with the battery: check the element number and that the battery's current passes it; a "
    "reading 1000 times too small looks the same",
    "計測値が動かない。エレメント番号・電流線を確認する（1/1000の単位違いの可能性もある）",
)
_VOLTAGE = (
    "the voltage is not the station's nominal_v: check VT ratio, voltage leads (one leg of a three-wire "
    "supply reads half) and the source's range",
    "電圧が定格と違う。VT比・電圧線・電源レンジを確認する",
)
_OTHER_POWER = (
    "the power left the limits with this small step: check the element and what else draws power there",
    "小電力で制限値を超えた。エレメントと他の負荷を確認する",
)
_OTHER = (
    "a limit of the station file was left: check this reading first",
    "制限値を超えた。この値を確認する",
)

_TELL: dict[str, Callable[[Finding, LoadedStation], tuple[str, str]]] = {
    "battery": _battery,
    "device_point": _element("device_point"),
    "receiving_point": _element("receiving_point"),
    "elements": _exchanged,
    "report": _report,
    "frequency": _frequency,
    "frequency_offset": _frequency,
    "voltage": _voltage,
}
