"""For every judged metric of the following and slot profiles: a twin just inside and one just outside.

"Just" is about twice the expanded uncertainty of the metric, or the next value that a count can have. Times
are seconds of the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.verdicts.pair import Pair, Setting

__all__ = ["PAIRS"]

DELTA_KW = 2.0
QUIET = "twin.house.load_kw=0.0"
"""No load: a device that is late to leave its own mode then has nothing to cover."""


def _set(*overrides: str) -> Setting:
    return Setting(tuple(f"twin.{text}" for text in overrides), delta_kw=DELTA_KW)


def _pair(profile: str, finding: str, inside: Setting, outside: Setting, **how: object) -> Pair:
    return Pair(profile, finding, inside, outside, **how)  # type: ignore[arg-type]  # fields of Pair


def _twins(profile: str, finding: str, key: str, inside: float, outside: float) -> Pair:
    return _pair(profile, finding, _set(f"battery.{key}={inside}"), _set(f"battery.{key}={outside}"))


def _late(profile: str, finding: str, inside: float, outside: float, **how: object) -> Pair:
    settings = (
        _set(f"battery.command_delay_s={late_s}", "house.load_kw=0.0") for late_s in (inside, outside)
    )
    return _pair(profile, finding, *settings, **how)


def _lost(fault: str, from_s: float, to_s: float) -> Setting:
    return _set(f'battery.faults=["{fault}@{from_s:g}-{to_s:g}"]')


def _kept(profile: str, last_s: float, to_s: float, quantum_s: float) -> Pair:
    """The power goes away just after, or just before, the last judged point that the rule asks for."""
    inside, outside = (_lost("never_responds", from_s, to_s) for from_s in (last_s + 0.5, last_s - 0.5))
    return _pair(profile, "hold", inside, outside, quantum=quantum_s)


def _pulse(from_s: float, to_s: float, kw: float) -> Setting:
    return Setting(pv=((from_s, to_s, kw),), delta_kw=DELTA_KW)


def _pulses(
    profile: str, finding: str, at_s: float, long_s: float = 45.0, by_kw: float = 0.018, **how: object
) -> Pair:
    """The house gives about a tenth of ΔkW too much for one judged point."""
    settings = (_pulse(at_s - long_s, at_s + 10.0, kw) for kw in (0.2 - by_kw, 0.2 + by_kw))
    return _pair(profile, finding, *settings, **how)


def _export(profile: str, at_s: float) -> Pair:
    """For three seconds more than may leave the house, while every judged value is inside its band.

    The command less the load gives 1.5 kW.
    """
    limit = ("device.export_limit_kw=1.55",)
    settings = (replace(_pulse(at_s, at_s + 3.0, kw), overrides=limit) for kw in (0.02, 0.085))
    return _pair(profile, "export", *settings)


def _in(edition: str, pair: Pair) -> Pair:
    inside, outside = (replace(side, edition=edition) for side in (pair.inside, pair.outside))
    return replace(pair, inside=inside, outside=outside)


def _pairs() -> Iterator[Pair]:
    # tertiary2: baseline to 3600 s, judged from 7200 s to 9000 s, and once more
    yield _pulses("tertiary2", "baseline", 1800.0, 100.0, 0.022)
    yield _late("tertiary2", "response", 3596, 3602)
    yield _twins("tertiary2", "band", "gain_ratio", 0.91, 0.8935)
    yield _kept("tertiary2", 9000.0, 9302.0, 300.0)
    yield _export("tertiary2", 7395.0)
    # 2021: 45 minutes to respond, three hours to hold: judged from 6300 s to 17100 s
    yield _in("2021", _late("tertiary2", "response", 2697, 2702))
    yield _in("2021", _kept("tertiary2", 17100.0, 17402.0, 300.0))
    # tertiary2_partial: half from 3600 s, judged 7200 to 8700 s; full 9000 s; three tenths 10800 s
    yield _pulses("tertiary2_partial", "baseline", 1800.0, 100.0, 0.022)
    yield _late("tertiary2_partial", "response", 3596, 3602)
    yield _twins("tertiary2_partial", "band", "gain_ratio", 0.813, 0.7875)
    yield _kept("tertiary2_partial", 8700.0, 9000.0, 300.0)
    yield _pulses("tertiary2_partial", "transition", 9900.0, 100.0)
    yield _in("2021", _late("tertiary2_partial", "response", 2697, 2702))
    yield _in("2021", _kept("tertiary2_partial", 6900.0, 7200.0, 300.0))
    # tertiary2_repeat: ΔkW from 3600 s, zero from 7200 s, judged at 10800 s, and again
    yield _pulses("tertiary2_repeat", "baseline", 1800.0, 100.0, 0.022)
    yield _late("tertiary2_repeat", "response", 3596, 3602, never=True)  # zero is commanded at once
    yield _twins("tertiary2_repeat", "band", "gain_ratio", 0.91, 0.8905)
    yield _pulses("tertiary2_repeat", "between", 10800.0, 100.0, 0.014)
    yield _pulses("tertiary2_repeat", "transition", 5400.0, 100.0, 0.016)
    yield _in("2021", _late("tertiary2_repeat", "response", 2697, 2702))
    # tertiary1: zero to 4500 s, judged 5400 to 7200 s, half from 7261 s
    yield _pulses("tertiary1", "baseline", 1800.0)
    yield _late("tertiary1", "response", 896, 902)
    yield _twins("tertiary1", "band", "gain_ratio", 0.91, 0.8945)
    yield _kept("tertiary1", 7200.0, 7268.0, 60.0)
    yield _pulses("tertiary1", "transition", 5100.0)
    yield _export("tertiary1", 5425.0)
    yield _in("2022", _kept("tertiary1", 16200.0, 16268.0, 60.0))
    # secondary2: zero to 3900 s, judged 4200 to 6000 s, half from 6061 s
    yield _pulses("secondary2", "baseline", 2100.0)
    yield _late("secondary2", "response", 297, 302)
    yield _twins("secondary2", "band", "gain_ratio", 0.91, 0.8945)
    yield _kept("secondary2", 6000.0, 6068.0, 60.0)
    yield _pulses("secondary2", "transition", 4020.0)
    yield _export("secondary2", 4225.0)
    # secondary1: the same without the half, a point each second; the signal from 6302 s
    yield _pulses("secondary1", "baseline", 2100.0)
    yield _twins("secondary1", "response", "ramp_kw_per_s", 0.0061, 0.00592)
    yield _twins("secondary1", "band", "gain_ratio", 0.913, 0.8945)
    yield _kept("secondary1", 6000.0, 6050.0, 1.0)
    yield _late("secondary1", "delay", 117.6, 121.0)
    yield _pulses("secondary1", "signal_stay", 7500.0, -9.0, quantum=0.001)
    yield _export("secondary1", 4225.5)
    # follow: ΔkW is among the levels; a late step of ΔkW shifts the mean
    yield _twins("follow5", "end", "gain_ratio", 0.91, 0.8925)
    yield _twins("follow5", "mean", "command_delay_s", 28, 31.2)
    yield _twins(
        "follow1", "end", "gain_ratio", 1.092, 1.1075
    )  # with too little the means would be late and low
    yield _twins("follow1", "mean", "command_delay_s", 4.75, 6.4)
    # economic_dr and capacity: a tenth of a slot of 1800 s is 180 s
    yield _pair("economic_dr", "discharge", *(_lost("never_responds", 2000, to) for to in (2168.5, 2190.5)))
    yield _pair("economic_dr", "charge", *(_lost("never_charges", 7400, to) for to in (7568.5, 7590.5)))
    yield _pair("economic_dr", "idle", *(_pulse(5700, to, 1.0) for to in (6044, 6075)))
    yield _pair("capacity", "power", *(_lost("never_responds", 2000, to) for to in (2168.5, 2190.5)))


PAIRS = tuple(_pairs())
