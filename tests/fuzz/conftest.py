"""How many cases were tried, and how many broke a promise."""

from __future__ import annotations

import pytest

from tests.fuzz.hostile import BROKEN, TRIED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if TRIED:
        for target, count in sorted(TRIED.items()):
            terminalreporter.write_line(f"{target:>28}: {count:6d} cases, {BROKEN[target]} broken")
        terminalreporter.write_line(
            f"{'all':>28}: {sum(TRIED.values()):6d} cases, {sum(BROKEN.values())} broken"
        )
