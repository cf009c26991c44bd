"""Runs that do not touch each other, in processes of their own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

__all__ = ["side_by_side"]

_Item = TypeVar("_Item")
_Found = TypeVar("_Found")


def side_by_side(work: Callable[[_Item], _Found], items: Sequence[_Item], jobs: int) -> Iterator[_Found]:
    """Yield what comes of ``work`` on each item, as it comes; one job: here, and in order."""
    if jobs <= 1:
        yield from map(work, items)
        return
    # a fork would take over threads and locks of this process
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(work, item) for item in items]):
            yield done.result()
