"""The closed forms under everything: values, integrals, window means, energy of one sign."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from instruments.twins.stage import respond
from instruments.twins.trace import Piece, Trace, split_at_zero

numbers = st.floats(-10, 10).filter(lambda x: x == 0 or abs(x) > 1e-6)


@given(level=numbers, swing=numbers, tau_s=st.floats(0.05, 10), dt_s=st.floats(0, 20))
def test_integral_of_a_lag_is_that_of_its_values(
    level: float, swing: float, tau_s: float, dt_s: float
) -> None:
    piece = Piece(0.0, level, swing=swing, tau_s=tau_s)
    expected, _ = quad(piece.value, 0.0, dt_s, limit=200)
    assert piece.integral(dt_s) == pytest.approx(expected, abs=1e-7)


@given(level=numbers, slope=numbers, dt_s=st.floats(0, 20))
def test_integral_of_a_straight_line(level: float, slope: float, dt_s: float) -> None:
    piece = Piece(0.0, level, slope=slope)
    assert piece.integral(dt_s) == pytest.approx(dt_s * (piece.value(0.0) + piece.value(dt_s)) / 2, abs=1e-9)


@given(now=numbers, target=numbers, tau_s=st.floats(0.0, 5), ramp=st.floats(0.1, 20))
def test_the_stage_obeys_lag_and_ramp(now: float, target: float, tau_s: float, ramp: float) -> None:
    trace = Trace(Piece(0.0, now))
    trace.plan(respond(0.0, now, target, tau_s, ramp))
    step_s = 1e-5
    for k in range(1, 60):
        t_s = 0.1 * k + 0.0123
        slope = (trace.value(t_s + step_s) - trace.value(t_s - step_s)) / (2 * step_s)
        gap = target - trace.value(t_s)
        wanted = math.copysign(min(abs(gap) / tau_s, ramp), gap) if tau_s > 0 else None
        if wanted is None:
            assert abs(slope) <= ramp * 1.0001
        elif abs(gap) > 1e-6:
            assert slope == pytest.approx(wanted, rel=1e-3, abs=1e-3)
    assert trace.value(1e4) == pytest.approx(target, abs=1e-8)


def test_a_mean_over_a_step_is_exact() -> None:
    trace = Trace(Piece(0.0, 1.0))
    trace.plan([Piece(10.03, 3.0)])
    assert trace.mean(10.0, 10.1) == pytest.approx(1.0 * 0.3 + 3.0 * 0.7, abs=1e-12)


def test_planning_anew_keeps_what_has_happened() -> None:
    trace = Trace(Piece(0.0, 1.0), signed=True)
    trace.plan([Piece(5.0, 100.0)])
    trace.plan([Piece(2.0, -1.0)])
    assert (trace.integral(4.0), trace.positive_integral(4.0)) == (0.0, 2.0)
    trace.plan([Piece(2.0, 3.0)])
    assert trace.integral(4.0) == 8.0


def test_forgetting_changes_no_later_answer() -> None:
    trace = Trace(Piece(0.0, 1.0), signed=True)
    for k in range(1, 200):
        trace.plan(respond(float(k), trace.value(float(k)), (-1.0) ** k, 0.3, 5.0))
    before = trace.integral(199.5), trace.positive_integral(199.5), trace.mean(190.0, 199.0)
    trace.forget(180.0)
    assert (trace.integral(199.5), trace.positive_integral(199.5), trace.mean(190.0, 199.0)) == before
    assert len(trace) < 120


@pytest.mark.parametrize(
    "piece", [Piece(2.0, -1.0, slope=0.5), Piece(2.0, 1.0, swing=-3.0, tau_s=0.7), Piece(2.0, 1.0)]
)
def test_pieces_are_cut_where_they_change_sign(piece: Piece) -> None:
    cut = split_at_zero([piece])
    if piece.slope or piece.swing:
        assert len(cut) == 2
        assert piece.value(cut[1].t_s - piece.t_s) == pytest.approx(0.0, abs=1e-12)
    else:
        assert cut == [piece]
    for dt_s in (0.1, 1.0, 3.0):
        at_s = 2.0 + dt_s
        last = max((p for p in cut if p.t_s <= at_s), key=lambda p: p.t_s)
        assert last.value(at_s - last.t_s) == pytest.approx(piece.value(dt_s), abs=1e-12)
