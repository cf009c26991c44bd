"""The reference pages are what the data make today."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bench.catalogue import instruments
from bench.errors import UsageError
from bench.reference import changed, pages, write_pages
from bench.rooms import bundled_profiles, bundled_rules

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages(FOLDER)


def test_the_pages_are_current(made):
    assert changed(FOLDER, made) == [], "run: make docs"


def test_every_profile_has_a_picture_and_every_rule_file_a_section(made):
    for name in bundled_profiles():
        assert f"## {name}\n" in made["profiles.md"]
        ET.fromstring(made[f"img/{name}.svg"])  # noqa: S314  (our own text)
    for product, edition in bundled_rules():
        assert f"## {product} {edition}\n" in made["rules.md"]


def test_pictures_are_small(made):
    assert max(len(text) for name, text in made.items() if name.endswith(".svg")) < 30_000


def test_the_eighteen_ambiguities_have_a_reading(made):
    assert made["rules.md"].count("**Reading chosen**") == 18


def test_a_change_is_noticed_and_one_command_mends_it(tmp_path, made):
    folder = tmp_path / "reference"
    shutil.copytree(FOLDER, folder)
    page = folder / "rules.md"
    page.write_text(page.read_text(encoding="utf-8").replace("2700", "2701"), encoding="utf-8")
    (folder / "img" / "gone.svg").write_text("<svg/>", encoding="utf-8")
    (folder / "img" / "primary.svg").unlink()

    assert {"rules.md", "img/gone.svg", "img/primary.svg"} <= set(changed(folder, made))
    write_pages(folder)
    assert changed(folder, made) == []


def test_a_wrong_file_of_ambiguities_is_named(tmp_path):
    (tmp_path / "ambiguities.toml").write_text('[[ambiguities]]\ntitle = "x"\n', encoding="utf-8")
    with pytest.raises(UsageError, match=r"ambiguities\.toml.*reading"):
        pages(tmp_path)


def test_every_driver_has_a_section_with_what_was_read_and_none_claims_hardware(made):
    page = made["instruments.md"]
    found = instruments()
    assert len(found) >= 8
    for row in found:
        assert f"\n`{row['driver']}`." in page
        assert row["sources"] or row["wire"] == "operator" or row["driver"].endswith(":SiteModbus")
    if not any(row["verified_on_hardware"] for row in found):
        assert "None of these drivers has been verified against the hardware" in page


def test_a_picture_of_another_page_stays(tmp_path, made):
    folder = tmp_path / "reference"
    shutil.copytree(FOLDER, folder)
    (folder / "other.md").write_text("![x](img/theirs.svg)\n", encoding="utf-8")
    (folder / "img" / "theirs.svg").write_text("<svg/>", encoding="utf-8")
    write_pages(folder)
    assert (folder / "img" / "theirs.svg").is_file()
