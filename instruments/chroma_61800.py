"""Chroma 61800-series grid simulators: set-points, output, and steps by their own clock.

Read for this file:

- svpelab: ``sunspec/svp_energy_lab``, ``Lib/svpelab/chroma_61845.py``, which runs against a real 61845: LF,
  ``SYSTem:ERRor?`` after every command and ``0`` for none, ``inst:edit all``, ``source:freq``,
  ``source:volt:lev:imm:ampl:ac`` (below 300 V), ``output:relay on``, 0.1 s, ``output:state on``, and the list
  mode (dwell in milliseconds, a last one of 0.0 beyond the steps, start and end of every step, ``trig on`` to
  play, ``trig off`` to stop). Over a network it listens on TCP port 2101.

It writes the frequency with two digits and tells neither its resolution nor slew and limits, nor what the
source can take back: the station file does. Nor does it tell whether the output is interrupted when the list
mode is entered: ``use_list = false`` sends every step instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.drivers.ac_source import AcSource
from bench.drivers.base import ListStep, Value
from bench.drivers.descriptors import Control, Exchange
from bench.errors import InstrumentRefused

__all__ = ["Chroma61800"]

_RELAY_S = 0.1  # chroma_61845.py, relay: between the relay and the output


class Chroma61800(AcSource):
    """An AC source with a relay before its output; both are switched, in the maker's order."""

    MAKER, MODEL = "CHROMA", r"618\d\d"
    SWITCH = ("off", "on")
    NATIVE_LIST = True

    frequency_hz = Control(
        "source:freq?",
        "source:freq {:.6g}",
        unit="Hz",
        doc="Control the output frequency.",
        page="svpelab chroma_61845, freq",
    )
    voltage_v = Control(
        "source:volt:lev:imm:ampl:ac?",
        "source:volt:lev:imm:ampl:ac {:.6g}",
        unit="V",
        low=0.0,
        high=300.0,
        doc="Control the output voltage (rms).",
        page="svpelab chroma_61845, voltage, voltage_range",
    )
    output = Control(
        "output:state?",
        "output:state {}",
        unit="1",
        kind=bool,
        doc="Control the output and its relay.",
        page="svpelab chroma_61845, output, relay",
    )

    SAMPLED = ("frequency_hz", "voltage_v", "output")
    SAFE = {"output": False}  # noqa: RUF012  (a ClassVar of the base)
    RESTORED = ("frequency_hz", "voltage_v")  # the output is the safe state's alone

    EXAMPLES = (
        Exchange("source:freq 62.00", None, "frequency_hz", 62.0, page="svpelab chroma_61845, freq"),
        Exchange(
            "source:volt:lev:imm:ampl:ac 122.5",
            None,
            "voltage_v",
            122.5,
            page="svpelab chroma_61845, voltage",
        ),
        Exchange("output:relay on", None, "output", True, page="svpelab chroma_61845, relay"),
        Exchange("output:state on", None, "output", True, page="svpelab chroma_61845, output"),
        Exchange("output:relay off", None, "output", False, page="svpelab chroma_61845, relay"),
        Exchange("output:state?", "1", "output", True, page="svpelab chroma_61845, output"),
    )

    def _send(self, row: Control[Any], value: Value) -> None:
        if row.name != "output":
            self.tell("inst:edit all")
            super()._send(row, value)
        elif value:
            self.tell("output:relay on")
            self.setting.clock.sleep_until(self.setting.clock.now_s() + _RELAY_S)
            super()._send(row, value)
        else:
            self._switch_off(row.command.format(self.SWITCH[False]))

    def _switch_off(self, command: str) -> None:
        """Stop a list, open output and relay; what is refused keeps nothing that follows from being sent."""
        refused: list[InstrumentRefused] = []
        for one in ("trig off", command, "output:relay off", "output:mode fixed"):
            try:
                self.tell(one)
            except InstrumentRefused as error:
                refused.append(error)
        if refused:
            raise refused[0]

    def _list_commands(self, steps: Sequence[ListStep]) -> list[str]:
        frequencies = self._list_numbers("frequency_hz", [step.frequency_hz for step in steps])
        voltages = self._list_numbers("voltage_v", [self._list_voltage_v()] * len(steps))
        return [
            "trig off",
            "output:mode fixed",
            "list:coup ALL",
            "list:count 1",
            "list:base TIME",
            "list:trig auto",
            "list:dwel " + ",".join([*(f"{1000.0 * step.duration_s:.0f}" for step in steps), "0.0"]),
            "list:shape " + ",".join(["a"] * len(steps)),
            f"list:volt:ac:star {voltages}",
            f"list:volt:ac:end {voltages}",
            f"list:freq:star {frequencies}",
            f"list:freq:end {frequencies}",
            "output:mode list",
        ]

    def _list_start(self) -> str:
        return "trig on"

    def _list_stop(self) -> list[str]:
        return ["trig off", "output:mode fixed"]
