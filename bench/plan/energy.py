"""The power that a timeline asks of the battery, and the energy that goes with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.config.station import Device
from bench.timeline import Act, SetPoint, Timeline

__all__ = ["DroopLaw", "PowerStep", "asked_power", "droop_law", "needed_kwh", "span_kwh"]

COMMANDS = ("battery.power_set_kw", "gateway.power_set_kw")
MODES = ("battery.mode", "gateway.mode")
_DEVICES = ("battery", "gateway")
_TAKES, _LETS_GO = ("start", "frequency_response_on"), ("stop", "frequency_response_off")
DroopLaw = Callable[[float], float]


@dataclass(frozen=True)
class PowerStep:
    """A stretch of constant power (discharge positive)."""

    from_s: float
    to_s: float
    power_kw: float

    @property
    def energy_kwh(self) -> float:
        """The energy that leaves the battery's terminals."""
        return self.power_kw * (self.to_s - self.from_s) / 3600


def droop_law(
    device: Device, nominal_hz: float, droop_pct: float | None = None, dead_band_hz: float | None = None
) -> DroopLaw | None:
    """Return power (kW) as a function of frequency (Hz), as declared; None where the droop is unknown.

    P = rated × (|Δf| − dead band) / (droop × nominal), at most rated, opposite in sign to Δf. A dead band of
    kind "step" is not subtracted outside. ``droop_pct`` and ``dead_band_hz`` stand for what is not declared.
    """
    droop = device.declared_droop_pct if device.declared_droop_pct is not None else droop_pct
    band = device.declared_dead_band_hz if device.declared_dead_band_hz is not None else dead_band_hz
    if droop is None:
        return None
    slope_kw_per_hz = device.rated_kw / (droop / 100 * nominal_hz)
    edge_hz = band or 0.0
    subtracted_hz = 0.0 if device.dead_band_kind == "step" else edge_hz

    def power_kw(frequency_hz: float) -> float:
        deviation_hz = frequency_hz - nominal_hz
        if abs(deviation_hz) <= edge_hz + 1e-9:  # the edge itself is inside, whatever the last bit says
            return 0.0
        size_kw = min(device.rated_kw, slope_kw_per_hz * (abs(deviation_hz) - subtracted_hz))
        return -size_kw if deviation_hz > 0 else size_kw

    return power_kw


def asked_power(timeline: Timeline, law: DroopLaw | None = None, rated_kw: float = 0.0) -> list[PowerStep]:
    """Return the power asked of the battery: what is commanded and, with ``law``, what the frequency asks.

    A command ends where the device is taken over, let go or put into a mode; the modes charge and discharge
    ask for ``rated_kw``, and again once the device is let go.
    """
    command_kw = response_kw = mode_kw = 0.0
    steps: list[PowerStep] = []
    at_s = 0.0
    orders: list[Act | SetPoint] = [*timeline.acts, *timeline.set_points]
    for order in sorted(orders, key=lambda order: order.t_s):  # stable: acts come first, as they are sent
        before = command_kw + response_kw
        if isinstance(order, Act):
            name = order.sequence.rstrip("?") if order.role in _DEVICES else ""
            command_kw = 0.0 if name in _TAKES else mode_kw if name in _LETS_GO else command_kw
        elif (channel := f"{order.role}.{order.quantity}") in MODES:
            mode_kw = {"charge": -rated_kw, "discharge": rated_kw}.get(str(order.value), 0.0)
            command_kw = mode_kw
        elif isinstance(order.value, str | bool):
            continue
        elif channel in COMMANDS:
            command_kw = order.value
        elif channel == "source.frequency_hz" and law is not None:
            response_kw = law(order.value)
        if order.t_s > at_s:
            steps.append(PowerStep(at_s, order.t_s, before))
            at_s = order.t_s
    if timeline.end_s > at_s:
        steps.append(PowerStep(at_s, timeline.end_s, command_kw + response_kw))
    return steps


def span_kwh(steps: Sequence[PowerStep], loss_ratio: float = 1.0) -> tuple[float, float]:
    """Return the lowest and the highest energy taken out since the start (0 is always among them).

    At the terminals; with ``loss_ratio`` (what passes over what is given) out of the store, where each turn
    out and in again costs.
    """
    taken = low = high = 0.0
    for step in steps:
        given = step.energy_kwh
        taken += given / loss_ratio if given > 0.0 else given * loss_ratio
        low, high = min(low, taken), max(high, taken)
    return low, high


def needed_kwh(timeline: Timeline, law: DroopLaw | None = None) -> float:
    """Return the storage that a run moves through: the distance of its fullest and emptiest moment."""
    low, high = span_kwh(asked_power(timeline, law))
    return high - low
