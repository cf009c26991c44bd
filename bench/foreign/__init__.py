"""Somebody else's CSV or Parquet, read into the recording that the estimators know (contract section 6)."""

from bench.foreign.columns import Columns, Declared, read_columns
from bench.foreign.phases import with_phases
from bench.foreign.read import read_recording

__all__ = ["Columns", "Declared", "read_columns", "read_recording", "with_phases"]
