"""Charts are data: they hide no peak, break at gaps, and colour points as the rule judges them."""

from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import plotly.graph_objects as go
import pytest

from bench.evidence.charts import charts_of
from bench.evidence.charts_data import Curve, curve, numbers, staircase, thin
from bench.evidence.charts_points import judged_spans, points_at
from bench.evidence.text import Words
from bench.recording import Command
from tests.bench.evidence import report_samples as samples

EN = Words("en")


def test_thinning_keeps_every_peak_and_every_gap():
    value = np.random.default_rng(3).normal(0, 0.01, 500_000)
    value[123_456], value[333_333], value[400_000] = 9.0, -8.0, np.nan
    index = thin(value, 700)
    assert len(index) <= 5 * 700
    assert {0, 123_456, 333_333, 400_000, 499_999} <= set(index.tolist())
    assert np.all(np.diff(index) > 0)
    edges = np.linspace(0, len(value), 701).astype(int)
    for start, stop in itertools.pairwise(edges):
        kept = value[index[(index >= start) & (index < stop)]]
        assert np.nanmax(kept) == np.nanmax(value[start:stop])
        assert np.nanmin(kept) == np.nanmin(value[start:stop])


def test_short_curves_are_drawn_whole_and_gaps_break_them():
    drawn = curve(samples.signal([2, 0, 1], [3.0, 1.0, np.nan], "kW"))
    assert drawn.t_s.tolist() == [0, 1, 2]
    assert numbers(drawn.value) == [1.0, None, 3.0]
    assert (drawn.total, drawn.bins) == (3, 0)


def test_repeated_samples_are_not_drawn_as_new_ones():
    signal = samples.signal([0, 1, 2], [1, 1, 2], "kW")
    signal = dataclasses.replace(signal, quality=np.array(["ok", "repeated", "ok"]))
    assert curve(signal).t_s.tolist() == [0, 2]


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("run", [samples.tertiary2, samples.primary])
def test_figures_are_what_plotly_accepts_and_small(run, lang):
    info, recording, _, verdict = run()
    charts = charts_of(recording, samples.profile(info.profile), verdict, Words(lang), "SIMULATED")
    expected = {"tertiary2": ["command"], "primary": ["first", "steps", "frequency", "hold", "droop"]}
    assert [chart.id for chart in charts] == expected[info.profile]
    for chart in charts:
        go.Figure(chart.figure)
        text = json.dumps(chart.figure, allow_nan=False)
        assert len(text) < 600_000
        assert chart.title
        assert chart.caption


def test_a_day_of_samples_stays_small():
    _, recording, _, verdict = samples.primary()
    t_s = np.arange(0, 86_400, 0.1)
    noise = np.random.default_rng(1).normal(0, 0.01, len(t_s))
    signals = {
        "meter.power_kw": samples.signal(t_s, noise, "kW"),
        "meter.frequency_hz": samples.signal(t_s, 50 + noise, "Hz"),
    }
    recording = dataclasses.replace(recording, signals=signals)
    charts = charts_of(recording, samples.profile("primary"), verdict, EN)
    assert sum(len(json.dumps(chart.figure)) for chart in charts) < 2_500_000
    caption = next(chart.caption for chart in charts if chart.id == "frequency")
    assert "of 1,728,000 samples" in caption
    assert "no peak is hidden" in caption


def test_staircase_holds_the_last_command_to_the_end():
    recording = samples.tertiary2()[1]
    steps = staircase(recording, "power_set_kw", ("battery",))
    assert steps is not None
    assert steps.t_s.tolist() == [0, 3600, 9301, 9900 + 1]
    assert steps.value.tolist() == [0, 3, 0, 0]
    assert staircase(recording, "voltage_v", ("source",)) is None


def test_judged_points_are_those_of_the_rule():
    recording = samples.tertiary2()[1]
    command = staircase(recording, "power_set_kw", ("battery",))
    baseline, hold = judged_spans(recording, command, 0.3)
    assert [point.t_s for point in baseline.points] == [300.0 * k for k in range(1, 13)]
    assert [point.t_s for point in hold.points] == [7200 + 300.0 * k for k in range(7)]
    assert (hold.from_s, hold.to_s, hold.target_kw) == (7200, 9000, 3.0)
    assert {point.standing for point in (*baseline.points, *hold.points)} == {"inside"}


@pytest.mark.parametrize(
    ("power", "standing"), [(1.0, "inside"), (0.95, "inside"), (0.88, "outside"), (1.12, "outside")]
)
def test_points_are_coloured_by_the_band(power, standing):
    recording = samples.tertiary2(power)[1]
    command = staircase(recording, "power_set_kw", ("battery",))
    hold = judged_spans(recording, command, 0.3)[-1]
    assert {point.standing for point in hold.points} == {standing}


def test_a_point_at_the_very_edge_is_doubtful_and_one_without_data_missing():
    recording = samples.tertiary2(0.9)[1]
    (edge,) = points_at(recording, [8000.0], 3.0, 0.3, 1.0)
    assert edge.standing == "doubtful"
    (lost,) = points_at(recording, [5020.0], 3.0, 0.3, 1.0)
    assert (lost.standing, lost.power_kw) == ("missing", None)


def test_at_the_receiving_point_the_band_stands_on_the_baseline():
    _, recording, _, verdict = samples.tertiary2()
    recording = dataclasses.replace(recording, facts={**recording.facts, "point": "receiving"})
    command = staircase(recording, "power_set_kw", ("battery",))
    baseline, hold = judged_spans(recording, command, 0.3)
    assert hold.target_kw == pytest.approx(2.6, abs=0.01)
    assert {point.standing for point in hold.points} == {"inside"}
    (chart,) = charts_of(recording, samples.profile("tertiary2"), verdict, EN)
    boxes = [shape for shape in chart.figure["layout"]["shapes"] if shape.get("yref") == "y"]
    assert [round(box["y0"], 1) for box in boxes] == [round(baseline.target_kw - 0.3, 1), 2.3]


def test_a_partial_command_is_judged_only_after_its_response_time():
    recording = samples.tertiary2()[1]
    levels = [
        Command(t, "power_set_kw", v, "battery") for t, v in ((0, 0.0), (3600, 3.0), (5000, 1.5), (8900, 0.0))
    ]
    recording = dataclasses.replace(recording, commands=tuple(levels))
    command = staircase(recording, "power_set_kw", ("battery",))
    spans = judged_spans(recording, command, 0.3)
    assert [(span.from_s, span.to_s, span.target_kw) for span in spans] == [(0, 3600, 0.0), (8600, 8900, 1.5)]


def test_the_fitted_delay_and_its_limit_are_drawn():
    _, recording, _, verdict = samples.primary()
    first = charts_of(recording, samples.profile("primary"), verdict, EN)[0]
    lines = [s["x0"] for s in first.figure["layout"]["shapes"] if s["type"] == "line" and s["xref"] == "x"]
    assert lines == [0.523, 2.0]
    words = [note["text"] for note in first.figure["layout"]["annotations"]]
    assert "delay 0.523 ± 0.031 s" in words
    assert "limit of delay 2 s" in words


def test_replay_shows_the_difference_between_asked_and_measured():
    info, recording, _, verdict = samples.primary()
    profile = samples.profile("grid_replay")
    t_s = np.arange(0, 60, 0.1)
    asked_hz = np.round(50 + 0.05 * np.sin(t_s / 5), 3)
    commands = [
        Command(float(t), "frequency_hz", float(f), "source") for t, f in zip(t_s, asked_hz, strict=True)
    ]
    measured_hz = asked_hz.copy()
    measured_hz[300] += 0.02
    recording = dataclasses.replace(
        recording,
        commands=tuple(commands),
        phases=(("replay", 0.0, 60.0, None, None),),
        signals={"meter.frequency_hz": samples.signal(t_s, measured_hz, "Hz")},
    )
    charts = charts_of(recording, profile, verdict, EN)
    assert [chart.id for chart in charts] == ["replay"]
    difference = charts[0].figure["data"][2]
    assert difference["yaxis"] == "y2"
    assert max(difference["y"]) == pytest.approx(20, abs=0.01)
    assert sum(abs(y) > 0.01 for y in difference["y"]) == 1
    assert info.profile == "primary"


def test_a_broken_run_shows_its_channels():
    recording = samples.tertiary2()[1]
    (chart,) = charts_of(recording, None, None, EN, "SIMULATED")
    assert chart.id == "generic"
    assert {trace["name"] for trace in chart.figure["data"]} == set(recording.signals)
    assert charts_of(None, None, None, EN) == []


def test_curve_of_nothing_is_empty():
    drawn = curve(samples.signal([], [], "kW"))
    assert isinstance(drawn, Curve)
    assert len(drawn.t_s) == 0


def test_power_over_frequency_says_which_readings_it_shows():
    _, recording, _, verdict = samples.primary()
    steps = charts_of(recording, samples.profile("primary"), verdict, EN)[-1]
    assert "less than 10 s" in steps.caption
    assert max(abs(y) for y in steps.figure["data"][0]["y"]) == pytest.approx(0.54, abs=0.02)
    moving = [Command(float(t), "frequency_hz", 50.0, "source") for t in range(100)]
    recording = dataclasses.replace(recording, commands=tuple(moving))
    assert "keeps moving" in charts_of(recording, samples.profile("primary"), verdict, EN)[-1].caption
