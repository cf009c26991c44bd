"""The simulated station as one object: the world, its instruments, their wires."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TextIO

from bench.clock import Clock
from bench.config.station import Device, StationHead
from instruments.twins.analyzer import Analyzer
from instruments.twins.config import read_twin
from instruments.twins.dialects import meter_dialect, source_dialect
from instruments.twins.echonet_side import EchonetPort, EchonetSide
from instruments.twins.faults import FaultSet
from instruments.twins.front import BatteryFront
from instruments.twins.gateway import Gateway
from instruments.twins.gateway_map import GatewayMap
from instruments.twins.ports import Gate, ModbusPort, ScpiPort
from instruments.twins.site_map import SiteMap
from instruments.twins.sunspec_battery import SunSpecBattery
from instruments.twins.wire_faults import WireFaults
from instruments.twins.wires import Wires
from instruments.twins.world import World

__all__ = ["TwinHost"]

_ROLES = ("source", "meter", "battery")
_TURN_S = 0.1  # in real time nothing that is due waits longer for its log line


class TwinHost:
    """A twin station on a clock. The world's zero is the clock's zero; it never moves the clock.

    Args:
        twin: the ``[twin]`` table of the station file.
        head: its ``[station]`` table (nominal frequency and voltage).
        device: its ``[device]`` table, for the battery's identity alone: what it does is in ``twin``.
        clock: read at every request. With a virtual clock time moves only between requests.
        log: where every setting is written as a JSON line when its instrument receives it.
        roles: which instruments to make; a gateway and a ``receiving_meter`` only where named here
            (a gateway also where ``twin`` has a table for it).
        folder: where file names in ``twin`` begin.

    Raises:
        UsageError: every fault of the table, with its place.
    """

    def __init__(
        self,
        twin: Mapping[str, Any],
        head: StationHead,
        device: Device,
        clock: Clock,
        *,
        log: TextIO | None = None,
        roles: Collection[str] = _ROLES,
        folder: Path | None = None,
    ) -> None:
        self.config = read_twin(twin)
        self._clock, self._log = clock, log
        self._ready_s = 0.0
        self._started = False
        self._wires: Wires | None = None
        world = self.world = World(self.config, head.nominal_hz, folder or Path(), self._told)
        self._gate = Gate(world, clock)
        analyzer = Analyzer(self.config.meter, self.config.seed, world)
        self._analyzers = [analyzer]
        self._fault_sets = [world.source.faults, world.battery.faults, world.house.faults]

        def wire(faults: FaultSet) -> WireFaults:
            return WireFaults(faults, head.timeout_s)

        self._scpi = {
            "source": ScpiPort(
                self._gate, source_dialect(self.config.source, world), wire(world.source.faults)
            ),
            "meter": ScpiPort(self._gate, meter_dialect(world, analyzer), wire(analyzer.faults)),
        }
        gateway = None
        through = self.config.battery.through_gateway
        if "gateway" in roles or "gateway" in twin or through:
            gateway = Gateway(self.config.gateway, world)
            self._fault_sets.append(gateway.faults)
        front = gateway if through and gateway is not None else BatteryFront(world)
        battery: SunSpecBattery | GatewayMap
        if self.config.battery.dialect == "modbus":
            battery = GatewayMap(world, front, "SIM000005")
        else:
            battery = SunSpecBattery(world, device, head.nominal_v)
        # behind a gateway the wire is the gateway's
        spoken = gateway.faults if through and gateway is not None else world.battery.faults
        interface = gateway if through else None
        self._modbus = {"battery": ModbusPort(self._gate, battery, wire(spoken), _alive(interface))}
        if gateway is not None and not through:
            self._modbus["gateway"] = ModbusPort(
                self._gate, GatewayMap(world, gateway), wire(gateway.faults), _alive(gateway)
            )
        if "site" in roles:
            self._modbus["site"] = ModbusPort(self._gate, SiteMap(world), wire(world.house.faults))
        if "receiving_meter" in roles:
            second = Analyzer(self.config.meter, self.config.seed, world)
            self._analyzers.append(second)
            self._scpi["receiving_meter"] = ScpiPort(
                self._gate, meter_dialect(world, second, order=(1, 0)), wire(second.faults)
            )

        self._echonet = EchonetSide(self._gate, world, device, self.config, roles, gateway, front)
        for role in self._echonet.ports:  # one wire a role
            self._scpi.pop(role, None)
            self._modbus.pop(role, None)

    @property
    def endpoints(self) -> dict[str, ScpiPort | ModbusPort | EchonetPort]:
        """The instruments without wires, for the direct link."""
        return {**self._scpi, **self._modbus, **self._echonet.ports}

    def start(self) -> dict[str, str]:
        """Begin to serve and return the resource of every role; every port accepts when this returns."""
        self._ready_s, self._started = self._clock.now_s(), True
        self._log_everything()
        if self.config.link == "direct":
            return {role: f"DIRECT::{role}" for role in self.endpoints}
        self._wires = Wires()
        try:
            resources = {
                role: f"TCPIP::127.0.0.1::{self._wires.open_scpi(port)}::SOCKET"
                for role, port in self._scpi.items()
            }
            for role, port in self._modbus.items():
                resources[role] = f"TCP::127.0.0.1::{self._wires.open_modbus(port)}"
            resources.update(self._echonet.start())
        except BaseException:
            self.close()
            raise
        if self._clock.kind == "real":
            self._wires.every(_TURN_S, self.advance)
        return resources

    def begin_run(self, clock_s: float) -> None:
        """Count the stretches of timed faults (``NAME@FROM-TO``) from the clock's ``clock_s`` on.

        Called at the start of every run of the embedded twin; a twin that serves others counts from its
        clock's zero.
        """
        with self._gate:
            for faults in self._fault_sets:
                faults.begin(clock_s)
            self.world.begin_run()
            for analyzer in self._analyzers:
                analyzer.begin_run(clock_s)

    def advance(self) -> None:
        """Bring the world up to the clock, so that what is due does not wait for a request."""
        with self._gate:
            pass

    def close(self) -> None:
        """Stop serving; may be called again."""
        self._started = False
        self._echonet.close()
        if self._wires is not None:
            self._wires.close()
            self._wires = None

    def _log_everything(self) -> None:
        source, settings = self.world.source, self.world.battery.settings
        now_s = self._clock.now_s()
        self._told(now_s, "source", "output", int(source.output))
        self._told(now_s, "source", "frequency_hz", source.set_hz)
        self._told(now_s, "source", "voltage_v", source.set_v)
        for role in (name for name in self.endpoints if name in ("battery", "gateway")):
            self._told(now_s, role, "power_set_kw", settings.power_set_kw)
            self._told(now_s, role, "mode", settings.mode)

    def _told(self, t_s: float, instrument: str, quantity: str, value: float | str) -> None:
        if self._log is None or not self._started:
            return
        line = {
            "t_s": round(t_s - self._ready_s, 6),
            "instrument": instrument,
            "quantity": quantity,
            "value": value,
        }
        self._log.write(json.dumps(line) + "\n")
        self._log.flush()


def _alive(gateway: Gateway | None) -> Callable[[], bool]:
    """Return what tells whether an interface answers: that of a gateway may be without mains, or hang."""
    return lambda: gateway is None or gateway.answers
