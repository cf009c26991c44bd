"""A recorded ECHONET Lite node on a loopback address of its own: UDP port 3610, answered from its script."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Sequence
from dataclasses import replace

from bench.errors import LinkDown, WrongReply
from bench.links.echonet_frame import GET, GET_RES, GET_SNA, SETC, SETC_SNA, SETI, SETI_SNA, Frame
from bench.links.echonet_udp import PORT
from bench.wire.echonet_words import frame_of, request_words
from bench.wire.exchanges import Exchange
from bench.wire.script import Script

__all__ = ["EchonetReplay", "NodeScript"]

_ADDRESSES = [f"127.0.3.{number}" for number in range(2, 255)]
_LARGEST = 65535
_SNA = {GET: GET_SNA, SETC: SETC_SNA, SETI: SETI_SNA}


class NodeScript:
    """What a recorded node answers, whatever the transaction and whoever asks.

    A Get that was never asked in these words is answered from the properties that other replies held, each
    with the value it last had; a property that none held is refused, as a node without it does.
    """

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self.script = Script([replace(one, request=request_words(one.request)) for one in exchanges])
        self._values: dict[tuple[int, int], bytes] = {}
        for one in reversed(exchanges):
            self._learn(frame_of(one.reply or ""))

    def answer(self, data: bytes) -> bytes | None:
        """Return the reply to one datagram; None where the recorded node gave none.

        Raises:
            WrongReply: no ECHONET Lite frame.
        """
        asked = Frame.decode(data)
        if asked.service not in _SNA:
            return None
        words = request_words(data.hex())
        found = self.script.answer(words)
        if found is not None:
            recorded = frame_of(found.reply or "")
            if recorded is None:
                return None
            self._learn(recorded)
            return replace(recorded, tid=asked.tid, target=asked.source).encode()
        held = tuple((code, self._values.get((asked.target, code), b"")) for code, _ in asked.properties)
        if asked.service == GET and all(value for _, value in held):
            del self.script.unknown[words]
            return Frame(asked.tid, asked.target, asked.source, GET_RES, held).encode()
        refused = held if asked.service == GET else asked.properties
        return Frame(asked.tid, asked.target, asked.source, _SNA[asked.service], refused).encode()

    def _learn(self, frame: Frame | None) -> None:
        if frame is not None and frame.service in (GET_RES, GET_SNA):
            self._values |= {(frame.source, code): value for code, value in frame.properties if value}


class EchonetReplay:
    """The node of one role, served until :meth:`close`.

    Raises:
        LinkDown: no loopback address has the port free.
    """

    port = PORT

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._node = NodeScript(exchanges)
        self.script = self._node.script
        self._wire = _bound()
        self.address = str(self._wire.getsockname()[0])
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="wire-replay-echonet", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._wake.send(b"x")
        self._thread.join()
        for one in (self._wire, self._wake, self._woken):
            one.close()

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._wire, self._woken], [], [])
            if self._woken in ready:
                return
            with contextlib.suppress(OSError, WrongReply):  # an ICMP error, or another protocol's datagram
                data, (asker, _) = self._wire.recvfrom(_LARGEST)
                reply = self._node.answer(data)
                if reply is not None:
                    self._wire.sendto(reply, (asker, PORT))


def _bound() -> socket.socket:
    for address in _ADDRESSES:
        wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            wire.bind((address, PORT))
        except OSError:
            wire.close()
            continue
        # from now on a controller that listens to every address may do so beside us
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return wire
    raise LinkDown(f"no address of 127.0.3.0/24 has UDP port {PORT} free")
