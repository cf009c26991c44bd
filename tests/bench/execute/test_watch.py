"""When a reading ends a run: outside, too fast, or not there; and when it must not."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from bench.config.station import Limits
from bench.errors import LimitTripped
from bench.execute.guard import Guard
from bench.execute.watch import Unwatched, Watch

LIMITS = {"frequency_hz": (47.5, 51.5), "voltage_v": (180.0, 225.0), "power_kw": (-7.0, 7.0)}


def see(watch: Watch, values: Iterable[float | None], interval_s: float = 0.1) -> int:
    """Show ``values`` one after the other; return how many were taken."""
    count = 0
    for count, value in enumerate(values, start=1):
        t_s = (count - 1) * interval_s
        if value is None:
            watch.nothing(t_s)
        else:
            watch.see(value, t_s)
    return count


def rated(per_s: float) -> Watch:
    return Watch("meter.power_kw", -7.0, 7.0, per_s=per_s)


def test_a_slope_beyond_the_rate_trips_with_the_reading():
    with pytest.raises(LimitTripped, match="more than 5/s") as caught:
        see(rated(5.0), [0.0, 0.6, 1.2, 1.8, 2.4])

    assert caught.value.reading["channel"] == "meter.power_kw"
    assert caught.value.reading["per_s"] == pytest.approx(6.0)
    assert caught.value.reading["at_most_per_s"] == 5.0


def test_a_slope_within_the_rate_does_not_trip():
    assert see(rated(5.0), [0.49 * k for k in range(10)]) == 10


def test_a_step_beyond_the_rate_trips():
    with pytest.raises(LimitTripped):
        see(rated(5.0), [0.0, 0.0, 0.0, 2.0, 2.0, 2.0])


def test_one_odd_sample_trips_nothing():
    assert see(rated(5.0), [0.0, 0.0, 0.0, 30.0, 0.0, 0.0, 0.0, -30.0, 0.0, 0.0]) == 10


def test_without_a_rate_any_change_goes():
    assert see(Watch("meter.power_kw", -7.0, 7.0), [-6.0, 6.0] * 10) == 20


def test_three_outside_trip_and_tell_since_when():
    with pytest.raises(LimitTripped, match=r"meter.power_kw = 7.5 is outside \[-7, 7\]") as caught:
        see(Watch("meter.power_kw", -7.0, 7.0), [0.0, 7.5, 7.5, 7.5, 7.5])

    assert caught.value.reading == {
        "channel": "meter.power_kw",
        "value": 7.5,
        "t_s": pytest.approx(0.3),
        "low": -7.0,
        "high": 7.0,
        "since_s": pytest.approx(0.1),
        "readings": 3,
    }


def test_no_data_without_end_trips_and_a_gap_does_not():
    watch = Watch("meter.power_kw", -7.0, 7.0, no_data_s=3.0)
    assert see(watch, [1.0] + [None] * 29 + [1.0]) == 31
    with pytest.raises(LimitTripped, match="no data since t = 3"):
        see(watch, [None] * 100)


def test_power_that_somebody_tells_is_watched():
    unwatched = Unwatched("power_kw", 5.0)
    for t_s in range(20):
        unwatched.nothing(float(t_s))
        if t_s % 4 == 0:
            unwatched.told(float(t_s))
    with pytest.raises(LimitTripped, match="nobody tells power_kw since t = 16"):
        unwatched.nothing(21.0)


def test_the_rate_is_watched_where_it_is_measured_and_not_where_it_is_set():
    guard = Guard(Limits(**LIMITS, frequency_hz_per_s=1.0))
    assert guard.watches("meter")["frequency_hz"].per_s == 1.0
    assert guard.watches("source")["frequency_hz"].per_s is None
    assert guard.watches("receiving_meter") == {}
