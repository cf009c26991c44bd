"""What a driver tells of itself: wire, quantities, limits, options, sources read, examples, verified or not.

``drready instruments`` and ``docs/reference/instruments.md`` are made of it.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel

from bench.drivers.ac_source import AcSource
from bench.drivers.analyzer import AnalyzerInstrument
from bench.drivers.descriptors import Control, Quantity
from bench.drivers.echonet import EchonetInstrument
from bench.drivers.modbus import ModbusInstrument
from bench.drivers.scpi import ScpiInstrument

__all__ = ["driver_facts"]

Wire = Literal["SCPI", "Modbus", "ECHONET Lite", "operator"]
_WIRES: tuple[tuple[type, Wire], ...] = (
    (ScpiInstrument, "SCPI"),
    (ModbusInstrument, "Modbus"),
    (EchonetInstrument, "ECHONET Lite"),
)
_READ = "Read for this file:"


def driver_facts(driver: type) -> dict[str, Any]:
    """Return the facts of a driver class, as far as the class alone can tell.

    ``verified_on_hardware`` names the instruments that a driver was tried against, with where that is
    recorded: the class says so in ``VERIFIED``. Without it, it was not.
    """
    module = inspect.getdoc(importlib.import_module(driver.__module__)) or ""
    table: Mapping[str, Quantity[Any]] = getattr(driver, "TABLE", {})
    options: type[BaseModel] | None = getattr(driver, "OPTIONS", None)
    return {
        "title": module.partition("\n")[0],
        "wire": next((wire for base, wire in _WIRES if issubclass(driver, base)), "operator"),
        "quantities": [_quantity(row) for row in table.values()],
        "capabilities": _capabilities(driver),
        "native_list": getattr(driver, "NATIVE_LIST", None),
        "safe": dict(getattr(driver, "SAFE", {})),
        "option_docs": {name: field.description or "" for name, field in options.model_fields.items()}
        if options is not None
        else {},
        "sources": _sources(module),
        "examples": len(getattr(driver, "EXAMPLES", ())),
        "verified_on_hardware": list(getattr(driver, "VERIFIED", ())),
    }


def _capabilities(driver: type) -> dict[str, str]:
    """Return what the class can tell of a source's or an analyzer's powers, and where the rest comes from."""
    if issubclass(driver, AcSource):
        step = driver.TABLE["frequency_hz"].resolution
        return {
            "frequency step": f"{step:g} Hz"
            if step
            else "unknown: `frequency_resolution_hz` in the station file",
            "slew": "unknown: `slew_hz_per_s` in the station file",
            "power it can take back": "unknown: `sink_kw` in the station file",
            "steps by its own clock": "yes, a list" if driver.NATIVE_LIST else "none that a source shows",
        }
    if issubclass(driver, AnalyzerInstrument):
        return {
            "update interval": driver.UPDATES,
            "accuracy": f"{driver.ACCURACY_FROM}, unless the station file has its own"
            if driver.ACCURACY_FROM
            else "unknown: `[instruments.meter.accuracy]` in the station file",
        }
    return {}


def _quantity(row: Quantity[Any]) -> dict[str, Any]:
    return {
        "name": row.name,
        "unit": row.unit,
        "access": "set" if isinstance(row, Control) else "read",
        "low": row.low,
        "high": row.high,
        "resolution": row.resolution,
        "page": row.page,
    }


def _sources(doc: str) -> list[str]:
    """Return what the module's docstring says was read: the items of its list, or the one sentence."""
    _, found, rest = doc.partition(_READ)
    if not found:
        return []
    text = rest.lstrip("\n ").rstrip()
    if not text.startswith("- "):
        return [_joined(text.partition("\n\n")[0])]
    listed = re.split(r"\n\n(?!- )", text, maxsplit=1)[0]
    return [_joined(item) for item in re.split(r"(?:^|\n)- ", listed) if item.strip()]


def _joined(text: str) -> str:
    return " ".join(text.split()).rstrip(";")
