"""Reasons in plain words, English and Japanese."""

from __future__ import annotations

from typing import NamedTuple

from bench.japanese import in_japanese
from bench.judge.decide import Case
from bench.model import Limit, Metric

__all__ = [
    "Words",
    "admitted",
    "fail_is",
    "join",
    "no_metric",
    "outcome_words",
    "practice",
    "reason",
    "undeclared",
    "unlimited",
]


class Words(NamedTuple):
    """One text in both languages."""

    en: str
    ja: str


_LIMIT = {
    "at_most": Words("at most {}", "{} 以下"),
    "at_least": Words("at least {}", "{} 以上"),
    "below": Words("below {}", "{} 未満"),
    "above": Words("above {}", "{} 超"),
}
_CASES: dict[Case, Words] = {
    "inside": Words("{value} is inside the limit ({limit}).", "{value} は限度内（{limit}）。"),
    "outside": Words("{value} is outside the limit ({limit}).", "{value} は限度外（{limit}）。"),
    "conditional_pass": Words(
        "Conditional pass: {value} is inside the limit ({limit}), but its uncertainty reaches across it.",
        "条件付き合格: {value} は限度内（{limit}）だが、不確かさが限度をまたぐ。",
    ),
    "conditional_fail": Words(
        "Conditional fail: {value} is outside the limit ({limit}), but its uncertainty reaches across it.",
        "条件付き不合格: {value} は限度外（{limit}）だが、不確かさが限度をまたぐ。",
    ),
    "no_uncertainty": Words(
        "{value} against {limit}: not decidable, since the uncertainty is not known.",
        "{value}（{limit}）: 不確かさが不明のため判定できない。",
    ),
    "never": Words("Never reached ({limit}).", "到達しなかった（{limit}）。"),
    "missing": Words("The data cannot tell ({limit}).", "データからは判定できない（{limit}）。"),
    "not_applicable": Words("Nothing to judge.", "評価対象がない。"),
    "censored": Words(
        "The record or the command ended first: {ends} ({limit}); the device held as long as it was seen.",
        "記録または指令が先に終わった: {ends}（{limit}）。観測した間は継続していた。",
    ),
    "censored_pass": Words(
        "The record or the command ended first, but every reading is inside the limit: {ends} ({limit}).",
        "記録または指令が先に終わったが、いずれの読み方でも限度内: {ends}（{limit}）。",
    ),
    "no_limit": Words(
        "{value}; the rules set no limit: information.", "{value}。規定に限度がないため参考値。"
    ),
}


def _number(value: float | None, unit: str) -> str:
    text = "?" if value is None else f"{value:.6g}"
    return text if unit in ("", "1") else f"{text} {unit}"


def _limit(limit: Limit, unit: str, language: int) -> str:
    parts = [form[language].format(_number(getattr(limit, name), unit)) for name, form in _LIMIT.items()
             if getattr(limit, name) is not None]  # fmt: skip
    return (", ", "、")[language].join(parts) or ("no limit", "限度なし")[language]


def _value(metric: Metric) -> str:
    text = f"{metric.name} = {_number(metric.value, '')}"
    if metric.interval95 is not None:
        low, high = (("…" if end is None else _number(end, "")) for end in metric.interval95)
        text += f" [{low}, {high}]"
    elif metric.uncertainty is not None:
        text += f" ± {metric.uncertainty:.3g}"
    return text if metric.unit in ("", "1") else f"{text} {metric.unit}"


def _ends(metric: Metric, language: int) -> str:
    strict, lenient = metric.interval95 or (metric.value, None)
    at_least = ("at least the strict", "以上（厳しい読み方の値）")[language]
    form = ("strict reading {0}, lenient reading {1}", "厳しい読み方 {0}、緩い読み方 {1}")[language]
    return form.format(
        _number(strict, metric.unit), at_least if lenient is None else _number(lenient, metric.unit)
    )


def reason(case: Case, metric: Metric, limit: Limit) -> Words:
    """Say how ``metric`` stands against ``limit``."""
    texts = []
    for language in (0, 1):
        text = _CASES[case][language].format(
            value=_value(metric), limit=_limit(limit, metric.unit, language), ends=_ends(metric, language)
        )
        note = in_japanese(metric.note) if language else metric.note
        if note and language and not note.endswith("。"):
            note += "。"
        texts.append(f"{text} {note}".strip())
    return Words(*texts)


def no_metric(name: str) -> Words:
    """Say that nothing was measured under ``name``."""
    return Words(f"The recording shows no {name}.", f"記録から {name} は求められない。")


def unlimited(why: str) -> Words:
    """Say that the limit cannot be computed."""
    return Words(f"The limit is not known here: {why}.", f"限度が定まらない: {why}。")


def undeclared(names: list[str]) -> Words:
    """Say that the limit is one that somebody has to declare, and where."""
    listed = ", ".join(names)
    return Words(
        f"There is no limit to judge by: {listed} is declared nowhere "
        "([device] of a station file, [declared] of a columns file).",
        f"判定の限度がない: {listed} の申告がない"
        "（試験設備ファイルの [device]、列定義ファイルの [declared]）。",
    )


def fail_is(outcome: str) -> Words:
    """Say whose fault a failing of this finding is, where it is not the device's."""
    if outcome == "INVALID":
        return Words(
            "The stimulus or the bench was wrong, not the device.",
            "供試機器ではなく、印加または試験設備の不良。",
        )
    return Words("So the data cannot decide.", "よってデータから判定できない。")


def admitted(point: str, edition: str, known: bool, note: str, note_ja: str = "") -> Words:
    """Say whether the market admits the metering point."""
    name = {"device": "機器点", "receiving": "受電点"}[point]
    if known:
        en, ja = (
            f"The market admits the {point} point under edition {edition}.",
            f"{edition}年版で{name}は認められている。",
        )
    else:
        en = f"The market does not admit the {point} point under edition {edition}."
        ja = f"{edition}年版では{name}は認められていない。"
    return Words(f"{en} {note}".strip(), f"{ja}{note_ja or note}".strip())


def practice(reasons: list[str]) -> Words:
    """Say that the run was practice."""
    listed = "; ".join(reasons)
    en = "Practice run, never a PASS" + (f": {listed}." if listed else ".")
    listed_ja = "、".join(map(in_japanese, reasons))
    return Words(en, "練習運転のため合格にはならない" + (f": {listed_ja}。" if listed else "。"))


def outcome_words(outcome: str, because: list[str]) -> Words:
    """Say what the run came to and which findings decided it."""
    listed = ", ".join(because)
    return Words(
        f"{outcome}: {listed}." if listed else f"{outcome}.",
        f"{outcome}: {listed}。" if listed else f"{outcome}。",
    )


def join(*parts: Words) -> Words:
    """Put sentences one after the other, each ended before the next begins."""
    *before, last = [part.en for part in parts if part.en] or [""]
    ended = [text if text.endswith((".", ":", "?")) else f"{text}." for text in before]
    return Words(" ".join([*ended, last]), "".join(p.ja for p in parts if p.ja))
