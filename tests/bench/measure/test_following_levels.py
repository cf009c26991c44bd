"""Partial and repeated activations: each level judged, transitions between the levels (domain 2.2, 2.3)."""

from __future__ import annotations

from bench.config.profile import MeasureSpec
from bench.measure import measure
from bench.model import Metric
from tests.bench.measure.synthetic import Following

STEPS = [(0.0, 0.0), (3600.0, 3.0), (6300.0, 1.5), (8100.0, 3.0), (9900.0, 0.0)]


def partial(**change: object) -> list[Metric]:
    case = Following(levels=STEPS, response_s=900.0, interval_s=60.0, duration_s=1800.0, **change)  # type: ignore[arg-type]
    return measure(case.recording(), [MeasureSpec(name="following")], case.names())


def by_step(found: list[Metric], name: str, phase: str | None = None) -> dict[int | None, float | None]:
    return {m.scope.step: m.value for m in found if m.name == name and phase in (None, m.scope.phase)}


def test_every_level_is_judged_once_its_response_time_is_over() -> None:
    band = by_step(partial(), "band_deviation_kw", "hold")
    assert set(band) == {1, 2, 3}
    assert all(value is not None and value < 0.02 for value in band.values())


def test_only_a_level_that_was_meant_to_last_has_a_hold() -> None:
    assert by_step(partial(), "hold_s") == {1: 1800.0}


def test_a_partial_level_that_is_ignored_fails_its_step() -> None:
    stuck = partial(drops=[(6300.0, 8100.0, 3.0)])
    band = by_step(stuck, "band_deviation_kw", "hold")
    assert band[2] is not None
    assert band[2] > 1.4
    assert band[1] is not None
    assert band[1] < 0.02
    assert by_step(stuck, "response_s")[2] is None


def test_leaving_the_span_between_two_commands_shows() -> None:
    calm = by_step(partial(), "band_deviation_kw", "transition")
    assert all(value is not None and value < 0.02 for value in calm.values())
    dip = by_step(partial(drops=[(6400.0, 6460.0, 0.5)]), "band_deviation_kw", "transition")
    assert dip[2] is not None
    assert dip[2] > 0.9


def test_one_activation_alone_has_no_transition() -> None:
    case = Following()
    found = measure(case.recording(), [MeasureSpec(name="following")], case.names())
    assert not [m for m in found if m.scope.phase == "transition"]
