"""Every verdict on the zoo is the truth, or says with a reason that the recording cannot tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.score_file import judge_file
from tests.bench.foreign.zoo import Beast
from tests.bench.foreign.zoo_beasts import BLOCKS
from tests.bench.foreign.zoo_steps import STEPS

OPEN = {"INCONCLUSIVE", "NOT_APPLICABLE"}
ZOO = [*BLOCKS, *STEPS]


def test_the_zoo_is_large_enough() -> None:
    assert len(ZOO) >= 40
    assert len({beast.name for beast in ZOO}) == len(ZOO)


@pytest.mark.parametrize("beast", ZOO, ids=lambda beast: f"{beast.profile}-{beast.name}")
def test_no_verdict_is_wrong(beast: Beast, tmp_path: Path) -> None:
    path, columns = beast.files(tmp_path)
    _, _, verdict = judge_file(
        path, profile=beast.profile, columns=columns, delta_kw=beast.delta_kw,
        point="receiving" if beast.point == "receiving" else "device",
    )  # fmt: skip
    found = {finding.id.partition(".")[2]: finding for finding in verdict.findings}
    for name, truth in beast.truth.items():
        allowed = {truth} if name in beast.must else {truth, *OPEN}
        assert found[name].outcome.value in allowed, (name, found[name].reason)
        assert found[name].reason
    assert not [finding.id for finding in verdict.findings if finding.outcome.value == "INVALID"]
    if "FAIL" not in beast.truth.values():
        assert verdict.outcome.value in {"PASS", "INCONCLUSIVE"}
    if "FAIL" in [beast.truth[name] for name in beast.must if found[name].counts]:
        assert verdict.outcome.value == "FAIL"
        assert verdict.qualified_kw in {0.0, None} or verdict.qualified_kw < verdict.delta_kw


def _beast(name: str) -> Beast:
    return next(beast for beast in ZOO if beast.name == name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("clock early unknown", "-20.0 ± 1.0 s"),
        ("clock unknown", "+40.0 ± 1.0 s"),
        ("report late", "nothing was moved"),
        ("clock declared", "moved by 40 s, as declared"),
    ],
)
def test_a_clock_that_is_off_is_said(name: str, words: str, tmp_path: Path) -> None:
    beast = _beast(name)
    path, columns = beast.files(tmp_path)
    _, _, verdict = judge_file(path, profile=beast.profile, columns=columns, delta_kw=3.0)
    assert words in verdict.reason


def test_clocks_that_agree_are_not_mentioned(tmp_path: Path) -> None:
    path, columns = _beast("plain").files(tmp_path)
    recording, _, verdict = judge_file(path, profile="tertiary2", columns=columns, delta_kw=3.0)
    assert "clock_offset_s" not in recording.facts
    assert "Clock" not in verdict.reason


def test_a_power_that_nobody_commanded_is_not_qualified(tmp_path: Path) -> None:
    path, columns = _beast("plain").files(tmp_path)
    verdicts = {
        delta_kw: judge_file(path, profile="tertiary2", columns=columns, delta_kw=delta_kw)[2]
        for delta_kw in (2.0, 3.0, 3.01, 3.1)
    }
    assert {kw: (v.outcome.value, v.qualified_kw) for kw, v in verdicts.items()} == {
        2.0: ("PASS", 2.0),
        3.0: ("PASS", 3.0),
        3.01: ("PASS", 3.01),  # to the percent: a log rounds what it was told
        3.1: ("INVALID", None),
    }
    assert "commanded" in verdicts[3.1].reason


@pytest.mark.parametrize(
    ("profile", "lacks"),
    [("primary", "nominal_hz"), ("reverse_flow", "rated_kw"), ("mode_restore", "rated_kw")],
)
def test_what_is_not_declared_leaves_the_run_undecided(tmp_path: Path, profile: str, lacks: str) -> None:
    path = tmp_path / "power.csv"
    path.write_text("t_s,power_kw\n" + "".join(f"{t},{3.0 * (t > 60)}\n" for t in range(200)))
    verdict = judge_file(path, profile=profile, delta_kw=3.0)[2]
    assert verdict.outcome.value == "INCONCLUSIVE"
    assert f"Not told by [declared]: {lacks}." in verdict.reason


def test_naive_times_are_one_fault_however_many_rows(tmp_path: Path) -> None:
    path, columns = tmp_path / "naive.csv", tmp_path / "columns.toml"
    path.write_text("time,power_kw\n" + "".join(f"2026-04-01T09:00:{t:02},0\n" for t in range(60)))
    columns.write_text('[columns]\ntime = "time"\npower_kw = "power_kw"\n')
    with pytest.raises(UsageError, match="has no time zone") as caught:
        judge_file(path, profile="tertiary2", columns=columns, delta_kw=3.0)
    assert len(caught.value.faults) == 1


def test_the_bare_rule_decides_where_the_guard_cannot(tmp_path: Path) -> None:
    """``--decision simple`` is the market operator's comparison: guarded cannot tell at the edge."""
    from tests.bench.foreign.zoo import Block

    for gain, rule in ((0.9005, "PASS"), (0.8995, "FAIL")):
        beast = Beast("edge", "tertiary2", Block(gain=gain, noise_kw=0.004), {})
        path, columns = beast.files(tmp_path)
        both = [
            judge_file(path, profile="tertiary2", columns=columns, delta_kw=3.0, decision=decision)[2]
            for decision in ("guarded", "simple")
        ]  # type: ignore[misc]  # the two literals
        guarded, simple = (
            next(finding for finding in verdict.findings if finding.id == "tertiary2.band")
            for verdict in both
        )
        assert guarded.outcome.value == "INCONCLUSIVE"
        assert guarded.rule_outcome == simple.outcome == simple.rule_outcome
        assert gain != 0.8995 or simple.outcome.value == rule


def test_an_older_edition_asks_for_another_time(tmp_path: Path) -> None:
    """Edition 2021 gives 45 minutes to respond, 2026 an hour."""
    from tests.bench.foreign.zoo import Block

    beast = Beast("late", "tertiary2", Block(delay_s=3000.0), {})
    path, columns = beast.files(tmp_path)
    outcomes = {
        edition: next(
            finding.outcome.value
            for finding in judge_file(
                path, profile="tertiary2", columns=columns, delta_kw=3.0, edition=edition
            )[2].findings
            if finding.id == "tertiary2.response"
        )
        for edition in ("2021", "2026")
    }
    assert outcomes == {"2021": "FAIL", "2026": "PASS"}
