"""The fault catalogue: named ways in which a twin may misbehave, and what must catch each.

``caught_by`` names findings: a short id (``response``) in whatever profile the fault shows, a full id
(``primary.response``) in that profile; or ``ERROR``, ``ABORTED`` where the run itself ends, or a command. A
finding that does not count is a warning. It is empty for what must not change any finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["CATALOGUE", "FaultKind"]

Part = Literal["battery", "gateway", "meter", "source", "house"]
Kind = Literal["battery", "gateway", "meter", "source", "wiring", "clock", "wire"]


@dataclass(frozen=True)
class FaultKind:
    """One fault: ``part`` is the table of the station file it is named in, ``kind`` what it belongs to."""

    name: str
    part: Part
    kind: Kind
    doc: str
    caught_by: tuple[str, ...] = ()


def _catalogue(*kinds: tuple[str, str, Kind, str, str]) -> dict[tuple[str, str], FaultKind]:
    found: dict[tuple[str, str], FaultKind] = {}
    for parts, name, kind, doc, caught_by in kinds:
        for part in parts.split():
            found[part, name] = FaultKind(name, part, kind, doc, tuple(caught_by.split()))  # type: ignore[arg-type]  # the words below
    return found


# what each kind of profile looks at first: the products that follow a command, the frequency response, ERA's
# new command every few minutes, energy a block, the characteristic, a site, and a grid that is replayed
_DEAD = "response primary.delay secondary1.delay end power discharge value slope mode_restore.power"
_LEVEL = (
    "band primary.droop end mean transition between power discharge charge droop.value dead_band.value slope "
    "signal_stay stay_declared"
)

CATALOGUE = _catalogue(
    # the battery and its power stage
    ("battery", "wrong_sign", "battery", "charges where it should discharge",
     f"{_DEAD} export baseline charge"),
    ("battery", "never_responds", "battery", "gives no power", f"{_DEAD} charge"),
    ("battery", "never_charges", "battery", "answers in one direction only",
     f"{_DEAD} baseline charge symmetry"),
    ("battery", "saturated", "battery", "gives at most 5 % of its rating", f"{_LEVEL} response linearity"),
    ("battery", "gives_less", "battery", "gives 85 % of what it is asked for", f"{_LEVEL} response"),
    ("battery", "gives_more", "battery", "gives 115 % of what it is asked for", f"{_LEVEL} response export"),
    ("battery", "thermal_sag", "battery", "falls to 80 % of the power two minutes after leaving zero",
     f"{_LEVEL} hold linearity symmetry"),
    ("battery", "trips", "battery", "lets go of its power for good four minutes after leaving zero",
     f"{_LEVEL} hold response linearity symmetry"),
    ("battery", "soc_floor", "battery", "stops once a tenth of its capacity has been given",
     "hold end power discharge between band response"),
    ("battery", "slow", "battery", "time constant 8 s longer",
     "response end mean transition between slope stay_declared signal_stay delay discharge"),
    ("battery", "crawls", "battery", "moves its power by 1 W a second at most",
     f"{_LEVEL} {_DEAD} baseline linearity symmetry charge idle return"),
    ("battery", "burst", "battery", "full power for 2 s when a command ends",
     "reverse_flow.export export transition between end mean"),
    ("battery", "oscillates", "battery",
     "dips by 30 % for ten seconds in each minute after a command, between judged points", ""),
    # its own measurement of the frequency, and what it makes of it
    ("battery", "late_response", "battery", "dead time 2.5 s longer",
     "primary.delay secondary1.delay slope stay_declared"),
    ("battery", "jitter", "battery", "a delay that varies by up to 3 s from sample to sample",
     "primary.delay slope stay_declared"),
    ("battery", "slow_sampling", "battery", "looks at the frequency every half second only",
     "primary.measurement_interval"),
    ("battery", "soft_droop", "battery", "droop 1.6 times as large as declared",
     "primary.droop droop.value slope stay_declared frequency_accuracy.reading"),
    ("battery", "soft_charging", "battery", "droop 1.6 times as large as declared where it charges",
     "primary.droop droop.value droop.symmetry slope stay_declared"),
    ("battery", "wide_dead_band", "battery", "dead band 20 mHz wider",
     "dead_band.value primary.band primary.response slope stay_declared droop.value"),
    ("battery", "hysteretic", "battery", "12 mHz more hysteresis", "dead_band.hysteresis dead_band.value"),
    ("battery", "frequency_offset", "battery", "reads the frequency 30 mHz high",
     "frequency_accuracy.error dead_band.offset primary.band stay_declared"),
    # how it takes commands
    ("battery", "not_applied", "battery", "acknowledges set-points, applies none", f"{_DEAD} charge"),
    ("battery", "refuses", "battery", "answers a write of a set-point with an exception though it is listed",
     "ERROR"),
    ("battery", "latched", "battery", "keeps its power when commanded to zero",
     "return transition between end idle baseline mode_restore.power"),
    ("battery", "stays_remote", "battery", "ignores the release to its own mode", "mode_restore.mode"),
    ("battery", "latched_at_end", "battery", "goes on with the last command when the control ends",
     "return transition between end idle baseline mode_restore.power mode_restore.mode"),
    ("battery", "forgets", "battery", "loses its reserve when the control ends", "mode_restore.settings"),
    ("battery", "keeps_command", "battery", "goes on with a command or a schedule that is over",
     "mode_restore.lan_cut mode_restore.gateway_off mode_restore.power mode_restore.mode"),
    ("battery", "leaks", "battery", "gives 300 W more than its limiter of the export allows",
     "reverse_flow.zero reverse_flow.never"),
    ("battery", "never_exports", "battery", "keeps the house from exporting at all",
     f"{_LEVEL} {_DEAD} reverse_flow.allowed linearity"),
    # what it says of itself: the analyzer decides, so these warn
    ("battery", "stuck_soc", "battery", "always reports the same state of charge",
     "energy_balance telemetry.soc"),
    ("battery", "no_soh", "battery", "does not tell its state of health", "telemetry.items"),
    ("battery", "fast_soc", "battery", "reports a state of charge that moves twice as fast",
     "energy_balance"),
    ("battery", "reports_wrong_sign", "battery", "reports its own power with the sign turned",
     "device_sign device_agreement"),
    ("battery", "reports_high", "battery", "reports its own power 20 % high", "device_agreement"),
    ("battery", "reports_old", "battery", "goes on reporting the first power it had", "device_agreement"),
    # the gateway
    ("gateway", "not_applied", "gateway", "acknowledges commands, passes none on", "response follow"),
    ("gateway", "late_relay", "gateway", "passes commands on 30 s later", "follow latency"),
    ("gateway", "resends", "gateway", "sends its last command again when its mains or its line are back",
     "mode_restore.lan_cut mode_restore.gateway_off"),
    ("gateway", "silent", "gateway", "its telemetry stands still", "telemetry.interval"),
    # the source
    ("source", "coarse", "source", "sets in steps of 50 mHz, reads back what was asked",
     "stimulus source_agreement replay"),
    ("source", "offset", "source", "delivers 30 mHz more than set", "stimulus source_agreement replay"),
    ("source", "wanders", "source", "its frequency wanders by 15 mHz", "stimulus replay"),
    ("source", "slow_slew", "source", "moves its frequency by 0.1 Hz a second at most",
     "stimulus_edge stimulus replay"),
    ("source", "short_dwell", "source", "goes back to nominal by itself 8 s after leaving it", "stimulus"),
    ("source", "stuck", "source", "acknowledges a frequency, keeps the old one", "stimulus replay"),
    ("source", "low_voltage", "source", "delivers 8 % less voltage than set", "stimulus_voltage"),
    ("source", "sag", "source", "sags by 8 % for three seconds in each minute", "stimulus_voltage"),
    # the analyzer
    ("meter", "nan", "meter", "no data", "data ABORTED"),
    ("meter", "inf", "meter", "overflow on every channel", "data ABORTED"),
    ("meter", "sentinel", "meter", "writes 9.91E+37 for all it measures", "data ABORTED"),
    ("meter", "frozen", "meter", "repeats its last values from the first minute on", "data stimulus ABORTED"),
    ("meter", "sparse", "meter", "publishes one window in twenty", "update stimulus data stimulus_edge"),
    ("meter", "gain_error", "meter", "reads power 15 % high", "power_agreement"),
    ("meter", "late", "clock", "publishes every window a second late", "stimulus stimulus_edge"),
    ("meter", "skew", "clock", "its clock is 7.03 s ahead", ""),
    ("meter", "drift", "clock", "its clock runs 100 ppm fast", ""),
    # the wiring
    ("meter", "wrong_sign", "wiring", "both elements wired the wrong way round", "sign power_agreement"),
    ("meter", "swapped", "wiring", "the elements of the two points are exchanged", "power_agreement"),
    ("house", "bypass", "wiring", "the receiving point misses the battery", "wiring"),
    # A lost reply is a lost reading, which no finding needs; ERROR only where it acknowledged a command.
    # the wires, each on its own socket; instruments/twins/wire_faults.py says what the direct link does
    ("meter", "header", "wire", "puts the header into replies though it is off", ""),
    ("source meter", "split", "wire", "sends each reply in two pieces", ""),
    ("source meter", "late_reply", "wire", "sends its 200th reply after the time-out", "ERROR"),
    ("source meter", "previous_answer", "wire", "answers each question with the answer to the one before",
     "ERROR"),
    ("source meter", "deaf", "wire", "never answers", "ERROR"),
    ("battery gateway", "dropped", "wire", "does not answer one request, the 200th", "ERROR"),
    ("battery gateway", "swapped_replies", "wire", "gives every reply the number of the one before",
     "ERROR"),
    ("battery gateway", "previous_answer", "wire", "answers each request with the reply to the one before",
     "ERROR"),
    ("battery gateway", "busy_at_times", "wire", "answers one request, the 200th, with 'device busy'",
     "ERROR"),
    ("battery gateway", "busy", "wire", "answers every request with 'device busy'", "ERROR"),
)  # fmt: skip
