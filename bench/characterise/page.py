"""The page of the operating characteristic: figures, curves as a table, and the picture beside it."""

from __future__ import annotations

from pathlib import Path

from bench.characterise.cases import CASES
from bench.characterise.draw import WINDOWS_S, Figures, figures, grid
from bench.characterise.picture import passed_ratio, svg
from bench.characterise.trial import Trial

__all__ = ["write_page"]

_HEAD = """# Operating characteristic

How well the evaluator itself knows: devices whose true value is known, computed on a fine grid of time
without the twins, seen through an analyzer with all its errors drawn at random, then measured and judged
by the code that judges every run. Written by `drready characterise --trials {asked} --seed {seed}`; do
not edit.

{done} trials. Drawn anew in each: the error of the meter's power (±0.1 % of reading and ±0.05 % of 6 kW
together), its frequency error (±1 mHz), the shift between its channels (±10 ms), its noise (0.5 % of the step
or 2 W; 1 mHz), the phase of its windows, and the phases of the steps. Constant errors lie anywhere
within their limits; that of power does not cancel against the level at rest.

![P(PASS) against the true value](img/operating-characteristic.svg)

"""
_NOTES = """
*Bias* and *sd* are of single metrics less their truth; a constant error of the meter is in both. *U* is
the median half interval of the finding. *Covered, k = 2*: how often value ± U held the truth. *Covered,
95 %*: the same for the 95 % interval of the same budget: where one rectangular limit of error dominates,
k = 2 holds more than 95 %, and a factor down to 1.65 suffices; the verdict keeps k = 2. *False accept*
is the share of guarded PASS on devices exactly at the limit; *wrong beyond 2 U* counts guarded PASS or
FAIL on the wrong side of the limit, of the trials whose truth lies further than 2 U from it. The finding
judges the worst step or direction, so that several steps at the limit fail the bare rule more often than
half the time. A hold has no interval of its own: it is counted in whole judged points.

The hold ends at the limit and not a moment later: it passes or not with the phase of the samples, as the
rule says; a *true* hold of the limit is no false accept.

## P(PASS), guarded / bare rule

"""


def _percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{100.0 * ratio:.1f} %"


def _row(item: Figures) -> str:
    window = f"{1e3 * item.window_s:g} ms" if item.window_s else "all"
    unit = CASES[item.quantity].unit
    cells = (
        item.quantity, window, str(item.trials), f"{item.bias:+.2g} {unit}", f"{item.sd:.2g} {unit}",
        f"{item.median_u:.2g} {unit}", _percent(item.covered_ratio), _percent(item.covered95_ratio),
        f"{_percent(item.false_accept_ratio)} of {item.at_limit}", f"{item.wrong} of {item.beyond}",
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |\n"


def _curves(found: list[Trial], quantity: str) -> str:
    values = grid(quantity)
    lines = f"### {quantity} ({CASES[quantity].unit})\n\n| window | "
    lines += " | ".join(f"{value:.4g}" for value in values) + " |\n|" + " --- |" * (len(values) + 1) + "\n"
    for window_s in WINDOWS_S:
        cells = []
        for value in values:
            both = [passed_ratio(found, quantity, window_s, value, rule=rule) for rule in (False, True)]
            cells.append(" / ".join("–" if share is None else f"{share:.2f}" for share in both))
        lines += f"| {1e3 * window_s:g} ms | " + " | ".join(cells) + " |\n"
    return lines + "\n"


def write_page(found: list[Trial], out: Path, *, asked: int, seed: int) -> Path:
    """Write ``operating-characteristic.md`` and its picture into ``out``; return the page."""
    text = _HEAD.format(asked=asked, seed=seed, done=len(found))
    text += "| quantity | window | trials | bias | sd | U | covered, k = 2 | covered, 95 % | false accept | "
    text += "wrong beyond 2 U |\n|" + " --- |" * 10 + "\n"
    for quantity in CASES:
        text += "".join(_row(figures(found, quantity, window)) for window in (*WINDOWS_S, None))
    text += _NOTES + "".join(_curves(found, quantity) for quantity in CASES)
    picture = out / "img" / "operating-characteristic.svg"
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(svg(found), encoding="utf-8", newline="\n")
    page = out / "operating-characteristic.md"
    page.write_text(text.rstrip() + "\n", encoding="utf-8", newline="\n")
    return page
