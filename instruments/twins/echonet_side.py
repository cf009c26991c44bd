"""The instruments of a twin station that speak ECHONET Lite: who they are, and how they are reached."""

from __future__ import annotations

from collections.abc import Callable, Collection

from bench.config.station import Device
from bench.errors import LinkDown
from instruments.twins.config import TwinConfig
from instruments.twins.echonet_node import EchonetNode
from instruments.twins.echonet_smart_meter import SmartMeter
from instruments.twins.echonet_storage import Storage
from instruments.twins.echonet_wire import EchonetWire
from instruments.twins.front import Front
from instruments.twins.gateway import Gateway
from instruments.twins.ports import Gate
from instruments.twins.world import World

__all__ = ["EchonetPort", "EchonetSide"]


class EchonetPort:
    """A node behind the gate: what the wire and the direct link call."""

    def __init__(self, gate: Gate, node: EchonetNode, alive: Callable[[], bool] = lambda: True) -> None:
        self._gate, self.node, self._alive = gate, node, alive

    def answer(self, data: bytes) -> list[bytes]:
        """Return the replies to one datagram."""
        with self._gate:
            return self.node.answer(data) if self._alive() else []


class EchonetSide:
    """The nodes by role, and their wires once started.

    ``front`` is what the role battery is: the battery, or the gateway where it is reached through that.
    """

    def __init__(
        self,
        gate: Gate,
        world: World,
        device: Device,
        config: TwinConfig,
        roles: Collection[str],
        gateway: Gateway | None,
        front: Front,
    ) -> None:
        self.ports: dict[str, EchonetPort] = {}
        self._wires: list[EchonetWire] = []
        self._other_port: dict[str, bool] = {}
        if config.battery.dialect == "echonet":
            battery = frozenset(config.battery.echonet)
            node = Storage(world, front, device, "battery", battery)
            through = gateway if front is gateway else None
            self._add("battery", 1, gate, node, battery, lambda: through is None or through.answers)
        if config.gateway.dialect == "echonet" and gateway is not None and gateway is not front:
            relay = frozenset(config.gateway.echonet)
            node = Storage(world, gateway, device, "gateway", relay)
            self._add("gateway", 2, gate, node, relay, lambda: gateway.answers)
        if config.house.smart_meter and "receiving_meter" in roles:
            self.ports["receiving_meter"] = EchonetPort(gate, EchonetNode(3, [SmartMeter(world)]))

    def _add(
        self,
        role: str,
        number: int,
        gate: Gate,
        storage: Storage,
        behaviours: Collection[str],
        alive: Callable[[], bool],
    ) -> None:
        node = EchonetNode(number, [storage], empty_sna="refuses_listed" in behaviours)
        self.ports[role] = EchonetPort(gate, node, alive)
        self._other_port[role] = "other_port" in behaviours

    def start(self) -> dict[str, str]:
        """Serve every node on a loopback address of its own; return the resources by role.

        Raises:
            LinkDown: no address is free.
        """
        resources = {}
        for role, port in self.ports.items():
            try:
                wire = EchonetWire(port.answer, other_port=self._other_port.get(role, False))
            except OSError as error:
                raise LinkDown(str(error), role=role) from error
            self._wires.append(wire)
            port.node.announce = wire.announce
            port.node.start()
            resources[role] = f"ECHONET::{wire.address}"
        return resources

    def close(self) -> None:
        """Stop serving; may be called again."""
        while self._wires:
            self._wires.pop().close()
