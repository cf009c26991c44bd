"""The pytest plug-in's door: options only. The fixtures are loaded when a station is asked for.

pytest loads this wherever the bench is installed, also in projects that have a ``fixtures`` folder of their
own; so nothing of ours beyond this file is imported before ``--station`` is given.
"""

from __future__ import annotations

import importlib

import pytest

__all__ = ["pytest_addoption", "pytest_configure"]

FIXTURES = "fixtures.plugin"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare ``--station``, ``--dr-set`` and ``--dr-out``."""
    group = parser.getgroup("drready", "drready-bench: a station with a battery under test")
    group.addoption(
        "--station", metavar="S", help="bundled station (twin, twin-60hz) or a path to a station file"
    )
    group.addoption(
        "--dr-set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="override one value of the station file or, as profile.NAME, a parameter of the profiles",
    )
    group.addoption("--dr-out", metavar="DIR", default="results", help="folder for the run folders (results)")


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures if a station is asked for.

    Raises:
        pytest.UsageError: the station file is wrong, or another project's ``fixtures`` hides ours.
    """
    if config.getoption("--station") is None:
        return
    from bench.errors import BenchError
    from bench.rooms import room

    try:
        for name in ("fixtures", "instruments", "profiles"):
            room(name)
        plugin = importlib.import_module(FIXTURES)
        plugin.check(config)
    except BenchError as error:
        raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(plugin, "drready-fixtures")
