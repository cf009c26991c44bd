"""Keysight AC6800B AC power sources (AC6801B to AC6804B): set-points, output, and what they measure.

Read for this file:

- quarch: a public driver of the AC6804B, class ``KeysightAC6804B`` of the quarch calibration package, which
  talks to the real instrument over TCP 5025: 50 ms between two commands, CR LF, ``SYSTem:ERRor:COUNT?`` and
  ``SYSTem:ERRor:NEXT?``, 40 to 500 Hz, 0 to 310 V, ``OUTP ON`` read back as ``1``. It frees sessions that a
  dead client has left behind by connecting to port 5030 once.

It tells neither the resolution of the frequency, nor the slew, nor whether the source can take power back
(the station file does), and no list of steps.
"""

from __future__ import annotations

from pydantic import Field

from bench.drivers.ac_source import AcSource, AcSourceOptions
from bench.drivers.base import Identity
from bench.drivers.descriptors import Control, Exchange, Reading
from bench.errors import LinkDown, LinkTimeout

__all__ = ["KeysightAc6800"]

_PORT, _FREE_PORT = "::5025::", "::5030::"


class KeysightOptions(AcSourceOptions):
    """Extra keys of the source's station table."""

    pause_s: float = Field(default=0.05, ge=0, description="kept between two commands")
    free_resource: str | None = Field(
        default=None,
        description="where a connection frees dead sessions; else port 5030 where resource has 5025",
    )


class KeysightAc6800(AcSource):
    """An AC source. CR LF ends a line; two commands are 50 ms apart."""

    OPTIONS = KeysightOptions
    MAKER, MODEL = "KEYSIGHT|AGILENT", r"AC68\d\d"
    ERROR_QUERY = "SYST:ERR:NEXT?"
    WRITE_TERMINATION = "\r\n"
    SWITCH = ("OFF", "ON")

    frequency_hz = Control(
        "SOUR:FREQ?",
        "SOUR:FREQ {:.6g}",
        unit="Hz",
        low=40.0,
        high=500.0,
        doc="Control the output frequency.",
        page="quarch setACSupplyFrequency (40 to 500 Hz)",
    )
    voltage_v = Control(
        "SOUR:VOLT?",
        "SOUR:VOLT {:.6g}",
        unit="V",
        low=0.0,
        high=310.0,
        doc="Control the output voltage (rms).",
        page="quarch setACSupplyVoltage (0 to 310 V)",
    )
    output = Control(
        "OUTP?",
        "OUTP {}",
        unit="1",
        kind=bool,
        doc="Control the output.",
        page="quarch setOutputEnable",
    )
    measured_voltage_v = Reading(
        "MEAS:VOLT:AC?", unit="V", doc="Measure the output voltage (rms).", page="quarch measureSupplyVoltage"
    )
    measured_current_a = Reading(
        "MEAS:CURR:AC?", unit="A", doc="Measure the output current (rms).", page="quarch measureSupplyCurrent"
    )

    SAMPLED = ("frequency_hz", "voltage_v", "output", "measured_current_a")
    SAFE = {"output": False}  # noqa: RUF012  (a ClassVar of the base)
    RESTORED = ("frequency_hz", "voltage_v")  # the output is the safe state's alone

    EXAMPLES = (
        Exchange("OUTP ON", None, "output", True, page="quarch setOutputEnable"),
        Exchange("OUTP?", "1", "output", True, page="quarch setOutputEnable, expected reply"),
        Exchange("SOUR:FREQ 50.0", None, "frequency_hz", 50.0, page="quarch setACSupplyFrequency"),
        Exchange("SOUR:VOLT 230.0", None, "voltage_v", 230.0, page="quarch setACSupplyVoltage"),
    )

    def _ask_identity(self) -> Identity:
        try:
            return super()._ask_identity()
        except (LinkDown, LinkTimeout):
            if not self._free_sessions():
                raise
            return super()._ask_identity()

    def _free_sessions(self) -> bool:
        """Free sessions that a dead client has left behind; False where there is no port for it."""
        resource = self.options.free_resource
        if resource is None and _PORT in self.setting.resource:
            resource = self.setting.resource.replace(_PORT, _FREE_PORT)
        if resource is None:
            return False
        return self.setting.links.knock(resource, timeout_s=self.setting.station.timeout_s)
