"""One practice of primary over sockets for each pair of command sets: the verdict is the battery's alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from judged import judged

from bench.model import Outcome

pytestmark = pytest.mark.wire

PRACTICE = ("profile.steps_count=1", "profile.duration_s=10")
SOURCES = {
    "kikusui_pcr": "instruments.kikusui_pcr:KikusuiPcr",
    "keysight_ac6800": "instruments.keysight_ac6800:KeysightAc6800",
    "ametek_mx": "instruments.ametek_mx:AmetekMx",
    "chroma_61800": "instruments.chroma_61800:Chroma61800",
}
METERS = {
    "hioki_pw3335": ("instruments.hioki_pw3335:HiokiPw3335", ("instruments.meter.update_s=0.1",)),
    "hioki_pw3390": (
        "instruments.hioki_pw3390:HiokiPw3390",
        ("instruments.meter.update_s=0.1", "instruments.meter.voltage_range_v=300"),
    ),
    "zes_lmg670": ("instruments.zes_lmg670:ZesLmg670", ()),
    "yokogawa_wt": ("instruments.yokogawa_wt:YokogawaWt", ()),
}
PAIRS = [
    ("keysight_ac6800", "hioki_pw3335"),
    ("ametek_mx", "zes_lmg670"),
    ("chroma_61800", "yokogawa_wt"),
    ("kikusui_pcr", "hioki_pw3390"),
]
JUDGED = ("delay", "response", "band", "hold", "droop", "stimulus", "data", "sign")


def overrides(source: str, meter: str) -> tuple[str, ...]:
    driver, options = METERS[meter]
    return (
        f"twin.source.dialect={source}",
        f"instruments.source.driver={SOURCES[source]}",
        f"twin.meter.dialect={meter}",
        f"instruments.meter.driver={driver}",
        *options,
    )


@pytest.mark.parametrize(("source", "meter"), PAIRS)
def test_a_good_battery_passes_each_finding(source: str, meter: str, tmp_path: Path) -> None:
    found = judged("primary", tmp_path, *overrides(source, meter), *PRACTICE, link="tcp")
    assert found.outcome is Outcome.INCONCLUSIVE, "a practice is never a PASS"
    assert {name: found.finding(name).outcome for name in JUDGED} == dict.fromkeys(JUDGED, Outcome.PASS)


@pytest.mark.parametrize(
    ("source", "meter", "fault", "root"),
    [
        ("ametek_mx", "hioki_pw3335", "twin.battery.delay_s=2.2", "delay"),
        ("keysight_ac6800", "zes_lmg670", "twin.battery.droop_pct=5.4", "droop"),
    ],
)
def test_a_bad_battery_fails(source: str, meter: str, fault: str, root: str, tmp_path: Path) -> None:
    found = judged("primary", tmp_path, *overrides(source, meter), *PRACTICE, fault)
    assert root in found.roots
