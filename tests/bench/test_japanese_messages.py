"""What a user may be told under ``--lang ja`` has its Japanese: faults, rules, drivers, calls, reports."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import typer

import bench
import bench.errors
from bench.catalogue import instruments, twin_faults
from bench.cli.app import app
from bench.cli.main import exit_status
from bench.config.load import read_rules
from bench.japanese import in_japanese
from bench.rooms import bundled_rules
from bench.template import station_template

ROOT = Path(bench.__file__).parents[1]
PROSE = re.compile(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}")
WORDS, JAPANESE = re.compile(r"[a-z]{2,} [a-z]{2,}"), re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
FAULTS = {name for name, kind in vars(bench.errors).items() if isinstance(kind, type)} | {
    "ExpressionError",
    "ValueError",
    "DamagedFile",
    "Stopped",
}
# what says these is never a user's call: pages for developers, the twins' own wires, pytest
SILENT = re.compile(
    r"bench/(reference|characterise|trials)/|instruments/twins/(?!config|faults|house)|plugin"
)


def _texts(node: ast.expr, known: dict[str, list[ast.expr]]) -> Iterator[str]:
    """Yield every text that an expression may come to: 1 for what is filled in, a name by its values."""
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body, known), *_texts(node.orelse, known))
    elif isinstance(node, ast.JoinedStr):
        parts = [
            list(_texts(part.value, {}))
            if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.IfExp)
            else [str(part.value)]
            if isinstance(part, ast.Constant)
            else ["1"]
            for part in node.values
        ]
        yield from map("".join, itertools.product(*parts))
    elif isinstance(node, ast.Name):
        for value in known.get(node.id, []):
            yield from _texts(value, {})
    else:
        yield "1"


def _told(file: Path) -> Iterator[str]:
    """Yield what the faults of ``file`` say."""
    for function in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not isinstance(function, ast.FunctionDef):
            continue
        known: dict[str, list[ast.expr]] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                known.setdefault(node.targets[0].id, []).append(node.value)
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in FAULTS:
                for argument in node.args[:2]:
                    yield from (line for text in _texts(argument, known) for line in text.splitlines())


def _english(text: str) -> bool:
    """Return whether words of English are left of ``text``, or all of it; a call to copy is none."""
    shown = re.sub(r"drready [a-z ]+|--set \S+", "", in_japanese(text))
    return bool(PROSE.search(shown) or (WORDS.search(shown) and not JAPANESE.search(shown)))


def test_every_fault_of_a_call_a_file_or_an_instrument_has_its_japanese():
    files = [file for room in ("bench", "instruments") for file in sorted((ROOT / room).rglob("*.py"))]
    said = {text: file for file in files if not SILENT.search(file.as_posix()) for text in _told(file)}
    assert len(said) > 400
    assert {text: file.name for text, file in said.items() if _english(text)} == {}


def test_every_rule_driver_fault_of_a_twin_and_comment_of_init_has_its_japanese():
    said = {
        text
        for path in bundled_rules().values()
        for rule in read_rules(path)[0].rules.values()
        for text in (rule.document, rule.place, rule.quote, rule.note)
    }
    said |= {line.rpartition("# ")[2] for line in station_template("ja").splitlines() if "# " in line}
    said |= {row["title"] for row in instruments()} | {row["doc"] for row in twin_faults()}
    assert len(said) > 300
    assert [text for text in said if PROSE.search(in_japanese(text))] == []


@pytest.mark.parametrize("call", ["", "run", "verify", "wire check", "faults campaign"])
def test_the_help_of_a_command_is_japanese(call, capsys):
    assert exit_status([*call.split(), "--help", "--lang", "ja"]) == 0
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) > 8
    assert [line for line in shown.splitlines()[1:] if PROSE.search(line)] == []


def test_every_command_takes_lang_and_says_in_japanese_what_it_does():
    def lacking(group: object, name: str) -> Iterator[str]:
        for word, command in group.commands.items():  # type: ignore[attr-defined]
            helps = [command.help or "", *(getattr(option, "help", "") or "" for option in command.params)]
            paragraphs = [" ".join(part.split()) for text in helps for part in text.split("\n\n")]
            yield from (text for text in paragraphs if text and not JAPANESE.search(in_japanese(text)))
            if hasattr(command, "commands"):
                yield from lacking(command, f"{name} {word}")
            elif not any("--lang" in option.opts for option in command.params):
                yield f"{name} {word}"

    assert list(lacking(typer.main.get_command(app), "drready")) == []


@pytest.mark.parametrize(
    ("call", "status", "japanese"),
    [
        ("run primary", 2, "オプション '--station' がない"),
        ("run primary --station nowhere.toml", 2, "nowhere.toml: ファイルがない"),
        ("run nothing --station twin", 2, "試験プロファイル 'nothing' がない"),
        ("run primary --station twin --set limits.foo=1", 2, "不明なキー"),
        ("plan primary --station twin --delta-kw 99", 2, "機器の定格 5.5 kWを超える"),
        ("doctor --station twin --set twin.battery.delay_s=-1", 2, "0 以上とする（指定値 -1）"),
        ("verify nowhere", 2, "試験フォルダではない：run.json がない"),
        ("score nowhere.csv --profile primary", 2, "そのようなファイルはない"),
        ("nothing", 2, "コマンド 'nothing' はない"),
    ],
)
def test_a_wrong_call_is_told_in_japanese(call, status, japanese, capsys):
    assert exit_status([*call.split(), "--lang", "ja"]) == status
    said = capsys.readouterr().err
    assert japanese in said
    assert [line for line in said.splitlines() if PROSE.search(line) and not line.startswith("Usage")] == []


class _Visible(HTMLParser):
    """The text of a page that a reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.texts = 0, list[str]()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self.hidden and data.strip():
            self.texts.append(data.strip())


@pytest.mark.parametrize(
    ("profile", "fault"), [("droop", "battery.droop_pct=7"), ("primary", "source.offset_hz=0.08")]
)
def test_a_run_is_told_without_english(profile, fault, tmp_path, capsys):
    sets = ["--set", "twin.link=direct", "--set", f"twin.{fault}"]
    call = ["run", profile, "--station", "twin", *sets, "--out", str(tmp_path), "--lang", "ja"]
    assert exit_status(call) in (1, 4)
    shown = capsys.readouterr()
    page = _Visible()
    page.feed(next(tmp_path.glob("*/report.html")).read_text("utf-8"))
    texts = [*shown.out.splitlines(), *shown.err.splitlines(), *page.texts]
    assert len(page.texts) > 500
    # names of instruments, calls to copy, and the data of events
    mine = re.compile(r"DR-ready bench|drready \w+|^\[?\{.*|twin: exact by definition|twin: noise as in")
    assert [text for text in texts if PROSE.search(mine.sub("", text))] == []


def test_a_recording_from_elsewhere_is_told_without_english(tmp_path, capsys):
    on = [0.0 if t_s < 3600 or t_s >= 6600 else 3.0 for t_s in range(0, 7500, 10)]
    rows = "".join(f"{10 * at},{kw},{kw}\n" for at, kw in enumerate(on))
    log, columns = tmp_path / "記録.csv", tmp_path / "列.toml"
    log.write_text(f"t_s,command_kw,power_kw\n{rows}", encoding="utf-8")
    columns.write_text("[declared]\nclock_offset_s = 5\n", encoding="utf-8")
    call = ["score", str(log), "--profile", "tertiary2", "--delta-kw", "3", "--columns", str(columns)]
    assert exit_status([*call, "--lang", "ja"]) == 4
    shown = capsys.readouterr().out
    assert "時計：申告に従い" in shown
    assert [line for line in shown.splitlines() if PROSE.search(line)] == []
