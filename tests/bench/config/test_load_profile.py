"""Profiles and their rules: editions, names that nothing has, and messages that help."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.config.load import LoadedProfile, editions_of, load_profile, read_rules
from bench.errors import UsageError
from bench.rooms import bundled_profiles, bundled_rules


def faults(path: Path) -> dict[str, str]:
    with pytest.raises(UsageError) as caught:
        load_profile(str(path))
    return {fault.place.rpartition("/")[2]: fault.message for fault in caught.value.faults}


def edited(folder: Path, *changes: tuple[str, str], name: str = "tertiary2") -> Path:
    text = bundled_profiles()[name].read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, f"{old!r} is not in the profile"
        text = text.replace(old, new, 1)
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", sorted(bundled_profiles()))
def test_every_bundled_profile_loads_in_every_edition(name: str) -> None:
    product = load_profile(name).profile.product
    for edition in editions_of(product):
        loaded = load_profile(name, edition)
        assert isinstance(loaded, LoadedProfile)
        assert loaded.rules.edition == loaded.edition == edition
        assert loaded.rules.product == product
        assert loaded.text.encode() == loaded.path.read_bytes()
        assert loaded.rules_text.encode() == loaded.rules_path.read_bytes()


def test_every_bundled_rule_file_says_what_its_name_says() -> None:
    for (product, edition), path in bundled_rules().items():
        rules, _ = read_rules(path)
        assert (rules.product, rules.edition) == (product, edition)


def test_an_unknown_profile_lists_what_there_is_and_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        load_profile("tertiry2")
    message = str(caught.value)
    assert "no profile 'tertiry2' (did you mean 'tertiary2'?)" in message
    assert all(name in message for name in bundled_profiles())


def test_a_missing_profile_file_is_named() -> None:
    with pytest.raises(UsageError, match=r"here/mine\.toml: no such file"):
        load_profile("here/mine.toml")


def test_an_edition_that_a_product_lacks_names_those_it_has() -> None:
    with pytest.raises(UsageError) as caught:
        load_profile("tertiary2", "1999")
    assert caught.value.exit_code == 2
    assert (
        str(caught.value)
        == f"--edition: tertiary2 has no edition '1999'; it has: {', '.join(editions_of('tertiary2'))}"
    )


def test_an_edition_moves_the_rules(tmp_path: Path) -> None:
    assert load_profile("tertiary2", "2021").rules.rules["response_s"].value == 2700
    assert load_profile("tertiary2", "2026").rules.rules["response_s"].value == 3600
    assert load_profile(str(edited(tmp_path)), "2021").edition == "2021"


@pytest.mark.parametrize(
    ("old", "new", "place", "hint"),
    [
        (
            'duration_s = "response_s"',
            'duration_s = "respons_s"',
            "timeline[0].segments[1].duration_s",
            "'response_s'",
        ),
        (
            '"sign * delta_kw"',
            '"sign * delta_kv"',
            'timeline[0].segments[1].set."battery.power_set_kw"',
            "delta_kw",
        ),
        ('"sign * delta_kw"', '"sign *"', 'timeline[0].segments[1].set."battery.power_set_kw"', "arithmetic"),
        ('"sign * delta_kw"', "true", 'timeline[0].segments[1].set."battery.power_set_kw"', "number"),
        (
            "each_direction = true",
            "each_direction = false",
            'timeline[0].segments[1].set."battery.power_set_kw"',
            "sign",
        ),
        (
            '"battery.power_set_kw" = "sign',
            '"batery.power_set_kw" = "sign',
            'timeline[0].segments[1].set."batery.power_set_kw"',
            "role",
        ),
        ('start_do = ["battery.start"]', 'start_do = ["start"]', "start_do[0]", "role.sequence"),
        (
            'value = "2 * interval_s"',
            'value = "2 * intervall_s"',
            "parameters.return_s.value",
            "'interval_s'",
        ),
        ('at_least = "baseline_s"', 'at_least = "base_s"', "parameters.baseline_s.at_least", "base_s"),
        ('rule = "band_ratio"', 'rule = "band"', "findings[0].rule", "no rule 'band'"),
        ('causes = ["response", "hold"]', 'causes = ["respons"]', "findings[2].causes", "'response'"),
        ('id = "response"', 'id = "baseline"', "findings[1].id", "twice"),
        (
            'limit = {at_most = "response_s"}',
            'limit = {at_most = "respons_s"}',
            "findings[1].limit.at_most",
            "unknown",
        ),
        ('kind = "command"', 'kind = "comand"', "kind", "'command'"),
        ("sample_s = 1.0", 'sample_s = "tick_s"', "sample_s", "unknown name 'tick_s'"),
        ('product = "tertiary2"', 'product = "tertiary9"', "product", "there are no rules for 'tertiary9'"),
        ("[[measure]]", "[[mesure]]", "mesure", "did you mean 'measure'?"),
    ],
)
def test_a_fault_in_a_profile_has_its_place(
    tmp_path: Path, old: str, new: str, place: str, hint: str
) -> None:
    found = faults(edited(tmp_path, (old, new)))
    shown = {where.replace("mine.toml: ", "") for where in found}
    assert place in shown
    assert hint in found[f"mine.toml: {place}"]


def test_faults_of_a_profile_come_together(tmp_path: Path) -> None:
    path = edited(tmp_path, ("sample_s = 1.0", 'sample_s = "x"'), ('rule = "band_ratio"', 'rule = "y"'))
    assert set(faults(path)) == {"mine.toml: sample_s", "mine.toml: findings[0].rule"}


def test_a_product_of_ones_own_has_its_rules_beside_it(tmp_path: Path) -> None:
    path = edited(tmp_path, ('product = "tertiary2"', 'product = "ours"'))
    rules = bundled_rules()["tertiary2", "2026"].read_text(encoding="utf-8")
    (tmp_path / "rules").mkdir()
    target = tmp_path / "rules" / "ours_2026.toml"
    target.write_text(rules, encoding="utf-8")
    with pytest.raises(
        UsageError, match=r"ours_2026\.toml: product: is 'tertiary2', but the file's name says 'ours'"
    ):
        load_profile(str(path))
    target.write_text(rules.replace('product = "tertiary2"', 'product = "ours"'), encoding="utf-8")
    assert load_profile(str(path)).rules_path == target
