"""Families of unit step responses, each by the integral that a window mean needs.

``x`` is the time since the end of the dead time (shape (..., n)), ``shape`` the parameters, each array
broadcastable against ``x``. ``centroid`` is the mean delay ∫(1 - h) dx: window means determine it far better
than the dead time itself, so the search runs over (centroid, shape).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["FAMILIES", "SIMPLE", "Family", "behind_a_ramp"]

FloatArray = NDArray[np.float64]
Shape = Sequence[FloatArray]


@dataclass(frozen=True)
class Family:
    """``response(x, shape)`` is the unit step response h, ``integral(x, shape)`` its integral from 0 to x.

    The first shape parameter is a time of which ``centroid_of_time`` gives the centroid per second (with
    the other parameters at the middle of their ``ranges``); the others are ratios within ``ranges``.
    """

    name: str
    response: Callable[[FloatArray, Shape], FloatArray]
    integral: Callable[[FloatArray, Shape], FloatArray]
    centroid: Callable[[Shape], FloatArray]
    ranges: tuple[tuple[float, float], ...] = ()


def _lag_response(x: FloatArray, shape: Shape) -> FloatArray:
    return 1.0 - np.exp(-np.maximum(x, 0.0) / shape[0])


def _lag_integral(x: FloatArray, shape: Shape) -> FloatArray:
    x = np.maximum(x, 0.0)
    return x + shape[0] * np.expm1(-x / shape[0])


def _ramp_response(x: FloatArray, shape: Shape) -> FloatArray:
    return np.clip(x / shape[0], 0.0, 1.0)


def _ramp_integral(x: FloatArray, shape: Shape) -> FloatArray:
    x = np.maximum(x, 0.0)
    inside = np.minimum(x, shape[0])
    return inside * inside / (2.0 * shape[0]) + (x - inside)


def _limited_response(x: FloatArray, shape: Shape) -> FloatArray:
    length, share = shape
    until = (1.0 - share) * length
    tail = np.maximum(x - until, 0.0) / (share * length)
    return np.where(x <= until, np.maximum(x, 0.0) / length, 1.0 - share * np.exp(-tail))


def _limited_integral(x: FloatArray, shape: Shape) -> FloatArray:
    length, share = shape
    x = np.maximum(x, 0.0)
    until = (1.0 - share) * length
    inside = np.minimum(x, until)
    after = x - inside
    return (
        inside * inside / (2.0 * length)
        + after
        + share * share * length * np.expm1(-after / (share * length))
    )


def _limited_centroid(shape: Shape) -> FloatArray:
    length, share = shape
    return length * ((1.0 - share) - (1.0 - share) ** 2 / 2.0 + share * share)


def _two_lag_response(x: FloatArray, shape: Shape) -> FloatArray:
    slow, ratio = shape
    x = np.maximum(x, 0.0)
    return 1.0 - (np.exp(-x / slow) - ratio * np.exp(-x / (ratio * slow))) / (1.0 - ratio)


def _two_lag_integral(x: FloatArray, shape: Shape) -> FloatArray:
    slow, ratio = shape
    x = np.maximum(x, 0.0)
    return x + slow * (np.expm1(-x / slow) - ratio * ratio * np.expm1(-x / (ratio * slow))) / (1.0 - ratio)


def _ramp_and_lag(
    x: FloatArray, shape: Shape, of: Callable[[FloatArray, FloatArray], FloatArray]
) -> FloatArray:
    total, share = shape
    ramp, tau = (1.0 - share) * total, share * total
    return (of(np.maximum(x, 0.0), tau) - of(np.maximum(x - ramp, 0.0), tau)) / ramp


def _ramp_and_lag_response(x: FloatArray, shape: Shape) -> FloatArray:
    return _ramp_and_lag(x, shape, lambda y, tau: y + tau * np.expm1(-y / tau))


def _ramp_and_lag_integral(x: FloatArray, shape: Shape) -> FloatArray:
    return _ramp_and_lag(x, shape, lambda y, tau: y * y / 2.0 - tau * (y + tau * np.expm1(-y / tau)))


def _s_response(x: FloatArray, shape: Shape) -> FloatArray:
    part = np.clip(x / shape[0], 0.0, 1.0)
    return part - np.sin(2.0 * np.pi * part) / (2.0 * np.pi)


def _s_integral(x: FloatArray, shape: Shape) -> FloatArray:
    part = np.clip(x / shape[0], 0.0, 1.0)
    inside = part * part / 2.0 + (np.cos(2.0 * np.pi * part) - 1.0) / (4.0 * np.pi**2)
    return shape[0] * inside + np.maximum(x - shape[0], 0.0)


def _second_parts(x: FloatArray, shape: Shape) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    period, damping = shape
    root = np.sqrt(1.0 - damping * damping)
    scaled = np.maximum(x, 0.0) / period
    return scaled, np.exp(-damping * scaled), damping / root, root * scaled


def _second_response(x: FloatArray, shape: Shape) -> FloatArray:
    _, decay, ratio, angle = _second_parts(x, shape)
    return 1.0 - decay * (np.cos(angle) + ratio * np.sin(angle))


def _second_integral(x: FloatArray, shape: Shape) -> FloatArray:
    period, damping = shape
    _, decay, _, angle = _second_parts(x, shape)
    root = np.sqrt(1.0 - damping * damping)
    bracket = -2.0 * damping * np.cos(angle) + (root - damping * damping / root) * np.sin(angle)
    return np.maximum(x, 0.0) - period * (decay * bracket + 2.0 * damping)


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("dead time + lag", _lag_response, _lag_integral, lambda s: s[0]),
        Family("dead time + ramp", _ramp_response, _ramp_integral, lambda s: s[0] / 2.0),
        Family(
            "dead time + rate-limited lag", _limited_response, _limited_integral, _limited_centroid,
            ((0.02, 0.98),),
        ),
        Family(
            "dead time + two lags", _two_lag_response, _two_lag_integral, lambda s: s[0] * (1.0 + s[1]),
            ((0.03, 0.97),),
        ),
        Family("dead time + S-shaped ramp", _s_response, _s_integral, lambda s: s[0] / 2.0),
        Family(
            "dead time + ramp behind a lag", _ramp_and_lag_response, _ramp_and_lag_integral,
            lambda s: s[0] * (0.5 + 0.5 * s[1]), ((0.03, 0.97),),
        ),
        Family(
            "dead time + second order", _second_response, _second_integral, lambda s: 2.0 * s[1] * s[0],
            ((0.3, 0.99),),
        ),
    )
}  # fmt: skip
SIMPLE = ("dead time + lag", "dead time + ramp")
"""Families that are always fitted; the others where residuals ask for them or the window is coarse."""
_NODES, _RAW = np.polynomial.legendre.leggauss(6)


def behind_a_ramp(family: Family, ramp_s: float) -> Family:
    """Return the response to a source that took ``ramp_s`` to its new level, from the ramp's beginning on.

    Of a linear device the answer to a ramp is the mean of its answers to steps at every instant of it
    (Gauss-Legendre quadrature). With 0 s it is the family itself.
    """
    if ramp_s <= 0.0:
        return family
    late_s = 0.5 * ramp_s * (1.0 + _NODES)

    def mean(of: Callable[[FloatArray, Shape], FloatArray]) -> Callable[[FloatArray, Shape], FloatArray]:
        def response(x: FloatArray, shape: Shape) -> FloatArray:
            parts = [0.5 * w * of(x - late, shape) for late, w in zip(late_s, _RAW, strict=True)]
            return np.asarray(sum(parts))

        return response

    return replace(
        family,
        name=f"{family.name} behind the source's ramp",
        response=mean(family.response),
        integral=mean(family.integral),
        centroid=lambda shape: family.centroid(shape) + 0.5 * ramp_s,
    )
