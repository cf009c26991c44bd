"""The base of drivers that speak ECHONET Lite: discovery, property maps, Get, and SetC with read-back."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from bench.config.station import Instrument as StationTable
from bench.drivers.base import Identity, ReadingValue
from bench.drivers.descriptors import Quantity
from bench.drivers.instrument import Instrument, NoOptions
from bench.drivers.setting import Setting
from bench.errors import (
    Fault,
    InstrumentRefused,
    LinkTimeout,
    NotArrived,
    UsageError,
    WrongInstrument,
    WrongReply,
)
from bench.links.echonet import EchonetLink, parse_resource
from bench.links.echonet_frame import NODE_PROFILE, decode_map

__all__ = ["EchonetInstrument", "EchonetOptions", "number"]

_INSTANCES, _RELEASE, _ID, _MAKER, _PRODUCT, _SERIAL = 0xD6, 0x82, 0x83, 0x8A, 0x8C, 0x8D
_INF_MAP, _SET_MAP, _GET_MAP = 0x9D, 0x9E, 0x9F
_CONFIRM_EVERY_S = 0.1


class EchonetOptions(NoOptions):
    """Keys of the station table of an ECHONET Lite device."""

    timeout_s: float | None = Field(default=None, gt=0, description="instead of the station's timeout_s")
    get_attempts: int = Field(default=3, ge=1, le=10, description="how often a Get is asked")
    confirm_s: float = Field(default=3.0, ge=0, description="a SetC must read back within this time")
    local_address: str | None = Field(default=None, description="this machine's address to ask from")


def number(data: bytes, *, signed: bool = False, scale: float = 1.0) -> ReadingValue:
    """Return a number of 1 to 4 bytes; ECHONET Lite's own words for "no data" and "overflow" are none.

    Appendix, "overflow and underflow codes" and the smart meter's "no data" codes: the largest value is
    overflow and the one below it "no data"; of signed ones the smallest is underflow.
    """
    raw = int.from_bytes(data, "big", signed=signed)
    top = (1 << (8 * len(data) - int(signed))) - 1
    if raw == top - 1 or not data:
        return ReadingValue(None, "missing")
    if raw == top or (signed and raw == -top - 1):
        return ReadingValue(None, "overflow")
    return ReadingValue(raw * scale)


def clock_of(time: bytes | None, date: bytes | None) -> dt.datetime | None:
    """Return what a device's clock shows, in its local time; None where it has none or shows no date.

    Device object super class: 97 is hour and minute, 98 is year, month and day.
    """
    if time is None or date is None or len(time) != 2 or len(date) != 4:
        return None
    try:
        return dt.datetime(int.from_bytes(date[:2], "big"), date[2], date[3], time[0], time[1])  # noqa: DTZ001  (the device tells no zone)
    except ValueError:
        return None


class EchonetInstrument(Instrument):
    """``query`` of a row names its property in hex, or several in order of preference (``"E4 E2"``).

    The property maps are read first: what is not in the Get map is not asked, what is not in the Set map is
    not sent. A row none of whose properties the device lists is not in the driver's table.
    """

    OPTIONS = EchonetOptions
    CLASS: ClassVar[int]
    LENGTHS: ClassVar[Mapping[int, int]] = {}
    """Bytes of the properties whose length is fixed: another length is a wrong reply."""
    REPEATABLE: ClassVar[frozenset[int]] = frozenset()
    """Properties that are a state: to set one again changes nothing. An amount to be moved is none."""

    @classmethod
    def check_config(cls, config: StationTable, folder: Path, place: str) -> list[Fault]:
        """Return what is wrong with the address, before anything is opened."""
        if config.resource in (None, "twin"):
            return []
        try:
            _, told = parse_resource(str(config.resource))
        except UsageError as error:
            return [Fault(f"{place}.resource", fault.message) for fault in error.faults]
        if told is not None and told > 0xFF and told >> 8 != cls.CLASS:
            return [Fault(f"{place}.resource", f"{told:06X} is no object of class {cls.CLASS:04X}")]
        return []

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.capabilities = dataclasses.replace(self.capabilities, asks_back=True)
        self._confirm_s = self.options.confirm_s
        self.link: EchonetLink = setting.links.echonet(
            setting.resource,
            timeout_s=self.options.timeout_s or setting.station.timeout_s,
            local=self.options.local_address,
        )
        self.link.get_attempts = self.options.get_attempts
        self.object = 0
        self.gettable: frozenset[int] = frozenset()
        self.settable: frozenset[int] = frozenset()
        self.announces: frozenset[int] = frozenset()
        self.release = ""
        self._chosen: dict[str, int] = {}

    def close(self) -> None:
        """Release the wire; never raises."""
        self.link.close()

    def get(self, codes: Sequence[int]) -> dict[int, bytes | None]:
        """Return the data of each property that the device lists; None where it has none after all.

        Raises:
            LinkDown, LinkTimeout, WrongReply
        """
        self._discover()
        listed = [code for code in dict.fromkeys(codes) if code in self.gettable]
        found = self.link.get(self.object, listed) if listed else {}
        for code, data in found.items():
            wanted = self.LENGTHS.get(code)
            if data is not None and wanted is not None and len(data) != wanted:
                raise WrongReply(f"{code:02X} has {wanted} bytes, got {len(data)}: {data.hex()}")
        return found

    def device_clock(self) -> dt.datetime | None:
        """Return what the device's clock shows, to the minute; None where it does not tell.

        Raises:
            LinkDown, LinkTimeout, WrongReply
        """
        told = self.get([0x97, 0x98])
        return clock_of(told.get(0x97), told.get(0x98))

    def put(self, code: int, data: bytes) -> None:
        """Set one property and have it read back within ``confirm_s``.

        Three ways of failing, told apart: refused (at once), acknowledged but not applied (it still reads
        differently), and no answer (which is no failure where it reads back as set).

        Raises:
            InstrumentRefused: not listed as settable, refused, or not applied.
            LinkTimeout: no answer, and it does not read back (NotArrived where it may be set again).
            LinkDown, WrongReply
        """
        self._discover()
        what = f"{code:02X} = {data.hex()}"
        if code not in self.settable:
            raise InstrumentRefused(f"{what} refused: the device does not list it as settable")
        silence: LinkTimeout | None = None
        try:
            refused, how = self.link.set(self.object, {code: data})
        except LinkTimeout as error:
            silence = error
        else:
            if refused:
                raise InstrumentRefused(f"{what} refused with {how}, though the device lists it as settable")
        if code not in self.gettable:
            if silence is not None:
                raise silence
            return
        got = self._read_back(code, data)
        # a power near by may be the one before: an order that nobody answered stands to the last bit, or not
        if got is not None and (got == data if silence is not None else self._same(code, data, got)):
            return
        shown = "nothing" if got is None else got.hex()
        if silence is not None:
            kind = NotArrived if code in self.REPEATABLE else LinkTimeout
            raise kind(f"{silence.args[0]}, and it reads back {shown}: it did not arrive")
        raise InstrumentRefused(f"{what} was acknowledged but not applied: it reads back {shown}")

    def _same(self, code: int, wanted: bytes, got: bytes) -> bool:
        """Tell whether a property that was set to ``wanted`` and reads ``got`` has taken it."""
        return got == wanted

    def _read_back(self, code: int, wanted: bytes) -> bytes | None:
        clock = self.setting.clock
        deadline_s = clock.now_s() + self._confirm_s
        while True:
            got = self.get([code]).get(code)
            if (got is not None and self._same(code, wanted, got)) or clock.now_s() >= deadline_s:
                return got
            clock.sleep_until(min(deadline_s, clock.now_s() + _CONFIRM_EVERY_S))

    def _discover(self) -> None:
        if self.object:
            return
        found = self._find_object()
        try:
            maps = self.link.get(found, [_INF_MAP, _SET_MAP, _GET_MAP])
        except LinkTimeout as error:
            raise LinkTimeout(f"{error.args[0]}: nobody there, or no object {found:06X}") from None
        told = {code: decode_map(data) for code, data in maps.items() if data is not None}
        if _GET_MAP not in told or _SET_MAP not in told:
            raise WrongReply(f"{found:06X} does not tell its property maps (9E, 9F)")
        self.announces = told.get(_INF_MAP, frozenset())
        self.settable, self.gettable = told[_SET_MAP], told[_GET_MAP]
        self.object = found
        self.table, self._chosen = {}, {}
        self._choose()

    def _choose(self) -> None:
        """Keep the rows that the device has, each with the property it is read from."""
        for name, row in self.TABLE.items():
            choices = [code for code in _codes(row) if code in self.gettable]
            if choices:
                self._chosen[name], self.table[name] = choices[0], row

    def _find_object(self) -> int:
        told = (
            None if self.setting.resource.startswith("DIRECT::") else parse_resource(self.setting.resource)[1]
        )
        if told is not None and told > 0xFF:
            return told  # named in full: its property maps will tell whether it is there
        data = self.link.get(NODE_PROFILE, [_INSTANCES])[_INSTANCES]
        if data is None or len(data) != 1 + 3 * data[0]:
            raise WrongInstrument(f"{self.setting.resource}: the node does not list its objects (D6)")
        objects = [int.from_bytes(data[i : i + 3], "big") for i in range(1, len(data), 3)]
        ours = [one for one in objects if one >> 8 == self.CLASS]
        listed = ", ".join(f"{one:06X}" for one in objects)
        if told is not None:
            wanted = (self.CLASS << 8) + told
            if wanted not in ours:
                raise WrongInstrument(
                    f"{self.setting.resource}: no object {wanted:06X}; the node has: {listed}"
                )
            return wanted
        if len(ours) != 1:
            what = f"no object of class {self.CLASS:04X}" if not ours else "more than one of them: name one"
            raise WrongInstrument(f"{self.setting.resource}: {what}; the node has: {listed}")
        return ours[0]

    def _ask_identity(self) -> Identity:
        self.object = 0
        self._discover()
        told = self.get([_RELEASE, _ID, _MAKER, _PRODUCT, _SERIAL])
        release, unique = told.get(_RELEASE) or b"", told.get(_ID) or b""
        if len(release) == 4 and 0x41 <= release[2] <= 0x5A:
            self.release = chr(release[2])
        serial = _text(told.get(_SERIAL)) or (unique.hex() if any(unique) else "")
        return Identity(
            f"ECHONET maker {(told.get(_MAKER) or b'').hex()}",
            _text(told.get(_PRODUCT)) or f"object {self.object:06X}",
            serial,
            f"release {self.release or 'unknown'}",
        )

    def _fetch_all(self, rows: Sequence[Quantity[Any]]) -> dict[str, ReadingValue]:
        self._discover()
        told = self.get([code for row in rows for code in self._needs(row)])
        return {row.name: self._decode(row, told) for row in rows}

    def _fetch(self, row: Quantity[Any]) -> ReadingValue:
        return self._fetch_all([row])[row.name]

    def _needs(self, row: Quantity[Any]) -> list[int]:
        """Return the properties that a row is made of."""
        return [self._chosen[row.name]]

    def _decode(self, row: Quantity[Any], told: Mapping[int, bytes | None]) -> ReadingValue:
        data = told.get(self._chosen[row.name])
        return ReadingValue(None, "missing") if data is None else number(data, scale=row.scale)


def _codes(row: Quantity[Any]) -> list[int]:
    return [int(word, 16) for word in row.query.split()]


def _text(data: bytes | None) -> str:
    return (data or b"").split(b"\0", 1)[0].decode("ascii", errors="replace").strip()
