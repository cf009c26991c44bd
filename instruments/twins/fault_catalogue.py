"""The fault catalogue: named ways in which a twin may misbehave, and what must catch each.

What is said of the findings was decided from what the fault is and what a profile looks at, not from runs.
Where a run shows another finding, or none, either the bench or this page is wrong. Findings that do not count
are warnings. Nothing is named for what must not change any finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from instruments.twins.fault_expected import Expected, expected

__all__ = ["CATALOGUE", "ECHONET", "FaultKind"]

Part = Literal["battery", "gateway", "meter", "source", "house", "echonet"]
Kind = Literal["battery", "gateway", "meter", "source", "wiring", "clock", "wire"]


@dataclass(frozen=True)
class FaultKind:
    """One fault: ``part`` is the table of the station file it is named in, ``kind`` what it belongs to."""

    name: str
    part: Part
    kind: Kind
    doc: str
    expected: Mapping[str, Expected]

    @property
    def caught_by(self) -> tuple[str, ...]:
        """The findings that name it, each once; empty for what must not change any."""
        return tuple(dict.fromkeys(name for one in self.expected.values() for name in one.ids))


def _catalogue(*kinds: tuple[str, str, Kind, str, str]) -> dict[tuple[str, str], FaultKind]:
    found: dict[tuple[str, str], FaultKind] = {}
    for parts, name, kind, doc, text in kinds:
        for part in parts.split():
            found[part, name] = FaultKind(name, part, kind, doc, expected(text))  # type: ignore[arg-type]  # the words below
    return found


# gives nothing, the wrong way, or too late to be of use, when it is commanded and when the frequency moves
_NOTHING = (
    "products:response secondary1:response,delay follow:end capacity:power economic_dr:discharge,charge "
    "primary:delay,response droop:value dead_band:value grid_replay:slope reverse_flow:allowed "
    "mode_restore:control telemetry:command_latency metering:error,data?"  # no energy, so no meter to judge
)
# gives the wrong amount; where a command is halved or doubled before it must be answered, all that is judged
# is that power stays between the two, and 85 % of one does
_AMOUNT = (
    "products:band tertiary2_partial:transition? follow:end,mean capacity:power "
    "economic_dr:discharge,charge primary:band reverse_flow:allowed"
)
# the energy that is needed to see what the device says of its charge or its power
_BALANCE = "commands:energy_balance"
_AGREEMENT = (
    "commands:device_agreement primary:device_agreement? droop:device_agreement? dead_band:device_agreement? "
    "grid_replay:device_agreement? frequency_accuracy:device_agreement? reverse_flow:device_agreement "
    "mode_restore:device_agreement"
)
_NO_DATA = (  # the last three judge no points, so they have no gate of their own for them
    "all:data,ABORTED mode_restore:power,stimulus,ABORTED telemetry:stimulus,ABORTED "
    "reverse_flow:stimulus,ABORTED"
)
_MOVED = (
    "primary:stimulus droop:stimulus dead_band:stimulus frequency_accuracy:stimulus "
    "grid_replay:replay,stimulus"
)
_WIRED = "all:power_agreement"

CATALOGUE = _catalogue(
    # the battery and its power stage
    ("battery", "wrong_sign", "battery", "charges where it should discharge",
     _NOTHING),
    ("battery", "never_responds", "battery", "gives no power", _NOTHING),
    ("battery", "never_charges", "battery", "answers in one direction only",
     "economic_dr:charge primary:delay,response droop:value,symmetry dead_band:value "
     "grid_replay:slope,stay_declared metering:error,data"),
    ("battery", "saturated", "battery", "gives at most 5 % of its rating",
     "products:response,band secondary1:response,band follow:end capacity:power economic_dr:discharge,charge "
     "primary:band,droop droop:linearity,value grid_replay:slope? reverse_flow:allowed "
     "mode_restore:control telemetry:command_latency metering:error?"),
    ("battery", "gives_less", "battery", "gives 85 % of what it is asked for",
     f"{_AMOUNT} grid_replay:slope"),
    ("battery", "gives_more", "battery", "gives 115 % of what it is asked for",
     f"{_AMOUNT} reverse_flow:allowed,export"),
    ("battery", "thermal_sag", "battery", "falls to 80 % of the power two minutes after leaving zero",
     # where points are judged long after, the level is wrong; within the minutes that the other
     # products give, ΔkW was there and was not kept
     "products:band tertiary1:hold,band secondary1:hold secondary2:hold follow:end capacity:power "
     "economic_dr:discharge,charge primary:hold,band droop:value,linearity mode_restore:power"),
    ("battery", "trips", "battery", "lets go of its power for good four minutes after leaving zero",
     "products:response,hold follow:end capacity:power economic_dr:discharge,charge primary:hold,band "
     "droop:value,linearity dead_band:value metering:error? telemetry:interval?"),
    ("battery", "soc_floor", "battery", "stops once a tenth of its capacity has been given",
     "products:hold tertiary2_repeat:band,response follow:end capacity:power economic_dr:discharge "
     "metering:error"),
    ("battery", "slow", "battery", "time constant 8 s longer",
     "follow1:mean primary:response telemetry:command_latency? grid_replay:slope? reverse_flow:allowed?"),
    ("battery", "crawls", "battery", "moves its power by 1 W a second at most",
     f"{_NOTHING} products:response tertiary2_partial:transition,response? secondary1:response,delay "
     "dead_band:- droop:value,linearity mode_restore:control,power"),
    # the wandering signal of secondary1 comes to zero now and then: there a burst is a judged point
    ("battery", "burst", "battery", "full power for 2 s when a command ends",
     "reverse_flow:export secondary1:signal_stay"),
    ("battery", "oscillates", "battery",
     "dips by 30 % for ten seconds in each minute after a command, between judged points",
     "secondary1:band,hold metering:instant? mode_restore:power?"),
    # its own measurement of the frequency, and what it makes of it
    ("battery", "late_response", "battery", "dead time 2.5 s longer", "primary:delay"),
    ("battery", "jitter", "battery", "a delay that varies by up to 3 s from sample to sample",
     "primary:delay"),
    ("battery", "slow_sampling", "battery", "looks at the frequency every half second only",
     "primary:measurement_interval"),
    ("battery", "soft_droop", "battery", "droop 1.6 times as large as declared",
     "primary:droop droop:value grid_replay:slope"),
    ("battery", "soft_charging", "battery", "droop 1.6 times as large as declared where it charges",
     "primary:droop droop:value,symmetry grid_replay:slope?"),
    ("battery", "wide_dead_band", "battery", "dead band 20 mHz wider",
     "primary:band,response dead_band:value grid_replay:slope,stay_declared"),
    ("battery", "hysteretic", "battery", "12 mHz more hysteresis",
     "dead_band:value grid_replay:slope,stay_declared?"),
    ("battery", "frequency_offset", "battery", "reads the frequency 30 mHz high",
     "frequency_accuracy:error dead_band:offset"),
    # how it takes commands
    ("battery", "not_applied", "battery", "acknowledges set-points, applies none", _NOTHING),
    ("battery", "refuses", "battery", "answers a write of a set-point with an exception though it is listed",
     "all:ERROR"),
    ("battery", "latched", "battery", "keeps its power when commanded to zero",
     "products:return tertiary2_repeat:between,transition,response follow:end economic_dr:idle "
     "reverse_flow:zero,never,export? mode_restore:power? telemetry:command_latency? metering:creep?"),
    ("battery", "stays_remote", "battery", "ignores the release to its own mode",
     "mode_restore:mode telemetry:items"),
    ("battery", "latched_at_end", "battery", "goes on with the last command when the control ends",
     "products:return tertiary2_repeat:between,transition,response follow:end economic_dr:idle "
     "reverse_flow:zero,never,export? mode_restore:power,mode telemetry:command_latency? metering:creep?"),
    ("battery", "keeps_command", "battery", "goes on with a command or a schedule that is over",
     "mode_restore:power,mode,schedule,lan_cut,gateway_off?"),  # not where the station can only stop it
    ("battery", "forgets", "battery", "loses its reserve when the control ends", "mode_restore:settings"),
    ("battery", "leaks", "battery", "gives 300 W more than its limiter of the export allows",
     "reverse_flow:zero,never"),
    ("battery", "never_exports", "battery", "keeps the house from exporting at all",
     "products:response secondary1:response,delay follow:end capacity:power economic_dr:discharge "
     "primary:band,droop droop:linearity,value grid_replay:slope? "
     "reverse_flow:allowed mode_restore:control telemetry:command_latency metering:error,data?"),
    # what it says of itself: the analyzer decides, so these warn
    ("battery", "stuck_soc", "battery", "always reports the same state of charge",
     f"{_BALANCE} telemetry:soc reverse_flow:energy_balance? mode_restore:energy_balance?"),
    ("battery", "no_soh", "battery", "does not tell its state of health", "telemetry:items"),
    ("battery", "restarts", "battery", "restarts now and then: its counters of energy begin anew",
     "telemetry:restarts metering:error"),
    ("battery", "fast_soc", "battery", "reports a state of charge that moves twice as fast",
     f"{_BALANCE} telemetry:energy_balance? reverse_flow:energy_balance? mode_restore:energy_balance?"),
    ("battery", "reports_wrong_sign", "battery", "reports its own power with the sign turned",
     _AGREEMENT.replace("device_agreement", "device_sign,device_agreement") + " metering:instant"),
    ("battery", "reports_high", "battery", "reports its own power 20 % high",
     f"{_AGREEMENT} metering:instant"),
    ("battery", "reports_old", "battery", "goes on reporting the first power it had",
     # a report that is proved old is none, as from a gateway that stands still
     f"{_AGREEMENT} primary:record metering:instant,instant_interval telemetry:interval"),
    ("battery", "late_alarm", "battery", "shows an alarm 8 s later", "telemetry:alarm"),
    ("battery", "no_alarm", "battery", "shows no alarm", "telemetry:alarm"),
    ("battery", "alarmed", "battery", "shows an alarm that nobody provoked", "all:ERROR"),
    ("battery", "blank_power", "battery", "its register of the power says that there is no value",
     "primary:record metering:instant_interval telemetry:interval,items"),
    ("battery", "blank_frequency", "battery", "its register of the frequency says that there is no value",
     "primary:record frequency_accuracy:error,reading"),
    # the gateway
    ("gateway", "not_applied", "gateway", "acknowledges commands, passes none on",
     _NOTHING),
    ("gateway", "late_relay", "gateway", "passes commands on 30 s later",
     "follow1:mean,end follow5:mean? mode_restore:control telemetry:command_latency reverse_flow:allowed "
     # the order to answer the frequency is late too; no staircase has begun by then
     "primary:response,delay"),
    ("gateway", "resends", "gateway", "sends its last command again when its mains or its line are back",
     "mode_restore:lan_cut,gateway_off"),
    # only telemetry commands twice in one second; where a signal wanders every second others may see it too
    ("gateway", "reorders", "gateway", "passes every other set-point on 1.5 s late, after the next one",
     "telemetry:execution secondary1:band?"),
    ("gateway", "executes_twice", "gateway", "passes each set-point on again 3 s later, whatever came since",
     "telemetry:execution,interval secondary1:band?"),
    ("gateway", "drops", "gateway", "loses a set-point that comes within 1.5 s of another",
     "telemetry:execution,interval secondary1:delay,band"),
    ("gateway", "stays_down", "gateway", "never links to the battery again once its line or mains were cut",
     "telemetry:recovery mode_restore:gateway_off,lan_cut,mode,control"),
    ("gateway", "hangs", "gateway", "does not answer any more once its line or its mains were cut",
     "telemetry:recovery mode_restore:gateway_off,lan_cut"),
    ("gateway", "silent", "gateway", "its telemetry stands still",
     f"{_AGREEMENT} primary:record frequency_accuracy:error,reading telemetry:interval,soc "
     "metering:error,instant,instant_interval"),
    # the source
    ("source", "coarse", "source", "sets in steps of 50 mHz, reads back what was asked",
     f"{_MOVED} primary:-"),
    ("source", "offset", "source", "delivers 30 mHz more than set",
     "all:stimulus,source_agreement grid_replay:replay,stimulus,source_agreement"),
    ("source", "wanders", "source", "its frequency wanders by 15 mHz",
     "all:stimulus,source_agreement grid_replay:replay,stimulus,source_agreement metering:stimulus?"),
    ("source", "slow_slew", "source", "moves its frequency by 0.1 Hz a second at most",
     "primary:stimulus_edge,stimulus frequency_accuracy:stimulus,stimulus_edge,source_agreement "
     "grid_replay:replay,stimulus?"),
    ("source", "short_dwell", "source", "goes back to nominal by itself 8 s after leaving it",
     f"{_MOVED} grid_replay:-"),
    ("source", "stuck", "source", "acknowledges a frequency, keeps the old one", _MOVED),
    ("source", "low_voltage", "source", "delivers 8 % less voltage than set", "all:stimulus_voltage"),
    ("source", "sag", "source", "sags by 8 % for three seconds in each minute",
     "all:stimulus_voltage metering:stimulus_voltage?"),
    # the analyzer
    ("meter", "nan", "meter", "no data", _NO_DATA),
    ("meter", "inf", "meter", "overflow on every channel", _NO_DATA),
    ("meter", "sentinel", "meter", "writes 9.91E+37 for all it measures", _NO_DATA),
    ("meter", "frozen", "meter", "repeats its last values from the first minute on",
     "all:update,data metering:update,data,power_agreement"),
    ("meter", "sparse", "meter", "publishes one window in twenty",
     "all:update,data,stimulus metering:update,data,ABORTED"),
    ("meter", "gain_error", "meter", "reads power 15 % high",
     f"{_WIRED} primary:power_agreement? droop:power_agreement? dead_band:- frequency_accuracy:- "
     "grid_replay:power_agreement?"),
    ("meter", "late", "clock", "publishes every window a second late",
     "primary:stimulus,stimulus_edge grid_replay:replay,stimulus?"),
    ("meter", "skew", "clock", "its clock is 7.03 s ahead", ""),
    ("meter", "drift", "clock", "its clock runs 100 ppm fast", ""),
    # the wiring
    ("meter", "wrong_sign", "wiring", "both elements wired the wrong way round",
     "all:sign,power_agreement"),
    ("meter", "swapped", "wiring", "the elements of the two points are exchanged",
     f"{_WIRED} reverse_flow:power_agreement,ABORTED"),
    ("house", "bypass", "wiring", "the receiving point misses the battery",
     "all:wiring frequency_accuracy:- mode_restore:- metering:- telemetry:-"),
    # the wires, each on its own socket; instruments/twins/wire_faults.py says what the direct link does. One
    # reply that is lost is a reading that is lost (a gap, which no finding needs) or a set-point that is read
    # back
    ("meter", "header", "wire", "puts the header into replies though it is off", ""),
    ("source meter", "split", "wire", "sends each reply in two pieces", ""),
    ("source meter", "late_reply", "wire", "sends its 200th reply after the time-out", ""),
    ("source meter", "previous_answer", "wire", "answers each question with the answer to the one before",
     "all:ERROR"),
    ("source meter", "deaf", "wire", "never answers", "all:ERROR"),
    ("battery gateway", "dropped", "wire", "does not answer one request, the 200th", ""),
    ("battery gateway", "swapped_replies", "wire", "gives every reply the number of the one before",
     "all:ERROR"),
    ("battery gateway", "previous_answer", "wire", "answers each request with the reply to the one before",
     "all:ERROR"),
    ("battery gateway", "busy_at_times", "wire", "answers one request, the 200th, with 'device busy'", ""),
    ("battery gateway", "busy", "wire", "answers every request with 'device busy'", "all:ERROR"),
)  # fmt: skip

ECHONET = _catalogue(
    ("echonet", "other_port", "wire", "answers from a port of its own", ""),
    ("echonet", "late_change", "battery", "confirms a setting before it takes it", ""),
    ("echonet", "refuses_listed", "battery", "refuses a property that its own map lists",
     "commands:ERROR reverse_flow:ERROR mode_restore:ERROR metering:ERROR telemetry:ERROR"),
    ("echonet", "ignores_set", "battery", "acknowledges a setting and keeps the old one",
     "frequency_accuracy:ERROR? commands:ERROR "
     "reverse_flow:ERROR mode_restore:ERROR metering:ERROR telemetry:ERROR"),
    ("echonet", "mixed_sna", "battery", "cannot tell its state of health, which its map lists",
     "telemetry:items"),
)  # fmt: skip
"""How an ECHONET Lite node may behave (``twin.battery.echonet``): the faults that need such a node."""
