"""Blocks and segments of a profile become a timeline of set-points, sequences and phases."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from bench.config.faults import dotted
from bench.config.offers import CONTROLLER, MODES
from bench.config.profile import Block, House, Profile, Segment, Walk
from bench.errors import Fault, UsageError
from bench.expr import ExpressionError, evaluate
from bench.plan.grid import GridRecording
from bench.plan.house import HousePlan, can_move, way_of
from bench.plan.play import played
from bench.plan.walk import walk
from bench.timeline import Act, Direction, PhaseSpan, SetPoint, Silence, Timeline

__all__ = ["build_timeline"]

GOLDEN = (math.sqrt(5) - 1) / 2
MOST_SEGMENTS = 50_000
MOST_SET_POINTS = 2_000_000
LONGEST_S = 40 * 86_400.0
BOOLEAN_QUANTITIES = ("output",)
STILL_HOUSE = (
    "the house does not move: the station has nothing that sets load and generation ([instruments.site] "
    "has); whether the battery is fast enough for the receiving point stays open"
)


@dataclass(frozen=True)
class _Pass:
    """One turn through a block: its direction, and the names that hold in it."""

    block: Block
    index: int
    direction: Direction | None
    names: Mapping[str, float]
    mode: str = ""


class _Builder:
    def __init__(
        self,
        profile: Profile,
        names: Mapping[str, float],
        directions: Sequence[Direction],
        recording: GridRecording | None,
        resolution_hz: float | None,
    ) -> None:
        self.profile, self.names, self.directions = profile, names, directions
        self.recording, self.resolution_hz = recording, resolution_hz
        self.t_s = 0.0
        self.dithered = 0
        self.set_points: list[SetPoint] = []
        self.acts: list[Act] = []
        self.phases: list[PhaseSpan] = []
        self.notes: list[str] = []
        self.silences: list[Silence] = []
        self.provoked_s: float | None = None
        self.house_plan = HousePlan()

    def number(self, expression: float | str, names: Mapping[str, float], *path: str | int) -> float:
        try:
            return evaluate(expression, names)
        except ExpressionError as error:
            raise self.fault(str(error), *path) from None

    def fault(self, message: str, *path: str | int) -> UsageError:
        return UsageError(Fault(f"{self.profile.name}: {dotted(path)}", message))

    def passes(self, index: int, block: Block) -> Iterator[_Pass]:
        """Yield the turns of a block: values of its variable, then repeats, then directions alternating."""
        at = ("timeline", index)
        repeat = self.number(block.repeat, self.names, *at, "repeat")
        if repeat < 0 or repeat != int(repeat):
            raise self.fault(f"must be a whole number and not negative, is {repeat:g}", *at, "repeat")
        variable, values = next(iter(block.over.items()), (None, (0.0,)))
        directions: Sequence[Direction | None] = self.directions if block.each_direction else (None,)
        modes = [mode for mode in MODES if self.names[f"has_mode_{mode}"]] if block.each_mode else [""]
        if repeat * len(values) * len(directions) * len(modes) * len(block.segments) > MOST_SEGMENTS:
            raise self.fault(f"more than {MOST_SEGMENTS} segments", *at, "repeat")
        for place, value in enumerate(values):
            given = {} if variable is None else {variable: self.number(value, self.names, *at, "over", place)}
            for k in range(int(repeat)):
                for direction, mode in product(directions, modes):
                    names = {**self.names, **given, "k": float(k)}
                    yield _Pass(block, index, direction, names, mode)

    def role(self, target: str) -> tuple[str, str]:
        """Return the role and the name of a target; ``controller`` is what an aggregator would command."""
        role, _, name = target.partition(".")
        if role == CONTROLLER:
            role = "gateway" if self.names.get("has_gateway") else "battery"
        return role, name

    def add(self, turn: _Pass, index: int, segment: Segment) -> None:
        """Append one segment, unless its direction is not judged."""
        direction = turn.direction or segment.direction
        if segment.direction is not None and (
            segment.direction not in self.directions or segment.direction != direction
        ):
            return
        names = dict(turn.names)
        if direction is not None:
            names["sign"] = 1.0 if direction == "up" else -1.0
        at = ("timeline", turn.index, "segments", index)
        duration_s = self.number(segment.duration_s, names, *at, "duration_s")
        if duration_s < 0:
            raise self.fault(f"must not be negative, is {duration_s:g} s", *at, "duration_s")
        if segment.dither_s is not None:
            self.dither(self.number(segment.dither_s, names, *at, "dither_s"))
        start_s, phase = self.t_s, segment.phase
        for target in segment.do:
            role, sequence = self.role(target)
            self.acts.append(Act(start_s, role, sequence, phase, direction=direction))
        house = segment.house if can_move(self.names) else None
        if house is not None:
            self.house(segment, house, duration_s, names, direction, *at)
        for target, expression in segment.set.items():
            role, quantity = self.role(target)
            value: float | bool = self.number(expression, names, *at, "set", target)
            if house is not None and target == house.compensate:
                continue
            if quantity in BOOLEAN_QUANTITIES:
                value = bool(value)
            self.set_points.append(SetPoint(start_s, role, quantity, value, phase, direction=direction))
        for target, word in segment.words.items():
            role, quantity = self.role(target)
            word = word.replace("{mode}", turn.mode)
            self.set_points.append(SetPoint(start_s, role, quantity, word, phase, direction=direction))
        if segment.play is not None:
            duration_s = max(duration_s, self.play(segment, direction, *at))
        if segment.walk is not None:
            self.walk(segment, segment.walk, duration_s, names, direction, *at)
        self.t_s = round(start_s + duration_s, 6)
        if self.t_s > LONGEST_S:
            raise self.fault(f"the run would last more than {LONGEST_S / 86_400:g} days", *at, "duration_s")
        self.phases.append(PhaseSpan(phase, start_s, self.t_s, direction=direction))
        if segment.alarm and self.provoked_s is None:
            self.provoked_s = start_s
        for role in segment.silent:
            self.silences.append(Silence(self.role(role)[0], start_s, self.t_s))

    def dither(self, width_s: float) -> None:
        """Lengthen the phase before, so that the next start's place within ``width_s`` differs each time.

        Places follow the golden-ratio sequence, whose gaps shrink evenly however many there are.
        """
        if width_s <= 0:
            return
        place_s = (self.dithered * GOLDEN % 1.0) * width_s
        self.dithered += 1
        later_s = round(self.t_s + (place_s - self.t_s) % width_s, 4)
        if self.phases:
            self.phases[-1] = replace(self.phases[-1], to_s=later_s)
        self.t_s = later_s

    def house(
        self,
        segment: Segment,
        spec: House,
        duration_s: float,
        names: Mapping[str, float],
        direction: Direction | None,
        *at: str | int,
    ) -> None:
        """Append how the house moves, and what the loop at the receiving point sends against it."""

        def number(key: str, **more: float) -> float:
            return self.number(getattr(spec, key), {**names, **more}, *at, "house", key)

        target_kw = None
        if spec.compensate is not None:
            target_kw = self.number(segment.set[spec.compensate], names, *at, "set", spec.compensate)
        times = {key: number(key) for key in ("every_s", "loop_s") if getattr(spec, key) is not None}
        if any(value <= 0 for value in times.values()):
            raise self.fault("every_s and loop_s must be above zero", *at, "house")
        if len(self.set_points) + sum(2 * duration_s / value for value in times.values()) > MOST_SET_POINTS:
            raise self.fault(f"more than {MOST_SET_POINTS} set-points", *at, "house")
        way = way_of(target_kw or 0.0, names)
        moves = self.house_plan.moves(
            duration_s,
            times.get("every_s"),
            lambda gone: (number("load_kw", gone=gone, way=way), number("pv_kw", gone=gone, way=way)),
        )
        if any(kw < 0.0 for _, _, kw in moves):
            raise self.fault("load_kw and pv_kw must not be negative", *at, "house")
        sent = self.house_plan.loop(duration_s, times.get("loop_s"), target_kw, number("ratio"))
        role, quantity = self.role(spec.compensate or "")
        points = [(0, offset_s, "site", name, kw) for offset_s, name, kw in moves]
        points += [(1, offset_s, role, quantity, kw) for offset_s, kw in sent]
        self.set_points += [
            SetPoint(round(self.t_s + offset_s, 6), who, name, kw, segment.phase, direction=direction)
            for _, offset_s, who, name, kw in sorted(points, key=lambda point: (point[1], point[0]))
        ]

    def walk(
        self,
        segment: Segment,
        spec: Walk,
        duration_s: float,
        names: Mapping[str, float],
        direction: Direction | None,
        *at: str | int,
    ) -> None:
        """Append a wandering signal between the two bounds of ``spec``."""
        known = {**names, **{f"judged_{way}": float(way in self.directions) for way in ("up", "down")}}
        low, high, every_s, sweep_s = (
            self.number(getattr(spec, key), known, *at, "walk", key)
            for key in ("low", "high", "every_s", "sweep_s")
        )
        if every_s <= 0 or sweep_s <= 0:
            raise self.fault("every_s and sweep_s must be above zero", *at, "walk")
        if len(self.set_points) + duration_s / every_s > MOST_SET_POINTS:
            raise self.fault(f"more than {MOST_SET_POINTS} set-points", *at, "walk")
        role, _, quantity = spec.set.partition(".")
        offsets, shares = walk(duration_s, every_s, sweep_s)
        self.set_points += [
            SetPoint(
                round(self.t_s + offset_s, 6),
                role,
                quantity,
                round(low + (high - low) * (share + 1.0) / 2.0, 6),
                segment.phase,
                direction=direction,
            )
            for offset_s, share in zip(offsets.tolist(), shares.tolist(), strict=True)
        ]

    def play(self, segment: Segment, direction: Direction | None, *at: str | int) -> float:
        if self.recording is None:
            raise self.fault("no recording was given to play", *at, "play")
        if len(self.set_points) + len(self.recording.t_s) > MOST_SET_POINTS:
            raise self.fault(f"more than {MOST_SET_POINTS} set-points", *at, "play")
        run = played(self.recording, self.names["nominal_hz"], self.resolution_hz)
        self.notes.append(run.note)
        self.set_points += [
            SetPoint(
                round(self.t_s + offset_s, 6),
                "source",
                "frequency_hz",
                value,
                segment.phase,
                direction=direction,
            )
            for offset_s, value in zip(run.offset_s.tolist(), run.frequency_hz.tolist(), strict=True)
        ]
        return run.duration_s


def _numbered(phases: Sequence[PhaseSpan]) -> list[PhaseSpan]:
    """Count the phases of one name and direction from 1; a phase that is there once carries no number."""
    total = Counter((phase.name, phase.direction) for phase in phases)
    seen: Counter[tuple[str, Direction | None]] = Counter()
    numbered = []
    for phase in phases:
        key = (phase.name, phase.direction)
        seen[key] += 1
        numbered.append(replace(phase, step=seen[key]) if total[key] > 1 else phase)
    return numbered


def _with_steps(builder: _Builder) -> tuple[list[SetPoint], list[Act], list[PhaseSpan]]:
    phases = _numbered(builder.phases)
    step = {(phase.name, phase.direction, phase.from_s): phase.step for phase in phases}
    set_points: list[SetPoint] = []
    current: int | None = None
    for point in builder.set_points:
        # rows of a played recording come after their phase's start: they keep the number it had
        current = step.get((point.phase, point.direction, point.t_s), current)
        set_points.append(replace(point, step=current))
    acts = [replace(act, step=step.get((act.phase, act.direction, act.t_s))) for act in builder.acts]
    return set_points, acts, phases


def _still_house(profile: Profile, names: Mapping[str, float]) -> list[str]:
    """Return a note where the receiving point is judged, and nothing at the station moves the house."""
    wanted = any(segment.house is not None for block in profile.timeline for segment in block.segments)
    if not wanted or not names.get("receiving") or can_move(names):
        return []
    return [STILL_HOUSE]


def build_timeline(
    profile: Profile,
    names: Mapping[str, float],
    directions: Sequence[Direction],
    *,
    recording: GridRecording | None = None,
    resolution_hz: float | None = None,
    sample_s: float | None = None,
    slow_sample_s: float | None = None,
) -> Timeline:
    """Return the run on paper.

    At equal times acts come before set-points, both in the order of the profile. ``names`` is
    :func:`bench.names.namespace`; ``resolution_hz`` is the source's, to which a recording is rounded;
    ``sample_s`` and ``slow_sample_s`` replace the profile's intervals.

    Raises:
        UsageError: an expression without a value, a negative or endless duration, nothing to play.
    """
    builder = _Builder(profile, names, directions, recording, resolution_hz)
    for index, block in enumerate(profile.timeline):
        for turn in builder.passes(index, block):
            for place, segment in enumerate(block.segments):
                builder.add(turn, place, segment)
    if not builder.phases:
        raise builder.fault("nothing is left to do in the judged directions", "timeline")
    intervals = {}
    for key, given in (("sample_s", sample_s), ("slow_sample_s", slow_sample_s)):
        intervals[key] = builder.number(getattr(profile, key), names, key) if given is None else given
        if not intervals[key] > 0:
            raise builder.fault(f"must be above zero, is {intervals[key]:g} s", key)
    set_points, acts, phases = _with_steps(builder)
    starts = [target.partition(".") for target in profile.start_do]
    before = [Act(0.0, role, sequence, phases[0].name) for role, _, sequence in starts]
    return Timeline(
        profile=profile.name,
        set_points=tuple(sorted(set_points, key=lambda point: point.t_s)),
        acts=tuple(sorted([*before, *acts], key=lambda act: act.t_s)),
        phases=tuple(phases),
        end_s=builder.t_s,
        sample_s=intervals["sample_s"],
        slow_sample_s=intervals["slow_sample_s"],
        notes=(*builder.notes, *_still_house(profile, names)),
        silences=tuple(builder.silences),
        provoked_s=builder.provoked_s,
    )
