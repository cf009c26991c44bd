"""Dead time and response time of power steps: families fitted, one chosen, the others in the uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.measure.step.edges import Edge, Edges, stack
from bench.measure.step.plants import FAMILIES, SIMPLE, behind_a_ramp
from bench.measure.step.reach import reach_s
from bench.measure.step.search import Posterior, explore

__all__ = ["StepFit", "fit_steps"]

FloatArray = NDArray[np.float64]
_COARSE_S = 0.15
_WITH_A_QUICK_STAGE = {
    "dead time + lag": "dead time + two lags",
    "dead time + ramp": "dead time + ramp behind a lag",
}
_ASKS = 1.15
_UNLIKELY = 1.6
_FAR = 12.0
_SHAPES_DIFFER = 3.0
_SEEN = 2.5
_NO_HEIGHT = 1e-6  # share of the band's upper edge below which a step never gets there


@dataclass(frozen=True)
class StepFit:
    """Per edge: dead time and entry into the band, relative to the reference of the edge.

    ``noise_s`` comes from noise and sampling, ``model_s`` from the spread of the families, both standard
    uncertainties. ``reach_low_s`` and ``reach_high_s`` are the entry with the height up and down by its
    uncertainty; infinite where the band is never entered.
    """

    family: str
    residual: float
    dead_s: FloatArray
    noise_s: FloatArray
    model_s: FloatArray
    reached_s: FloatArray
    reached_sd: FloatArray
    reach_low_s: FloatArray
    reach_high_s: FloatArray
    height: FloatArray
    height_sd: FloatArray
    families: dict[str, float]
    misfit_ratio: float = 0.0
    """What the fit leaves over, beyond noise, over the height of the step."""
    reached_misfit_s: FloatArray | None = None
    """By how much that may move the entry: a device that acts in steps enters with one of them."""


def _freedom(edges: Edges, posterior: Posterior, pooled: bool) -> float:
    shapes = int(posterior.shapes.shape[1]) * (1 if pooled else len(edges.weight))
    return float(max(1, edges.count - 3 * len(edges.weight) - shapes))


def _fit_all(edges: Edges, noise: float, window_s: float, ramp_s: float, pooled: bool) -> list[Posterior]:
    earliest = -max(window_s, 0.05)
    # a device that follows a slow source, and one that looked once and went
    sources = (0.0, ramp_s) if ramp_s > 0.0 else (0.0,)
    families = {name: [behind_a_ramp(family, s) for s in sources] for name, family in FAMILIES.items()}
    found: list[Posterior] = []
    for family in (item for name in SIMPLE for item in families[name]):
        posterior = explore(family, edges, noise, pooled=pooled, earliest_s=earliest)
        if posterior is not None:
            found.append(posterior)
    if not found:
        return found
    best = min(found, key=lambda item: item.chi2)
    freedom = _freedom(edges, best, pooled)
    asks = best.chi2 / freedom > max(_ASKS, 1.0 + _UNLIKELY * (2.0 / freedom) ** 0.5)
    # a second, quick stage hides behind the window and lengthens the dead time: its family is always asked
    wanted = set(FAMILIES) - set(SIMPLE) if asks or window_s > _COARSE_S else {
        _WITH_A_QUICK_STAGE[name] for name in SIMPLE if best.family.name.startswith(name)
    }  # fmt: skip
    for family in (item for name in FAMILIES if name in wanted for item in families[name]):
        beat = min(item.chi2 for item in found)
        posterior = explore(family, edges, noise, pooled=pooled, earliest_s=earliest, beat=beat)
        if posterior is not None:
            found.append(posterior)
    return found


def _entry(item: Posterior, time_s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and deviation of a time that some cells never reach; infinite where most do not."""
    finite = np.isfinite(time_s)
    weight = np.where(finite, item.weight, 0.0)
    total = weight.sum(axis=(1, 2))
    safe = np.maximum(total, 1e-12)
    value = np.where(finite, time_s, 0.0)
    mean = (weight * value).sum(axis=(1, 2)) / safe
    spread = (weight * (value - mean[:, None, None]) ** 2).sum(axis=(1, 2)) / safe
    return np.where(total < 0.5, np.inf, mean), np.where(total < 0.5, 0.0, np.sqrt(spread))


def fit_steps(
    items: Sequence[Edge], noise: float, window_s: float, low_kw: float, high_kw: float, height_u: float,
    ramp_s: float = 0.0,
) -> StepFit | None:  # fmt: skip
    """Fit the steps of one direction; None where no family fits at all.

    Args:
        items: the edges, power rising where it should.
        noise: standard deviation of a sample (kW).
        window_s: averaging window of the meter.
        low_kw: lower edge of the band that counts as response.
        high_kw: upper edge.
        height_u: relative standard uncertainty of the height from the meter's accuracy.
        ramp_s: how long the source took from the reference on.
    """
    edges = stack(items)
    fits = _fit_all(edges, noise, window_s, ramp_s, pooled=True)
    if not fits:
        return None
    best = min(fits, key=lambda item: item.chi2)
    residual = best.chi2 / _freedom(edges, best, True)
    if residual > _SHAPES_DIFFER and len(items) > 1:
        apart = _fit_all(edges, noise, window_s, ramp_s, pooled=False)
        alone = min(apart, key=lambda item: item.chi2, default=best)
        if apart and alone.chi2 / _freedom(edges, alone, False) < 0.8 * residual:
            fits = apart
            residual = alone.chi2 / _freedom(edges, alone, False)
    inflate = max(1.0, residual)
    evidence = np.array([item.evidence for item in fits])
    chance = np.exp(np.maximum((evidence - evidence.max()) / inflate, -_FAR * 4))
    chance = chance / chance.sum()
    chosen = int(np.argmax(chance))
    dead, spread, reached, reached_sd, low, high, heights = [], [], [], [], [], [], []
    for item in fits:
        mean, sd = item.moments(item.dead_time_s())
        dead.append(mean)
        spread.append(sd * np.sqrt(inflate))
        height, _ = item.moments(item.height)
        height = np.where(np.abs(height) < _NO_HEIGHT * high_kw, _NO_HEIGHT * high_kw, height)
        heights.append(height)
        doubt = 2.0 * np.hypot(height_u, (item.moments(item.height_sd)[0] / np.abs(height)))
        entries = []
        for factor in (1.0, 1.0 + doubt, 1.0 - doubt):
            after = reach_s(item.family, item.shapes, low_kw / (height * factor), high_kw / (height * factor))
            entries.append(_entry(item, item.dead_time_s() + after[:, None, :]))
        reached.append(entries[0][0])
        reached_sd.append(entries[0][1] * np.sqrt(inflate))
        low.append(entries[1][0])
        high.append(entries[2][0])
    # where the data cannot tell families apart, their weighted mean errs least
    value = np.asarray(sum(p * m for p, m in zip(chance, dead, strict=True)))
    model = np.sqrt(sum(p * (m - value) ** 2 for p, m in zip(chance, dead, strict=True)))
    noise_s = np.sqrt(sum(p * s**2 for p, s in zip(chance, spread, strict=True)))
    best = fits[chosen]
    height_sd = best.moments(best.height_sd)[0]
    left = noise * max(residual - 1.0, 0.0) ** 0.5
    # no more than noise leaves by chance says nothing
    seen = left if residual > 1.0 + _SEEN * (2.0 / _freedom(edges, best, True)) ** 0.5 else 0.0
    sooner, later = (
        _entry(
            best,
            best.dead_time_s()
            + reach_s(best.family, best.shapes, (low_kw + off) / heights[chosen], high_kw / heights[chosen])[
                :, None, :
            ],
        )[0]
        for off in (-seen, seen)
    )
    # where the band is never entered there is nothing to move
    entry = np.where(np.isfinite(reached[chosen]), reached[chosen], 0.0)
    ends = [np.where(np.isfinite(end) & (entry > 0.0), end, entry) for end in (sooner, later)]
    return StepFit(
        fits[chosen].family.name,
        residual,
        value,
        np.asarray(noise_s),
        np.asarray(model),
        reached[chosen],
        reached_sd[chosen],
        low[chosen],
        high[chosen],
        heights[chosen],
        height_sd,
        {item.family.name: float(p) for item, p in zip(fits, chance, strict=True)},
        left / float(np.median(np.abs(heights[chosen]))),
        np.abs(ends[1] - ends[0]) / 2.0,
    )
