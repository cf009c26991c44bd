"""An instrument that nobody has a driver for: the operator sets it and reads it, asked on the terminal.

No source to read: the operator is the interface. The question goes to standard error, the answer comes from
standard input, which must be a terminal: a bench that runs unattended has nobody to ask, and says so. Every
answer is kept with the operator's name and the time (``take_acts``), and goes into the run's events.

A sampled reading is asked again only when ``ask_every_s`` has passed; in between the last answer is repeated,
and marked so.
"""

from __future__ import annotations

import math
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

from pydantic import Field, field_validator, model_validator

from bench.clock import utc_now
from bench.drivers.base import Identity, ReadingValue, Value
from bench.drivers.descriptors import Control, Exchange, Quantity, Reading
from bench.drivers.instrument import Instrument, NoOptions
from bench.drivers.setting import Setting
from bench.errors import InstrumentError, InstrumentRefused
from bench.japanese import spoken

__all__ = ["Manual"]

_UNITS = {
    "output": "1",
    "frequency_hz": "Hz",
    "voltage_v": "V",
    "current_a": "A",
    "power_kw": "kW",
    "receiving_power_kw": "kW",
    "power_set_kw": "kW",
    "energy_charged_kwh": "kWh",
    "energy_discharged_kwh": "kWh",
    "soc_pct": "%",
    "soh_pct": "%",
    "capacity_kwh": "kWh",
    "mode": "mode",
}
_NONE = ("", "-", "none", "なし")
_NO = ("no", "n", "refuse", "q", "quit", "いいえ", "未実施")
_ON, _OFF = ("on", "1", "yes", "y", "オン", "はい"), ("off", "0", "オフ")
_AGREE = 1e-3
_ASKS = 3


class ManualOptions(NoOptions):
    """Keys of the station table."""

    maker: str = ""
    model: str = Field(min_length=1, description="what the operator will recognise it by")
    operator: str | None = Field(default=None, description="who answers; left out, it is asked")
    reads: tuple[str, ...] = Field(default=(), description="quantities that it shows")
    sets: tuple[str, ...] = Field(default=(), description="quantities that can be set on it")
    ask_every_s: float = Field(default=60.0, gt=0, description="a sampled reading is asked again after this")

    @field_validator("reads", "sets")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in _UNITS:
                raise ValueError(f"unknown quantity {name!r}; known: {', '.join(_UNITS)}")
        return names

    @model_validator(mode="after")
    def _something(self) -> ManualOptions:
        if not self.reads and not self.sets:
            raise ValueError("reads or sets must name a quantity")
        return self


class Manual(Instrument):
    """Asks the operator. The table is the station file's."""

    OPTIONS = ManualOptions
    EXAMPLES = (Exchange("voltage_v?", "202.1", "voltage_v", 202.1, page="the operator's answer"),)

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.operator: str = self.options.operator or ""
        self._acts: list[dict[str, Any]] = []
        self._last: dict[str, tuple[float, ReadingValue]] = {}
        self.table = {}
        for name in dict.fromkeys((*self.options.sets, *self.options.reads)):
            kind: Any = str if name == "mode" else bool if name == "output" else float
            common: dict[str, Any] = {"unit": _UNITS[name], "kind": kind, "page": "operator"}
            row: Quantity[Any] = (
                Control("asked", doc=f"Control {name}, by hand.", **common)
                if name in self.options.sets
                else Reading("asked", doc=f"Get {name}, by eye.", **common)
            )
            row.name = name
            self.table[name] = row

    def read(self, names: Sequence[str] | None = None) -> dict[str, ReadingValue]:
        """Ask for ``names``; without names, what is sampled, and only as often as a person can answer.

        Raises:
            InstrumentError: there is no terminal, or nobody at it.
        """
        with self._stamp:
            if names is not None:
                return super().read(names)
            now_s, found = self.setting.clock.now_s(), {}
            for name in self.options.reads:
                asked_s, last = self._last.get(name, (-math.inf, ReadingValue(None, "missing")))
                if now_s - asked_s >= self.options.ask_every_s:
                    found[name] = self._fetch(self._row(name))
                else:
                    found[name] = ReadingValue(
                        last.value, "repeated" if last.value is not None else "missing"
                    )
            return found

    def safe_values(self) -> dict[str, Value]:
        """Return output off, or 0 kW: whichever can be set."""
        wanted: dict[str, Value] = {"power_set_kw": 0.0, "output": False}
        return {name: value for name, value in wanted.items() if name in self.options.sets}

    def take_acts(self) -> list[dict[str, Any]]:
        """Return what was asked and answered since the last call, with who and when."""
        acts, self._acts = self._acts, []
        return acts

    def _ask_identity(self) -> Identity:
        who = f"{self.options.maker} {self.options.model}".strip()
        if not self.operator:
            self.operator = self._ask(f"{who} is worked by hand. Who answers for it? ")
        if not self.operator:
            raise InstrumentError("nobody answers for it: an operator's name is needed")
        serial = self._ask(f"{who}: its serial number, as its plate shows: ")
        return Identity(self.options.maker, self.options.model, serial, "")

    def _fetch(self, row: Quantity[Any]) -> ReadingValue:
        answer = self._until_understood(row, f"what does {row.name} show{_unit(row)}? (empty: nothing) ")
        reading = ReadingValue(None, "missing") if answer is None else ReadingValue(_plain(answer))
        self._last[row.name] = self.setting.clock.now_s(), reading
        return reading

    def _send(self, row: Control[Any], value: Value) -> None:
        shown = (
            ("on" if value else "off") if row.kind is bool else f"{value:g}" if row.kind is float else value
        )
        question = f"set {row.name} to {shown}{_unit(row)}, then type what it shows (no: not done): "
        answer = self._until_understood(row, question, may_refuse=True)
        if answer is None:
            raise InstrumentRefused(f"{row.name} = {shown}: {self.operator} says that it was not done")
        self._last[row.name] = self.setting.clock.now_s(), ReadingValue(_plain(answer))

    def _confirm(self, row: Control[Any], wanted: Value) -> Value | None:
        """Compare with what the operator read when it was set: nobody is asked twice."""
        got = self._last[row.name][1].value
        if row.kind is bool and got is not None:
            got = bool(got)
        same = got == wanted
        if isinstance(got, float) and not isinstance(wanted, str):
            same = math.isclose(got, float(wanted), rel_tol=_AGREE, abs_tol=_AGREE)
        if not same:
            raise InstrumentRefused(f"{row.name} was set to {wanted} and {self.operator} reads {got}")
        return got

    def _until_understood(
        self, row: Quantity[Any], question: str, *, may_refuse: bool = False
    ) -> Value | None:
        for _ in range(_ASKS):
            answer = self._ask(question)
            if (may_refuse and answer.lower() in _NO) or (not may_refuse and answer.lower() in _NONE):
                return None
            try:
                return _understood(row, answer)
            except ValueError:
                question = f"{answer!r} is not understood. {question.removeprefix(row.name)}"
        raise InstrumentError(f"no answer for {row.name} that can be understood, {_ASKS} times")

    def _ask(self, question: str) -> str:
        """Put one question and return the answer without spaces around it.

        Raises:
            InstrumentError: standard input is no terminal, or it was closed.
        """
        if not sys.stdin.isatty():
            raise InstrumentError(
                f"{self.options.model} is worked by hand, and there is no terminal to ask the operator on"
            )
        sys.stderr.write(f"\n[{self.setting.role}] {spoken(question.strip())} ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise InstrumentError("the operator's terminal was closed")
        answer = unicodedata.normalize("NFKC", line).strip()  # a Japanese keyboard may write wide digits
        self._acts.append(
            {
                "operator": self.operator or answer,
                "question": question.strip(),
                "answer": answer,
                "at": utc_now().isoformat(),
                "answered_clock_s": self.setting.clock.now_s(),
            }
        )
        return answer


def _unit(row: Quantity[Any]) -> str:
    return f" {row.unit}" if row.unit not in ("1", "mode") else ""


def _understood(row: Quantity[Any], answer: str) -> Value:
    word = answer.lower()
    if row.kind is bool:
        if word not in (*_ON, *_OFF):
            raise ValueError(answer)
        return word in _ON
    if row.kind is str:
        if not answer:
            raise ValueError(answer)
        return answer
    value = float(answer.removesuffix(row.unit).replace(",", "."))
    if not math.isfinite(value):
        raise ValueError(answer)
    return value


def _plain(value: Value) -> float | str:
    return value if isinstance(value, str) else float(value)
