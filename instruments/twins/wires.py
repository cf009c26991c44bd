"""The wires: SCPI and Modbus TCP servers on free loopback ports, in one thread of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from instruments.twins.ports import ModbusPort, ScpiPort

__all__ = ["Wires"]

_HOST = "127.0.0.1"
_LONGEST = 65536
_START_S = 10.0
_WRITES = (6, 16, 22, 23)
_READS = (3, 6, 16, 22, 23)  # after a write pymodbus reads back what it was


class _ScpiSession(asyncio.Protocol):
    """One client. A line ends with LF; a CR before it is not part of it."""

    def __init__(self, port: ScpiPort, sessions: set[asyncio.Transport]) -> None:
        self._port, self._sessions = port, sessions
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio switches Nagle's delay off on TCP by itself."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  (narrows asyncio's declared type)
        self._transport = transport
        self._sessions.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._sessions.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LONGEST:
            self._transport.abort()
            return
        for line in lines:
            self._send(self._port.serve(line.decode("latin-1").removesuffix("\r")).parts)

    def _send(self, parts: Sequence[tuple[float, bytes]]) -> None:
        """Send what comes at once; wait in real time, which the world's clock does not see, for the rest."""
        for at, (wait_s, data) in enumerate(parts):
            if wait_s > 0.0:
                rest = [(0.0, data), *parts[at + 1 :]]
                asyncio.get_running_loop().call_later(wait_s, self._send, rest)
                return
            if not self._transport.is_closing():
                self._transport.write(data)


class Wires:
    """Servers and the thread they live in. ``open_*`` return the port; ``close`` ends them all."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._modbus: list[ModbusTcpServer] = []
        self._sessions: set[asyncio.Transport] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="twin-wires", daemon=True)
        self._thread.start()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_S)

    def open_scpi(self, port: ScpiPort) -> int:
        """Serve a SCPI instrument; return the TCP port."""

        async def start() -> int:
            server = await self._loop.create_server(lambda: _ScpiSession(port, self._sessions), _HOST, 0)
            self._servers.append(server)
            return int(server.sockets[0].getsockname()[1])

        return int(self._do(start()))

    def open_modbus(self, port: ModbusPort) -> int:
        """Serve a Modbus device as unit 1; return the TCP port."""

        async def start() -> int:
            server = ModbusTcpServer(_device(port), address=(_HOST, 0), trace_packet=port.frame)
            await server.serve_forever(background=True)
            self._modbus.append(server)
            transport: Any = server.transport  # an asyncio.Server once it listens
            return int(transport.sockets[0].getsockname()[1])

        return int(self._do(start()))

    def every(self, interval_s: float, act: Callable[[], None]) -> None:
        """Do something again and again in real time, between requests, until closed."""

        def turn() -> None:
            act()
            self._loop.call_later(interval_s, turn)

        self._loop.call_soon_threadsafe(turn)

    def close(self) -> None:
        """Stop serving and end the thread; may be called again."""
        if not self._thread.is_alive():
            return

        async def stop() -> None:
            for server in self._servers:
                server.close()
            for transport in list(self._sessions):
                transport.abort()
            for modbus in self._modbus:
                await modbus.shutdown()  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped

        self._do(stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _device(port: ModbusPort) -> SimDevice:
    """Return pymodbus' device. Its own registers only mirror ours: the action is asked every time."""
    first, count = port.span

    async def action(
        function: int,
        start: int,
        address: int,
        length: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        code: int | None
        if values is not None:
            code = (
                port.serve_write(1, "holding", address, [int(v) for v in values])
                if function in _WRITES
                else 1
            )
        elif function in _READS:
            answer = port.serve_read(1, "holding", address, length)
            code = answer if isinstance(answer, int) else None
            if not isinstance(answer, int):
                registers[address - start : address - start + length] = answer
        else:
            code = 1
        return None if code is None else ExcCodes(code)

    block = SimData(first, count=count, values=0, datatype=DataType.REGISTERS)
    return SimDevice(id=1, simdata=[block], action=action)
