"""Whether power stays at ΔkW ± band through a long frequency deviation: one-second values."""

from __future__ import annotations

from bench.measure.entry import smooth
from bench.measure.hold.held import Held, held
from bench.measure.hold.metrics import extreme_metrics, hold_metrics, left_note
from bench.measure.options import Options
from bench.measure.points import points_at
from bench.measure.response import words
from bench.measure.series import Series
from bench.measure.story import tell
from bench.model import Metric, Scope
from bench.recording import Recording

__all__ = ["OPTIONS", "frequency_hold", "hold_points_s"]

OPTIONS = frozenset(
    {"response_s", "duration_s", "band_ratio", "point_window_s", "delta_kw", "nominal_hz", "abnormal_hz"}
)


def hold_points_s(item: Held, end_s: float, options: Options) -> tuple[list[float], int]:
    """Return the judged instants of a hold, with one interval more, and how many the rule asks for.

    A point is the mean of the window that ends there. The first window begins where the response is due:
    what power did before that is no part of the hold.
    """
    window = options.number("point_window_s", 1.0)
    wanted = round(options.number("duration_s") / window)
    first = item.at_s + options.number("response_s") + window
    last = min(item.step.end_s, end_s) + 1e-3
    times = [first + k * window for k in range(wanted + 1)]
    return [t_s for t_s in times if t_s <= last], wanted


def _one(recording: Recording, item: Held, power: Series, smoothed: Series, options: Options) -> list[Metric]:
    delta = options.number("delta_kw")
    band = options.number("band_ratio") * delta
    response, duration = options.number("response_s"), options.number("duration_s")
    window = options.number("point_window_s", 1.0)
    scope = Scope(point=recording.point, step=item.step.step, direction=item.step.direction)
    how = f"one-second means of power less its {item.base_kw:+.4f} kW at rest before the hold"
    if item.restless:
        return [
            Metric(name=name, value=None, unit=unit, scope=scope.model_copy(update={"phase": "hold"}),
                   state="missing", note=item.restless)
            for name, unit in (("band_deviation_kw", "kW"), ("hold_s", "s"))
        ]  # fmt: skip
    times, wanted = hold_points_s(item, power.end_s, options)
    zero = (item.base_kw, item.base_u_kw)
    points = points_at(recording, power, times, item.step.sign * delta, window, zero)
    story = tell(
        smoothed.t_s,
        item.step.sign * (smoothed.value - item.base_kw) / delta,
        band_ratio=band / delta,
        start_s=item.at_s,
        judged_s=item.at_s + response,
        end_s=min(item.at_s + response + duration, item.step.end_s),
        interval_s=max(window, response / 4.0),
        sample_s=power.interval_s,
    )
    left = left_note(recording, story, item.at_s + response, item.step.sign * delta)
    note = "; ".join(part for part in (words(story, item.at_s), left) if part)
    full = len(points) >= wanted
    cut_by = "" if full else "record" if item.step.end_s > power.end_s else "command"
    metrics = hold_metrics(
        points,
        min(wanted, len(points)),
        band_kw=band,
        interval_s=window,
        means=True,
        asked_s=duration,
        command_s=item.at_s,
        cut_by=cut_by,
        with_duration=True,
        scope=scope,
        sign=item.step.sign,
        how=how,
        note=note,
        story=story,
    )
    if story.kind == "level":
        # where the droop fails as well, it is what set the wrong level
        metrics = [
            metric.model_copy(update={"follows": "droop"}) if metric.name == "band_deviation_kw" else metric
            for metric in metrics
        ]
    rest = points_at(recording, power, item.base_points_s, 0.0, window)
    before = scope.model_copy(update={"phase": "baseline"})
    return metrics + extreme_metrics(rest, before, item.step.sign, "power at rest before the hold")


def frequency_hold(recording: Recording, options: Options) -> list[Metric]:
    """Measure band deviation, duration and stay ratio of every hold of the full deviation."""
    holds, power, _ = held(recording, options)
    if not holds:
        scope = Scope(point=recording.point, phase="hold")
        note = "no hold of the full frequency deviation in the recording"
        return [
            Metric(name=name, value=None, unit=unit, scope=scope, state="not_applicable", note=note)
            for name, unit in (("band_deviation_kw", "kW"), ("hold_s", "s"))
        ]
    smoothed = Series(power.t_s, smooth(power, options.number("point_window_s", 1.0)), power.stamps_s)
    return [metric for item in holds for metric in _one(recording, item, power, smoothed, options)]
