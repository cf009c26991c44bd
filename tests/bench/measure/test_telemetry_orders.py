"""Orders that nobody answered: what telemetry tells of them, and from when on their latency counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.measure.device.telemetry import telemetry
from bench.measure.options import Options
from bench.model import Metric
from bench.recording import Command, Recording, Signal

T_S = np.arange(0.0, 60.0, 0.1)
OK = np.full(len(T_S), "ok", dtype="<U8")
FIRST = Command(0.0, "power_set_kw", 0.0, "battery", phase="step")
GIVEN_TWICE = Command(32.0, "power_set_kw", 3.0, "battery", phase="step", not_before_s=30.0)


def _found(order: Command, at_s: float, **event: str) -> dict[str, Metric]:
    power = Signal(T_S, np.where(at_s < T_S, 3.0, 0.0) + 0.001 * np.sin(T_S), OK, "kW")
    recording = Recording(
        signals={"meter.power_kw": power, "battery.power_kw": power},
        commands=(FIRST, order),
        phases=(),
        facts={},
        accuracy={},
        events=({"t_s": 32.0, **event},),
    )
    return {
        metric.name: metric
        for metric in telemetry(recording, Options("telemetry", {"soc_moved_ratio": 0.01}, {}))
    }


def test_an_order_that_was_not_answered_is_told_with_the_device_it_was_for() -> None:
    told = _found(GIVEN_TWICE, 32.5, kind="set_unanswered", role="battery")["answer_ratio"].note
    assert told is not None
    assert told.endswith("; 1 orders were not answered")
    elsewhere = _found(GIVEN_TWICE, 32.5, kind="set_unanswered", role="source")["answer_ratio"].note
    assert elsewhere is not None
    assert "orders" not in elsewhere


def test_an_order_that_was_given_twice_came_at_either_time() -> None:
    doubtful = _found(GIVEN_TWICE, 32.5, kind="set_again", role="battery")["command_latency_s"]
    assert doubtful.interval95 is not None
    assert doubtful.value < 1.0
    assert doubtful.interval95[1] > 2.0
    sure = _found(replace(GIVEN_TWICE, t_s=30.0), 32.5, kind="set_again", role="battery")["command_latency_s"]
    assert sure.value > 2.0
    first = _found(GIVEN_TWICE, 30.6, kind="set_again", role="battery")["command_latency_s"]
    assert first.interval95 is not None, "it was followed before it was sent again"
    assert first.value == 0.0
    assert 0.5 < first.interval95[1] < 1.0


def test_a_record_without_any_order_cannot_show_their_execution() -> None:
    t_s = np.arange(0.0, 30.0, 0.5)
    power = Signal(t_s, np.zeros(len(t_s)), np.full(len(t_s), "ok", dtype="<U8"), "kW")
    recording = Recording(signals={"meter.power_kw": power}, commands=(), phases=(), facts={}, accuracy={})
    options = Options("telemetry", {"soc_moved_ratio": 0.01}, {})
    found = {metric.name: metric for metric in telemetry(recording, options)}["execution_fault_count"]
    assert found.state == "not_applicable"
    assert found.value is None
