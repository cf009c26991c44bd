"""What several tests of the drivers share."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bench.clock import VirtualClock
from instruments.sunspec import SunSpec
from tests.instruments.bench_setting import setting
from tests.instruments.sunspec_server import POINTS, SunSpecServer

Make = Callable[..., tuple[SunSpecServer, SunSpec]]
"""What ``make`` gives: builds a server, changed as told, and a driver of it."""


@pytest.fixture
def make() -> Iterator[Make]:
    open_now: list[Any] = []

    def build(
        changes: dict[int, dict[str, Any] | None] | None = None, base: int = 40000, **config: Any
    ) -> tuple[SunSpecServer, SunSpec]:
        points = copy.deepcopy(POINTS)
        for model, values in (changes or {}).items():
            if values is None:
                del points[model]
            else:
                points[model] = {
                    k: v for k, v in {**points.get(model, {}), **values}.items() if v is not None
                }
        server = SunSpecServer(points, base)
        driver = SunSpec(setting("battery", f"TCP::127.0.0.1::{server.port}", clock=VirtualClock(), **config))
        open_now.extend((driver, server))
        return server, driver

    yield build
    for each in open_now:
        each.close()
