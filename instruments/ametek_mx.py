"""AMETEK / California Instruments MX and RS grid simulators: set-points, output, lists of steps.

Read for this file:

- svpelab: ``sunspec/svp_energy_lab``, ``Lib/svpelab/gridsim_ametek.py``, which runs against the real
  instrument over a serial line or TCP 5025: LF, ``SYSTem:ERRor?`` after every command and ``0`` for none,
  ``freq``, ``inst:coup all;:volt:ac``, ``abort;:outp on``, ``REGenerate:STATe ON``, and the transient list
  (dwell in seconds, slew ``MAX``, ``:init`` to play, ``abort`` to stop).

It writes the set frequency with two digits and a list's with three, and tells neither the resolution nor the
slew nor the limits: the station file does. ``regenerate = true`` there switches the regenerative mode on,
without which the source cannot take back what a battery discharges. Nor does it tell what the source does
once a list has ended: a list here begins and ends at what was set before, and that is then set again.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from bench.drivers.ac_source import AcSource, AcSourceOptions
from bench.drivers.base import ListStep
from bench.drivers.descriptors import Control, Exchange

__all__ = ["AmetekMx"]


class AmetekOptions(AcSourceOptions):
    """Extra keys of the source's station table."""

    regenerate: bool = Field(default=False, description="switch the regenerative mode on before a run")
    phases: int = Field(default=3, ge=1, le=3, description="how many phases it has; a list names each")


class AmetekMx(AcSource):
    """An AC source whose phases are set together."""

    OPTIONS = AmetekOptions
    MAKER, MODEL = "AMETEK|CALIFORNIA INSTRUMENTS", r".*(MX|RS)"
    SWITCH = ("off", "on")
    NATIVE_LIST = True

    frequency_hz = Control(
        "freq?",
        "freq {:.6g}",
        unit="Hz",
        doc="Control the output frequency.",
        page="svpelab gridsim_ametek, freq",
    )
    voltage_v = Control(
        "inst:coup none;:inst:nsel 1;:volt:ac?",
        "inst:coup all;:volt:ac {:.6g}",
        unit="V",
        low=0.0,
        high=600.0,
        doc="Control the output voltage of all phases (rms).",
        page="svpelab gridsim_ametek, voltage, voltage_max (ranges up to 600 V)",
    )
    output = Control(
        "outp?",
        "abort;:outp {}",
        unit="1",
        kind=bool,
        doc="Control the output relay; a list that plays is stopped.",
        page="svpelab gridsim_ametek, relay",
    )

    SAMPLED = ("frequency_hz", "output")  # asking for the voltage selects a phase: not while a list plays
    SAFE = {"output": False}  # noqa: RUF012  (a ClassVar of the base)
    RESTORED = ("frequency_hz", "voltage_v")  # the output is the safe state's alone

    EXAMPLES = (
        Exchange("freq 60.00", None, "frequency_hz", 60.0, page="svpelab gridsim_ametek, freq"),
        Exchange("inst:coup all;:volt:ac 277.2", None, "voltage_v", 277.2, page="svpelab gridsim_ametek"),
        Exchange("abort;:outp on", None, "output", True, page="svpelab gridsim_ametek, relay"),
        Exchange("abort;:outp off", None, "output", False, page="svpelab gridsim_ametek, relay"),
        Exchange("outp?", "0", "output", False, page="svpelab gridsim_ametek, relay"),
    )

    def prepare(self, sample_s: float) -> None:
        """Switch the regenerative mode on where the station file asks for it, with the output open.

        Raises:
            InstrumentRefused: the instrument reports an error.
        """
        if not self.options.regenerate:
            return
        if self.output:  # svpelab gridsim_ametek, config: the relay is opened first
            self.output = False
        with self._stamp:
            self.tell("REGenerate:STATe ON")

    def _list_commands(self, steps: Sequence[ListStep]) -> list[str]:
        count = len(steps)
        phases = range(1, self.options.phases + 1)
        voltages = self._list_numbers("voltage_v", [self._list_voltage_v()] * count)
        fastest, sines = ",".join(["MAX"] * count), ",".join(["SINE"] * count)
        return [
            "trig:tran:sour imm",
            "list:step auto",
            "abort",
            "abort;:inst:coup none;:list:coun 1;:freq:mode list;:freq:slew:mode list",
            *(f":inst:nsel {n};:volt:mode list;:volt:slew:mode list;:func:mode list" for n in phases),
            "inst:coup all",
            ":list:dwel " + ",".join(f"{step.duration_s:.3f}" for step in steps),
            ":list:freq " + self._list_numbers("frequency_hz", [step.frequency_hz for step in steps]),
            f":list:freq:slew {fastest}",
            *(
                f":inst:nsel {n};:list:volt {voltages};:list:volt:slew {fastest};:list:func {sines}"
                for n in phases
            ),
            ":list:rep " + ",".join(["0"] * count),
            "trig:sync:sour imm",
        ]

    def _list_start(self) -> str:
        return ":init"

    def _list_stop(self) -> list[str]:
        return ["abort"]
