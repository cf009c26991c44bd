"""The power stage: a first-order lag with a limited slope, answering a step of its target in closed form."""

from __future__ import annotations

import math

from instruments.twins.trace import Piece

__all__ = ["respond"]

_SETTLED_KW = 1e-9  # below a microwatt the exponential has ended


def respond(t_s: float, now_kw: float, target_kw: float, tau_s: float, ramp_kw_per_s: float) -> list[Piece]:
    """Return the pieces by which the power goes from ``now_kw`` at ``t_s`` to ``target_kw``.

    While the lag asks for more than the ramp allows, the power moves straight; then
    ``target + (p - target) * exp(-dt / tau)``.
    """
    gap_kw = target_kw - now_kw
    pieces: list[Piece] = []
    knee_kw = ramp_kw_per_s * tau_s if tau_s > 0 else 0.0
    if math.isfinite(ramp_kw_per_s) and abs(gap_kw) > knee_kw:
        slope = math.copysign(ramp_kw_per_s, gap_kw)
        pieces.append(Piece(t_s, now_kw, slope=slope))
        t_s += (abs(gap_kw) - knee_kw) / ramp_kw_per_s
        gap_kw = math.copysign(knee_kw, gap_kw)
    if tau_s > 0 and abs(gap_kw) > _SETTLED_KW:
        pieces.append(Piece(t_s, target_kw, swing=-gap_kw, tau_s=tau_s))
        t_s += tau_s * math.log(abs(gap_kw) / _SETTLED_KW)
    pieces.append(Piece(t_s, target_kw))
    return pieces
