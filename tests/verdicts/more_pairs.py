"""For every judged metric of the other profiles: a twin just inside and one just outside.

Frequency response, the site, the return, communication and metering; :mod:`tests.verdicts.following_pairs`
has the profiles that follow a command.
"""

from __future__ import annotations

from tests.verdicts.following_pairs import Pair, Setting

__all__ = ["MORE_PAIRS"]

RATED = ("device.declared_droop_pct=5.0",)
QUICK = ("profile.dwell_s=10",)


def _set(*overrides: str, station: str = "twin") -> Setting:
    return Setting(tuple(f"twin.{text}" if "profile." not in text and "device." not in text else text
                         for text in overrides), delta_kw=None, station=station)  # fmt: skip


def _pair(profile: str, finding: str, inside: Setting, outside: Setting, *roots: str) -> Pair:
    return Pair(profile, finding, inside, outside, frozenset(roots), close=False)


def _battery(profile: str, finding: str, key: str, inside: object, outside: object, *more: str) -> Pair:
    return Pair(
        profile,
        finding,
        _set(f"battery.{key}={inside}", *more),
        _set(f"battery.{key}={outside}", *more),
    )


def _fault(name: str) -> str:
    return f'battery.faults=["{name}"]'


THROUGH = "twin-gateway"
MORE_PAIRS = (
    _battery("primary", "delay", "delay_s", 1.9, 2.05),
    _battery("primary", "response", "time_constant_s", 3.9, 4.3),
    _battery("primary", "band", "gain_ratio", 0.915, 0.88),
    _pair("primary", "hold", _set(_fault("never_responds@765-780")), _set(_fault("never_responds@735-780"))),
    _battery("primary", "droop", "droop_pct", 4.93, 5.07, *RATED),
    _battery("primary", "measurement_interval", "measurement_interval_s", 0.095, 0.12),
    _battery("droop", "value", "droop_pct", 4.96, 5.04),
    _battery("droop", "linearity", "droop_bend_per_hz", 2.45, 2.8),
    _battery("droop", "symmetry", "droop_over_pct", 4.38, 4.46),
    _battery("dead_band", "value", "dead_band_hz", 0.0096, 0.0104, *QUICK),
    _battery("dead_band", "offset", "frequency_offset_hz", 0.0185, 0.0215, *QUICK),
    _battery("frequency_accuracy", "error", "frequency_offset_hz", 0.0175, 0.0215),
    _pair(
        "frequency_accuracy",
        "reading",
        _set("battery.frequency_offset_hz=0.0175"),
        _set(_fault("frequency_offset@100-102")),
    ),
    _battery("grid_replay", "slope", "droop_pct", 4.35, 4.55),
    _battery("reverse_flow", "export", "export_scale_ratio", 0.955, 0.935),
    _battery("reverse_flow", "zero", "export_delay_s", 0.2, 0.55),
    _pair("reverse_flow", "never", _set("battery.export_margin_kw=0.02"), _set(_fault("leaks@430-433"))),
    _battery("reverse_flow", "allowed", "gain_ratio", 0.91, 0.89),
    _pair("mode_restore", "control", _set(), _set(_fault("not_applied"))),
    _pair("mode_restore", "mode", _set(), _set(_fault("stays_remote"))),
    _battery("mode_restore", "power", "return_s", 62, 69),
    _pair("mode_restore", "settings", _set(), _set(_fault("forgets"))),
    _pair(
        "mode_restore",
        "gateway_off",
        _set("battery.watchdog_s=26.0", station=THROUGH),
        _set("battery.watchdog_s=28.0", station=THROUGH),
        "gateway_off",
        "lan_cut",
    ),
    _pair(
        "mode_restore",
        "lan_cut",
        _set(station=THROUGH),
        _set('gateway.faults=["resends"]', station=THROUGH),
        "gateway_off",
        "lan_cut",
    ),
    _pair("telemetry", "items", _set(), _set(_fault("no_soh"))),
    _battery("telemetry", "command_latency", "command_delay_s", 4.7, 5.2),
    _battery("telemetry", "alarm", "alarm_delay_s", 4.7, 5.2),
    _pair(
        "telemetry",
        "execution",
        _set("gateway.uneven_s=0.3", station=THROUGH),
        _set("gateway.uneven_s=1.5", station=THROUGH),
    ),
    _pair(
        "telemetry",
        "recovery",
        _set("gateway.recovery_s=50", station=THROUGH),
        _set("gateway.recovery_s=70", station=THROUGH),
    ),
    _pair("telemetry", "soc", _set(), _set(_fault("stuck_soc"))),
    _battery("metering", "error", "meter_gain_ratio", 1.05, 1.12),
    _battery("metering", "creep", "meter_creep_kw", 0.0001, 0.0004),
    _pair("metering", "instant", _set("battery.meter_gain_ratio=1.05"), _set(_fault("reports_high"))),
)
