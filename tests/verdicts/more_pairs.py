"""For every judged metric of the other profiles: a twin just inside and one just outside.

Frequency response, the site, the return, communication and metering; :mod:`tests.verdicts.following_pairs`
has the profiles that follow a command.
"""

from __future__ import annotations

from tests.verdicts.pair import Pair, Setting

__all__ = ["MORE_PAIRS"]

RATED = ("device.declared_droop_pct=5.0",)
QUICK = ("profile.dwell_s=10",)
WATCHED = ("profile.watch_s=3700", "profile.watch_step_s=20")
THROUGH = "twin-gateway"
ONE_MODE = ('device.modes=["auto"]', "device.takes_schedule=false")


def _set(*overrides: str, station: str = "twin") -> Setting:
    return Setting(tuple(text if text.startswith(("profile.", "device.")) else f"twin.{text}"
                         for text in overrides), station=station)  # fmt: skip


def _battery(profile: str, finding: str, key: str, inside: object, outside: object, *more: str) -> Pair:
    return Pair(
        profile, finding, _set(f"battery.{key}={inside}", *more), _set(f"battery.{key}={outside}", *more)
    )


def _counted(profile: str, finding: str, inside: Setting, outside: Setting, quantum: float = 1.0) -> Pair:
    return Pair(profile, finding, inside, outside, quantum=quantum)


def _faults(*names: str) -> str:
    return "battery.faults=[" + ", ".join(f'"{name}"' for name in names) + "]"


def _cut(finding: str, key: str, other: str) -> Pair:
    """A gateway's last command acts about as long as it is valid, after one of the two cuts alone."""
    inside, outside = (
        _set(f"battery.{key}={s}", f"battery.{other}=20.0", *ONE_MODE, station=THROUGH) for s in (27.5, 29.5)
    )
    return Pair("mode_restore", finding, inside, outside)


def _part(finding: str, inside_pct: float, outside_pct: float) -> Pair:
    """Two minutes around the excursion of the recording."""
    settings = (
        Setting((f"twin.battery.droop_pct={pct}",), part_s=(360, 480)) for pct in (inside_pct, outside_pct)
    )
    return Pair("grid_replay", finding, *settings)


MORE_PAIRS = (
    _battery("primary", "delay", "delay_s", 1.945, 1.962),
    _battery("primary", "response", "time_constant_s", 3.7, 4.4),
    _battery("primary", "band", "gain_ratio", 0.918, 0.883),
    # a point each second: the one at 753.1 s is the last that the rule asks for
    _counted(
        "primary",
        "hold",
        _set(_faults("never_responds@753.3-792")),
        _set(_faults("never_responds@752.3-792")),
    ),
    _battery("primary", "droop", "droop_pct", 4.89, 5.13, *RATED),
    _battery("primary", "measurement_interval", "measurement_interval_s", 0.0998, 0.1002),
    # between two readings of the record, and over one
    _counted(
        "primary",
        "record",
        _set(_faults("blank_frequency@100.2-100.9")),
        _set(_faults("blank_frequency@100.2-101.1")),
    ),
    _battery("droop", "value", "droop_pct", 4.977, 5.023),
    _battery("droop", "linearity", "droop_bend_per_hz", 2.26, 2.47),
    _battery("droop", "symmetry", "droop_over_pct", 4.405, 4.435),
    _battery("dead_band", "value", "dead_band_hz", 0.0096, 0.0104, *QUICK),
    _battery("dead_band", "offset", "frequency_offset_hz", 0.0177, 0.0223, *QUICK),
    _battery("frequency_accuracy", "error", "frequency_offset_hz", 0.017, 0.0217),
    # 30 mHz more for two seconds: the mean of a level hides it
    _battery(
        "frequency_accuracy",
        "reading",
        "frequency_offset_hz",
        -0.0130,
        -0.0083,
        _faults("frequency_offset@100-102"),
    ),
    _part("slope", 4.375, 4.515),
    _battery("grid_replay", "stay_declared", "droop_pct", 2.8, 2.5),
    _battery("grid_replay", "stay_regression", "dead_band_hz", 0.0155, 0.024, "battery.droop_pct=3.0"),
    _battery("reverse_flow", "export", "export_scale_ratio", 0.955, 0.9475),
    _battery("reverse_flow", "zero", "export_delay_s", 0.2, 0.55),
    _battery("reverse_flow", "never", "export_margin_kw", 0.31, 0.29, _faults("leaks@430-433")),
    _battery("reverse_flow", "allowed", "gain_ratio", 0.9035, 0.8965),
    _counted("mode_restore", "control", _set(), _set(_faults("not_applied"))),
    _battery("mode_restore", "mode", "mode_return_s", 58, 62),
    _battery("mode_restore", "power", "return_s", 64, 67),
    _counted("mode_restore", "settings", _set(), _set(_faults("forgets"))),
    _cut("gateway_off", "watchdog_s", "line_watchdog_s"),
    _cut("lan_cut", "line_watchdog_s", "watchdog_s"),
    _counted("telemetry", "items", _set(), _set(_faults("no_soh")), 0.1),
    # commands come 0.5, 1 and 2 s apart
    _counted(
        "telemetry",
        "execution",
        _set("gateway.uneven_s=0.4", station=THROUGH),
        _set("gateway.uneven_s=0.6", station=THROUGH),
    ),
    # whether it is back shows only when a command moves power: a matter of ten seconds
    _counted(
        "telemetry",
        "recovery",
        _set("gateway.recovery_s=54", station=THROUGH),
        _set("gateway.recovery_s=62", station=THROUGH),
        10.0,
    ),
    _battery("telemetry", "command_latency", "command_delay_s", 4.7, 5.12),
    # seen when the device is read, each 0.2 s: two readings
    _counted("telemetry", "alarm", _set("battery.alarm_delay_s=4.8"), _set("battery.alarm_delay_s=5.2"), 0.4),
    # outside it is read seldom: practice, which never passes; who reports too seldom fails it all the same
    Pair(
        "telemetry",
        "interval",
        _set("battery.report_interval_s=1799", *WATCHED),
        _set("battery.report_interval_s=1804", *WATCHED, "profile.fast_s=0.5"),
    ),
    _counted("telemetry", "soc", _set(), _set(_faults("stuck_soc"))),
    _battery("metering", "error", "meter_gain_ratio", 1.068, 1.1045, "battery.report_gain_ratio=0.95"),
    _counted(
        "metering",
        "creep",
        _set("battery.meter_creep_kw=0.00013"),
        _set("battery.meter_creep_kw=0.00025"),
        0.001,
    ),
    _battery("metering", "instant", "report_gain_ratio", 1.045, 1.13),
    # read each half minute: a minute with one reading, and one with none
    _counted(
        "metering",
        "instant_interval",
        _set(_faults("blank_power@101-149")),
        _set(_faults("blank_power@101-151")),
    ),
)
