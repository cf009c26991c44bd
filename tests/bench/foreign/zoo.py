"""Recordings as other people write them, of devices whose truth is known: no estimator of ours in them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Rows = dict[str, Any]
Change = Callable[[Rows, np.random.Generator], Rows]
START = dt.datetime(2026, 4, 1, 9, 0, 0)  # noqa: DTZ001  (local time, as loggers write it)


@dataclass
class Block:
    """One command of 3 kW after rest, and what the device made of it. Times of tertiary2 by default."""

    delta_kw: float = 3.0
    baseline_s: float = 3600.0
    response_s: float = 3600.0
    hold_s: float = 2101.0
    after_s: float = 700.0
    sample_s: float = 1.0
    delay_s: float = 5.0
    ramp_s: float = 30.0
    gain: float = 1.0
    rest_kw: float = 0.0
    noise_kw: float = 0.004
    load_kw: float = 0.0
    bursts: Sequence[tuple[float, float, float]] = ()
    """(from_s, to_s, kW added)."""
    fades_s: float | None = None
    """When power goes to zero, counted from the command."""
    late_s: float = 0.0
    """By how much the meter's clock is ahead of the commander's."""
    back_mode: str = "auto"
    seed: int = 1

    def rows(self) -> Rows:
        rng = np.random.default_rng(self.seed)
        t0, end = self.baseline_s, self.baseline_s + self.response_s + self.hold_s
        t_s = np.arange(0.0, end + self.after_s, self.sample_s)
        fine = np.arange(0.0, end + self.after_s + 1.0, 0.05)
        power = np.interp(
            fine, [t0 + self.delay_s, t0 + self.delay_s + self.ramp_s], [0.0, self.delta_kw * self.gain]
        )
        power *= np.interp(fine, [end + self.delay_s, end + self.delay_s + self.ramp_s], [1.0, 0.0])
        if self.fades_s is not None:
            power[fine > t0 + self.fades_s] = 0.0
        power += self.rest_kw
        for low, high, kw in self.bursts:
            power[(fine >= low) & (fine < high)] += kw
        shown = np.interp(t_s - self.late_s, fine, power)
        device = np.interp(t_s, fine, power)
        noise = rng.normal(0.0, self.noise_kw, (3, len(t_s)))
        active = (t_s >= t0) & (t_s < end)
        mode = np.where(t_s < t0, "auto", np.where(t_s < end, "remote", self.back_mode))
        return {
            "t_s": t_s,
            "command_kw": np.where(active, self.delta_kw, 0.0),
            "power_kw": shown + noise[0],
            "device_power_kw": np.round(device + noise[1], 2),
            "receiving_power_kw": shown - self.load_kw + noise[2],
            "frequency_hz": 50.0 + rng.normal(0.0, 0.002, len(t_s)),
            "soc_pct": np.linspace(90.0, 40.0, len(t_s)),
            "mode": mode,
        }


@dataclass
class Steps:
    """Steps and a hold of frequency at a fine rate, and a device with droop, dead time and lag."""

    count: int = 5
    step_s: float = 20.0
    rest_s: float = 20.0
    hold_s: float = 345.0
    sample_s: float = 0.1
    delay_s: float = 0.5
    tau_s: float = 0.4
    droop_pct: float = 4.0
    rated_kw: float = 5.0
    nominal_hz: float = 50.0
    dead_band_hz: float = 0.005
    fades_s: float | None = None
    silent: str = ""
    """A direction that is not answered."""
    noise_kw: float = 0.002
    noise_hz: float = 0.001
    seed: int = 1

    @property
    def full_kw(self) -> float:
        return self.rated_kw * (0.2 - self.dead_band_hz) / (0.04 * self.nominal_hz)

    def rows(self) -> Rows:
        rng = np.random.default_rng(self.seed)
        plan: list[tuple[float, float]] = [(30.0, 0.0)]
        for _ in range(self.count):
            for sign in (-1.0, 1.0):
                plan += [(self.step_s + rng.uniform(0.0, 0.2), sign * 0.2), (self.rest_s, 0.0)]
        for sign in (-1.0, 1.0):
            plan += [(self.hold_s, sign * 0.2), (self.rest_s, 0.0)]
        edges = np.cumsum([0.0, *(length for length, _ in plan)])
        fine = np.arange(0.0, edges[-1], 0.005)
        index = np.clip(np.searchsorted(edges, fine, side="right") - 1, 0, len(plan) - 1)
        offset = np.array([hz for _, hz in plan])[index]
        felt = np.r_[np.zeros(round(self.delay_s / 0.005)), offset][: len(fine)]
        size = np.maximum(np.abs(felt) - self.dead_band_hz, 0.0)
        target = -np.sign(felt) * size * self.rated_kw / (self.droop_pct / 100.0 * self.nominal_hz)
        if self.silent:
            target[target > 0 if self.silent == "up" else target < 0] = 0.0
        if self.fades_s is not None:
            for at, (length, hz) in zip(edges, plan, strict=False):
                if length == self.hold_s and hz:
                    target[(fine > at + self.fades_s) & (fine < at + length)] = 0.0
        power = np.empty_like(target)
        share = 1.0 - np.exp(-0.005 / self.tau_s)
        now = 0.0
        for i, goal in enumerate(target.tolist()):
            now += share * (goal - now)
            power[i] = now
        many = round(self.sample_s / 0.005)
        whole = len(fine) // many * many
        means = power[:whole].reshape(-1, many).mean(axis=1)
        seen = offset[:whole].reshape(-1, many).mean(axis=1)
        t_s = fine[:whole].reshape(-1, many)[:, -1] + 0.005
        return {
            "t_s": t_s,
            "power_kw": means + rng.normal(0.0, self.noise_kw, len(t_s)),
            "frequency_hz": self.nominal_hz + seen + rng.normal(0.0, self.noise_hz, len(t_s)),
            "source_hz": self.nominal_hz
            + offset[np.minimum(np.searchsorted(fine, t_s, side="right") - 1, len(fine) - 1)],
        }


@dataclass
class Style:
    """How somebody writes a table: names and factors, stamps, sentinels, encoding."""

    columns: Mapping[str, tuple[str, float]]
    """Ours -> theirs, and what ours is multiplied by in their file."""
    stamps: str = "t_s"
    """``t_s``, ``zone`` (ISO with +09:00) or ``naive`` (ISO without, zone declared)."""
    encoding: str = "utf-8"
    kind: str = "csv"
    missing: str = ""
    digits: int = 4
    declared: str = ""
    separator: str = ","


PLAIN = Style(
    {
        "command_kw": ("cmd_W", 1000.0),
        "power_kw": ("p_meter_W", 1000.0),
        "device_power_kw": ("p_device_W", 1000.0),
        "receiving_power_kw": ("p_rcv_W", 1000.0),
        "frequency_hz": ("f_meter_Hz", 1.0),
        "source_hz": ("f_src_Hz", 1.0),
        "soc_pct": ("soc_pct", 1.0),
        "mode": ("mode", 1.0),
    }
)
CHARGING = Style(
    {"command_kw": ("setpoint", -1000.0), "power_kw": ("P", -1000.0), "mode": ("state", 1.0)}, stamps="zone"
)
JAPANESE = Style(
    {"command_kw": ("指令値[W]", 1000.0), "power_kw": ("有効電力[kW]", 1.0), "mode": ("運転モード", 1.0)},
    stamps="naive",
    encoding="cp932",
)
PARQUET = Style(
    {"command_kw": ("cmd", 1.0), "power_kw": ("p", 1.0), "device_power_kw": ("p_dev", 1.0)}, kind="parquet"
)


def keep(rows: Rows, mask: NDArray[Any]) -> Rows:
    return {name: values[mask] for name, values in rows.items()}


def write(folder: Path, rows: Rows, style: Style, declared: str) -> tuple[Path, Path]:
    """Write the table and its columns file."""
    theirs: dict[str, Any] = {}
    lines = ["[columns]"]
    t_s = rows["t_s"]
    if style.stamps == "t_s":
        theirs["t_s"], lines = t_s, [*lines, 't_s = "t_s"']
    else:
        zone = "+09:00" if style.stamps == "zone" else ""
        theirs["日時"] = [
            (START + dt.timedelta(seconds=float(at))).isoformat(timespec="milliseconds") + zone for at in t_s
        ]
        lines.append('time = "日時"')
    for ours, (name, factor) in style.columns.items():
        if ours not in rows:
            continue
        values = rows[ours]
        theirs[name] = values if ours == "mode" else values * factor
        lines.append(f'{ours} = "{name}"' if ours == "mode" else f'{ours} = "{name} * {1.0 / factor!r}"')
    if style.missing:
        lines += ["[values]", f'missing = ["{style.missing}"]']
    lines += ["[declared]", style.declared, declared]
    if style.stamps == "naive":
        lines.append('time_zone = "Asia/Tokyo"')
    toml = folder / "columns.toml"
    toml.write_text("\n".join(lines), encoding="utf-8")
    if style.kind == "parquet":
        path = folder / "file.parquet"
        pq.write_table(pa.table(theirs), path)
        return path, toml
    path = folder / "file.csv"
    cells = [[_cell(value, style) for value in values] for values in theirs.values()]
    text = (
        style.separator.join(theirs)
        + "\n"
        + "\n".join(style.separator.join(row) for row in zip(*cells, strict=True))
        + "\n"
    )
    path.write_bytes(text.encode(style.encoding))
    return path, toml


def _cell(value: Any, style: Style) -> str:
    if isinstance(value, str):
        return str(value)
    number = float(value)
    return style.missing if not math.isfinite(number) else f"{number:.{style.digits}f}"


@dataclass
class Beast:
    """One recording, and what is true of its findings (short id -> outcome)."""

    name: str
    profile: str
    maker: Block | Steps
    truth: Mapping[str, str]
    style: Style = field(default_factory=lambda: PLAIN)
    change: Change | None = None
    declared: str = "rated_kw = 5.5"
    without: Sequence[str] = ("receiving_power_kw",)
    delta_kw: float | None = 3.0
    point: str = "device"
    must: Sequence[str] = ()
    """Findings that must be decided as the truth is: the data is good enough."""

    def files(self, folder: Path) -> tuple[Path, Path]:
        rows = {name: values for name, values in self.maker.rows().items() if name not in self.without}
        if self.change is not None:
            rows = self.change(rows, np.random.default_rng(9))
        return write(folder, rows, self.style, self.declared)
