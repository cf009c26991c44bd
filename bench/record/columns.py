"""Samples in long form, sorted into one signal per channel."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bench.record.ipc_guard import MAX_ROWS
from bench.recording import Signal

__all__ = ["Columns"]

_MAX_WORDS = 4096
_LONGEST_WORD = 200
_MAX_T_S = 1e8  # three years
_SENTINEL = 9.9e37  # what instruments send for "no data" (contract section 6)


class Columns:
    """Gathers batches; the words (channels, qualities) are kept once each."""

    def __init__(self) -> None:
        self.rows = 0
        self._channels: dict[str, int] = {}
        self._qualities: dict[str, int] = {}
        self._parts: list[
            tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]
        ] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Take one batch.

        Raises:
            pyarrow.ArrowInvalid: the batch is not what it says.
            ValueError: a time is missing or impossible, or there are more rows or words than a run can have.
        """
        self.rows += batch.num_rows
        if self.rows > MAX_ROWS:
            raise ValueError(f"more than {MAX_ROWS} samples")
        batch.validate(full=True)  # indices inside their dictionary, text that is UTF-8
        t_s = batch.column("t_s").to_numpy(zero_copy_only=False)
        if batch.column("t_s").null_count or not np.all(np.abs(t_s) <= _MAX_T_S):
            raise ValueError("t_s: a time is missing or impossible")
        value = np.array(batch.column("value").to_numpy(zero_copy_only=False), dtype=np.float64)
        value[~(np.abs(value) < _SENTINEL)] = np.nan
        self._parts.append(
            (
                self._coded(batch, "channel", self._channels),
                self._coded(batch, "quality", self._qualities),
                np.array(t_s, dtype=np.float64),
                value,
            )
        )

    @staticmethod
    def _coded(batch: pa.RecordBatch, name: str, known: dict[str, int]) -> NDArray[np.int32]:
        column = batch.column(name)
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        if column.null_count or column.dictionary.null_count or (len(column) and not len(column.dictionary)):
            raise ValueError(f"{name}: a word is missing")
        words = column.dictionary.to_pylist()
        for word in words:
            known.setdefault(word, len(known))
        if any(len(word) > _LONGEST_WORD for word in words):
            raise ValueError(f"{name}: a word of more than {_LONGEST_WORD} characters")
        if len(known) > _MAX_WORDS:
            raise ValueError(f"{name}: more than {_MAX_WORDS} different words")
        translate = np.array([known[word] for word in words], dtype=np.int32)
        indices = column.indices.to_numpy(zero_copy_only=False)
        coded: NDArray[np.int32] = translate[indices]
        return coded

    def signals(self, units: Mapping[str, str]) -> dict[str, Signal]:
        """Return one signal per channel, in order of arrival; ``units`` by channel."""
        if not self.rows:
            return {}
        channel, quality, t_s, value = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        words = np.array(list(self._qualities), dtype=np.str_)
        order = np.argsort(channel, kind="stable")
        ends = np.cumsum(np.bincount(channel, minlength=len(self._channels)))
        signals = {}
        for name, rows in zip(self._channels, np.split(order, ends[:-1]), strict=True):
            signals[name] = Signal(t_s[rows], value[rows], words[quality[rows]], units.get(name, ""))
        return signals
