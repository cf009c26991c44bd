"""The world does not care who looks, costs nothing while it is quiet, and keeps no endless history."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from instruments.twins.analyzer import Analyzer
from instruments.twins.config import read_twin
from instruments.twins.world import World
from tests.instruments.twins.worlds import order, step, world

TWIN: dict[str, Any] = {
    "seed": 3,
    "battery": {"mode": "frequency_response", "soc_pct": 12.0, "faults": ["jitter"], "hysteresis_hz": 0.002},
    "source": {"slew_hz_per_s": 0.5},
    "house": {"load_kw": 0.7},
}
COMMON = [5.0, 17.3, 60.0, 61.05, 200.0, 301.7]


def life(looks: list[float]) -> list[tuple[object, ...]]:
    """Lead one eventful life, looking at ``looks`` besides the common times; return what those showed."""
    made = world(**TWIN)
    analyzer = Analyzer(read_twin(TWIN).meter, 3, made)
    acts = [
        (10.0, lambda t_s: step(made, t_s, 49.8)),
        (60.0, lambda t_s: order(made, t_s, set_enabled=True, power_set_kw=4.0)),
        (61.0, lambda t_s: step(made, t_s, 50.1)),
        (100.0, lambda t_s: made.set_output(False)),
        (120.0, lambda t_s: made.set_output(True)),
        (200.0, lambda t_s: order(made, t_s, power_set_kw=-2.0)),
    ]
    events: list[tuple[float, int, Any]] = [(t_s, 0, act) for t_s, act in acts]
    events += [(t_s, 1, None) for t_s in looks] + [(t_s, 2, None) for t_s in COMMON]
    seen: list[tuple[object, ...]] = []
    for t_s, kind, act in sorted(events, key=lambda event: event[:2]):
        made.advance_to(t_s)
        if kind == 0:
            act(t_s)
        else:
            shown = analyzer.elements(t_s)
            if kind == 2:
                store = made.battery.store
                seen.append(
                    (made.device_kw.value(t_s), made.receiving_kw.integral(t_s), store.soc_pct(t_s), shown)
                )
    return seen


def test_the_answer_does_not_depend_on_who_looks_how_often() -> None:
    chance = random.Random(5)
    alone = life([])
    assert len(alone) == len(COMMON)
    for _ in range(5):
        assert life([chance.uniform(0.0, 300.0) for _ in range(400)]) == alone


def test_another_seed_is_another_world() -> None:
    first, second = ({**TWIN, "seed": seed} for seed in (3, 4))
    values = [Analyzer(read_twin(t).meter, t["seed"], world(**t)).config for t in (first, second)]
    assert values[0] == values[1]
    worlds = [world(**first), world(**second)]
    shown = []
    for made, seed in zip(worlds, (3, 4), strict=True):
        analyzer = Analyzer(read_twin(TWIN).meter, seed, made)
        made.advance_to(5.0)
        shown.append(analyzer.elements(5.0))
    assert shown[0] != shown[1]


@pytest.mark.benchmark
def test_quiet_hours_cost_next_to_nothing() -> None:
    made = world(battery={"mode": "remote"})
    order(made, 3600.0, power_set_kw=1.5)
    begin = time.process_time()
    for k in range(1, 11):
        made.advance_to(3600.0 + 1080.0 * k)
    assert time.process_time() - begin < 0.05
    assert made.device_kw.value(made.now_s) == pytest.approx(1.5, abs=1e-8)


def day(made: World) -> list[int]:
    """Set a new frequency every second for a while of each hour of a day; return the sizes of the history."""
    sizes = []
    for hour in range(24):
        for second in range(300):
            t_s = 3600.0 * hour + second
            made.advance_to(t_s)
            made.set_frequency(50.0 + 0.05 * ((hour + second) % 7 - 3))
        sizes.append(len(made.device_kw) + len(made.receiving_kw) + len(made.source.deviation_hz))
    return sizes


def test_memory_stays_flat_over_a_day() -> None:
    made = world(battery={"mode": "frequency_response", "soc_pct": 50.0})
    sizes = day(made)
    assert max(sizes) < 4000
    assert max(sizes[12:]) <= 1.1 * max(sizes[:12])
    assert len(made.agenda) < 50
    assert 0.0 < made.battery.store.soc_pct(made.now_s) < 100.0
