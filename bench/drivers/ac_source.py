"""The base of AC sources: finest steps and slew come from the station file where no page tells them."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Sequence
from typing import Any, ClassVar, cast

from pydantic import Field

from bench.drivers.base import ListStep, Value
from bench.drivers.descriptors import Control
from bench.drivers.scpi import ScpiInstrument, ScpiOptions
from bench.drivers.setting import Setting
from bench.errors import InstrumentRefused

__all__ = ["AcSource", "AcSourceOptions"]

_FREE = "{:.6g}"


class AcSourceOptions(ScpiOptions):
    """Extra keys of a source's station table."""

    frequency_resolution_hz: float | None = Field(
        default=None, gt=0, description="finest step of the frequency setting, from the data sheet"
    )
    voltage_resolution_v: float | None = Field(
        default=None, gt=0, description="finest step of the voltage setting, from the data sheet"
    )
    slew_hz_per_s: float | None = Field(
        default=None, gt=0, description="how fast its frequency changes, from the data sheet"
    )
    use_list: bool = Field(
        default=True, description="false: steps are sent one by one although the driver can load a list"
    )


class AcSource(ScpiInstrument):
    """Writes a command's ``{:.6g}`` with the digits of the instrument's own step, once that is known."""

    OPTIONS = AcSourceOptions
    NATIVE_LIST: ClassVar[bool | None] = None
    """True where a source of the driver shows how a list of steps is loaded and started."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        steps = {
            "frequency_hz": self.options.frequency_resolution_hz,
            "voltage_v": self.options.voltage_resolution_v,
        }
        known = {name: step for name, step in steps.items() if step is not None}
        self.capabilities = dataclasses.replace(
            self.capabilities,
            resolution=known,
            slew_hz_per_s=self.options.slew_hz_per_s,
            native_list=self.NATIVE_LIST and self.options.use_list,
        )
        self._list_may_play = bool(self.NATIVE_LIST)  # somebody else's, until it was stopped once
        self._list_is_ours = False
        for name, step in known.items():
            row = cast(Control[Any], copy.copy(self.table[name]))
            # digits finer than the instrument's own step would leave the rounding to its firmware
            digits = max(0, math.ceil(-math.log10(step) - 1e-9))
            row.command = row.command.replace(_FREE, f"{{:.{digits}f}}")
            row.resolution = step
            self.table[name] = row

    def set(self, name: str, value: Value) -> Value | None:
        """Set one quantity; a list that may play is stopped first, or it would have the last word.

        Switching off waits for nothing: that command stops a list by itself.

        Raises:
            InstrumentRefused: out of range, refused, or read back differently.
        """
        if self._list_may_play and (name, value) != ("output", False):
            try:
                self.stop_list()
            except InstrumentRefused:
                if self._list_is_ours:
                    raise
                self._list_may_play = False  # a model that knows no lists plays none
        return super().set(name, value)

    def load_list(self, steps: Sequence[ListStep]) -> None:
        """Load steps of frequency at the voltage that is set; nothing moves before :meth:`start_list`.

        Raises:
            InstrumentRefused: no list, or the instrument refuses it.
        """
        with self._stamp:
            if not self.NATIVE_LIST:
                raise InstrumentRefused("no source of this driver shows a list of steps")
            if not steps or any(step.duration_s <= 0 for step in steps):
                raise InstrumentRefused("a list needs steps, each longer than nothing")
            frequency = cast(Control[Any], self._row("frequency_hz"))
            for step in steps:
                frequency.check(step.frequency_hz)
            self._list_may_play = self._list_is_ours = True
            for command in self._list_commands(steps):
                self.tell(command)

    def start_list(self) -> None:
        """Play the list that was loaded.

        Raises:
            InstrumentRefused: no list, or the instrument refuses to play it.
        """
        with self._stamp:
            self.tell(self._list_start())

    def stop_list(self) -> None:
        """Stop a list, and go back to what is set at once.

        Raises:
            InstrumentRefused: no list.
        """
        with self._stamp:
            for command in self._list_stop():
                self.tell(command)
            self._list_may_play = False

    def _list_commands(self, steps: Sequence[ListStep]) -> list[str]:
        raise InstrumentRefused("no source of this driver shows a list of steps")

    def _list_start(self) -> str:
        raise InstrumentRefused("no source of this driver shows a list of steps")

    def _list_stop(self) -> list[str]:
        raise InstrumentRefused("no source of this driver shows a list of steps")

    def _list_voltage_v(self) -> float:
        """Return the voltage that is set, which a list has to name again; none is not 0 V."""
        value = self._fetch(self._row("voltage_v")).value
        if value is None:
            raise InstrumentRefused("does not tell the voltage that is set, which a list needs")
        return float(value)

    def _list_numbers(self, name: str, values: Sequence[float]) -> str:
        """Return numbers joined by commas, with the digits in which ``name`` is set."""
        step = self.capabilities.resolution.get(name)
        digits = 3 if step is None else max(0, math.ceil(-math.log10(step) - 1e-9))
        return ",".join(f"{value:.{digits}f}" for value in values)
