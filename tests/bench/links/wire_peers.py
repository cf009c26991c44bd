"""Peers for the tests of the wires: plain sockets that answer as they are told, and misbehave on request."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

Reply = bytes | None | Callable[["Peer", socket.socket], None]


class Peer:
    """A TCP server on loopback. ``answer(message)`` returns what to send: bytes, None for silence, or an act.

    ``received`` are the messages in order; ``connections`` counts clients.
    """

    def __init__(
        self, answer: Callable[[bytes], Reply], *, split: Callable[[bytes], tuple[bytes, bytes]]
    ) -> None:
        self.answer = answer
        self.received: list[bytes] = []
        self.connections = 0
        self.gate = threading.Event()
        self._split = split
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._clients: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._spawn(self._accept)

    def _spawn(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                self.connections += 1
                self._clients.append(client)
                self._spawn(lambda client=client: self._serve(client))

    def _serve(self, client: socket.socket) -> None:
        buffer = b""
        with contextlib.suppress(OSError):
            while data := client.recv(4096):
                buffer += data
                while True:
                    message, buffer = self._split(buffer)
                    if not message:
                        break
                    self.received.append(message)
                    reply = self.answer(message)
                    if callable(reply):
                        reply(self, client)
                    elif reply is not None:
                        client.sendall(reply)

    def hang_up(self) -> None:
        """Close every client's connection, as an instrument that is switched off."""
        clients, self._clients = self._clients, []
        for client in clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            client.close()

    def close(self) -> None:
        """Stop listening and drop everybody."""
        self.gate.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            client.close()


def split_lines(buffer: bytes) -> tuple[bytes, bytes]:
    """Take one line off the buffer."""
    line, end, rest = buffer.partition(b"\n")
    return (line.strip(), rest) if end else (b"", buffer)


def split_mbap(buffer: bytes) -> tuple[bytes, bytes]:
    """Take one Modbus TCP frame off the buffer."""
    if len(buffer) < 7:
        return b"", buffer
    length = 6 + struct.unpack(">H", buffer[4:6])[0]
    return (buffer[:length], buffer[length:]) if len(buffer) >= length else (b"", buffer)


@contextlib.contextmanager
def scpi_peer(answers: dict[str, Reply] | Callable[[str], Reply]) -> Iterator[Peer]:
    """A line server. ``answers`` by command; an unknown one is met with silence."""

    def answer(message: bytes) -> Reply:
        command = message.decode()
        return answers(command) if callable(answers) else answers.get(command)

    peer = Peer(answer, split=split_lines)
    try:
        yield peer
    finally:
        peer.close()


@contextlib.contextmanager
def modbus_peer(answer: Callable[[bytes], Reply]) -> Iterator[Peer]:
    """A Modbus TCP server that is given whole frames and returns whole frames."""
    peer = Peer(answer, split=split_mbap)
    try:
        yield peer
    finally:
        peer.close()


def late(reply: bytes) -> Callable[[Peer, socket.socket], None]:
    """An act: answer only when the test opens the gate."""

    def act(peer: Peer, client: socket.socket) -> None:
        def send() -> None:
            peer.gate.wait(10)
            with contextlib.suppress(OSError):
                client.sendall(reply)

        threading.Thread(target=send, daemon=True).start()

    return act


def in_pieces(*pieces: bytes) -> Callable[[Peer, socket.socket], None]:
    """An act: answer in several segments."""

    def act(peer: Peer, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            client.sendall(piece)
            threading.Event().wait(0.02)

    return act


def hang_up(peer: Peer, client: socket.socket) -> None:
    """An act: close the connection instead of answering."""
    client.shutdown(socket.SHUT_RDWR)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextlib.contextmanager
def relay(to_port: int, *, hang_up_after: int) -> Iterator[int]:
    """A way to another server of Modbus TCP that ends each connection after so many answers; its port.

    A question that crosses the end is not carried on: the server behind sees what is answered, and no more.
    """

    def ask(message: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", to_port)) as onward:
            onward.sendall(message)
            reply = b""
            while not split_mbap(reply)[0]:
                reply += onward.recv(4096)
        return reply

    answered: dict[int, int] = {}

    def answer(message: bytes) -> Reply:
        def act(peer: Peer, client: socket.socket) -> None:
            count = answered.get(id(client), 0)
            if count < hang_up_after:
                answered[id(client)] = count + 1
                client.sendall(ask(message))
            if count + 1 >= hang_up_after:
                client.shutdown(socket.SHUT_RDWR)

        return act

    with modbus_peer(answer) as peer:
        yield peer.port
