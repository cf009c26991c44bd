"""Runs laid over the requirement table: what counts, what shows, and what must not be believed."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from pydantic import ValidationError

from bench.config.load import read_rules
from bench.config.requirements import Requirements, read_requirements
from bench.errors import UsageError
from bench.evidence.text import Words
from bench.matrix.lay import counting, lay, state_of
from bench.matrix.matrix import matrix_json, matrix_of
from bench.matrix.model import MatrixRun
from bench.matrix.page import page
from bench.matrix.runs import one_device
from bench.model import Finding, Limit, Outcome, Scope, Verdict
from bench.rooms import bundled_profiles, bundled_rules, requirements_file

SEEDS = Path(__file__).resolve().parents[4] / "shared" / "seeds"
TABLE = read_requirements(requirements_file())
RULES = {key: read_rules(path)[0] for key, path in bundled_rules().items()}
BOTH = ("device", "receiving")
COUNT = iter(range(10_000))


def finding(name: str, outcome: Outcome) -> Finding:
    return Finding(
        id=name, metric="x", value=1.0, uncertainty=0.0, limit=Limit(at_most=2.0), unit="1", required=True,
        counts=True, outcome=outcome, rule_outcome=outcome, margin_ratio=None, repeats_to_decide=None,
        cause=None, scope=Scope(), reason="", evidence=None, source=None,
    )  # fmt: skip


def run(
    profile: str,
    outcome: Outcome = Outcome.PASS,
    *,
    edition: str = "2026",
    point: str = "device",
    day: int = 1,
    real: bool = True,
    dry_run: bool = False,
    faults: tuple[str, ...] = (),
    findings: tuple[Finding, ...] = (),
    reads: frozenset[str] = frozenset(),
    qualified_kw: float | None = 3.0,
    reason: str = "",
) -> MatrixRun:
    """Return a run made on ``day``; real, complete and as it was signed unless said otherwise."""
    verdict = Verdict(
        profile=profile, edition=edition, point=point, delta_kw=3.0, simulated=not real, dry_run=dry_run,
        decision="guarded", outcome=outcome, qualified_kw=qualified_kw, findings=findings, reason=reason,
    )  # fmt: skip
    return MatrixRun(
        folder=Path(f"{day:02}_{next(COUNT)}_{profile}"), profile=profile, product=profile, edition=edition,
        point=point, started_utc=f"2026-11-{day:02}T00:00:00+00:00", serial="B5-1", device="Acme B5 B5-1",
        simulated=not real, dry_run=dry_run, outcome=outcome, verdict=verdict, faults=faults, reads=reads,
        reason=reason,
    )  # fmt: skip


def newest_first(*runs: MatrixRun) -> list[MatrixRun]:
    return sorted(runs, key=lambda each: each.started_utc, reverse=True)


def line(name: str, *runs: MatrixRun):
    return next(each for each in lay(TABLE, newest_first(*runs)) if each.item.id == name)


def cell(product: str, point: str, by: str, *runs: MatrixRun, edition: str = "2026"):
    points = dict.fromkeys(bundled_profiles(), BOTH)
    matrix = matrix_of(TABLE, newest_first(*runs), RULES, points)
    (one,) = [each for each in matrix.eligible if (each.product.id, each.edition) == (product, edition)]
    (found,) = [each for each in one.cells if (each.point, each.route.by) == (point, by)]
    return found


def test_no_run_is_not_shown():
    assert line("local_frequency").state == "MISSING"
    assert line("local_frequency").missing == ("primary",)


def test_a_real_pass_shows_it():
    found = line("local_frequency", run("primary"))
    assert (found.state, found.simulated, found.practice) == ("PASS", False, False)


@pytest.mark.parametrize("outcome", ["FAIL", "INVALID", "INCONCLUSIVE", "ERROR", "ABORTED"])
def test_what_did_not_pass_shows_as_it_is(outcome):
    assert line("local_frequency", run("primary", Outcome(outcome))).state == outcome


@pytest.mark.parametrize("outcome", ["INVALID", "INCONCLUSIVE", "ERROR", "ABORTED", "FAIL"])
def test_what_nothing_was_decided_about_is_missing_and_a_failing_is_not(outcome):
    found = line("local_frequency", run("primary", Outcome(outcome)))
    assert found.missing == (() if outcome == "FAIL" else ("primary",))


def test_the_newest_run_counts_also_when_it_is_worse():
    old, new = run("primary", day=1), run("primary", Outcome.FAIL, day=2)
    assert line("local_frequency", old, new).state == "FAIL"
    assert line("local_frequency", run("primary", Outcome.FAIL, day=1), run("primary", day=2)).state == "PASS"


def test_a_twin_or_a_practice_run_never_displaces_a_device():
    failed = run("primary", Outcome.FAIL, day=1)
    assert line("local_frequency", failed, run("primary", real=False, day=2)).state == "FAIL"
    practice = run("primary", Outcome.INCONCLUSIVE, dry_run=True, day=2)
    assert line("local_frequency", run("primary", day=1), practice).state == "PASS"


def test_simulated_and_practice_show_as_such():
    assert line("local_frequency", run("primary", real=False)).simulated
    assert line("local_frequency", run("primary", Outcome.INCONCLUSIVE, dry_run=True)).practice


def test_a_changed_folder_counts_for_nothing():
    changed = run("primary", faults=("verdict.json: changed",))
    assert line("local_frequency", changed).state == "NOT_TRUSTED"
    assert line("local_frequency", changed, run("primary", Outcome.FAIL, day=1)).state == "FAIL"
    assert (
        line("get_soc", run("primary", reads=frozenset({"soc_pct"}), faults=("x: changed",))).state
        == "MISSING"
    )


def test_a_document_stays_a_document_however_many_runs_pass():
    every = [run(name) for name in bundled_profiles()]
    assert line("jc_star", *every).state == "DOCUMENT"
    assert line("jc_star").item.documents


def test_a_point_of_its_own_is_not_shown_by_a_run_at_the_other():
    assert line("interval_1min", run("follow1", point="device")).state == "MISSING"
    assert line("interval_1min", run("follow1", point="receiving")).state == "PASS"


def test_any_of_several_is_enough_and_the_best_is_taken():
    assert line("interval_30min", run("economic_dr", Outcome.FAIL), run("capacity")).state == "PASS"
    assert line("interval_30min", run("economic_dr", Outcome.FAIL)).state == "FAIL"


def test_one_finding_of_a_run_can_be_the_proof():
    good, bad = finding("primary.record", Outcome.PASS), finding("primary.delay", Outcome.FAIL)
    failed = run("primary", Outcome.FAIL, findings=(good, bad))
    assert line("frequency_record", failed).state == "PASS"
    assert line("local_frequency", failed).state == "FAIL"
    assert line("frequency_record", run("primary")).state == "NOT_APPLICABLE"  # the finding is not there
    assert state_of(run("primary", Outcome.INVALID, findings=(good,)), ("record",)) == "INVALID"


def test_a_quantity_is_shown_by_having_been_read():
    assert line("get_soh", run("primary", reads=frozenset({"soc_pct"}))).state == "MISSING"
    assert line("get_soh", run("primary", reads=frozenset({"soh_pct"}))).state == "PASS"
    assert line("get_soh", run("primary", Outcome.ERROR, reads=frozenset({"soh_pct"}))).state == "MISSING"
    assert line("get_energy", run("primary", reads=frozenset({"energy_charged_kwh"}))).state == "MISSING"


PRIMARY = ("primary", "droop", "dead_band", "frequency_accuracy")


def primary(**changed) -> list[MatrixRun]:
    return [run(name, point="receiving", **changed) for name in PRIMARY]


def test_a_product_is_open_when_all_its_runs_passed_on_a_route_that_is_ready():
    found = cell("primary", "receiving", "gateway", *primary())
    assert (found.eligible, found.qualified_kw) == ("eligible", 3.0)


def test_what_the_edition_does_not_admit_is_not_eligible():
    found = cell("primary", "device", "gateway", *(run(name) for name in PRIMARY))
    assert found.eligible == "no"
    assert "does not admit" in found.clause.en


def test_a_route_that_is_not_ready_binds():
    found = cell("primary", "receiving", "cloud", *primary())
    assert found.eligible == "no"
    assert found.clause_source is not None


def test_metering_opens_the_device_point():
    runs = [run(name) for name in ("tertiary2", "tertiary2_partial", "tertiary2_repeat")]
    assert cell("tertiary2", "device", "gateway", *runs).eligible == "no"
    assert cell("tertiary2", "device", "gateway", *runs, run("metering")).eligible == "eligible"
    assert cell("tertiary2", "device", "gateway", *runs, run("metering", real=False)).eligible == "simulated"
    assert cell("tertiary2", "device", "gateway", *runs, run("metering", Outcome.FAIL)).eligible == "no"


def test_what_the_market_asks_beside_the_bench_stands_with_what_is_eligible():
    runs = [run("secondary2"), run("metering")]
    found = cell("secondary2", "device", "gateway", *runs)
    assert found.eligible == "eligible"
    assert "second-generation smart meter" in found.clause.en
    assert "第2世代スマートメーター" in found.clause.ja
    earlier = run("secondary2", point="receiving", edition="2024")
    before = cell("secondary2", "receiving", "gateway", earlier, edition="2024")
    assert "low-voltage resources are admitted from FY2026 only" in before.clause.en
    receiving = cell("secondary2", "receiving", "gateway", run("secondary2", point="receiving"))
    assert (receiving.eligible, receiving.clause.en) == ("eligible", "every run asked for passed")


def test_one_failed_run_closes_the_product_and_says_which():
    runs = [*primary()[:-1], run("frequency_accuracy", Outcome.FAIL, point="receiving", reason="0.03 Hz")]
    found = cell("primary", "receiving", "gateway", *runs)
    assert found.eligible == "no"
    assert "frequency_accuracy" in found.clause.en
    assert "0.03 Hz" in found.clause.en


@pytest.mark.parametrize("outcome", ["INCONCLUSIVE", "INVALID", "ERROR", "ABORTED"])
def test_what_decides_nothing_does_not_shut_the_product_out(outcome):
    runs = [*primary()[:-1], run("frequency_accuracy", Outcome(outcome), point="receiving", reason="why")]
    found = cell("primary", "receiving", "gateway", *runs)
    assert (found.eligible, found.clause.en) == ("not_shown", f"frequency_accuracy: {outcome}: why")
    assert cell("primary", "receiving", "cloud", *runs).eligible == "no"  # the route is shut whatever comes


def test_a_bench_that_broke_does_not_displace_a_verdict():
    later = primary(outcome=Outcome.ABORTED, day=2)
    assert cell("primary", "receiving", "gateway", *primary(), *later).eligible == "eligible"
    failed = primary(outcome=Outcome.FAIL)
    assert cell("primary", "receiving", "gateway", *failed, *later).eligible == "no"
    assert line("local_frequency", *failed, *later).state == "FAIL"


def test_a_practice_run_that_failed_is_not_told_as_shown():
    found = cell("primary", "receiving", "gateway", *primary(outcome=Outcome.FAIL, dry_run=True))
    assert found.eligible == "practice"
    assert "FAIL" in found.clause.en


def test_the_weakest_run_of_a_product_says_how_much_it_qualifies_for():
    names = ("tertiary2", "tertiary2_partial", "tertiary2_repeat")
    runs = [run(name, point="receiving", qualified_kw=kw) for name, kw in zip(names, (3, 1, 2), strict=True)]
    assert cell("tertiary2", "receiving", "gateway", *runs).qualified_kw == 1.0
    runs[1] = run("tertiary2_partial", Outcome.INCONCLUSIVE, point="receiving", qualified_kw=None)
    assert cell("tertiary2", "receiving", "gateway", *runs).qualified_kw is None


@pytest.mark.parametrize("later", [{"real": False}, {"dry_run": True}, {"faults": ("x: changed",)}])
def test_a_newer_edition_on_a_twin_does_not_hide_what_the_device_did(later):
    failed = run("primary", Outcome.FAIL, edition="2024")
    found = line("local_frequency", failed, run("primary", day=2, **later))
    assert (found.state, found.simulated, found.practice) == ("FAIL", False, False)
    economic = run("economic_dr", Outcome.FAIL)
    assert line("interval_30min", economic, run("capacity", day=2, **later)).state == "FAIL"


def test_one_serial_of_two_makers_is_two_devices():
    ours = run("primary")
    other = ours.model_copy(update={"device": "Bolt X1 B5-1"})
    unread = ours.model_copy(update={"serial": "", "device": "", "faults": ("run.json: cannot be read",)})
    with pytest.raises(UsageError, match="Bolt X1 B5-1"):
        one_device([ours, other], None)
    with pytest.raises(UsageError, match="several"):
        one_device([ours, other], "B5-1")
    assert one_device([ours, other, unread], "Acme B5 B5-1") == [ours, unread]


def test_a_missing_run_is_named():
    found = cell("primary", "receiving", "gateway", *primary()[1:])
    assert found.eligible == "not_shown"
    assert "primary" in found.clause.en


def test_an_edition_is_shown_only_by_its_own_runs():
    assert cell("primary", "receiving", "gateway", *primary(), edition="2024").eligible == "not_shown"
    earlier = primary(edition="2024")
    assert cell("primary", "receiving", "gateway", *earlier, edition="2024").eligible == "eligible"


def test_a_twin_is_never_eligible():
    assert cell("primary", "receiving", "gateway", *primary(real=False)).eligible == "simulated"
    mixed = [*primary()[:-1], run("frequency_accuracy", point="receiving", real=False)]
    assert cell("primary", "receiving", "gateway", *mixed).eligible == "simulated"


def test_a_changed_folder_opens_nothing():
    found = cell("primary", "receiving", "gateway", *primary(faults=("samples.parquet: changed",)))
    assert (found.eligible, found.qualified_kw) == ("no", None)


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_a_simulated_matrix_says_so_over_everything(lang):
    real = matrix_of(TABLE, primary(), RULES, {})
    twin = matrix_of(TABLE, primary(real=False), RULES, {})
    word = {"en": "SIMULATED", "ja": "シミュレーション"}[lang]
    assert page(twin, lang).count(word) > 10
    assert f"<strong>{word}</strong>" in page(twin, lang)
    assert word not in re.sub(r"<p>.*?</p>", "", page(real, lang))
    assert matrix_json(twin)["simulated"] is True
    assert matrix_json(real)["simulated"] is False


@pytest.mark.parametrize(("lang", "other"), [("en", "ja"), ("ja", "en")])
def test_marks_and_reasons_speak_the_language(lang, other):
    said = {"en": "power never moved", "ja": "電力が変化しなかった"}
    bad = run("primary", reason="power never moved", outcome=Outcome.FAIL)
    text = page(matrix_of(TABLE, [bad], RULES, {}), lang)
    assert said[lang] in text
    assert said[other] not in text
    for key in ("mark.seed", "status.draft"):
        assert f">{Words(lang)(key)}</span>" in text
        assert f">{Words(other)(key)}</span>" not in text


def test_names_cannot_become_code():
    evil = run("primary", reason='<script>alert("x")</script>', outcome=Outcome.FAIL)
    text = page(matrix_of(TABLE, [evil], RULES, {}), "en")
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_older_runs_are_listed_and_do_not_count():
    old, new = run("primary", day=1), run("primary", day=2)
    matrix = matrix_of(TABLE, [new, old], RULES, {})
    assert [(ref.folder, ref.counts) for ref in matrix.runs] == [
        (str(new.folder), True),
        (str(old.folder), False),
    ]
    assert counting([new, old])[("primary", "2026", "device")] == new


def test_the_table_names_profiles_that_can_be():
    contract = {
        "tertiary2", "tertiary1", "primary", "secondary1", "secondary2", "droop", "dead_band", "reverse_flow",
        "frequency_accuracy", "grid_replay", "follow5", "follow1", "mode_restore", "telemetry", "metering",
        "economic_dr", "capacity", "tertiary2_partial", "tertiary2_repeat",
    }  # fmt: skip
    used = {proof.profile for item in TABLE.items for proof in item.proofs if proof.profile}
    used |= {name for product in TABLE.products for name in product.profiles}
    assert used <= contract
    assert {product.id for product in TABLE.products} <= {name for name, _ in bundled_rules()}


def test_an_inferred_column_is_marked_wherever_it_is_shown():
    summary = [item for item in TABLE.items if item.group in ("function", "document")]
    assert {item.need_mark for item in summary} == {"inferred"}
    assert page(matrix_of(TABLE, [], RULES, {}), "en").count("(inferred)") >= len(summary)


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the seed documents are not beside the project")
def test_quotations_stand_in_the_documents():
    def plain(text: str) -> str:
        return re.sub(r"[\s*|]+", "", unicodedata.normalize("NFKC", text))

    seeds = {seed.stem: plain(seed.read_text(encoding="utf-8")) for seed in SEEDS.glob("*.txt")}
    quoted = [each.source for each in (*TABLE.items, *TABLE.products, *TABLE.routes)]
    marked = [source for source in quoted if source.mark == "seed"]
    assert len(marked) > 30
    assert [source.quote for source in marked if plain(source.quote) not in seeds[source.document]] == []


def test_a_table_with_two_items_of_one_name_is_refused():
    content = TABLE.model_dump(mode="json", by_alias=True)
    content["items"].append(content["items"][0])
    with pytest.raises(ValidationError, match="twice"):
        Requirements.model_validate(content)
