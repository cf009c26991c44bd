"""Whether the witnesses of a run agree: analyzer, device, source, receiving point, state of charge.

A disagreement says that somebody is wrong, not who. Where a third witness can tell, it does: the source's
own power meter against the analyzer, the state of charge between analyzer and device. Where the analyzer is
wrong or nobody can tell, the run is invalid; where the device's report is wrong, that is a warning, since
no verdict rests on it. So a wrong meter never fails a battery, nor a wrong report a right meter.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from bench.measure.device.cuts import outside_cuts
from bench.measure.options import Options
from bench.measure.series import Series
from bench.measure.uncertainty import expanded, frequency_u_hz, power_u_kw
from bench.measure.witness.energy import energy_balance, meter_sign_is_right
from bench.measure.witness.pairs import Pairs, steady_pairs, worst_of_five
from bench.measure.witness.stimulus import stimulus
from bench.measure.witness.update_rate import update_rate
from bench.model import Metric, Scope, Window
from bench.moved_house import net_load_kw
from bench.recording import Recording

__all__ = ["OPTIONS", "agreement"]

OPTIONS = frozenset(
    {"device_reading_ratio", "device_rating_ratio", "source_reading_ratio", "wiring_ratio", "source_error_hz",
     "efficiency_ratio"}
)  # fmt: skip
_NAMES = (
    "sign_doubt_count",
    "device_sign_count",
    "device_disagreement_ratio",
    "power_disagreement_ratio",
    "receiving_over_device_ratio",
    "energy_balance_steps",
)
_STRONG = 0.05
_FEWEST = 5
_MOVED = 0.05


def _nothing(name: str, note: str) -> Metric:
    return Metric(name=name, value=None, unit="1", scope=Scope(), state="not_applicable", note=note)


def _over(
    recording: Recording, pairs: Pairs, reading_ratio: float, floor_kw: float, name: str, who: str
) -> Metric:
    """Return the worst lasting difference over what is allowed: 1 is the edge."""
    difference = worst_of_five(pairs.other - pairs.meter)
    meter_u = np.array([2.0 * power_u_kw(recording, float(kw)) for kw in pairs.meter])
    allowed = np.maximum(np.maximum(reading_ratio * np.abs(pairs.meter), floor_kw), meter_u)
    share = np.abs(difference) / allowed
    at = int(np.argmax(share))
    return Metric(
        name=name,
        value=float(share[at]),
        unit="1",
        uncertainty=0.0,
        scope=Scope(),
        window=Window(from_s=float(pairs.t_s[at]), to_s=float(pairs.t_s[at])),
        method=f"{who}, where power is steady, median of five readings; over the largest of "
        f"{100 * reading_ratio:g} % of the reading, {floor_kw:.3g} kW and the uncertainty",
        note=f"{difference[at]:+.3f} kW at {pairs.meter[at]:.3f} kW, t = {pairs.t_s[at]:.0f} s",
    )


def _device(recording: Recording, meter: Series, rated_kw: float, options: Options) -> list[Metric]:
    names = _NAMES[:3]
    own = outside_cuts(recording, Series.of(recording.signals.get("battery.power_kw")))
    pairs = steady_pairs(meter, own, rated_kw)
    if pairs is None:
        note = "the device does not report its power, or never while power was steady"
        return [_nothing(name, note) for name in names]
    strong = (np.abs(pairs.meter) > _STRONG * rated_kw) & (np.abs(pairs.other) > _STRONG * rated_kw)
    against = int(np.sum(pairs.meter[strong] * pairs.other[strong] < 0.0))
    if against < _FEWEST or against < 0.5 * int(strong.sum()):
        against = 0
    meter_right = meter_sign_is_right(recording, meter) if against else None
    said = {
        None: "nothing else tells which of them is right",
        True: "the state of charge sides with the analyzer",
        False: "the state of charge sides with the device: look at the analyzer's wiring",
    }[meter_right]
    found = []
    for name, value in (
        ("sign_doubt_count", 0 if meter_right else against),
        ("device_sign_count", against if meter_right else 0),
    ):
        found.append(
            Metric(
                name=name,
                value=float(value),
                unit="1",
                uncertainty=0.0,
                scope=Scope(),
                method="steady samples in which analyzer and device disagree on the sign of power",
                note=f"of {int(strong.sum())} with power: {said}" if against else "",
            )
        )
    floor = options.number("device_rating_ratio") * rated_kw
    ratio = options.number("device_reading_ratio")
    found.append(_over(recording, pairs, ratio, floor, names[2], "device's report less the analyzer's power"))
    return found


def _source(recording: Recording, meter: Series, rated_kw: float, options: Options) -> Metric:
    name = "power_disagreement_ratio"
    source = Series.of(recording.signals.get("source.measured_power_kw"))
    given = Series(source.t_s, -source.value, source.stamps_s)
    receiving = Series.of(recording.signals.get("meter.receiving_power_kw"))
    reference = receiving if len(receiving) else meter
    pairs = steady_pairs(reference, given, rated_kw)
    if pairs is None:
        return _nothing(name, "the source does not measure its power, or never while power was steady")
    who = "power the source takes less the analyzer's at the receiving point"
    if not len(receiving):
        # the house stands between the two: what it takes all the time is left out
        house = float(np.median(pairs.other - pairs.meter))
        pairs = Pairs(pairs.t_s, pairs.meter, pairs.other - house)
        who = "power the source takes less the analyzer's, and less the house"
    ratio, floor = options.number("source_reading_ratio"), options.number("device_rating_ratio") * rated_kw
    return _over(recording, pairs, ratio, floor, name, who)


def _house_at_rest(recording: Recording, pairs: Pairs) -> Pairs | None:
    """Return the pairs while only the battery is moved: a command with the export allowed, and before it."""
    spans = [
        (before[1], phase[2])
        for before, phase in pairwise(recording.phases)
        if (before[0], phase[0]) == ("ready", "allowed")
    ]
    keep = np.zeros(len(pairs.t_s), dtype=bool)
    for low, high in spans:
        keep |= (pairs.t_s > low) & (pairs.t_s <= high)
    if int(keep.sum()) < _FEWEST:
        return None
    return Pairs(pairs.t_s[keep], pairs.meter[keep], pairs.other[keep])


def _wiring(recording: Recording, meter: Series, rated_kw: float, options: Options) -> Metric:
    name = "receiving_over_device_ratio"
    receiving = Series.of(recording.signals.get("meter.receiving_power_kw"))
    pairs = steady_pairs(meter, receiving, rated_kw)
    if pairs is None:
        return _nothing(name, "the analyzer does not measure both points")
    if recording.facts.get("kind") == "site":
        pairs = _house_at_rest(recording, pairs)
        if pairs is None:
            return _nothing(name, "load and generation of the house are moved all the time in this profile")
    elif (told_kw := net_load_kw(recording, pairs.t_s)) is not None:
        pairs = Pairs(pairs.t_s, pairs.meter, pairs.other + told_kw)
    span = float(np.ptp(pairs.meter))
    if span < _MOVED * rated_kw:
        return _nothing(name, "too little power moved to compare the two points")
    centred = pairs.meter - pairs.meter.mean()
    squares = float(centred @ centred)
    slope = float(centred @ (pairs.other - pairs.other.mean())) / squares
    left = pairs.other - pairs.other.mean() - slope * centred
    independent = max(4.0, len(left) / 30.0)  # a house does not change its mind every second
    components = {
        "house": float(left.std()) * math.sqrt(len(left) / (squares * independent)),
        "meter": math.sqrt(2.0) * power_u_kw(recording, float(np.abs(pairs.meter).max())) / span,
    }
    total = expanded(components)
    tolerance = options.number("wiring_ratio")
    if total > tolerance and abs(slope - 1.0) <= total + tolerance:
        return _nothing(name, f"the house moved too much to tell: {slope:.2f} ± {total:.2f}")
    return Metric(
        name=name,
        value=slope,
        unit="1",
        uncertainty=total,
        scope=Scope(),
        method="change of power at the receiving point over that at the device point, where power is steady",
        note="the receiving point does not see the device: it is wired past it" if slope < 0.5 else "",
        components=components,
    )


def _source_hz(recording: Recording, options: Options) -> Metric:
    name = "source_disagreement_ratio"
    if recording.foreign and "source.frequency_hz" not in recording.signals:
        return _nothing(name, "what the source was set to is not in the recording")
    found = {metric.name: metric for metric in stimulus(recording, options)}
    mean = found.get("stimulus_mean_error_hz")
    if mean is None or mean.value is None:
        return _nothing(name, "no dwell of the set frequency is long enough to compare")
    both = 2.0 * frequency_u_hz(recording) + options.number("source_error_hz")
    return Metric(
        name=name,
        value=mean.value / both,
        unit="1",
        uncertainty=0.0,
        scope=Scope(),
        method=f"worst mean of a dwell, measured less set frequency, over both uncertainties ({both:.4g} Hz)",
        note=mean.note,
    )


def agreement(recording: Recording, options: Options) -> list[Metric]:
    """Compare what the witnesses say of power, sign, wiring, frequency and energy."""
    meter = Series.of(recording.signals.get("meter.power_kw"))
    # a recording from elsewhere may not say what the device is rated at
    rated_kw = options.get("rated_kw") or options.get("delta_kw") or 0.0
    metrics = [_source_hz(recording, options), update_rate(recording)]
    if not math.isfinite(rated_kw) or rated_kw <= 0.0 or len(meter) < 2:
        note = "no power at the device point" if len(meter) < 2 else "the rated power is not known"
        return metrics + [_nothing(name, note) for name in _NAMES]
    metrics += _device(recording, meter, rated_kw, options)
    metrics.append(_source(recording, meter, rated_kw, options))
    metrics.append(_wiring(recording, meter, rated_kw, options))
    metrics.append(energy_balance(recording, meter, options))
    return metrics
