"""Recording in, metrics with uncertainty out: pure functions.

Beside its number a metric may carry ``follows``: the short id of the finding that is the root when this
one fails (a device that settles at 88 % of ΔkW fails the band; that it then never responds nor holds
follows from it). The root itself carries None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.config.profile import MeasureSpec
from bench.errors import Fault, UsageError
from bench.measure import commissioning, data, replay
from bench.measure.command import after_block, commanded, follow, following, lfc, slots
from bench.measure.device import metering, restore, telemetry
from bench.measure.hold import droop as hold_droop
from bench.measure.hold import frequency as frequency_hold
from bench.measure.options import Options, Undeclared
from bench.measure.site import export as site_export
from bench.measure.static import accuracy as static_accuracy
from bench.measure.static import assessment as static_assessment
from bench.measure.static import characteristic as static_characteristic
from bench.measure.step import response as step_response
from bench.measure.witness import agreement, stimulus
from bench.model import Metric
from bench.recording import Recording

__all__ = ["ESTIMATORS", "measure"]

Estimator = Callable[[Recording, Options], list[Metric]]

ESTIMATORS: dict[str, tuple[Estimator, frozenset[str]]] = {
    "after_block": (after_block.after_block, after_block.OPTIONS),
    "follow": (follow.follow, follow.OPTIONS),
    "slots": (slots.slots, slots.OPTIONS),
    "lfc": (lfc.lfc, lfc.OPTIONS),
    "following": (following.following, following.OPTIONS),
    "step_response": (step_response.step_response, step_response.OPTIONS),
    "frequency_hold": (frequency_hold.frequency_hold, frequency_hold.OPTIONS),
    "hold_droop": (hold_droop.hold_droop, hold_droop.OPTIONS),
    "metering": (metering.metering, metering.OPTIONS),
    "restore": (restore.restore, restore.OPTIONS),
    "site_export": (site_export.site_export, site_export.OPTIONS),
    "agreement": (agreement.agreement, agreement.OPTIONS),
    "commanded": (commanded.commanded, commanded.OPTIONS),
    "commissioning": (commissioning.commissioning, commissioning.OPTIONS),
    "telemetry": (telemetry.telemetry, telemetry.OPTIONS),
    "stimulus": (stimulus.stimulus, stimulus.OPTIONS),
    "data": (data.data, data.OPTIONS),
    "replay": (replay.replay, replay.OPTIONS),
    "static_accuracy": (static_accuracy.static_accuracy, static_accuracy.OPTIONS),
    "static_assessment": (static_assessment.static_assessment, static_assessment.OPTIONS),
    "static_characteristic": (static_characteristic.static_characteristic, static_characteristic.OPTIONS),
}
"""By name in the profile: the function, and the options it knows."""


def measure(
    recording: Recording,
    specs: Sequence[MeasureSpec],
    names: Mapping[str, float],
    *,
    undeclared: set[str] | None = None,
) -> list[Metric]:
    """Return the metrics of every estimator that a profile names, in its order.

    Args:
        recording: what was recorded.
        specs: the ``[[measure]]`` tables of the profile.
        names: rules, parameters and quantities of the run, for the options' arithmetic.
        undeclared: where given, an estimator that needs a number nobody knows measures nothing, and the
            number's name goes there: what is not told of a recording from elsewhere is not a fault of it.

    Raises:
        UsageError: an estimator or an option that does not exist, or a number that nobody knows; every
            fault at once.
    """
    faults: list[Fault] = []
    ready: list[tuple[Estimator, Options]] = []
    for spec in specs:
        entry = ESTIMATORS.get(spec.name)
        if entry is None:
            known = ", ".join(sorted(ESTIMATORS))
            faults.append(Fault(f"measure.{spec.name}", f"unknown estimator; known: {known}"))
            continue
        lacking: set[str] | None = None if undeclared is None else set()
        options, wrong = Options.resolve(spec.name, spec.options, entry[1], names, lacking)
        faults += wrong
        if lacking and undeclared is not None:
            undeclared |= lacking
        else:
            ready.append((entry[0], options))
    if faults:
        raise UsageError(faults)
    found: list[Metric] = []
    for estimator, options in ready:
        try:
            found += estimator(recording, options)
        except Undeclared as lack:
            if undeclared is None:
                raise
            undeclared.add(lack.name)
    return found
