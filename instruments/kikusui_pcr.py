"""Kikusui PCR-series AC power supplies: set-points, output, and what they measure themselves.

Read for this file:

- IA005402: Kikusui, PCR-MA series Communication Interface Manual, Apr. 2018 ("Overview of Command").
- PCR-M: Kikusui, PCR-M series Communication Interface Manual (the same command tree).
- socs: the PCR500MA driver of the Simons Observatory, ``simonsobs/socs``,
  ``socs/agents/kikusui_pcr500ma/drivers.py``, which runs against the real instrument over SCPI-RAW.

None of them tells the resolution of the frequency, whether the supply can take power back, or its slew:
the station file says so (``frequency_resolution_hz``, ``sink_kw``).
"""

from __future__ import annotations

from bench.drivers.ac_source import AcSource
from bench.drivers.descriptors import Control, Exchange, Reading

__all__ = ["KikusuiPcr"]


class KikusuiPcr(AcSource):
    """An AC source. A line holds at most 128 characters; LF ends it, CR does not (IA005402)."""

    MAKER, MODEL = "KIKUSUI", "PCR"

    frequency_hz = Control(
        "FREQ?",
        "FREQ {:.6g}",
        unit="Hz",
        low=40.0,
        high=500.0,
        doc="Control the output frequency.",
        page="socs set_frequency, get_frequency (40 to 500 Hz)",
    )
    voltage_v = Control(
        "VOLT?",
        "VOLT {:.6g}",
        unit="V",
        low=0.0,
        high=310.0,
        doc="Control the AC output voltage (rms).",
        page="socs set_volt_ac, get_volt_ac; 310 V: Keysight AC6800B, its sibling",
    )
    output = Control(
        "OUTP?",
        "OUTP {}",
        unit="1",
        kind=bool,
        doc="Control the output relay.",
        page="socs set_output, get_output",
    )
    measured_frequency_hz = Reading(
        "MEAS:FREQ?", unit="Hz", doc="Measure the output frequency.", page="socs meas_freq"
    )
    measured_voltage_v = Reading(
        "MEAS:VOLT:AC?", unit="V", doc="Measure the output voltage (rms).", page="socs meas_volt_ac"
    )
    measured_current_a = Reading(
        "MEAS:CURR:AC?", unit="A", doc="Measure the output current (rms).", page="socs meas_current_ac"
    )
    measured_power_kw = Reading(
        "MEAS:POW:AC?",
        unit="kW",
        scale=0.001,
        doc="Measure the active power that the source delivers.",
        page="socs meas_power_ac",
    )

    coupling = Control(
        "OUTP:COUP?",
        "OUTP:COUP {}",
        unit="1",
        kind=str,
        doc="Control what the output carries: AC, DC or ACDC.",
        page="socs set_coupling, get_coupling",
    )

    SAMPLED = ("frequency_hz", "voltage_v", "output", "measured_power_kw")
    SAFE = {"output": False}  # noqa: RUF012  (a ClassVar of the base)
    RESTORED = ("frequency_hz", "voltage_v")  # the output is the safe state's alone

    EXAMPLES = (
        Exchange("OUTP 1", None, "output", True, page="socs set_output"),
        Exchange("OUTP?", "1", "output", True, page="socs get_output"),
        Exchange("OUTP?", "0", "output", False, page="socs get_output"),
        Exchange("FREQ 50", None, "frequency_hz", 50.0, page="socs set_frequency"),
        Exchange("OUTP:COUP?", "AC", "coupling", "AC", page="socs get_coupling"),
        Exchange("VOLT 10", None, "voltage_v", 10.0, page="socs set_volt_ac"),
        Exchange("VOLT?", "+3.80000E+02", "voltage_v", 380.0, page="PCR-M and PWR-01, Parameters, NR3"),
    )

    def do(self, sequence: str) -> None:
        """Carry out ``clear_protection`` (``OUTP:PROT:CLE``, socs clear_alerm).

        Raises:
            InstrumentRefused: another sequence, or the instrument reports an error.
        """
        if sequence != "clear_protection":
            super().do(sequence)
        with self._stamp:
            self.tell("OUTP:PROT:CLE")
