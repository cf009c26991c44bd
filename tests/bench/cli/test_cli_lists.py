"""What the lists say is what there is."""

from __future__ import annotations

import json
import tomllib

from bench.rooms import bundled_profiles, bundled_rules, bundled_stations, room


def test_profiles_are_the_files_there_are(drready):
    rows = drready("profiles", "--json").json["profiles"]

    assert [row["name"] for row in rows] == list(bundled_profiles())
    assert {"tertiary2", "primary"} <= {row["name"] for row in rows}
    tertiary2 = next(row for row in rows if row["name"] == "tertiary2")
    assert tertiary2["editions"] == sorted(e for product, e in bundled_rules() if product == "tertiary2")


def test_profiles_in_japanese(drready):
    assert "三次調整力②" in drready("profiles", "--lang", "ja").out


def test_stations_are_the_files_there_are(drready):
    rows = drready("stations", "--json").json["stations"]

    nominal_hz = {row["name"]: row["nominal_hz"] for row in rows}
    assert (nominal_hz["twin"], nominal_hz["twin-60hz"]) == (50.0, 60.0)
    assert [row["name"] for row in rows] == list(bundled_stations())
    assert all(row["simulated"] for row in rows)


def test_every_driver_that_a_bundled_station_names_is_listed(drready):
    listed = {row["driver"] for row in drready("instruments", "--json").json["instruments"]}
    named = {
        instrument["driver"]
        for path in bundled_stations().values()
        for instrument in tomllib.loads(path.read_text(encoding="utf-8"))["instruments"].values()
    }

    assert named
    assert named <= listed


def test_every_driver_says_what_it_is_for(drready):
    rows = drready("instruments", "--json").json["instruments"]

    assert rows
    assert [row["driver"] for row in rows if not row["about"]] == []


def test_editions_are_the_files_there_are(drready):
    rows = drready("editions", "--json").json["editions"]

    assert {(row["product"], row["edition"]) for row in rows} == set(bundled_rules())


def test_editions_diff_shows_changed_rules_only(drready):
    called = drready("editions", "--diff", "2021", "2026", "--json")

    rules = {}
    for edition in ("2021", "2026"):
        text = (room("profiles") / "rules" / f"tertiary2_{edition}.toml").read_text(encoding="utf-8")
        rules[edition] = {name: rule["value"] for name, rule in tomllib.loads(text)["rules"].items()}
    expected = {
        name
        for name in rules["2021"].keys() | rules["2026"].keys()
        if rules["2021"].get(name) != rules["2026"].get(name)
    }
    found = {row["rule"]: row for row in called.json["differences"] if row["product"] == "tertiary2"}
    assert set(found) == expected
    assert "response_s" in expected
    assert found["response_s"]["second"]["value"] == rules["2026"]["response_s"]


def test_editions_diff_of_one_product_is_the_same(drready):
    by_edition = drready("editions", "--diff", "2021", "2026", "--json").json["differences"]
    by_name = drready("editions", "--diff", "tertiary2_2021", "tertiary2_2026", "--json").json["differences"]

    assert [row for row in by_edition if row["product"] == "tertiary2"] == by_name


def test_editions_diff_of_itself_is_empty(drready):
    called = drready("editions", "--diff", "tertiary2_2026", "tertiary2_2026")

    assert called.status == 0
    assert called.out == ""
    assert "no difference" in called.err


def test_an_edition_nobody_has_is_exit_2_and_names_those_there_are(drready):
    called = drready("editions", "--diff", "1999", "2026")

    assert called.status == 2
    assert "1999" in called.err
    assert "tertiary2_2021" in called.err


def test_schemas_are_json_schemas(drready):
    for what, key in (("profile", "timeline"), ("station", "limits"), ("rules", "rules")):
        content = json.loads(drready("schema", what).out)
        assert content["$schema"].startswith("https://json-schema.org/")
        assert key in content["required"]


def test_twin_faults_are_the_catalogue(drready):
    rows = drready("twin", "faults", "--json").json["faults"]

    assert {"part": "meter", "name": "nan"}.items() <= next(
        row for row in rows if (row["part"], row["name"]) == ("meter", "nan")
    ).items()
    assert all(row["doc"] for row in rows)


def test_before_the_first_run_there_are_no_runs_but_a_folder_named_must_be_there(
    drready, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)

    assert drready("runs", "--json").json == {"runs": []}
    assert drready("runs", "results").status == 2


def test_the_schema_of_a_station_knows_the_parameters_of_the_twin(drready):
    parts = drready("schema", "station").json["$defs"]

    assert parts["TwinConfig"]["properties"]["battery"]["$ref"] == "#/$defs/BatteryTwin"
    assert parts["BatteryTwin"]["properties"]["delay_s"]["default"] == 0.5
    assert parts["BatteryTwin"]["additionalProperties"] is False
    assert parts["SourceTwin"]["properties"]["slew_hz_per_s"]["exclusiveMinimum"] == 0
