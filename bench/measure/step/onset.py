"""When the frequency stepped, from the analyzer's own frequency channel.

A ramp seen through the averaging window is fitted to the samples around each step; the length of the
ramp is the source's and common to all steps. The window that contains the step is mixed, and the share of it
gives the instant far inside the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.measure.series import Series
from bench.measure.step.edges import Edge, edge_of, stack
from bench.measure.step.plants import FAMILIES
from bench.measure.step.search import explore
from bench.measure.steps import FrequencyStep
from bench.measure.uncertainty import noise_sd

__all__ = ["Onsets", "onsets", "rough_onset"]

FloatArray = NDArray[np.float64]
_SEARCH_S = 5.0
_AROUND_S = 4.0
_EARLY_S = 0.010
_QUIET_HZ = 1e-4
_QUICK_S = 0.1
_EXCLUDED = 0.003


@dataclass(frozen=True)
class Onsets:
    """``at_s`` and ``sd_s`` of each step under one width of the window; ``evidence`` for that width.

    ``ramp_s`` is how long a slow source was still under way from there on; 0 for a step.
    """

    at_s: FloatArray
    sd_s: FloatArray
    evidence: float
    ramp_s: float = 0.0


def rough_onset(frequency: Series, step: FrequencyStep, nominal_hz: float, full_hz: float) -> float | None:
    """Return the first stamp near ``step.at_s`` past half the step; None where the frequency did not step."""
    from_s = max(step.at_s - _SEARCH_S, step.rest_s)
    part = frequency.between(from_s, min(step.at_s + _SEARCH_S, step.end_s))
    beyond = -step.sign * (part.value - nominal_hz) > 0.5 * full_hz
    if not bool(beyond.any()) or bool(beyond[0]):
        return None
    return float(part.t_s[int(np.argmax(beyond))])


def _edge(
    frequency: Series, rough_s: float, span_s: tuple[float, float], window_s: float, noise: float
) -> Edge | None:
    part = frequency.between(*span_s)
    t_s = part.t_s - rough_s
    before = t_s <= -max(2.0 * frequency.interval_s, window_s)
    return edge_of(t_s, part.value, window_s, before=before, noise=noise)


def _span(frequency: Series, rough_s: float, step: FrequencyStep) -> tuple[float, float]:
    """Return what to look at around an edge: never the edges before and after it."""
    around = max(_AROUND_S, 6.0 * frequency.interval_s)
    # the change before comes a little after its command: half the rest is well clear of it
    from_s = max(rough_s - around, (step.rest_s + rough_s) / 2.0)
    return from_s, min(rough_s + around, max(step.end_s, rough_s + 2.0 * frequency.interval_s))


def onsets(
    frequency: Series, rough_s: Sequence[float], steps: Sequence[FrequencyStep], window_s: float,
    full_hz: float, dead_band_hz: float,
) -> Onsets | None:  # fmt: skip
    """Return when the measured frequency crossed half of each step.

    Where the source is so slow that the declared dead band is left more than 10 ms earlier, it is that
    instant instead (metrology 3.1).
    """
    spans = [_span(frequency, at, step) for at, step in zip(rough_s, steps, strict=True)]
    quiet = [
        frequency.between(span[0], at - 2.0 * frequency.interval_s).value
        for at, span in zip(rough_s, spans, strict=True)
    ]
    noise = max(
        _QUIET_HZ, float(np.sqrt(np.mean([noise_sd(part) ** 2 for part in quiet if len(part) > 1] or [0.0])))
    )
    edges = [_edge(frequency, at, span, window_s, noise) for at, span in zip(rough_s, spans, strict=True)]
    if not edges or any(edge is None for edge in edges):
        return None
    posterior = explore(FAMILIES["dead time + ramp"], stack([e for e in edges if e is not None]), noise)
    if posterior is None:
        return None
    at, sd = posterior.moments(np.broadcast_to(posterior.centroid_s[:, :, None], posterior.weight.shape))
    length, length_sd = posterior.moments(
        np.broadcast_to(posterior.shapes[None, None, :, 0], posterior.weight.shape)
    )
    early = length * (0.5 - min(dead_band_hz / full_hz, 0.5))
    by_length = posterior.weight.sum(axis=(0, 1))
    # a ramp is believed only where an abrupt step is all but excluded
    ramped = float(by_length[0]) < _EXCLUDED * float(by_length.max())
    slow = (early > _EARLY_S) & ramped
    return Onsets(
        np.asarray(rough_s) + at - np.where(slow, early, 0.0),
        np.hypot(sd, np.where(slow, length_sd / 2.0, 0.0)),
        # a window of 1 s and a source that takes 1 s look the same: sources are held to be quick
        posterior.evidence - float(length.mean()) / _QUICK_S,
        float(np.mean(early + length / 2.0)) if bool(slow.all()) else 0.0,
    )
