"""What the tests against the wall clock share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _a_relay_that_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small world's voltage is there at once: no second is waited for it in this process."""
    monkeypatch.setattr("bench.execute.prepare._RISE_S", 0.1)
