"""Ctrl-C around a run: before anything is on, and while the evidence is written."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.host.signals import interrupts
from bench.model import Outcome
from bench.record.info import read_info
from bench.run import Live, RunRequest, RunResult, run_campaign, verify

SHORT = Path(__file__).parents[1] / "realtime" / "short.toml"


class Stops:
    """A display at which the operator presses Ctrl-C, three times as impatient people do."""

    def __init__(self, when: str) -> None:
        self._when = when

    def start(self, profile: str, end_s: float, warnings: Sequence[str] = ()) -> None:
        self._at("start")

    def update(self, t_s: float, end_s: float, phase: str, live: Live) -> None:
        self._at("update")

    def finish(self) -> None:
        self._at("update")
        self._at("finish")

    def _at(self, moment: str) -> None:
        if moment == self._when:
            for name in ("SIGINT", "SIGINT", "SIGTERM"):
                signal.raise_signal(getattr(signal, name))


@pytest.fixture
def request_(tmp_path: Path) -> RunRequest:
    return RunRequest(
        profiles=[str(SHORT), str(SHORT)], station="twin", overrides=['twin.link="direct"'], out=tmp_path
    )


@pytest.mark.parametrize("when", ["start", "update"])
def test_a_run_that_is_stopped_is_closed_and_the_next_does_not_begin(request_: RunRequest, when: str) -> None:
    with interrupts():
        (result,) = run_campaign(request_, progress=Stops(when))
    assert (result.outcome, result.reason) == (Outcome.ABORTED, "stopped by SIGINT")
    assert result.folder is not None
    assert read_info(result.folder).safe_state.state == "verified"
    assert verify(result.folder) == []


def test_evidence_is_not_cut_short_and_the_next_does_not_begin(request_: RunRequest) -> None:
    told: list[RunResult] = []
    with interrupts(), pytest.raises(KeyboardInterrupt, match="stopped by SIGINT"):
        run_campaign(request_, progress=Stops("finish"), on_result=told.append)
    assert [one.outcome for one in told] == [Outcome.PASS]
    assert told[0].folder is not None
    assert verify(told[0].folder) == []
