"""The suite against one's own device needs ``--station``; without it nothing here is collected."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
NOTE = "tests/prequal: left out, no --station given (try: pytest tests/prequal --station twin)"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave this folder out when no station is asked for."""
    if config.getoption("--station") is None and HERE in collection_path.parents:
        return True
    return None


def pytest_report_collectionfinish(config: pytest.Config) -> str | None:
    """Say once why nothing of this folder ran."""
    return NOTE if config.getoption("--station") is None else None
