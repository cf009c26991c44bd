"""Step results as metrics: delay, response, and their mean beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import median_filter

from bench.measure.averaging import Averaging
from bench.measure.options import Options
from bench.measure.series import Series
from bench.measure.step.data import StepData
from bench.measure.step.fit import StepFit
from bench.measure.steps import FrequencyStep
from bench.measure.uncertainty import expanded, power_u_kw
from bench.model import Metric, Scope, Window
from bench.recording import Recording

__all__ = ["StepResult", "metrics_of"]

_STAYS_S = 1.0
_POOR = 4.0
_POOR_RATIO = 0.008


@dataclass(frozen=True)
class StepResult:
    """One step: its data, and where it could be fitted the times with their standard uncertainties."""

    step: FrequencyStep
    onset_s: float
    data: StepData
    how: str
    delay_s: float | None = None
    components: dict[str, float] | None = None
    reached_s: float = math.inf
    reached_sd: float = 0.0
    reached_between: tuple[float, float] = (math.inf, math.inf)
    reached_misfit: float = 0.0
    misfit: str = ""
    """Why the fit is not believed; then the times are those between which power left and arrived."""

    @property
    def delay_u(self) -> float:
        """Standard uncertainty of the delay that differs from step to step (noise, start)."""
        parts = self.components or {}
        return math.hypot(parts.get("noise", 0.0), parts.get("start", 0.0))

    @classmethod
    def of(
        cls, step: FrequencyStep, index: int, tries: Sequence[Any], averaging: Averaging, recording: Recording
    ) -> StepResult:
        """Combine the fits under each likely width of the window, weighted by how likely it is."""
        width, start, data, _, _, _ = max(tries, key=lambda item: item[5])
        fitted = [
            (p, start_, fit, usable.index(index))
            for _, start_, _, fit, usable, p in tries
            if fit is not None and index in usable
        ]
        if not fitted:
            return cls(step, start.at_s[index], data[index], start.how)
        share = np.array([p for p, *_ in fitted]) / sum(p for p, *_ in fitted)
        delays = np.array([fit.dead_s[k] for _, _, fit, k in fitted])
        best = int(np.argmax(share))
        _, start, fit, k = fitted[best]
        spread = math.sqrt(float((share * (delays - delays[best]) ** 2).sum()))
        components = {
            "noise": float(fit.noise_s[k]),
            "start": float(start.sd_s[index]),
            "model": float(fit.model_s[k]),
            "clock": recording.accuracy.get("time_s", 0.0) / math.sqrt(3.0),
        }
        if not averaging.known:
            components["window"] = math.hypot(spread, averaging.update_s / 2.0 / math.sqrt(3.0))
        if averaging.stamp_s:
            components["stamp"] = averaging.stamp_s / math.sqrt(3.0)
        misfit = _misfit(
            fit, float(fit.dead_s[k]), 2.0 * math.hypot(*components.values()), data[index].left_s
        )
        known = "declared" if averaging.known else "estimated"
        how = f"{fit.family} through a window of {width:.3g} s ({known}); {start.how}"
        return cls(
            step,
            start.at_s[index],
            data[index],
            how,
            float(fit.dead_s[k]),
            components,
            float(fit.reached_s[k]),
            float(fit.reached_sd[k]),
            (float(fit.reach_low_s[k]), float(fit.reach_high_s[k])),
            0.0 if fit.reached_misfit_s is None else float(fit.reached_misfit_s[k]),
            misfit,
        )


def _earliest(left_s: tuple[float, float]) -> float:
    """Return when power may have begun to leave, unseen: as long before it was still as it then took."""
    return 2.0 * left_s[0] - left_s[1]


def _misfit(fit: StepFit, dead_s: float, doubt_s: float, left_s: tuple[float, float]) -> str:
    """Say why a fit is not believed: it leaves much over, or contradicts when power was seen to leave."""
    if fit.residual > _POOR and fit.misfit_ratio > _POOR_RATIO:
        return f"the {fit.family} leaves {100 * fit.misfit_ratio:.0f} % of the step unexplained"
    if dead_s - doubt_s > left_s[1] or dead_s + doubt_s < _earliest(left_s):
        return f"the {fit.family} puts the start where power was not seen to leave"
    return ""


def _never(result: StepResult, delta_kw: float) -> tuple[str, str | None, str | None]:
    """Return the note, and what delay and response then follow from."""
    match result.data.moved:
        case "no":
            return "power never moved", None, "delay"
        case "wrong way":
            return "power moved the wrong way: sign", None, "delay"
    if result.data.moving:
        seen_s = result.data.end_s - result.onset_s
        return (
            f"still on the way {seen_s:.0f} s after the step, at {_percent(result, delta_kw)} of ΔkW",
            None,
            None,
        )
    return f"settled at {_percent(result, delta_kw)} of ΔkW", None, "band"


def _percent(result: StepResult, delta_kw: float) -> str:
    return f"{100.0 * result.data.settled_kw / delta_kw:.1f} %"


def _last_outside(result: StepResult, power: Series, low: float, high: float, until_s: float) -> float | None:
    """Return when the one-second mean was last outside the band, s after the start; None where never."""
    part = power.between(result.onset_s, min(result.onset_s + until_s, result.data.end_s))
    count = max(1, round(_STAYS_S / power.interval_s))
    if len(part) < count:
        return None
    # a lone sample is no exit from the band
    level = median_filter(part.value, size=3, mode="nearest") if len(part) > count else part.value
    total = np.cumsum(np.r_[0.0, result.step.sign * level - result.data.base_kw])
    mean = (total[count:] - total[:-count]) / count
    outside = np.flatnonzero((mean < low) | (mean > high))
    return float(part.t_s[outside[-1] + count - 1] - result.onset_s) if len(outside) else None


def _response(result: StepResult, power: Series, options: Options, scope: Scope) -> Metric:
    delta, band = options.number("delta_kw"), options.number("band_ratio")
    limit = options.number("response_s")
    window = Window(from_s=result.onset_s, to_s=result.data.end_s)
    method = f"first entry into ΔkW ± {100 * band:.0f} % to stay; inverse of {result.how}"
    note, _, follows = _never(result, delta)
    low, high = (1.0 - band) * delta, (1.0 + band) * delta
    value, between = result.reached_s, result.reached_between
    parts = dict(result.components or {})
    parts["noise"] = result.reached_sd
    parts["shape"] = result.reached_misfit
    doubt = expanded(parts) if result.components else 0.0
    if result.delay_s is not None and math.isfinite(value):
        until = max(limit, value + 2.0)
        last = _last_outside(result, power, low, high, until)
        if last is not None and last > until - _STAYS_S:
            last = _last_outside(result, power, low, high, math.inf)
        slack = 2.0 * _STAYS_S + doubt + 2.0 * power.interval_s
        if last is not None and last > value + slack:
            if last < result.data.end_s - result.onset_s - slack:
                value, between = last, (last, last)
                parts["noise"] = _STAYS_S / 2.0
                doubt = expanded(parts)
                method += "; left the band again, so the last one-second mean outside it"
            else:
                value, note, follows = math.inf, "entered the band and left it again", "hold"
    seen_s = result.data.end_s - result.onset_s
    if math.isfinite(value) and value > seen_s:
        # the model says when it would get there; nobody saw it
        value, between, follows = math.inf, (seen_s, math.inf), None
        note = f"still on the way {seen_s:.0f} s after the step, at {_percent(result, delta)} of ΔkW"
    if not math.isfinite(value) or result.delay_s is None:
        could = min(between)
        short = seen_s < limit - _STAYS_S
        if short:
            note = f"{note}; the step ended after {seen_s:.1f} s, before an answer was due"
        return Metric(
            name="response_s", value=None, unit="s", scope=scope,
            state="missing" if short else "never", window=window, method=method, note=note, follows=follows,
            interval95=(max(0.0, could - doubt), None) if math.isfinite(could) else None,
        )  # fmt: skip
    bounds = [item for item in between if math.isfinite(item)]
    shift = max((abs(item - value) for item in bounds), default=0.0)
    open_end = any(not math.isfinite(item) for item in between)
    parts["height"] = shift / 2.0
    total = expanded(parts)
    early = min([value, *bounds]) - doubt
    return Metric(
        name="response_s",
        value=max(0.0, value),
        unit="s",
        uncertainty=total,
        interval95=(max(0.0, early), None) if open_end else None,
        scope=scope,
        window=window,
        method=method,
        note=f"power settles at {_percent(result, delta)} of ΔkW",
        components=parts,
    )


def _cut(result: StepResult, response_s: float) -> str:
    """Say that a step ended before an answer was due, where none was seen."""
    seen_s = result.data.end_s - result.onset_s
    if seen_s >= response_s - _STAYS_S or result.data.moved != "no":
        return ""
    return f"no answer yet when the step ended after {seen_s:.1f} s"


def _seen_to_leave(result: StepResult, scope: Scope, window: Window) -> Metric:
    """Return the delay without a model: between which samples power left its base."""
    parts = dict(result.components or {})
    around = expanded({name: parts[name] for name in parts if name in ("start", "clock", "stamp", "window")})
    low, high = _earliest(result.data.left_s), result.data.left_s[1]
    if not math.isfinite(low) or not math.isfinite(high):
        return Metric(
            name="delay_s", value=None, unit="s", scope=scope, window=window, state="missing",
            method=result.how, note=result.misfit,
        )  # fmt: skip
    low, high = max(0.0, low - around), max(0.0, high + around)
    value = min(max(result.delay_s or 0.0, low), high)
    return Metric(
        name="delay_s",
        value=value,
        unit="s",
        uncertainty=max(value - low, high - value),
        interval95=(low, high),
        scope=scope,
        window=window,
        method="between the last sample at the level before and the first two away from it",
        note=result.misfit,
        components={**parts, "shape": (high - low) / math.sqrt(12.0)},
    )


def _seen_to_arrive(
    result: StepResult, power: Series, options: Options, scope: Scope, power_u: float
) -> Metric:
    """Return the response time without a model: when the one-second mean was last outside the band."""
    delta, ratio = options.number("delta_kw"), options.number("band_ratio")
    if result.data.corrected:
        return Metric(
            name="response_s", value=None, unit="s", scope=scope, state="missing",
            note="power was still moving before the step",
        )  # fmt: skip
    doubt_kw = 2.0 * math.hypot(power_u, result.data.noise_kw * math.sqrt(power.interval_s / _STAYS_S))
    last = [
        _last_outside(result, power, delta * (1.0 - ratio) + shift, delta * (1.0 + ratio) - shift, math.inf)
        for shift in (-doubt_kw, 0.0, doubt_kw)
    ]
    window = Window(from_s=result.onset_s, to_s=result.data.end_s)
    seen_s = result.data.end_s - result.onset_s
    method = "when the one-second mean was last outside ΔkW ± band; no model"
    loose, value, tight = (0.0 if at is None else at for at in last)
    end_s = seen_s - _STAYS_S
    if value > end_s:
        late = loose > end_s and seen_s >= options.number("response_s")
        return Metric(
            name="response_s", value=None, unit="s", scope=scope, window=window, method=method,
            state="never" if late else "missing", follows="band" if late and not result.data.moving else None,
            note=f"{result.misfit}; at {_percent(result, delta)} of ΔkW when the step ended",
        )  # fmt: skip
    slack = 2.0 * power.interval_s
    high = None if tight > end_s else tight + slack
    return Metric(
        name="response_s",
        value=max(0.0, value - _STAYS_S / 2.0),
        unit="s",
        uncertainty=_STAYS_S / 2.0 + slack + max(value - loose, tight - value),
        interval95=(max(0.0, loose - _STAYS_S - slack), high),
        scope=scope,
        window=window,
        method=method,
        note=result.misfit or "no family of responses fits the power around the step",
    )


def metrics_of(
    recording: Recording, results: Sequence[StepResult], power: Series, options: Options
) -> list[Metric]:
    """Return delay and response of every step, and the mean delay of each direction."""
    delta = options.number("delta_kw")
    metrics: list[Metric] = []
    for result in results:
        scope = Scope(point=recording.point, step=result.step.step, direction=result.step.direction)
        window = Window(from_s=result.onset_s, to_s=result.data.end_s)
        note = result.data.restless or _cut(result, options.number("response_s"))
        if result.data.moved == "no data":
            note = "no power readings around the step"
        if note:
            metrics += [
                Metric(
                    name=name, value=None, unit="s", scope=scope, window=window, state="missing", note=note
                )
                for name in ("delay_s", "response_s")
            ]
            continue
        if result.data.moved == "yes" and result.delay_s is None:
            note = "no family of responses fits the power around the step"
            metrics.append(
                Metric(name="delay_s", value=None, unit="s", scope=scope, window=window, state="missing",
                       method=result.how, note=note)
            )  # fmt: skip
        elif result.delay_s is None or result.components is None:
            note, follows, _ = _never(result, delta)
            metrics.append(
                Metric(name="delay_s", value=None, unit="s", scope=scope, window=window, state="never",
                       method=result.how, note=note, follows=follows)
            )  # fmt: skip
        elif result.misfit:
            metrics.append(_seen_to_leave(result, scope, window))
        else:
            metrics.append(
                Metric(
                    name="delay_s",
                    value=result.delay_s,
                    unit="s",
                    uncertainty=expanded(result.components),
                    scope=scope,
                    window=Window(from_s=result.onset_s, to_s=result.onset_s + max(0.0, result.delay_s)),
                    method=f"dead time of {result.how}",
                    components=result.components,
                )
            )
        if result.data.moved == "yes" and result.delay_s is None and result.data.gapped(power):
            metrics.append(
                Metric(name="response_s", value=None, unit="s", scope=scope, window=window, state="missing",
                       note=f"no readings for {result.data.gap_s:.1f} s while power moved")
            )  # fmt: skip
        elif result.misfit or (result.data.moved == "yes" and result.delay_s is None):
            metrics.append(_seen_to_arrive(result, power, options, scope, power_u_kw(recording, delta)))
        else:
            metrics.append(_response(result, power, options, scope))
    for direction in ("up", "down"):
        mine = [
            r for r in results
            if r.step.direction == direction and r.delay_s is not None and r.components and not r.misfit
            and not r.data.restless
        ]  # fmt: skip
        if not mine:
            continue
        values = np.array([r.delay_s for r in mine])
        common = mine[0].components or {}
        parts = {name: value for name, value in common.items() if name not in ("noise", "start")}
        parts["noise"] = float(np.sqrt(sum(r.delay_u**2 for r in mine))) / len(mine)
        metrics.append(
            Metric(
                name="delay_mean_s",
                value=float(values.mean()),
                unit="s",
                uncertainty=expanded(parts),
                scope=Scope(point=recording.point, direction=mine[0].step.direction),
                method=f"mean over {len(mine)} steps, from {values.min():.3f} to {values.max():.3f} s",
                components=parts,
            )
        )
    return metrics
