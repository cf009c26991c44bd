"""How far a run has come, on standard error: a bar with the time left, or a line per phase in a log."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench.cli import out
from bench.clock import host_monotonic_s
from bench.evidence.text import Lang, Words
from bench.japanese import told

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

__all__ = ["BarProgress", "LineProgress", "progress"]

Live = Mapping[str, float | str | None]
_REDRAW_S = 0.1
_SHOWN = 4
_UNITS = {"kw": "kW", "kwh": "kWh", "hz": "Hz", "v": "V", "a": "A", "pct": "%", "s": "s"}


class LineProgress:
    """A line when a run starts and one for each phase: what a log file can bear."""

    def __init__(self, lang: Lang = "en") -> None:
        self._words = Words(lang)
        self._profile = ""
        self._phase: str | None = None

    def start(self, profile: str, end_s: float, warnings: Sequence[str] = ()) -> None:
        """Announce the run, and what may not fit."""
        self._profile, self._phase = profile, None
        out.note(f"{profile}: {span(end_s)}")
        _warn(profile, warnings, self._words)

    def update(self, t_s: float, end_s: float, phase: str, live: Live) -> None:
        """Write a line if the phase is a new one."""
        if phase != self._phase:
            self._phase = phase
            shown = _phase(phase, self._words)
            at = self._words("plan.progress", at=span(t_s), end=span(end_s), phase=shown)
            out.note(f"{self._profile}: {at}")

    def finish(self) -> None:
        """Nothing is left open."""


class BarProgress:
    """A bar with phase, time left and the latest readings; redrawn at most ten times a second."""

    def __init__(self, lang: Lang = "en") -> None:
        self._words = Words(lang)
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None
        self._drawn_s = float("-inf")

    def start(self, profile: str, end_s: float, warnings: Sequence[str] = ()) -> None:
        """Open the bar, below what may not fit."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.finish()
        _warn(profile, warnings, self._words)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[at]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[live]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(profile, total=max(end_s, 1e-9), at="", live="")
        self._drawn_s = float("-inf")
        self._bar.start()

    def update(self, t_s: float, end_s: float, phase: str, live: Live) -> None:
        """Move the bar."""
        now_s = host_monotonic_s()
        if self._bar is None or self._task is None or now_s - self._drawn_s < _REDRAW_S:
            return
        self._drawn_s = now_s
        at = f"{span(t_s)}/{span(end_s)} {_phase(phase, self._words)}"
        self._bar.update(self._task, completed=t_s, at=at, live=readings(live, self._words.lang))

    def finish(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._task = None


def _phase(name: str, words: Words) -> str:
    """Return a phase as the profile has it, or its name in Japanese."""
    return name if words.lang == "en" else words.phase(name)


def _warn(profile: str, warnings: Sequence[str], words: Words) -> None:
    for warning in warnings:
        out.note(f"{profile}: {words('plan.warning')}: {told(warning, words.lang)}")


def progress(lang: Lang = "en") -> BarProgress | LineProgress:
    """Return what suits standard error."""
    return BarProgress(lang) if sys.stderr is not None and sys.stderr.isatty() else LineProgress(lang)


def span(seconds: float) -> str:
    """Write a duration: ``42 s``, ``12:30`` or ``3:02:30``."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def readings(live: Live, lang: Lang = "en") -> str:
    """Write the first few readings in one line, the unit taken from the name."""
    parts = []
    for channel, value in list(live.items())[:_SHOWN]:
        quantity = channel.rpartition(".")[2]
        name, _, suffix = quantity.rpartition("_")
        unit = _UNITS.get(suffix)
        shown = (
            Words(lang)("plan.no_data")
            if value is None
            else value
            if isinstance(value, str)
            else f"{value:.3f} {unit or ''}"
        )
        parts.append(f"{name if unit else quantity} {shown.rstrip()}")
    return "  ".join(parts)
