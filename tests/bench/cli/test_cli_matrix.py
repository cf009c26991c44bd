"""The matrix as a user calls it."""

from __future__ import annotations

import json
import shutil

DIRECT = ("--set", 'twin.link="direct"')


def test_a_practice_run_on_the_twin_is_laid_out_with_both_marks(drready, tmp_path):
    results = tmp_path / "results"
    short = ("--set", "profile.steps_count=1", "--set", "profile.duration_s=20")
    run = drready("run", "primary", "--station", "twin", *DIRECT, *short, "--out", results, "--json")
    assert run.status == 4

    page = tmp_path / "matrix.html"
    called = drready("matrix", results, "--out", page)

    assert called.status == 0, called.err
    assert called.out.startswith("*** SIMULATED ***")
    assert "*** PRACTICE ***" in called.out
    assert str(page) in called.out
    text = page.read_text(encoding="utf-8")
    assert "<strong>SIMULATED</strong>" in text
    assert "<strong>PRACTICE</strong>" in text
    beside = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert (beside["simulated"], beside["practice"]) == (True, True)
    assert {cell["eligible"] for one in beside["products"] for cell in one["cells"]} <= {
        "no",
        "not_shown",
        "practice",
    }

    (folder,) = results.iterdir()
    other = results / "other"
    shutil.copytree(folder, other)
    info = json.loads((other / "run.json").read_text(encoding="utf-8"))
    info["device"]["serial"] = "B5-2"
    (other / "run.json").write_text(json.dumps(info), encoding="utf-8")
    mixed = drready("matrix", results, "--out", page)
    assert mixed.status == 2
    assert "B5-2" in mixed.err
    chosen = drready("matrix", results, "--device", "B5-2", "--json")
    assert chosen.status == 0
    assert chosen.json["not_trusted"] is True
    assert all(not run["trusted"] for run in chosen.json["runs"])


def test_a_folder_without_runs_is_exit_2_and_writes_nothing(drready, tmp_path):
    called = drready("matrix", tmp_path / "nothing", tmp_path, "--out", tmp_path / "m.html", "--json")
    assert called.status == 2
    assert len(called.json["faults"]) == 2
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_cannot_be_written_is_exit_2(drready, tmp_path):
    assert drready("matrix", tmp_path, "--out", tmp_path / "no" / "m.html").status == 2


def test_editions_diff_says_what_is_left_out_and_why(drready):
    called = drready("editions", "--diff", "2021", "2026", "--json").json
    assert called["not_compared"]["tertiary1"] == ["2022", "2026"]
    heads = {(row["product"], row["what"]): row for row in called["heads"]}
    assert heads["tertiary2", "admitted_points"]["second"] == ["receiving", "device"]
    named = drready("editions", "--diff", "tertiary1_2022", "tertiary1_2026", "--json").json
    assert named["not_compared"] == {}
    assert "duration_s" in {row["rule"] for row in named["differences"]}
