"""A SunSpec battery made of pysunspec2's model objects and pymodbus's server: none of the project's code."""

from __future__ import annotations

import asyncio
import struct
import threading
from typing import Any

import sunspec2.device
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

POINTS: dict[int, dict[str, Any]] = {
    1: {"Mn": "Acme", "Md": "B5", "Vr": "1.2.3", "SN": "sn-123456789", "DA": 1},
    701: {
        "ACType": 1, "W": 1234, "W_SF": 0, "Hz": 49868, "Hz_SF": -3, "TotWhInj": 1500, "TotWhAbs": 2500,
        "TotWh_SF": 0, "Alrm": 0,
    },
    702: {"WMaxRtg": 550, "WChaRteMaxRtg": 500, "WDisChaRteMaxRtg": 550, "W_SF": 1},
    704: {"WSetEna": 0, "WSetMod": 0, "WSet": -3000, "WSetPct": 0, "WSet_SF": 0, "WSetPct_SF": 0},
    711: {"Ena": 1, "AdptCtlReq": 0, "AdptCtlRslt": 1, "NCtl": 1, "Db_SF": -3, "K_SF": -3, "RspTms_SF": -1},
    713: {"WHRtg": 15000, "WHAvail": 13500, "SoC": 905, "SoH": 990, "WH_SF": 0, "Pct_SF": -1},
    802: {"SoCRsvMin": 100, "SocRsvMax": 1000, "SoC": 900, "SoC_SF": -1},
}  # fmt: skip


def image(points: dict[int, dict[str, Any]]) -> tuple[list[int], dict[str, int]]:
    """Return the registers of a device, and the offset of each top-level point by ``model.point``."""
    registers = [0x5375, 0x6E53]
    places: dict[str, int] = {}
    for number, values in points.items():
        data = {"NCtl": 1, "Ctl": [{}]} if number == 711 else {}
        model = sunspec2.device.Model(number, data=data)
        for name, value in values.items():
            model.points[name].value = value
        start = len(registers)
        places |= {f"{number}.{name}": start + point.offset for name, point in model.points.items()}
        block = model.get_mb()
        words = list(struct.unpack(f">{len(block) // 2}H", block))
        words[0], words[1] = number, len(words) - 2
        registers += words
    return [*registers, 0xFFFF, 0], places


class SunSpecServer:
    """Serves an image at ``base``. ``registers`` is alive; ``deaf`` points take writes and keep their value.

    ``writes`` are (point, registers) in order, ``reads`` (address, count).
    """

    def __init__(
        self, points: dict[int, dict[str, Any]] | None = None, base: int = 40000, port: int = 0
    ) -> None:
        self.base = base
        self.registers, self.places = image(points or POINTS)
        self.deaf: set[str] = set()
        self.refuse: dict[str, ExcCodes] = {}
        self.writes: list[tuple[str, list[int]]] = []
        self.reads: list[tuple[int, int]] = []
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(5)

    async def _action(
        self, code: int, start: int, address: int, count: int, live: list[int], values: Any
    ) -> ExcCodes | None:
        offset = address - self.base
        if values is None:
            self.reads.append((address, count))
            live[:] = [*self.registers, *[0] * (len(live) - len(self.registers))]
            return None
        name = next((name for name, place in self.places.items() if place == offset), str(offset))
        self.writes.append((name, list(values)))
        if name in self.refuse:
            return self.refuse[name]
        if name not in self.deaf:
            self.registers[offset : offset + count] = values
        return None

    def _run(self) -> None:
        async def serve() -> None:
            data = [SimData(self.base, count=len(self.registers), values=0, datatype=DataType.REGISTERS)]
            device = SimDevice(id=1, simdata=data, action=self._action)
            self._server = ModbusTcpServer([device], address=("127.0.0.1", self.port))
            await self._server.serve_forever(background=True)
            self.port = self._server.transport.sockets[0].getsockname()[1]

        self._loop.run_until_complete(serve())
        self._ready.set()
        self._loop.run_forever()

    def get(self, name: str) -> int:
        """Return one register of a point."""
        return self.registers[self.places[name]]

    def put(self, name: str, *values: int) -> None:
        """Change a point's registers."""
        self.registers[self.places[name] : self.places[name] + len(values)] = values

    def close(self) -> None:
        """Stop serving."""
        asyncio.run_coroutine_threadsafe(self._server.shutdown(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
