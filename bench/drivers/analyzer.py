"""The base of power analyzers that are asked for all items of both elements with one line.

A driver brings its rows, the line, and how a reply becomes texts; elements, signs, repeated values and
restarts are the same for all of them.
"""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from bench.drivers.base import Identity, ReadingValue
from bench.drivers.descriptors import Quantity
from bench.drivers.scpi import ScpiInstrument
from bench.drivers.setting import Setting
from bench.drivers.values import parse_number
from bench.errors import InstrumentRefused, WrongReply

__all__ = ["AnalyzerInstrument"]

_SIMULATED_FREQUENCY_HZ = 0.001
_NEEDED = ("power_reading_pct", "frequency_hz")


class AnalyzerInstrument(ScpiInstrument):
    """``query`` of a row is the item; ``{device}`` or ``{receiving}`` in it stands for the element.

    ``ACCURACY`` are the data sheet's limits of error (``power_range_kw`` is filled in: as wide as the
    station's power limits) and ``ACCURACY_FROM`` their page; what a data sheet was not at hand for is not
    in it, and comes from the station file.
    """

    ACCURACY: ClassVar[Mapping[str, float]] = {}
    ACCURACY_FROM: ClassVar[str] = ""
    UPDATES: ClassVar[str] = "unknown: `update_s` in the station file"
    """How its update interval is known, in words for the reference."""
    OWN_TIME: ClassVar[bool] = False
    """True where what tells a sample from the one before is the instrument's own time, not the digits."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        config = setting.config
        elements = {"device": config.device_point, "receiving": config.receiving_point}
        if elements["device"] is None and elements["receiving"] is None:
            elements["device"] = 1
        self.items: list[str] = []
        """What is asked for, in this order."""
        self._scales: list[tuple[str, float]] = []
        for row in list(self.table.values()):
            point = "receiving" if "{receiving}" in row.query else "device"
            element = elements[point]
            if element is None:
                del self.table[row.name]
                continue
            sign = config.device_point_sign if point == "device" else config.receiving_point_sign
            self.items.append(row.query.format(device=element, receiving=element))
            self._scales.append((row.name, row.scale * sign if row.unit == "kW" else row.scale))
        self.elements = sorted({element for element in elements.values() if element is not None})
        self._state_accuracy(self.ACCURACY, self.ACCURACY_FROM)
        self._prepared_at = -1
        self._sample_s: float = 1.0
        self._last_stamp = ""
        self._new_since_s = 0.0

    def prepare(self, sample_s: float) -> None:
        """Configure for readings every ``sample_s``, and verify it.

        Raises:
            InstrumentRefused: an error, or a setting that reads back differently.
        """
        with self._stamp:
            self._sample_s = sample_s
            self._configure(sample_s)
            self._last_stamp = ""
            self._prepared_at = self.link.generation

    def ask_values(self, count: int) -> list[ReadingValue]:
        """Return the items in the instrument's units.

        Raises:
            WrongReply: another number of values, or something that is no value.
        """
        texts, _ = self._sample()
        return [self._number(text) for text in texts[:count]]

    @abstractmethod
    def _configure(self, sample_s: float) -> None:
        """Set what :meth:`prepare` is for."""

    @abstractmethod
    def _sample(self) -> tuple[list[str], str]:
        """Return a text for each of ``items``, and what tells this sample from the one before."""

    def _number(self, text: str, scale: float = 1.0) -> ReadingValue:
        """Return one value; a maker with sentinels of his own brings them here."""
        return parse_number(text, scale=scale)

    def _state_accuracy(self, table: Mapping[str, float], source: str) -> None:
        """Take a table of limits of error, unless the station file has its own."""
        if self.setting.config.accuracy or not table:
            return
        full = {"power_range_kw": max(abs(limit) for limit in self.setting.limits.power_kw), **table}
        self.capabilities = dataclasses.replace(self.capabilities, accuracy=full, accuracy_from=source)

    def _state_interval(self, interval_s: float) -> None:
        """Say how often values are new; each is the mean since the one before."""
        self.capabilities = dataclasses.replace(
            self.capabilities, reading_interval_s=interval_s, window_s=interval_s
        )

    def _ask_identity(self) -> Identity:
        identity = super()._ask_identity()
        if identity.simulated:
            self._state_accuracy(
                {**self.ACCURACY, "frequency_hz": _SIMULATED_FREQUENCY_HZ},
                "assumed: no data sheet holds for a simulated one",
            )
        missing = [key for key in _NEEDED if key not in self.capabilities.accuracy]
        if missing and not identity.simulated:
            # without them every verdict would be surer than it may be
            raise InstrumentRefused(
                f"no page at hand tells its accuracy: add [instruments.{self.setting.role}.accuracy] "
                f"with {', '.join(missing)} to the station file"
            )
        return identity

    def _fetch_all(self, rows: Sequence[Quantity[Any]]) -> dict[str, ReadingValue]:
        if self._prepared_at != self.link.generation:
            self.prepare(self._sample_s)
        try:
            texts, stamp = self._sample()
        except WrongReply:
            if self._prepared_at == self.link.generation:
                self.link.close()  # out of step, perhaps: the next session identifies it before it reads
                raise
        if self._prepared_at != self.link.generation:
            # reconnected on the way: it may have restarted and lost its settings, and have answered with
            # other items than ours
            self.prepare(self._sample_s)
            texts, stamp = self._sample()
        found = {
            name: self._number(text, scale) for (name, scale), text in zip(self._scales, texts, strict=True)
        }
        if self._is_repeated(stamp):
            for name, value in found.items():
                if value.value is not None:
                    found[name] = ReadingValue(value.value, "repeated")
        return found if len(rows) == len(found) else {row.name: found[row.name] for row in rows}

    def _is_repeated(self, stamp: str) -> bool:
        """Tell whether the analyzer has published nothing new: the same stamp, and too soon.

        How soon is counted in steps of the sampling, to which readings come a little early or late: a
        steady value that is read as often as it is published is new every time.
        """
        now_s = self.setting.clock.now_s()
        interval_s = self.capabilities.reading_interval_s or 0.0
        since_s = now_s - self._new_since_s
        planned_s = round(since_s / self._sample_s) * self._sample_s
        too_soon = self.OWN_TIME or max(since_s, planned_s) < interval_s * (1 - 1e-6)
        if stamp == self._last_stamp and too_soon:
            return True
        self._last_stamp, self._new_since_s = stamp, now_s
        return False

    def read(self, names: Sequence[str] | None = None) -> dict[str, ReadingValue]:
        """Read ``names`` (default: all items) with one query.

        Raises:
            LinkDown, LinkTimeout, WrongReply, InstrumentRefused
        """
        return super().read(list(self.table) if names is None else names)
