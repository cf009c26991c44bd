"""Attacks on delay and response: the verdict is right, or says that the data cannot tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.characterise.frequency import Frequency
from bench.characterise.physics import ACCURACY, signal
from bench.config.load import load_profile
from bench.judge import judge
from bench.measure import measure
from bench.model import Verdict
from bench.names import rule_values
from bench.recording import Recording

FloatArray = NDArray[np.float64]
Bend = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
POWER, FREQUENCY = "meter.power_kw", "meter.frequency_hz"
OPEN = {"INCONCLUSIVE", "NOT_APPLICABLE"}


def bent(recording: Recording, bend: Bend, *channels: str) -> Recording:
    signals = dict(recording.signals)
    for channel in channels:
        old = signals[channel]
        t_s, value = bend(old.t_s.copy(), old.value.copy())
        signals[channel] = signal(t_s, value, old.unit)
    return replace(recording, signals=signals)


def judged(case: Frequency, *changes: Callable[[Recording], Recording]) -> Verdict:
    recording = case.recording()
    for change in changes:
        recording = change(recording)
    loaded = load_profile("primary", None)
    names = {**rule_values(loaded.rules), **case.names()}
    return judge(
        measure(recording, loaded.profile.measure, names), loaded.profile, loaded.rules, names,
        edition=loaded.edition, point="device", delta_kw=names["delta_kw"], simulated=False,
        practice_reasons=[], decision="guarded",
    )  # fmt: skip


def outcomes(verdict: Verdict) -> dict[str, str]:
    return {finding.id.partition(".")[2]: finding.outcome.value for finding in verdict.findings}


def edges(recording: Recording) -> list[float]:
    return [command.t_s for command in recording.commands if command.phase == "step"][::2]


def spikes(t_s: FloatArray, value: FloatArray) -> tuple[FloatArray, FloatArray]:
    value[37::97] += 3.0 * np.where(np.arange(len(value[37::97])) % 2, 1.0, -1.0)
    return t_s, value


def jittered(t_s: FloatArray, value: FloatArray) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(5)
    return t_s + np.where(rng.random(len(t_s)) < 0.1, rng.uniform(0.0, 0.5, len(t_s)), 0.0), value


def repeated(t_s: FloatArray, value: FloatArray) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(6)
    return t_s, value[np.clip(np.arange(len(value)) - (rng.random(len(value)) < 0.2), 0, None)]


def drifting(t_s: FloatArray, value: FloatArray) -> tuple[FloatArray, FloatArray]:
    return t_s, value - 0.005 * t_s


def swinging(t_s: FloatArray, value: FloatArray) -> tuple[FloatArray, FloatArray]:
    return t_s, value + 0.04 * np.sin(2.0 * np.pi * t_s)


def coarse(t_s: FloatArray, value: FloatArray) -> tuple[FloatArray, FloatArray]:
    return t_s, np.round(value, 1)


def power(bend: Bend) -> Callable[[Recording], Recording]:
    return lambda recording: bent(recording, bend, POWER)


def both(bend: Bend) -> Callable[[Recording], Recording]:
    return lambda recording: bent(recording, bend, POWER, FREQUENCY)


def lost_edges(recording: Recording) -> Recording:
    def lose(t_s: FloatArray, value: FloatArray) -> tuple[FloatArray, FloatArray]:
        for at in edges(recording):
            value[(t_s > at + 0.3) & (t_s < at + 2.6)] = np.nan
        return t_s, value

    return bent(recording, lose, POWER)


def answered_twice(recording: Recording) -> Recording:
    def drop(t_s: FloatArray, value: FloatArray) -> tuple[FloatArray, FloatArray]:
        for at in edges(recording):
            value[(t_s > at + 4.0) & (t_s < at + 6.0)] = 0.0
        return t_s, value

    return bent(recording, drop, POWER)


CHANGES: dict[str, tuple[dict[str, Any], list[Callable[[Recording], Recording]]]] = {
    "as it is": ({}, []),
    "rest 4 s": ({"rest_s": 4.0}, []),
    "rest 3 s": ({"rest_s": 3.0}, []),
    "rest 2 s": ({"rest_s": 2.0}, []),
    "rest 1 s": ({"rest_s": 1.0}, []),
    "slow and rest 2 s": ({"rest_s": 2.0, "tau_s": 3.0}, []),
    "ramp and rest 4 s": ({"rest_s": 4.0, "plant": "ramp", "ramp_s": 6.0}, []),
    "ramp and rest 2 s, step 6 s": ({"rest_s": 2.0, "step_s": 6.0, "plant": "ramp", "ramp_s": 3.0}, []),
    "step 4 s": ({"rest_s": 4.0, "step_s": 4.0}, []),
    "spikes": ({}, [power(spikes)]),
    "late stamps": ({}, [both(jittered)]),
    "repeated windows": ({}, [both(repeated)]),
    "drift": ({}, [power(drifting)]),
    "swinging": ({}, [power(swinging)]),
    "coarse power": ({}, [power(coarse)]),
    "no data at the edges": ({}, [lost_edges]),
    "a meter of a second": ({"window_s": 1.0}, []),
    "of unknown window": ({"window_s": 1.0, "declared": False}, []),
    "polled out of step": ({"poll_s": 0.13}, []),
    "ringing": ({"plant": "second", "zeta": 0.2}, []),
    "slow source": ({"slew_hz_per_s": 0.5}, []),
    "late frequency channel": ({"channel_shift_s": -0.1, "accuracy": {**ACCURACY, "time_s": 0.1}}, []),
    "device that jitters": ({"jitter_s": 0.2}, []),
}


@pytest.mark.parametrize("name", list(CHANGES))
@pytest.mark.parametrize(("delay_s", "truth"), [(0.5, "PASS"), (2.6, "FAIL")])
def test_never_confident_and_wrong(name: str, delay_s: float, truth: str) -> None:
    change, bends = CHANGES[name]
    case = Frequency(**{"holds": False, "delay_s": delay_s, "steps_count": 3, **change})
    found = outcomes(judged(case, *bends))
    assert found["delay"] in {truth, *OPEN}
    assert found["response"] in {"PASS", *OPEN}
    assert found["measurement_interval"] in {"PASS", *OPEN}
    if name in ("as it is", "rest 4 s") and delay_s < 1.0:
        assert (found["delay"], found["response"]) == ("PASS", "PASS")


def test_a_device_that_answers_twice_responds_late_but_in_time() -> None:
    verdict = judged(Frequency(holds=False, steps_count=3), answered_twice)
    response = next(finding for finding in verdict.findings if finding.id == "primary.response")
    assert response.value == pytest.approx(6.5, abs=1.5)
    assert response.outcome.value == "PASS"


def test_a_base_that_never_was_is_said() -> None:
    """Rests too short for a slow device: no delay of 0.000 s, and no FAIL of the response either."""
    verdict = judged(Frequency(rest_s=4.0, plant="ramp", ramp_s=6.0, delay_s=1.9))
    said = {finding.id.partition(".")[2]: finding for finding in verdict.findings}
    for name in ("delay", "response", "band", "hold", "droop"):
        assert said[name].outcome.value == "INCONCLUSIVE"
        assert "had not come back" in said[name].reason
