"""What the tests against the wall clock share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.host.signals import hangup_reaches_children


@pytest.fixture(autouse=True)
def _a_relay_that_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small world's voltage is there at once: no second is waited for it in this process."""
    monkeypatch.setattr("bench.execute.prepare._RISE_S", 0.1)


@pytest.fixture(autouse=True)
def _a_bench_that_a_hangup_reaches() -> Iterator[None]:
    """Also where the tests themselves were started by ``nohup``."""
    with hangup_reaches_children():
        yield
