"""The part of a driver that is the same for every wire: the table becomes reading, setting, restoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from bench.drivers.base import Capabilities, Identity, QuantityInfo, ReadingValue, Value
from bench.drivers.descriptors import Control, Exchange, Quantity
from bench.drivers.setting import Setting
from bench.errors import InstrumentError, InstrumentRefused, WrongInstrument

__all__ = ["COARSE_STEP_KW", "Instrument", "NoOptions", "rounded"]

_CONFIRM_EVERY_S = 0.1
_OWN_STEP_S = 0.5
COARSE_STEP_KW = 0.1
"""Home batteries are known that take a power in steps of 10 W, of 1 % of the rating or of this."""


class NoOptions(BaseModel):
    """The extra keys of a driver's station table; each driver may declare its own."""

    model_config = ConfigDict(extra="forbid")


def rounded(wanted: Value, got: Value) -> bool:
    """Tell whether a battery took the step nearest to, or next below, a power that it was given in kW.

    What it makes of the difference is judged by the power that is measured; the read-back is recorded.
    """
    if isinstance(wanted, bool | str) or isinstance(got, bool | str):
        return False
    return abs(wanted - got) < COARSE_STEP_KW * (1 - 1e-6)


class _Stamp:
    """Fills the role into an error that passes by."""

    def __init__(self, role: str) -> None:
        self._role = role

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, InstrumentError) and error.role is None:
            error.role = self._role


class Instrument:
    """Implements :class:`bench.drivers.base.Driver` from the rows of the class.

    A subclass says how one quantity is fetched (``_fetch``) and sent (``_send``), and who answers
    (``_ask_identity``). ``SAMPLED`` is what a sample reads, ``SAFE`` the default safe state in order,
    ``RESTORED`` what is put back after a run, in order, ``ROUNDED`` the powers that a
    battery may take in steps of its own (:func:`rounded`).
    """

    OPTIONS: ClassVar[type[BaseModel]] = NoOptions
    SAMPLED: ClassVar[tuple[str, ...]] = ()
    SAFE: ClassVar[Mapping[str, Value]] = {}
    RESTORED: ClassVar[tuple[str, ...]] = ()
    ROUNDED: ClassVar[frozenset[str]] = frozenset()
    EXAMPLES: ClassVar[tuple[Exchange, ...]] = ()
    TABLE: ClassVar[Mapping[str, Quantity[Any]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = {name: row for name, row in vars(cls).items() if isinstance(row, Quantity)}
        cls.TABLE = {**cls.TABLE, **own}

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.options: Any = self.OPTIONS.model_validate(setting.config.options())
        self.table: dict[str, Quantity[Any]] = dict(self.TABLE)
        self.capabilities = Capabilities(
            resolution={
                name: row.resolution for name, row in self.table.items() if row.resolution is not None
            },
            sink_kw=setting.config.sink_kw,
            accuracy=dict(setting.config.accuracy or {}),
            accuracy_from="station file" if setting.config.accuracy else "",
        )
        self._stamp = _Stamp(setting.role)
        self._confirm_s = 0.0
        self._stood: dict[str, Value] = {}

    def identify(self) -> Identity:
        """Ask the instrument who it is.

        Raises:
            InstrumentError: nobody answers.
            WrongInstrument: another make, model or serial than expected.
        """
        with self._stamp:
            identity = self._ask_identity()
            expected = self.setting.config.serial
            if expected is not None and identity.serial != expected:
                raise WrongInstrument(
                    f"serial {identity.serial!r} answers at {self.setting.resource}, not {expected!r}"
                )
            return identity

    def prepare(self, sample_s: float) -> None:
        """Configure for readings every ``sample_s``; nothing to do unless a driver says so."""

    def quantities(self) -> Mapping[str, QuantityInfo]:
        """Return what can be read and set, by canonical name."""
        return {name: row.info() for name, row in self.table.items()}

    def read(self, names: Sequence[str] | None = None) -> dict[str, ReadingValue]:
        """Read ``names`` (default: the sampling set).

        Raises:
            LinkDown, LinkTimeout, WrongReply, InstrumentRefused (no such quantity)
        """
        with self._stamp:
            rows = [self._row(name) for name in (self.SAMPLED if names is None else names)]
            return self._fetch_all(rows)

    def set(self, name: str, value: Value) -> Value | None:
        """Set one quantity, check that it was accepted, and return the read-back.

        A device that needs time to apply a value is asked again until ``confirm_s`` has passed.

        Raises:
            InstrumentRefused: out of range, refused, or read back differently.
        """
        with self._stamp:
            row = self._row(name)
            if not isinstance(row, Control):
                raise InstrumentRefused(f"{name} can only be read")
            wanted = row.check(value)
            self._send(row, wanted)
            return self._confirm(row, wanted) if row.query else None

    def do(self, sequence: str) -> None:
        """Carry out a named sequence.

        Raises:
            InstrumentRefused: this instrument has no such sequence.
        """
        with self._stamp:
            raise InstrumentRefused(f"has no sequence {sequence!r}")

    def snapshot(self) -> dict[str, Any]:
        """Return the settings that :meth:`restore` puts back."""
        return {name: reading.value for name, reading in self.read(self.RESTORED).items()}

    def restore(self, settings: Mapping[str, Any]) -> None:
        """Put back what :meth:`snapshot` returned, each setting proved by read-back."""
        for name, value in settings.items():
            if value is not None:
                self.set(name, value)

    def safe_values(self) -> Mapping[str, Value]:
        """Return the default safe state: quantities in the order in which they are set."""
        return self.SAFE

    def close(self) -> None:
        """Release the wire; never raises."""

    def _row(self, name: str) -> Quantity[Any]:
        try:
            return self.table[name]
        except KeyError:
            known = " ".join(self.table)
            raise InstrumentRefused(f"has no quantity {name!r}; it has: {known}") from None

    def _confirm(self, row: Control[Any], wanted: Value) -> Value | None:
        clock = self.setting.clock
        begun_s = clock.now_s()
        deadline_s = begun_s + self._confirm_s
        # what stood there before is taken for a step of the device's own only when nothing else comes
        own_step_s = min(begun_s + _OWN_STEP_S, deadline_s)
        before, rounds = self._stood.get(row.name), row.name in self.ROUNDED
        while True:
            got = self._fetch(row).value
            if row.kind is bool and got is not None:
                got = bool(got)
            now_s = clock.now_s()
            if got is not None and (
                self._agree(row, wanted, got)
                or (rounds and rounded(wanted, got) and (got != before or now_s >= own_step_s))
            ):
                self._stood[row.name] = got
                return got
            if now_s >= deadline_s:
                raise InstrumentRefused(
                    f"{row.name} was set to {wanted} {row.unit} and reads back {got}: not applied"
                )
            clock.sleep_until(min(deadline_s, now_s + _CONFIRM_EVERY_S))

    def _agree(self, row: Control[Any], wanted: Value, got: Value) -> bool:
        """Tell whether a read-back is what was set, within the resolution (or the sixth digit)."""
        if isinstance(wanted, bool | str) or isinstance(got, str):
            return wanted == got
        step = self.capabilities.resolution.get(row.name)
        # A neighbouring step is another value; an instrument may round down instead of to the nearest.
        tolerance = 0.999 * step if step else 1e-6 * max(1.0, abs(wanted))
        return abs(wanted - got) <= tolerance

    def _fetch_all(self, rows: Sequence[Quantity[Any]]) -> dict[str, ReadingValue]:
        """Read several rows; a base that can read them in one exchange does so."""
        return {row.name: self._fetch(row) for row in rows}

    def _ask_identity(self) -> Identity:
        raise InstrumentRefused("cannot be identified")

    def _fetch(self, row: Quantity[Any]) -> ReadingValue:
        raise InstrumentRefused(f"{row.name} cannot be read")

    def _send(self, row: Control[Any], value: Value) -> None:
        raise InstrumentRefused(f"{row.name} cannot be set")
