"""Instruments behind HiSLIP, VXI-11 and a serial line, written from the standards: only what a session needs.

IVI-6.1 (HiSLIP 1.0), sections 3 and 6; VXI-11 B.6, with RFC 1057 and RFC 1014 for calls; a pseudo terminal.
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import socket
import struct
import termios
import threading
import tty
from collections.abc import Callable

Answer = Callable[[str], "str | None"]
_CALL_HEAD = 40  # xid, call, RPC version, program, version, procedure, and two empty credentials
_IO_TIMEOUT = 15


class TcpPeer:
    """Serves each client in a thread of its own until closed; ``received`` are the commands."""

    def __init__(self, answer: Answer, port: int = 0) -> None:
        self.received: list[str] = []
        self.opened = 0
        self._answer = answer
        self._server = socket.create_server(("127.0.0.1", port))
        self.port = int(self._server.getsockname()[1])
        self._clients: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def ask(self, data: bytes) -> bytes:
        """Return what the instrument says to one message."""
        command = data.decode().strip()
        self.received.append(command)
        reply = self._answer(command)
        return b"" if reply is None else reply.encode() + b"\n"

    def close(self) -> None:
        """Drop everybody."""
        for one in (self._server, *self._clients):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                self._clients.append(client)
                threading.Thread(target=self._guarded, args=(client,), daemon=True).start()

    def _guarded(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, struct.error):
            self.serve(client)

    def serve(self, client: socket.socket) -> None:
        """Speak the protocol with one client."""
        raise NotImplementedError


def exactly(wire: socket.socket, count: int) -> bytes:
    """Return ``count`` bytes of the stream.

    Raises:
        OSError: it ended before.
    """
    data = b""
    while len(data) < count:
        part = wire.recv(count - len(data))
        if not part:
            raise ConnectionResetError
        data += part
    return data


class HislipPeer(TcpPeer):
    """HiSLIP: a synchronous channel for messages, an asynchronous one for everything else."""

    def serve(self, client: socket.socket) -> None:
        def say(kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> None:
            client.sendall(struct.pack(">2sBBIQ", b"HS", kind, control, parameter, len(payload)) + payload)

        message = b""
        while True:
            _, kind, _, parameter, length = struct.unpack(">2sBBIQ", exactly(client, 16))
            payload = exactly(client, length)
            if kind == 0:  # Initialize
                self.opened += 1
                say(1, 0, 0x01000001)
            elif kind == 17:  # AsyncInitialize
                say(18)
            elif kind == 15:  # AsyncMaximumMessageSize
                say(16, 0, 0, struct.pack(">Q", 1 << 20))
            elif kind == 19:  # AsyncDeviceClear
                say(23)
            elif kind == 8:  # DeviceClearComplete
                message = b""
                say(9)
            elif kind in (6, 7):  # Data, DataEnd
                message += payload
                if kind == 7:
                    reply, message = self.ask(message), b""
                    if reply:
                        say(7, 0, parameter, reply)


class RpcPeer(TcpPeer):
    """Remote procedure calls over a stream."""

    def serve(self, client: socket.socket) -> None:
        session = self.session()
        while True:
            (head,) = struct.unpack(">I", exactly(client, 4))
            call = exactly(client, head & 0x7FFFFFFF)
            (xid,) = struct.unpack(">I", call[:4])
            (procedure,) = struct.unpack(">I", call[20:24])
            reply = struct.pack(">IIIIII", xid, 1, 0, 0, 0, 0) + session(procedure, call[_CALL_HEAD:])
            client.sendall(struct.pack(">I", 0x80000000 | len(reply)) + reply)

    def session(self) -> Callable[[int, bytes], bytes]:
        """Return what carries out one client's calls."""
        raise NotImplementedError


class PortMapper(RpcPeer):
    """Tells where the one service is, whichever is asked for (RFC 1057, appendix A).

    Raises:
        OSError: port 111 cannot be had, which needs a right of its own.
    """

    def __init__(self, service: int) -> None:
        self._service = service
        super().__init__(lambda command: None, port=111)

    def session(self) -> Callable[[int, bytes], bytes]:
        return lambda procedure, args: struct.pack(">I", self._service)


class Vxi11Peer(RpcPeer):
    """VXI-11's core channel: create_link, device_write, device_read, device_clear, destroy_link."""

    def session(self) -> Callable[[int, bytes], bytes]:
        waiting = b""

        def carry_out(procedure: int, args: bytes) -> bytes:
            nonlocal waiting
            if procedure == 10:
                self.opened += 1
                return struct.pack(">iiII", 0, 7, 0, 1 << 16)
            if procedure == 11:
                (size,) = struct.unpack(">I", args[16:20])
                waiting = self.ask(args[20 : 20 + size])
                return struct.pack(">iI", 0, size)
            if procedure == 12 and waiting:
                (wanted,) = struct.unpack(">I", args[4:8])
                part, waiting = waiting[:wanted], waiting[wanted:]
                return struct.pack(">iiI", 0, 0 if waiting else 4, len(part)) + part + bytes(-len(part) % 4)
            if procedure == 12:
                return struct.pack(">iiI", _IO_TIMEOUT, 0, 0)
            waiting = b""
            return struct.pack(">i", 0)

        return carry_out


class SerialPeer:
    """An instrument at the far end of a pseudo terminal; ``path`` is the port."""

    def __init__(self, answer: Answer) -> None:
        self.received: list[str] = []
        self._answer = answer
        self._far, self._near = pty.openpty()
        tty.setraw(self._near)
        self.path = os.ttyname(self._near)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def speed(self) -> int:
        """What the line was set to, as ``termios`` has it."""
        return int(termios.tcgetattr(self._near)[5])

    def close(self) -> None:
        """Unplug it."""
        self._over.set()
        self._thread.join(5)
        for one in (self._far, self._near):
            os.close(one)

    def _serve(self) -> None:
        rest = b""
        while not self._over.is_set():
            if not select.select([self._far], [], [], 0.02)[0]:
                continue
            *lines, rest = (rest + os.read(self._far, 4096)).split(b"\n")
            for line in lines:
                command = line.decode().strip()
                self.received.append(command)
                reply = self._answer(command)
                if reply is not None:
                    os.write(self._far, reply.encode() + b"\n")
