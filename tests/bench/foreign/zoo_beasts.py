"""The zoo: good and bad devices on both sides of each limit, written in everybody's way."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tests.bench.foreign.zoo import (
    CHARGING,
    JAPANESE,
    PARQUET,
    PLAIN,
    Beast,
    Block,
    Change,
    Rows,
    Style,
    keep,
)

GOOD = {"baseline": "PASS", "response": "PASS", "band": "PASS", "hold": "PASS"}
ALL = tuple(GOOD)
MINUTES = {"baseline_s": 3600.0, "response_s": 900.0, "hold_s": 1861.0}


def bad(*findings: str) -> Mapping[str, str]:
    """The truth of a device of which only these findings fail."""
    return {**GOOD, **dict.fromkeys(findings, "FAIL")}


def five_minutes(rows: Rows, _: np.random.Generator) -> Rows:
    return keep(rows, np.isclose(rows["t_s"] % 300.0, 0.0))


def ten_seconds(rows: Rows, _: np.random.Generator) -> Rows:
    return keep(rows, np.isclose(rows["t_s"] % 10.0, 0.0))


def uneven(rows: Rows, rng: np.random.Generator) -> Rows:
    return keep(rows, rng.random(len(rows["t_s"])) < 0.6)


def disorder(rows: Rows, rng: np.random.Generator) -> Rows:
    order = np.argsort(rows["t_s"] + 2.5 * rng.random(len(rows["t_s"])))
    return keep(rows, order)


def doubled(rows: Rows, rng: np.random.Generator) -> Rows:
    return keep(rows, np.sort(np.r_[np.arange(len(rows["t_s"])), rng.integers(0, len(rows["t_s"]), 500)]))


def holes(rows: Rows, rng: np.random.Generator) -> Rows:
    """Sentinels here and there, and no rows for a minute between judged points."""
    rows["power_kw"] = np.where(rng.random(len(rows["t_s"])) < 0.02, np.nan, rows["power_kw"])
    return keep(rows, (rows["t_s"] < 7400.0) | (rows["t_s"] > 7460.0))


def hole_at_a_point(rows: Rows, _: np.random.Generator) -> Rows:
    return keep(rows, (rows["t_s"] < 7790.0) | (rows["t_s"] > 7810.0))


def no_command(rows: Rows, _: np.random.Generator) -> Rows:
    return {name: values for name, values in rows.items() if name != "command_kw"}


def jittered(rows: Rows, rng: np.random.Generator) -> Rows:
    return {**rows, "t_s": rows["t_s"] + rng.uniform(0.0, 0.4, len(rows["t_s"]))}


def reported_late(rows: Rows, _: np.random.Generator) -> Rows:
    return {**rows, "device_power_kw": np.r_[np.zeros(15), rows["device_power_kw"][:-15]]}


def cut(at_s: float) -> Change:
    return lambda rows, _: keep(rows, rows["t_s"] <= at_s)


def only(*names: str) -> Change:
    return lambda rows, _: {name: values for name, values in rows.items() if name in names}


SENTINEL = Style({**PLAIN.columns}, missing="9.91E+37")
SEMICOLON = Style({**PLAIN.columns}, separator=";")
OVER = "rated_kw = 5.5\nexport_limit_kw = 3.1"

BLOCKS = [
    Beast("plain", "tertiary2", Block(), GOOD, must=ALL),
    Beast("charge positive, zone", "tertiary2", Block(), GOOD, CHARGING, must=ALL),
    Beast("japanese", "tertiary2", Block(), GOOD, JAPANESE, must=ALL),
    Beast("parquet", "tertiary2", Block(), GOOD, PARQUET, must=ALL),
    Beast("semicolon", "tertiary2", Block(), GOOD, SEMICOLON, must=ALL),
    Beast("soft 0.88", "tertiary2", Block(gain=0.88), bad("response", "band", "hold"), must=("band",)),
    Beast("soft 0.91", "tertiary2", Block(gain=0.91), GOOD, must=ALL),
    Beast(
        "strong 1.12",
        "tertiary2",
        Block(gain=1.12),
        bad("response", "band", "hold"),
        CHARGING,
        must=("band",),
    ),
    Beast("strong 1.09", "tertiary2", Block(gain=1.09), GOOD, JAPANESE, must=ALL),
    Beast(
        "late 3700 s", "tertiary2", Block(delay_s=3700.0), bad("response", "band", "hold"), must=("response",)
    ),
    Beast("just in time", "tertiary2", Block(delay_s=3500.0), GOOD, must=ALL),
    Beast(
        "slow ramp late",
        "tertiary2",
        Block(ramp_s=4200.0),
        bad("response", "band", "hold"),
        must=("response",),
    ),
    Beast("slow ramp in time", "tertiary2", Block(ramp_s=3800.0), GOOD, must=("response",)),
    Beast(
        "fades in the hold", "tertiary2", Block(fades_s=3600.0 + 1000.0), bad("band", "hold"), must=("hold",)
    ),
    Beast("fades after the hold", "tertiary2", Block(fades_s=3600.0 + 1803.0), GOOD, must=ALL),
    Beast(
        "restless base",
        "tertiary2",
        Block(rest_kw=0.4),
        bad("baseline", "response", "band", "hold"),
        must=("baseline",),
    ),
    Beast("base inside", "tertiary2", Block(rest_kw=0.2), GOOD, must=("baseline",)),
    Beast("wrong sign", "tertiary2", Block(gain=-1.0), bad("response", "band", "hold"), must=("response",)),
    Beast("dead", "tertiary2", Block(gain=0.0), bad("response", "band", "hold"), must=("response",)),
    Beast("between points", "tertiary2", Block(bursts=[(7300.0, 7400.0, -1.5)]), GOOD, must=("band", "hold")),
    Beast(
        "at a point",
        "tertiary2",
        Block(bursts=[(7495.0, 7502.0, -1.5)]),
        bad("band", "hold"),
        must=("band", "hold"),
    ),
    Beast("five minutes", "tertiary2", Block(), GOOD, change=five_minutes, must=("band", "hold", "baseline")),
    Beast(
        "five minutes soft",
        "tertiary2",
        Block(gain=0.85),
        bad("response", "band", "hold"),
        change=five_minutes,
        must=("band",),
    ),
    Beast("ten seconds", "tertiary2", Block(), GOOD, change=ten_seconds, must=ALL),
    Beast("uneven", "tertiary2", Block(), GOOD, change=uneven),
    Beast(
        "uneven soft",
        "tertiary2",
        Block(gain=0.85),
        bad("response", "band", "hold"),
        change=uneven,
        must=("band",),
    ),
    Beast("out of order", "tertiary2", Block(), GOOD, change=disorder, must=ALL),
    Beast("doubled", "tertiary2", Block(), GOOD, change=doubled, must=ALL),
    Beast("holes", "tertiary2", Block(), GOOD, SENTINEL, change=holes, must=("band", "hold")),
    Beast("hole at a point", "tertiary2", Block(), GOOD, change=hole_at_a_point),
    Beast(
        "hole at a bad point",
        "tertiary2",
        Block(bursts=[(7795.0, 7803.0, -1.5)]),
        bad("band", "hold"),
        change=hole_at_a_point,
    ),
    Beast("no command", "tertiary2", Block(), GOOD, change=no_command),
    Beast(
        "no command, dead", "tertiary2", Block(gain=0.0), bad("response", "band", "hold"), change=no_command
    ),
    Beast("jitter", "tertiary2", Block(), GOOD, change=jittered),
    Beast("cut in the hold", "tertiary2", Block(), GOOD, change=cut(8000.0)),
    Beast(
        "cut in the hold, soft",
        "tertiary2",
        Block(gain=0.85),
        bad("response", "band", "hold"),
        change=cut(8000.0),
        must=("band",),
    ),
    Beast("cut before the response", "tertiary2", Block(), GOOD, change=cut(5000.0)),
    Beast("short base", "tertiary2", Block(baseline_s=600.0), GOOD),
    Beast("minutes", "tertiary1", Block(**MINUTES), GOOD, must=ALL),
    Beast(
        "minutes late",
        "tertiary1",
        Block(**MINUTES, delay_s=950.0),
        bad("response", "band", "hold"),
        must=("response",),
    ),
    Beast(
        "minutes soft",
        "tertiary1",
        Block(**MINUTES, gain=0.87),
        bad("response", "band", "hold"),
        JAPANESE,
        must=("band",),
    ),
    Beast(
        "minutes at a minute",
        "tertiary1",
        Block(**MINUTES, bursts=[(5095.0, 5101.0, -1.0)]),
        bad("band", "hold"),
        must=("band",),
    ),
    Beast(
        "receiving",
        "tertiary2",
        Block(load_kw=1.4),
        GOOD,
        without=(),
        point="receiving",
        must=("response", "band", "hold"),
    ),
    Beast(
        "receiving soft",
        "tertiary2",
        Block(load_kw=1.4, gain=0.85),
        bad("response", "band", "hold"),
        without=(),
        point="receiving",
        must=("band",),
    ),
    Beast("mode back", "tertiary2", Block(after_s=3700.0), {**GOOD, "mode": "PASS"}, must=("mode",)),
    Beast(
        "mode kept",
        "tertiary2",
        Block(after_s=3700.0, back_mode="standby"),
        {**GOOD, "mode": "FAIL"},
        must=("mode",),
    ),
    Beast(
        "export inside",
        "tertiary2",
        Block(load_kw=0.5),
        {**GOOD, "export": "PASS"},
        declared=OVER,
        without=(),
        must=("export",),
    ),
    Beast(
        "export burst",
        "tertiary2",
        Block(load_kw=0.0, bursts=[(7350.0, 7353.0, 0.3)]),
        {**GOOD, "export": "FAIL"},
        declared=OVER,
        without=(),
        must=("export", "band"),
    ),
    Beast(
        "clock declared",
        "tertiary2",
        Block(late_s=40.0),
        GOOD,
        declared="rated_kw = 5.5\nclock_offset_s = 40.0",
    ),
    Beast("clock unknown", "tertiary2", Block(late_s=40.0), GOOD),
    Beast("clock early unknown, no report", "tertiary1", Block(**MINUTES, late_s=20.0), GOOD, CHARGING),
    Beast("report late", "tertiary2", Block(), GOOD, change=reported_late, must=ALL),
    Beast("clock early unknown", "tertiary1", Block(**MINUTES, late_s=-20.0), GOOD),
]
