"""The stimulus gate and the data gate, sentence by sentence: what must trip each, and what must not.

One good recording of the twin, with every witness there is; each case bends one channel of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bench.config.load import load_profile, load_station
from bench.judge import judge
from bench.measure import measure
from bench.model import Finding, Outcome, Verdict
from bench.names import namespace, parameter_values
from bench.record.load import load_run
from bench.recording import Recording, Signal
from tests.verdicts.judged import judged

DELTA_KW = 5.5
RATED_KW, CAPACITY_KWH = 5.5, 15.0
# the last second before the fifth judged point of the hold, and one between judged points
JUDGED_S, BETWEEN_S = 3600.0 + 3600.0 + 5 * 300.0, 3600.0 + 3600.0 + 5 * 300.0 + 100.0


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    run = judged("tertiary2", tmp_path_factory.mktemp("gates"))
    assert run.outcome is Outcome.PASS
    return load_run(run.folder).recording


def verdict(recording: Recording) -> Verdict:
    loaded, station = load_profile("tertiary2", None), load_station("twin").station
    values, _ = parameter_values(loaded.profile, loaded.rules, {}, station)
    names = namespace(loaded.profile, loaded.rules, station, DELTA_KW, values)
    metrics = measure(recording, loaded.profile.measure, names)
    return judge(
        metrics, loaded.profile, loaded.rules, names, edition=loaded.edition, point="device",
        delta_kw=DELTA_KW, simulated=True,
    )  # fmt: skip


def finding(found: Verdict, short: str) -> Finding:
    return next(one for one in found.findings if one.id == f"tertiary2.{short}")


def bent(recording: Recording, channel: str, bend: Callable[[Signal], Signal]) -> Recording:
    return replace(recording, signals={**recording.signals, channel: bend(recording.signals[channel])})


def times(ratio: float, channel: str = "meter.power_kw") -> Callable[[Recording], Recording]:
    return lambda good: bent(good, channel, lambda one: replace(one, value=one.value * ratio))


def plus(offset: float, channel: str) -> Callable[[Recording], Recording]:
    return lambda good: bent(good, channel, lambda one: replace(one, value=one.value + offset))


def lost(at_s: float, quality: str) -> Callable[[Recording], Recording]:
    """Without data in the ten seconds that end at ``at_s``."""

    def bend(one: Signal) -> Signal:
        gone = (one.t_s > at_s - 10.0) & (one.t_s <= at_s)
        return replace(
            one, value=np.where(gone, np.nan, one.value), quality=np.where(gone, quality, one.quality)
        )

    return lambda good: bent(good, "meter.power_kw", bend)


def repeated(to_s: float, lasts_s: float) -> Callable[[Recording], Recording]:
    """The same value again and again."""

    def bend(one: Signal) -> Signal:
        held = (one.t_s > to_s - lasts_s) & (one.t_s <= to_s)
        return replace(one, value=np.where(held, one.value[held][0], one.value))

    return lambda good: bent(good, "meter.power_kw", bend)


def rows(order: Callable[[int], list[int]]) -> Callable[[Recording], Recording]:
    """The rows of the power in another order, or some of them twice; 5000 is nowhere near a judged point."""

    def bend(one: Signal) -> Signal:
        index = np.array(order(len(one.t_s)))
        return replace(one, t_s=one.t_s[index], value=one.value[index], quality=one.quality[index])

    return lambda good: bent(good, "meter.power_kw", bend)


def charge(steps: float) -> Callable[[Recording], Recording]:
    """A state of charge that follows the measured energy without a loss, less ``steps`` of 0.1 %."""

    def change(good: Recording) -> Recording:
        meter, soc = good.signals["meter.power_kw"], good.signals["battery.soc_pct"]
        energy = np.cumsum(meter.value * np.gradient(meter.t_s)) / 3600.0
        gone = np.interp(soc.t_s, meter.t_s, energy)
        told = 90.0 - 100.0 * gone / CAPACITY_KWH + 0.1 * steps * gone / gone[-1]
        return bent(good, "battery.soc_pct", lambda one: replace(one, value=np.round(told, 1)))

    return change


def coarse(good: Recording) -> Recording:
    """An analyzer of thirty percent: a fifth between device and analyzer is within its uncertainty."""
    return times(1.2, "battery.power_kw")(
        replace(good, accuracy={**good.accuracy, "power_reading_pct": 30.0})
    )


CASES: dict[str, tuple[str, Callable[[Recording], Recording], Callable[[Recording], Recording]]] = {
    # the tube of the stimulus, and the source against the analyzer where the tube is kept
    "frequency": ("stimulus", plus(0.03, "meter.frequency_hz"), plus(0.004, "meter.frequency_hz")),
    "voltage": ("stimulus_voltage", times(0.92, "meter.voltage_v"), times(0.99, "meter.voltage_v")),
    "source": ("source_agreement", plus(0.0085, "meter.frequency_hz"), plus(0.004, "meter.frequency_hz")),
    # data that is not there, or not data
    "missing": ("data", lost(JUDGED_S, "missing"), lost(BETWEEN_S, "missing")),
    "overflow": ("data", lost(JUDGED_S, "overflow"), lost(BETWEEN_S, "overflow")),
    "frozen": ("data", repeated(JUDGED_S, 120.0), repeated(JUDGED_S, 4.0)),
    "frozen, said": ("frozen", repeated(BETWEEN_S, 60.0), repeated(BETWEEN_S, 4.0)),
    "gap, said": ("gaps", lost(BETWEEN_S, "missing"), lambda good: good),
    "overflow, said": ("overflow", lost(BETWEEN_S, "overflow"), lost(BETWEEN_S, "missing")),
    "twice": ("duplicates", rows(lambda n: [*range(5001), *range(5000, n)]), lambda good: good),
    "disorder": ("order", rows(lambda n: [*range(5000), 5001, 5000, *range(5002, n)]), lambda good: good),
    # the witnesses
    "sign": ("sign", times(-1.0), times(-1.0, "battery.power_kw")),
    "sign of the report": ("device_sign", times(-1.0, "battery.power_kw"), times(-1.0)),
    "a tenth of the reading": (
        "device_agreement", times(1.12, "battery.power_kw"), times(1.08, "battery.power_kw")
    ),
    "a fiftieth of the rating": (
        "device_agreement",
        lambda good: plus(0.03 * RATED_KW, "battery.power_kw")(good),
        lambda good: plus(0.015 * RATED_KW, "battery.power_kw")(good),
    ),
    "the uncertainty": ("device_agreement", times(1.2, "battery.power_kw"), coarse),
    "energy": ("energy_balance", charge(8.0), charge(4.0)),
}  # fmt: skip
KIND = {"data": Outcome.INCONCLUSIVE, "stimulus": Outcome.INVALID, "stimulus_voltage": Outcome.INVALID,
        "source_agreement": Outcome.INVALID, "sign": Outcome.INVALID}  # fmt: skip
"""What trips a gate that counts; what does not count warns with a FAIL."""


@pytest.mark.parametrize("name", list(CASES))
def test_a_gate_trips_where_it_must_and_only_there(good: Recording, name: str) -> None:
    short, wrong, right = CASES[name]
    found = verdict(wrong(good))
    tripped = finding(found, short)
    assert tripped.outcome is KIND.get(short, Outcome.FAIL), tripped.reason
    assert tripped.counts is (short in KIND)
    if tripped.counts:
        assert found.outcome in (tripped.outcome, Outcome.INVALID)
    else:
        assert found.outcome is not Outcome.FAIL
    assert finding(verdict(right(good)), short).outcome is Outcome.PASS


def test_the_good_recording_warns_of_nothing(good: Recording) -> None:
    found = verdict(good)
    assert [one.id for one in found.findings if one.outcome is Outcome.FAIL] == []
