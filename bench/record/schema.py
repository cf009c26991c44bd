"""What a row of samples is, on disk: columns, and the metadata that names units and codes of modes."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pyarrow as pa

__all__ = ["CLOSED", "COLUMNS", "LIVE", "MODE_CODES", "WIRE", "metadata_of", "sample_schema"]

LIVE = "samples.arrow"
CLOSED = "samples.parquet"
WIRE = "wire.jsonl"

COLUMNS = (
    ("tick", pa.int64()),
    ("t_s", pa.float64()),
    ("host_s", pa.float64()),
    ("channel", pa.string()),
    ("value", pa.float64()),
    ("quality", pa.string()),
)

# Codes of the canonical modes (contract section 7). A code once used is never given another meaning.
MODE_CODES: Mapping[str, int] = {
    "auto": 0,
    "remote": 1,
    "frequency_response": 2,
    "charge": 3,
    "discharge": 4,
    "standby": 5,
}


def sample_schema(units: Mapping[str, str], mode_codes: Mapping[str, int]) -> pa.Schema:
    """Return the Arrow schema; ``units`` are keyed by channel, ``mode_codes`` by word."""
    metadata = {
        "schema": "1",
        "units": json.dumps(dict(units), ensure_ascii=False, sort_keys=True),
        "mode_codes": json.dumps(dict(mode_codes), ensure_ascii=False, sort_keys=True),
    }
    return pa.schema([pa.field(name, kind) for name, kind in COLUMNS], metadata=metadata)


def metadata_of(schema: pa.Schema) -> tuple[dict[str, str], dict[str, int]]:
    """Return units by channel and codes by word, as the schema's metadata says.

    Raises:
        ValueError: the columns or the metadata are not ours.
    """
    for name, kind in COLUMNS:
        index = schema.get_field_index(name)
        if index < 0:
            raise ValueError(f"no column {name!r}")
        found = schema.field(index).type
        if pa.types.is_dictionary(found):
            found = found.value_type
        if found != kind:
            raise ValueError(f"column {name!r} is {found}, not {kind}")
    try:
        metadata = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
        units = json.loads(metadata.get("units", "{}"))
        codes = json.loads(metadata.get("mode_codes", "{}"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"unreadable metadata: {error}") from None
    if not isinstance(units, dict) or not all(isinstance(unit, str) for unit in units.values()):
        raise ValueError("metadata 'units' is not a table of words")
    if not isinstance(codes, dict) or not all(type(code) is int for code in codes.values()):
        raise ValueError("metadata 'mode_codes' is not a table of whole numbers")
    return units, codes
