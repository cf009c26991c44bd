"""The site, return, telemetry and metering profiles: what the pairs of ``more_pairs.py`` do not show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from judged import Judged, judged

from bench.errors import UsageError
from bench.matrix.runs import read_runs
from bench.model import Outcome
from bench.prepare import RunRequest, prepare_all

INSIDE = [
    (
        "reverse_flow",
        (
            "twin.battery.export_scale_ratio=0.96",
            "twin.battery.export_delay_s=0.2",
            "twin.battery.export_margin_kw=0.02",
            "twin.battery.gain_ratio=0.91",
        ),
        {"export": 9.9, "zero": 0.4, "never": -0.014, "allowed": 0.5},
    ),
    ("mode_restore", ("twin.battery.return_s=62",), {"mode": 0.0, "power": 56.5, "settings": 0.0}),
    ("telemetry", ("twin.battery.command_delay_s=4.7",), {"command_latency": 4.75, "items": 1.0, "soc": 0.0}),
    (
        "metering",
        ("twin.battery.meter_gain_ratio=1.05", "twin.battery.meter_creep_kw=0.0001"),
        {"error": 5.0, "creep": 0.001},
    ),
]


@pytest.mark.parametrize(("profile", "overrides", "values"), INSIDE, ids=[case[0] for case in INSIDE])
def test_a_device_just_inside_several_limits_at_once_passes_and_is_measured_right(
    profile: str, overrides: tuple[str, ...], values: dict[str, float], tmp_path: Path
) -> None:
    found = judged(profile, tmp_path, *overrides)
    assert found.outcome is Outcome.PASS, found.verdict.reason
    for short, value in values.items():
        finding = found.finding(short)
        assert finding.outcome is Outcome.PASS
        assert finding.value == pytest.approx(value, rel=0.06, abs=0.02), short


QUICK = ("profile.steps=1", "profile.watch_s=20")
"""Practice, which never passes; who fails fails it all the same."""
THROUGH = [
    ('twin.gateway.faults=["resends"]', {"gateway_off", "lan_cut"}),
    ('twin.battery.faults=["keeps_command"]', {"mode"}),
]


@pytest.mark.parametrize(("override", "roots"), THROUGH, ids=[case[0].partition(".")[2] for case in THROUGH])
def test_what_a_gateway_that_is_gone_leaves_behind(override: str, roots: set[str], tmp_path: Path) -> None:
    found = judged("mode_restore", tmp_path, override, station="twin-gateway")
    assert found.outcome is Outcome.FAIL, found.verdict.reason
    assert found.roots == roots
    for short in ("stop", "schedule", "gateway_off", "lan_cut"):
        assert found.finding(short).outcome in (Outcome.PASS, Outcome.FAIL), short


@pytest.mark.wire
def test_a_gateway_without_mains_is_silent_on_its_wire_and_the_run_goes_on(tmp_path: Path) -> None:
    quick = ("station.timeout_s=0.3", 'device.modes=["auto"]', "device.takes_schedule=false")
    found = judged("mode_restore", tmp_path, *quick, station="twin-gateway", link="tcp")
    assert found.outcome is Outcome.PASS, found.verdict.reason
    assert found.finding("gateway_off").value == pytest.approx(26.5, abs=2.0)


@pytest.mark.parametrize(
    ("override", "outcome"),
    [
        ("twin.gateway.failover_s=0.5", Outcome.PASS),
        ("twin.gateway.failover_s=5.0", Outcome.FAIL),
        ("twin.gateway.failover_s=30.0", Outcome.NOT_APPLICABLE),
    ],
)
def test_a_second_line_that_takes_over_is_timed_and_fails_nobody(
    override: str, outcome: Outcome, tmp_path: Path
) -> None:
    found = judged("telemetry", tmp_path, override, *QUICK, station="twin-gateway")
    assert found.roots == set()
    assert found.finding("failover").outcome is outcome, found.finding("failover").reason
    recovery = found.finding("recovery").value
    assert recovery is not None
    assert recovery < 2.5


@pytest.mark.parametrize(("faults", "count"), [("[]", 0.0), ('["restarts"]', 8.0)])
def test_restarts_are_counted(faults: str, count: float, tmp_path: Path) -> None:
    found = judged("telemetry", tmp_path, f"twin.battery.faults={faults}")
    [seen] = read_runs([found.folder])
    assert {"soh_pct", "capacity_kwh", "reserve_pct", "energy_charged_kwh"} <= seen.reads
    assert {"start", "stop", "power_set_kw"} <= seen.writes
    assert found.outcome is Outcome.PASS
    assert found.finding("restarts").value == count


def test_an_item_that_the_device_lacks_is_not_shown_by_its_telemetry(tmp_path: Path) -> None:
    found = judged("telemetry", tmp_path, 'twin.battery.faults=["no_soh"]', *QUICK)
    assert "soh_pct" not in read_runs([found.folder])[0].reads


@pytest.mark.parametrize(
    ("interval_s", "roots"), [(65, set()), (290, {"instant_interval"}), (1900, {"instant_interval"})]
)
def test_a_counter_that_is_seldom_new_is_old_and_not_wrong(
    interval_s: int, roots: set[str], tmp_path: Path
) -> None:
    found = judged("metering", tmp_path, f"twin.battery.report_interval_s={interval_s}")
    assert found.roots == roots
    error = found.finding("error")
    assert error.outcome is not Outcome.FAIL
    assert error.value is not None
    assert error.uncertainty is not None
    assert abs(error.value) <= error.uncertainty


def test_a_small_short_excess_is_reported_though_every_average_is_inside(tmp_path: Path) -> None:
    found = judged("reverse_flow", tmp_path, 'twin.battery.faults=["leaks@430-433"]')
    assert found.outcome is Outcome.FAIL, found.verdict.reason
    assert found.roots == {"never"}
    assert found.finding("never").value == pytest.approx(0.2, abs=0.02)
    times = [m for m in _metrics(found) if m["name"] == "over_limit_s" and m["scope"]["phase"] == "never"]
    assert max(m["value"] for m in times) == pytest.approx(3.0, abs=0.15)
    energy = [m for m in _metrics(found) if m["name"] == "over_limit_kwh" and m["scope"]["phase"] == "never"]
    # the power stage takes a third of a second to get there: a little less than 200 W times 3 s
    assert 0.8 * 0.2 * 3.0 / 3600.0 < max(m["value"] for m in energy) < 0.2 * 3.0 / 3600.0


def _metrics(found: Judged) -> Any:
    return json.loads((found.folder / "metrics.json").read_text(encoding="utf-8"))


def test_a_source_that_cannot_take_back_battery_and_generation_is_refused() -> None:
    small = ["instruments.source.sink_kw=11.4"]
    with pytest.raises(UsageError, match=r"battery and generation together may give it 11\.5 kW"):
        prepare_all(RunRequest(profiles=["reverse_flow"], station="twin", overrides=small))
    enough = ["instruments.source.sink_kw=11.6"]
    assert prepare_all(RunRequest(profiles=["reverse_flow"], station="twin", overrides=enough))


def test_without_a_site_nothing_is_judged_and_the_reason_says_so(tmp_path: Path) -> None:
    lone = Path(__file__).parents[2] / "fixtures" / "stations" / "twin.toml"
    head, _, rest = lone.read_text(encoding="utf-8").partition("[instruments.site]")
    station = tmp_path / "no-site.toml"
    station.write_text(head + rest[rest.index("[twin]") :], encoding="utf-8")
    found = judged("reverse_flow", tmp_path, station=str(station))
    assert found.outcome is Outcome.INCONCLUSIVE
    for short in ("export", "zero", "never", "allowed"):
        assert found.finding(short).outcome is Outcome.NOT_APPLICABLE
        assert "no role 'site'" in found.finding(short).reason


def test_ends_that_the_station_cannot_produce_say_why(tmp_path: Path) -> None:
    found = judged("mode_restore", tmp_path)
    assert found.outcome is Outcome.PASS, found.verdict.reason
    for short, why in (("schedule", "no schedule"), ("gateway_off", "mains"), ("lan_cut", "line")):
        assert found.finding(short).outcome is Outcome.NOT_APPLICABLE
        assert why in found.finding(short).reason
