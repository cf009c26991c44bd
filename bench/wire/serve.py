"""Recorded instruments on loopback ports: SCPI lines and Modbus TCP, each answered from its script."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Callable
from typing import Any

from bench.wire.script import Script

__all__ = ["ReplayServer"]

_HOST = "127.0.0.1"
_LONGEST = 65536
_KIND = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
_ILLEGAL_FUNCTION, _ILLEGAL_ADDRESS, _ILLEGAL_VALUE = 1, 2, 3


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class ReplayServer:
    """One instrument on a free port of 127.0.0.1 until :meth:`close`."""

    def __init__(self, script: Script, *, modbus: bool) -> None:
        self.script = script
        talk = _modbus if modbus else _lines

        class Handler(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = True

            def handle(self) -> None:
                try:
                    talk(script, self.rfile.read if modbus else self.rfile.readline, self.wfile.write)
                except (OSError, ValueError, struct.error):
                    return  # the client is gone, or the record holds what no wire can send

        self._server = _Server((_HOST, 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="wire-replay", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _lines(script: Script, readline: Callable[..., bytes], write: Callable[[bytes], Any]) -> None:
    while line := readline(_LONGEST):
        found = script.answer(line.decode("latin-1").rstrip("\r\n"))
        if found is not None and found.reply is not None:
            write((found.reply + (found.end or "\n")).encode("latin-1"))


def _modbus(script: Script, read: Callable[[int], bytes], write: Callable[[bytes], Any]) -> None:
    """Speak Modbus TCP (Messaging on TCP/IP V1.0b, section 3.1: transaction, protocol, length, unit)."""
    while len(head := read(7)) == 7:
        transaction, _, length, unit = struct.unpack(">HHHB", head)
        body = read(length - 1)
        if len(body) != length - 1 or not body:
            return
        answer = _pdu(script, body)
        if answer is not None:
            write(struct.pack(">HHHB", transaction, 0, len(answer) + 1, unit) + answer)


def _pdu(script: Script, body: bytes) -> bytes | None:
    """Return the reply to one request; None where the recorded device was silent."""
    function = body[0]
    request = _request(body)
    if request is None:
        return bytes([function | 0x80, _ILLEGAL_FUNCTION if function not in _KNOWN else _ILLEGAL_VALUE])
    found = script.answer(request)
    if found is None:
        return bytes([function | 0x80, _ILLEGAL_ADDRESS])
    if found.silent:
        return None
    reply = found.reply
    if reply is not None and reply.startswith("exception "):
        return bytes([function | 0x80, int(reply.removeprefix("exception "))])
    if function > 4:
        return body[:5]  # the echo of address and value, or of address and number
    values = [int(word, 16) for word in (reply or "").split()]
    if function <= 2:
        data = bytearray((len(values) + 7) // 8)
        for at, bit in enumerate(values):
            data[at // 8] |= (bit & 1) << (at % 8)
    else:
        data = bytearray(struct.pack(f">{len(values)}H", *values))
    return bytes([function, len(data)]) + bytes(data)


_KNOWN = (1, 2, 3, 4, 5, 6, 15, 16)


def _request(body: bytes) -> str | None:
    """Return the words in which the record has this request; None where it is none of ours."""
    function = body[0]
    if function not in _KNOWN or len(body) < 5:
        return None
    address, number = struct.unpack(">HH", body[1:5])
    if function in _KIND:
        return f"read of {number} {_KIND[function]} at {address}"
    if function == 5:
        values, kind = [int(number == 0xFF00)], "coil"
    elif function == 6:
        values, kind = [number], "holding"
    elif function == 15:
        bits = body[6:]
        if len(bits) * 8 < number:
            return None
        values, kind = [bits[at // 8] >> (at % 8) & 1 for at in range(number)], "coil"
    else:
        if len(body) != 6 + 2 * number:
            return None
        values, kind = list(struct.unpack(f">{number}H", body[6:])), "holding"
    return f"write of {' '.join(f'{value:04x}' for value in values)} to {kind} at {address}"
