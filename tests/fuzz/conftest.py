"""How many cases were tried, and how many broke a promise; and no limit on how long the search may go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.folders import made
from tests.fuzz.hostile import BROKEN, SCALE, TRIED

_KEY = "drready_fuzz"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In a long run the limit of a test would end the search; each case has its own, which tells a hang."""
    for item in items:
        if SCALE > 1 and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(0))


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short practice run on the embedded twin."""
    return made(tmp_path_factory.mktemp("runs"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_KEY] = (dict(TRIED), dict(BROKEN))


class _Workers:
    """Adds up what the workers counted, where there are any."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        tried, broken = getattr(node, "workeroutput", {}).get(_KEY, ({}, {}))
        TRIED.update(tried)
        BROKEN.update(broken)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Workers(), _KEY)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if TRIED:
        for target, count in sorted(TRIED.items()):
            terminalreporter.write_line(f"{target:>28}: {count:6d} cases, {BROKEN[target]} broken")
        terminalreporter.write_line(
            f"{'all':>28}: {sum(TRIED.values()):6d} cases, {sum(BROKEN.values())} broken"
        )
