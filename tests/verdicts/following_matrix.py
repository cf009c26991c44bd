"""Run every pair of the table and say which twins got the verdict they deserve.

``python -m tests.verdicts.following_matrix [--link tcp] [WORD...]``: with words only the pairs whose name
holds one of them. Exit 1 when a pair is told wrongly.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
from pathlib import Path

from bench.model import Outcome
from tests.verdicts.following_pairs import PAIRS, Pair
from tests.verdicts.more_pairs import MORE_PAIRS


def told(pair: Pair, folder: Path, link: str) -> list[str]:
    """Return what is wrong with the verdicts of ``pair``, and print them."""
    wrong = []
    for side, setting in (("in", pair.inside), ("out", pair.outside)):
        with contextlib.redirect_stderr(io.StringIO()):
            got = setting.run(pair.profile, folder / str(pair) / side, link)
        finding = got.finding(pair.finding)
        line = f"{side:3} {got.outcome.value:12} {finding.value} ± {finding.uncertainty} {finding.interval95}"
        good = got.outcome is Outcome.PASS if side == "in" else got.outcome is Outcome.FAIL
        if side == "out":
            good = good and got.roots == pair.expected
            line += f" roots {sorted(got.roots)}"
        print(f"{'ok ' if good else 'BAD'} {pair!s:32} {line}", flush=True)
        if not good:
            wrong += [f"{f.id} {f.outcome.value} {f.reason}" for f in got.verdict.findings if f.counts]
    return wrong


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--link", default="direct", choices=["direct", "tcp"])
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    chosen = [
        pair
        for pair in (*PAIRS, *MORE_PAIRS)
        if not given.words or any(word in str(pair) for word in given.words)
    ]
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for pair in chosen:
            wrong = told(pair, Path(folder), given.link)
            bad += bool(wrong)
            for line in wrong:
                print("      ", line)
    print(f"{len(chosen) - bad} of {len(chosen)} pairs told right ({2 * len(chosen)} runs)")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
