"""The house stands as drawn: rooms are our own, the wheel holds them, files are short, names are real."""

from __future__ import annotations

import importlib
import itertools
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from bench import rooms
from bench.errors import BenchError

HOUSE = Path(__file__).resolve().parent.parent
ROOMS = ("bench", "instruments", "profiles", "fixtures")
LONGEST = 400
PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
NEVER = {"instrumentkit", "fixtures", "frappe-bench"}

SOURCES = [path for name in ROOMS for path in sorted((HOUSE / name).rglob("*.py"))]
MODULES = [
    ".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__")
    for path in SOURCES
    if path.name != "__main__.py"
]


@pytest.mark.parametrize("name", ROOMS)
def test_each_room_resolves_to_our_own_folder(name):
    assert rooms.room(name) == HOUSE / name


def test_a_strangers_room_is_noticed(tmp_path):
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures" / "__init__.py").write_text("", encoding="utf-8")
    code = "from bench.rooms import room\nfrom bench.errors import BenchError\n"
    code += "try:\n    room('fixtures')\nexcept BenchError as error:\n    print(error)\n"

    done = subprocess.run(
        [sys.executable, "-c", code],  # with -c the working folder comes first on the path
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(HOUSE)])},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )

    assert str(tmp_path / "fixtures") in done.stdout


def test_a_room_that_is_not_there_is_noticed():
    with pytest.raises(BenchError, match="missing"):
        rooms.room("no_such_room")


def test_pytest_imports_by_path(pytestconfig):
    assert pytestconfig.getoption("importmode") == "importlib"
    assert HOUSE in pytestconfig.getini("pythonpath")


def test_the_entry_point_is_not_in_a_room_with_a_common_name():
    points = {point.name: point.value for point in metadata.entry_points(group="pytest11")}

    assert points["drready"] == "bench.pytest_plugin"
    assert PROJECT["project"]["entry-points"]["pytest11"] == {"drready": "bench.pytest_plugin"}


def test_the_distribution_carries_its_own_name():
    assert PROJECT["project"]["name"] == "drready-bench"
    assert metadata.metadata("drready-bench")["Name"] == "drready-bench"


def test_no_dependency_brings_a_package_with_the_name_of_a_room():
    project = PROJECT["project"]
    lines = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    wanted = {re.split(r"[^A-Za-z0-9._-]", line)[0].lower() for line in lines}
    owners = metadata.packages_distributions()

    assert "typer" in wanted
    assert wanted & NEVER == set()
    assert [name for name in ROOMS if set(owners.get(name, [])) - {"drready-bench"}] == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names in the wheel as the build backend makes it."""
    folder = tmp_path_factory.mktemp("dist")
    code = f"from hatchling.build import build_wheel\nprint(build_wheel({str(folder)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, timeout=100, check=True
    )
    with zipfile.ZipFile(folder / done.stdout.split()[-1]) as archive:
        return archive.namelist()


def test_the_wheel_holds_every_room_and_nothing_else(wheel):
    tops = {name.split("/")[0] for name in wheel}

    assert {top for top in tops if not top.endswith(".dist-info")} == set(ROOMS)


def test_the_wheel_holds_every_file_of_the_rooms(wheel):
    ours = {
        path.relative_to(HOUSE).as_posix()
        for name in ROOMS
        for path in (HOUSE / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert ours - set(wheel) == set()


def test_no_file_holds_more_than_one_idea():
    lengths = {
        path.relative_to(HOUSE).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in SOURCES
    }

    tested = {
        path.relative_to(HOUSE).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in (HOUSE / "tests").rglob("*.py")
    }

    assert {name: lines for name, lines in {**lengths, **tested}.items() if lines > LONGEST} == {}
    assert sorted(lengths.values())[len(lengths) // 2] < 120


def test_what_needs_the_wall_clock_lies_where_make_test_looks_for_it():
    tests = HOUSE / "tests"
    marked = [
        path.relative_to(tests).as_posix()
        for path in tests.rglob("test_*.py")
        if "mark." + "realtime" in path.read_text(encoding="utf-8")
    ]

    assert [name for name in marked if not name.startswith("realtime/")] == []


@pytest.mark.parametrize("name", MODULES)
def test_all_names_are_real(name):
    module = importlib.import_module(name)

    exported = getattr(module, "__all__", [])
    assert [each for each in exported if not hasattr(module, each)] == []
    assert len(set(exported)) == len(exported)


def test_bench_modules_say_what_they_offer():
    silent = [
        name
        for name in MODULES
        if name.startswith("bench.")
        and not hasattr(importlib.import_module(name), "__all__")
        and not (HOUSE / Path(*name.split("."))).is_dir()
    ]

    assert silent == []
