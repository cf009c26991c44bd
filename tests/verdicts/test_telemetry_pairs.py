"""What a gateway does to commands, and to its own line: just inside and just outside each limit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from judged import Judged, judged

from bench.model import Outcome
from bench.prepare import RunRequest
from bench.run import run_campaign

THROUGH = "twin-gateway"
QUICK = ("profile.steps=1", "profile.watch_s=20")
"""Practice, which never passes; who fails fails it all the same. The pairs run the whole profile."""
ORDER = [  # commands come 0.5, 1 and 2 s apart
    ("twin.gateway.uneven_s=0.3", 0),
    ("twin.gateway.uneven_s=1.5", 2),
    ("twin.gateway.copy_s=0.3", 0),
    ("twin.gateway.copy_s=3.0", 2),
    ("twin.gateway.least_gap_s=0.4", 0),
    ("twin.gateway.least_gap_s=0.7", 1),
    ("twin.gateway.command_delay_s=4.0", 0),  # late, but in order
    ("twin.battery.ramp_kw_per_s=0.2", 0),  # passes other levels on its way
    ("twin.battery.gain_ratio=0.5", 0),  # wrong levels, in order
]


def ends(found: Judged, roots: set[str]) -> None:
    """Ask for these roots; without any, for a run that nothing but its being practice keeps from a PASS."""
    assert found.roots == roots, found.verdict.reason
    assert found.outcome is (Outcome.FAIL if roots else Outcome.INCONCLUSIVE)
    if not roots:
        assert found.verdict.dry_run
        counted = {finding.outcome for finding in found.verdict.findings if finding.counts}
        assert counted <= {Outcome.PASS, Outcome.NOT_APPLICABLE}, found.verdict.reason


@pytest.mark.parametrize(("override", "count"), ORDER, ids=[case[0].partition(".")[2] for case in ORDER])
def test_the_last_command_is_the_one_in_force(override: str, count: int, tmp_path: Path) -> None:
    found = judged("telemetry", tmp_path, override, *QUICK, station=THROUGH)
    ends(found, {"execution"} if count else set())
    assert found.finding("execution").value == count


def test_a_gateway_that_is_late_beyond_all_bounds_is_late_and_not_out_of_order(tmp_path: Path) -> None:
    found = judged("telemetry", tmp_path, 'twin.gateway.faults=["late_relay"]', *QUICK, station=THROUGH)
    ends(found, {"command_latency"})


@pytest.mark.parametrize(("delay_s", "roots"), [(3, set()), (6, {"command_latency"})])
def test_power_still_on_its_way_is_late_by_when_it_turns(
    delay_s: int, roots: set[str], tmp_path: Path
) -> None:
    slow = (f"twin.battery.command_delay_s={delay_s}", "twin.battery.ramp_kw_per_s=0.3")
    ends(judged("telemetry", tmp_path, *slow, *QUICK), roots)


def test_power_that_is_gone_is_no_older_command(tmp_path: Path) -> None:
    found = judged("telemetry", tmp_path, 'twin.battery.faults=["trips"]')
    assert found.finding("execution").outcome is Outcome.NOT_APPLICABLE
    assert found.roots == set()


@pytest.mark.parametrize(
    ("override", "outcome"),
    [
        ("twin.gateway.recovery_s=50", Outcome.PASS),
        ("twin.gateway.recovery_s=70", Outcome.FAIL),
        ('twin.gateway.faults=["stays_down"]', Outcome.FAIL),
        ("twin.gateway.telemetry_interval_s=20", Outcome.PASS),  # seldom new, and back at once
        ('twin.gateway.faults=["silent"]', Outcome.PASS),  # the report stood still before: commands tell
    ],
)
def test_a_line_that_is_back_carries_again_within_a_minute(
    override: str, outcome: Outcome, tmp_path: Path
) -> None:
    found = judged("telemetry", tmp_path, override, *QUICK, station=THROUGH)
    recovery = found.finding("recovery")
    assert recovery.outcome is outcome, recovery.reason
    assert ("recovery" in found.roots) == (outcome is Outcome.FAIL)
    if "stays_down" in override:
        assert found.roots == {"recovery"}  # no alarm came over it either


@pytest.mark.parametrize("every_s", [7, 60])
def test_a_gateway_that_reports_seldom_is_judged_by_its_interval_alone(every_s: int, tmp_path: Path) -> None:
    slow = (f"twin.gateway.telemetry_interval_s={every_s}", "profile.steps=1")
    found = judged("telemetry", tmp_path / "sound", *slow, station=THROUGH)
    ends(found, set())
    assert found.finding("recovery").outcome is Outcome.PASS
    broken = judged(
        "telemetry", tmp_path / "down", *slow, 'twin.gateway.faults=["stays_down"]', station=THROUGH
    )
    assert broken.roots == {"recovery"}


def test_a_report_new_every_half_hour_says_nothing_of_a_charge_that_stands_still(tmp_path: Path) -> None:
    found = judged("telemetry", tmp_path, "twin.gateway.telemetry_interval_s=1800", station=THROUGH)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.finding("interval").outcome is Outcome.INCONCLUSIVE
    assert found.finding("soc").outcome is Outcome.NOT_APPLICABLE


def test_a_report_due_after_the_time_a_line_may_take_does_not_fail_it(tmp_path: Path) -> None:
    slow = ("twin.gateway.telemetry_interval_s=20", "twin.gateway.recovery_s=50")
    ends(judged("telemetry", tmp_path, *slow, "profile.steps=1", station=THROUGH), set())


@pytest.mark.parametrize(("profile", "root"), [("telemetry", "recovery"), ("mode_restore", "gateway_off")])
def test_a_gateway_that_never_answers_again_fails_and_the_station_is_left_safe(
    profile: str, root: str, tmp_path: Path
) -> None:
    short = ('device.modes=["auto"]', "device.takes_schedule=false")
    quick = QUICK if profile == "telemetry" else ()
    found = judged(profile, tmp_path, 'twin.gateway.faults=["hangs"]', *short, *quick, station=THROUGH)
    assert found.outcome is Outcome.FAIL
    assert found.roots == {root}
    assert "stays away" in found.finding(root).reason
    run = json.loads((found.folder / "run.json").read_text(encoding="utf-8"))
    steps = {(step["role"], step["quantity"]): step["state"] for step in run["safe_state"]["steps"]}
    assert steps["source", "output"] == "verified"
    assert steps["battery", "power_set_kw"] == "unknown"
    assert run["safe_state"]["state"] == "unknown"  # nobody can tell what the battery would do
    assert (found.folder / "samples.parquet").exists()
    assert (found.folder / "report.html").exists()


CUT = """
schema = 1
name = "cut"
product = "dr_ready"
title_en = "A cut that nothing judges"
title_ja = "判定しない切断"
kind = "observe"
start_do = ["battery.start"]
[[timeline]]
[[timeline.segments]]
phase = "cut"
duration_s = 5
set = {"site.lan_on" = 0, "battery.power_set_kw" = 1}
silent = ["controller"]
[[timeline.segments]]
phase = "after"
duration_s = 20
set = {"site.lan_on" = 1}
[[measure]]
name = "stimulus"
[[findings]]
id = "stimulus"
metric = "stimulus_error_hz"
limit = {at_most = "stimulus_tolerance_hz"}
"""


def test_where_no_finding_judges_it_a_device_that_stays_away_is_an_error_and_never_a_pass(
    tmp_path: Path,
) -> None:
    profile = tmp_path / "cut.toml"
    profile.write_text(CUT, encoding="utf-8")

    def outcome(*faults: str) -> Any:
        overrides = ['twin.link="direct"', *faults]
        request = RunRequest(
            profiles=[str(profile)], station=THROUGH, overrides=overrides, out=tmp_path / "runs"
        )
        return run_campaign(request)[0].outcome

    assert outcome() is Outcome.PASS
    assert outcome('twin.gateway.faults=["hangs"]') is Outcome.ERROR


@pytest.mark.parametrize(
    ("station", "override", "value"),
    [
        ("twin", "twin.battery.alarm_delay_s=4.7", 4.7),
        ("twin", "twin.battery.alarm_delay_s=5.2", 5.2),
        (THROUGH, "twin.battery.alarm_delay_s=3.5", 4.0),  # and up to a second until the gateway looks
        ("twin", 'twin.battery.faults=["no_alarm"]', None),
        ("twin", 'twin.battery.faults=["late_alarm"]', 8.5),
    ],
)
def test_an_alarm_is_timed_from_what_provokes_it(
    station: str, override: str, value: float | None, tmp_path: Path
) -> None:
    found = judged("telemetry", tmp_path, override, *QUICK, station=station)
    ends(found, {"alarm"} if value is None or value > 5.0 else set())
    alarm = found.finding("alarm").value
    assert alarm is None if value is None else alarm == pytest.approx(value, abs=0.3)


def test_a_report_too_seldom_for_the_warning_says_how_long_to_hold_it_and_then_tells(tmp_path: Path) -> None:
    silent = (
        "twin.gateway.telemetry_interval_s=60",
        'twin.battery.faults=["no_alarm"]',
        "profile.steps=1",
    )
    short = judged("telemetry", tmp_path / "short", *silent, station=THROUGH).finding("alarm")
    assert short.outcome is Outcome.NOT_APPLICABLE
    assert "--set profile.alarm_s=70" in short.reason
    held = judged("telemetry", tmp_path / "held", *silent, "profile.alarm_s=70", station=THROUGH)
    assert held.roots == {"alarm"}


def _ended(out: Path, *overrides: str) -> Any:
    request = RunRequest(
        profiles=["telemetry"], station="twin", overrides=['twin.link="direct"', *overrides], out=out
    )
    return run_campaign(request)[0]


def test_an_alarm_that_nobody_provoked_keeps_the_run_from_beginning(tmp_path: Path) -> None:
    result = _ended(tmp_path, 'twin.battery.faults=["alarmed"]')
    assert result.outcome is Outcome.ERROR
    assert "alarm" in result.reason


@pytest.mark.parametrize("override", ['twin.battery.faults=["alarmed@522-530"]', "device.test_alarms=[33]"])
def test_an_alarm_that_is_not_the_declared_one_ends_the_run_while_one_is_provoked(
    override: str, tmp_path: Path
) -> None:
    result = _ended(tmp_path, override)
    assert result.outcome is Outcome.ABORTED
    assert "reports the alarm" in result.reason
    assert result.safe_state == "verified"
    run = json.loads((result.folder / "run.json").read_text(encoding="utf-8"))
    phases = {name: (from_s, to_s) for name, from_s, to_s, *_ in run["phases"]}
    events = [json.loads(line) for line in (result.folder / "events.jsonl").read_text("utf-8").splitlines()]
    tripped = next(event for event in events if event["kind"] == "tripped")
    assert phases["alarm"][0] < tripped["t_s"] < phases["alarm_over"][1]


def test_a_station_without_such_a_contact_says_what_would_do(tmp_path: Path) -> None:
    found = judged("telemetry", tmp_path, *QUICK, station="twin-echonet")
    assert found.finding("alarm").outcome is Outcome.NOT_APPLICABLE
    assert "a relay on an input of the device" in found.finding("alarm").reason


@pytest.mark.parametrize(
    ("profile", "fault", "roots"),
    [
        ("metering", "silent@300-400", {"instant_interval"}),
        ("metering", "silent@300-330", set()),  # within the interval of the product
        ("primary", "silent@300-330", {"record"}),
    ],
)
def test_an_old_report_is_a_missing_one(profile: str, fault: str, roots: set[str], tmp_path: Path) -> None:
    """The gateway answers all the time, with the time of its last look and the values of then."""
    found = judged(profile, tmp_path, f'twin.gateway.faults=["{fault}"]', station=THROUGH)
    assert found.roots == roots
    assert found.outcome is (Outcome.FAIL if roots else Outcome.PASS), found.verdict.reason


def test_an_analyzer_without_noise_beside_a_report_that_is_a_minute_old_has_not_stopped(
    tmp_path: Path,
) -> None:
    quiet = [f"twin.meter.noise_{unit}=0.0" for unit in ("kw", "hz", "v")]
    late = ("twin.battery.report_delay_s=60", "twin.battery.report_interval_s=1")
    found = judged("tertiary2", tmp_path, *quiet, *late)
    assert found.finding("update").outcome is not Outcome.INVALID, found.finding("update").reason


def test_a_stretch_of_old_values_is_a_gap_and_warns(tmp_path: Path) -> None:
    found = judged("telemetry", tmp_path, 'twin.gateway.faults=["silent@300-320"]', station=THROUGH)
    assert found.outcome is Outcome.PASS
    assert found.finding("gap").value == pytest.approx(21.0, abs=1.0)


@pytest.mark.parametrize(
    ("overrides", "outcome"),
    [
        (('twin.meter.faults=["frozen"]',), Outcome.INVALID),
        (tuple(f"twin.meter.noise_{unit}=0.0" for unit in ("kw", "hz", "v")), Outcome.PASS),
    ],
)
@pytest.mark.parametrize("profile", ["telemetry", "frequency_accuracy"])  # power moves; the frequency alone
def test_an_analyzer_that_stops_is_the_benchs_fault_and_one_without_noise_is_none(
    profile: str, overrides: tuple[str, ...], outcome: Outcome, tmp_path: Path
) -> None:
    found = judged(profile, tmp_path, *overrides)
    assert found.outcome is outcome
    assert found.finding("update").outcome is outcome
