"""Stretches without data, kept open until data come again."""

from __future__ import annotations

from bench.execute.journal import Journal

__all__ = ["Gaps"]


class Gaps:
    """The open gaps of one instrument's channels; each becomes one event when it ends."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._open: dict[str, tuple[float, str]] = {}
        self.are_open = False

    def open(self, channel: str, t_s: float, why: str) -> None:
        """Note that ``channel`` has no data at ``t_s``; the first reason is kept."""
        self._open.setdefault(channel, (t_s, why))
        self.are_open = True

    def close(self, channel: str, t_s: float) -> None:
        """Note that ``channel`` has data again at ``t_s``."""
        found = self._open.pop(channel, None)
        if found is not None:
            from_s, why = found
            self._journal.event("gap", channel=channel, from_s=from_s, to_s=t_s, why=why)
            self.are_open = bool(self._open)

    def close_all(self, t_s: float) -> None:
        """End every gap at ``t_s``, the end of the record."""
        for channel in list(self._open):
            self.close(channel, max(t_s, self._open[channel][0]))
