"""A finished file gets its name, also where somebody is in the way for a moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.host.places import put


class InTheWay(type(Path())):  # type: ignore[misc]  # the class of this system's paths
    """A file that somebody else has open ``times`` times when it is to be renamed, as on Windows."""

    times = 2

    def replace(self, target: Path | str) -> Path:
        if self.times:
            self.times -= 1
            raise PermissionError(13, "in use by another process")
        return Path(super().replace(target))


def test_it_is_tried_again(tmp_path: Path) -> None:
    making = InTheWay(tmp_path / "a.part")
    making.write_text("new", encoding="utf-8")
    (tmp_path / "a").write_text("old", encoding="utf-8")
    put(making, tmp_path / "a")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "new"
    assert not making.exists()


def test_but_not_for_ever(tmp_path: Path) -> None:
    making = InTheWay(tmp_path / "a.part")
    making.times = 1000
    making.write_text("new", encoding="utf-8")
    with pytest.raises(PermissionError):
        put(making, tmp_path / "a")
