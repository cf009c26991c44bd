"""A call of the command line in this process, with what it wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bench.cli import main


@dataclass(frozen=True)
class Called:
    """How a call ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON object it must be."""
        return json.loads(self.out)


Drready = Callable[..., Called]


@pytest.fixture
def drready(capsys: pytest.CaptureFixture[str]) -> Drready:
    """Give ``drready("profiles", "--json")`` as the console script would carry it out."""

    def call(*words: object) -> Called:
        with pytest.raises(SystemExit) as leaving:
            main([str(word) for word in words])
        written = capsys.readouterr()
        assert isinstance(leaving.value.code, int)
        return Called(leaving.value.code, written.out, written.err)

    return call
