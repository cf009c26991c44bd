"""For every judged metric of the following and slot profiles: a twin just inside and one just outside.

"Just" is about twice the expanded uncertainty of the metric. Times in faults and in the generation of the
house are seconds of the world's clock, which runs ``LEAD_S`` ahead of the run's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.verdicts.judged import Judged, judged

__all__ = ["PAIRS", "Pair", "Setting"]

DELTA_KW = 2.0
LEAD_S = 2.0
QUIET = "twin.house.load_kw=0.0"
"""No load: a device that is late to leave its own mode then has nothing to cover."""


@dataclass(frozen=True)
class Setting:
    """One twin; ``pv`` are pulses of generation (from_s, to_s, kW), seen at the receiving point alone."""

    overrides: tuple[str, ...] = ()
    pv: tuple[tuple[float, float, float], ...] = ()
    delta_kw: float | None = DELTA_KW
    edition: str | None = None
    station: str = "twin"

    def run(self, profile: str, folder: Path, link: str = "direct") -> Judged:
        """Run ``profile`` on this twin."""
        overrides = list(self.overrides)
        if self.pv:
            rows = [(0.0, 0.0)]
            for from_s, to_s, kw in self.pv:
                rows += [(from_s + LEAD_S, kw), (to_s + LEAD_S, 0.0)]
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / "pv.csv"
            path.write_text("t_s,pv_kw\n" + "".join(f"{t},{kw}\n" for t, kw in rows), encoding="utf-8")
            overrides.append(f'twin.house.pv_kw="{path}"')
        how: dict[str, object] = {"delta_kw": self.delta_kw, "edition": self.edition, "station": self.station}
        if self.pv:
            how["point"] = "receiving"
        return judged(profile, folder, *overrides, link=link, **how)


@dataclass(frozen=True)
class Pair:
    """``inside`` passes; ``outside`` fails, and the only root is ``finding``."""

    profile: str
    finding: str
    inside: Setting
    outside: Setting
    roots: frozenset[str] = field(default_factory=frozenset)
    close: bool = True
    """False where the limit is a count, or a pulse: no device is just inside."""

    def __str__(self) -> str:
        return f"{self.profile}.{self.finding}"

    @property
    def expected(self) -> frozenset[str]:
        """The findings that fail without a cause."""
        return self.roots or frozenset({self.finding})


def _twin(key: str, value: object) -> Setting:
    return Setting((f"twin.battery.{key}={value}",))


def _quiet(key: str, value: object) -> Setting:
    return Setting((f"twin.battery.{key}={value}", QUIET))


def _lost(name: str, from_s: float, to_s: float) -> Setting:
    return _twin("faults", f'["{name}@{from_s + LEAD_S:g}-{to_s + LEAD_S:g}"]')


def _pulse(from_s: float, to_s: float, kw: float) -> Setting:
    return Setting(pv=((from_s, to_s, kw),))


def _pulses(profile: str, finding: str, at_s: float, long_s: float = 45.0) -> Pair:
    """The house gives more than a tenth of ΔkW too much for one judged point."""
    inside, outside = (_pulse(at_s - long_s, at_s + 10.0, kw) for kw in (0.18, 0.22))
    return Pair(profile, finding, inside, outside)


def _export(profile: str, at_s: float, most_kw: float = 0.25) -> Pair:
    """For three seconds 200 W more than may leave the house, while every judged value is inside its band.

    The command less the load gives 1.5 kW. Where every second is judged it must be less than the band.
    """
    limit = "device.export_limit_kw=1.55"
    inside, outside = (replace(_pulse(at_s, at_s + 3.0, pv), overrides=(limit,)) for pv in (0.02, most_kw))
    return Pair(profile, "export", inside, outside)


def _gain(
    profile: str, finding: str = "band", inside: float = 0.91, outside: float = 0.89, **how: object
) -> Pair:
    pair = Pair(profile, finding, _twin("gain_ratio", inside), _twin("gain_ratio", outside))
    return replace(pair, **how)  # type: ignore[arg-type]  # fields of Pair


def _pairs() -> Iterator[Pair]:
    never = "never_responds"
    # tertiary2: baseline to 3600 s, judged from 7200 s to 9000 s
    yield _pulses("tertiary2", "baseline", 1800.0, 100.0)
    yield Pair("tertiary2", "response", _quiet("command_delay_s", 3597), _quiet("command_delay_s", 3602))
    yield _gain("tertiary2")
    yield Pair("tertiary2", "hold", _lost(never, 9005, 9200), _lost(never, 8950, 9200))
    yield _export("tertiary2", 7395.0)
    # tertiary2_partial: half from 3600 s, judged 7200 to 8700 s; full 9000 s; three tenths 10800 s
    yield _pulses("tertiary2_partial", "baseline", 1800.0, 100.0)
    yield Pair(
        "tertiary2_partial", "response", _quiet("command_delay_s", 3597), _quiet("command_delay_s", 3602)
    )
    yield _gain("tertiary2_partial", "band", 0.815, 0.785)
    yield Pair("tertiary2_partial", "hold", _lost(never, 8705, 8990), _lost(never, 8650, 8990))
    yield _pulses("tertiary2_partial", "transition", 9900.0, 100.0)
    # tertiary2_repeat: ΔkW from 3600 s, zero from 7200 s, judged at 10800 s, and again
    yield _pulses("tertiary2_repeat", "baseline", 1800.0, 100.0)
    yield Pair(
        "tertiary2_repeat", "response", _quiet("command_delay_s", 3597), _quiet("command_delay_s", 3602)
    )
    yield _gain("tertiary2_repeat")
    yield _pulses("tertiary2_repeat", "between", 10800.0, 100.0)
    yield _pulses("tertiary2_repeat", "transition", 5400.0, 100.0)
    # tertiary1: zero to 4500 s, judged 5400 to 7200 s, half from 7261 s
    yield _pulses("tertiary1", "baseline", 1800.0)
    yield Pair("tertiary1", "response", _quiet("command_delay_s", 897), _quiet("command_delay_s", 902))
    yield _gain("tertiary1")
    yield Pair("tertiary1", "hold", _lost(never, 7205, 7268), _lost(never, 7145, 7268))
    yield _pulses("tertiary1", "transition", 5100.0)
    yield _export("tertiary1", 5425.0)
    # secondary2: zero to 3900 s, judged 4200 to 6000 s, half from 6061 s
    yield _pulses("secondary2", "baseline", 2100.0)
    yield Pair("secondary2", "response", _quiet("command_delay_s", 297), _quiet("command_delay_s", 302))
    yield _gain("secondary2")
    yield Pair("secondary2", "hold", _lost(never, 6005, 6068), _lost(never, 5945, 6068))
    yield _pulses("secondary2", "transition", 4020.0)
    yield _export("secondary2", 4225.0)
    # secondary1: the same without the half; the signal from 6302 s
    yield _pulses("secondary1", "baseline", 2100.0)
    yield Pair("secondary1", "response", _twin("ramp_kw_per_s", 0.0062), _twin("ramp_kw_per_s", 0.0058))
    yield _gain("secondary1")
    yield Pair("secondary1", "hold", _lost(never, 6000, 6050), _lost(never, 5995, 6050))
    yield Pair("secondary1", "delay", _quiet("command_delay_s", 117), _quiet("command_delay_s", 121))
    yield _pulses("secondary1", "signal_stay", 7500.0)
    yield _export("secondary1", 4225.5, 0.17)
    # follow: ΔkW is among the levels; a late step of ΔkW shifts the mean
    yield _gain("follow5", "end")
    yield Pair("follow5", "mean", _twin("command_delay_s", 28), _twin("command_delay_s", 31))
    yield _gain("follow1", "end", 1.09, 1.11)  # with too little the means would be late and low
    yield Pair("follow1", "mean", _twin("command_delay_s", 4.6), _twin("command_delay_s", 6.4))
    # economic_dr and capacity: a tenth of a slot of 1800 s is 180 s
    yield Pair("economic_dr", "discharge", _lost(never, 2000, 2172), _lost(never, 2000, 2188))
    yield Pair(
        "economic_dr", "charge", _lost("never_charges", 7400, 7572), _lost("never_charges", 7400, 7588)
    )
    yield Pair("economic_dr", "idle", _pulse(5700, 6050, 1.0), _pulse(5700, 6070, 1.0))
    yield Pair("capacity", "power", _lost(never, 2000, 2172), _lost(never, 2000, 2188))


PAIRS = tuple(_pairs())
