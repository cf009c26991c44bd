"""The contents of ``run.json``: who, what, when, with which instruments, and how it ended."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.model import Outcome

__all__ = ["ClockStep", "InstrumentRecord", "RunInfo", "SafeState"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="allow")


class InstrumentRecord(_Record):
    """One instrument as it identified itself, with its calibration and what it said it can do."""

    role: str
    driver: str
    resource: str
    maker: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    simulated: bool = False
    calibration: dict[str, Any] | None = None
    capabilities: dict[str, Any] = Field(default_factory=dict)
    accuracy: dict[str, float] = Field(default_factory=dict)
    accuracy_from: str = ""
    settings_before: dict[str, Any] = Field(default_factory=dict)
    settings_restored: bool | None = None


class SafeState(_Record):
    """How the station was left: ``verified`` by read-back, only ``commanded``, or ``unknown``."""

    state: Literal["verified", "commanded", "unknown"] = "unknown"
    steps: list[dict[str, Any]] = Field(default_factory=list)


class ClockStep(_Record):
    """The host's wall clock was set during the run: when (``t_s`` None: before its zero), by how much.

    ``utc`` is what it showed just after, ``utc_before`` what it would have shown.
    """

    t_s: float | None
    step_s: float
    utc: str
    utc_before: str


class RunInfo(_Record):
    """``run.json``. ``facts`` are what the estimators get as :attr:`bench.recording.Recording.facts`."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    profile: str
    product: str
    edition: str
    point: Literal["device", "receiving"]
    delta_kw: float
    decision: Literal["guarded", "simple"]
    simulated: bool
    dry_run: bool
    station: str
    clock: Literal["real", "virtual"]
    operator: str | None = None
    witness: str | None = None
    started_utc: str
    ended_utc: str | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    commit: str | None = None
    process: dict[str, Any] = Field(default_factory=dict, description="who records: number, start, host")
    campaign: dict[str, Any] = Field(default_factory=dict, description="the call that it belongs to")
    overrides: dict[str, Any] = Field(default_factory=dict)
    practice_reasons: list[str] = Field(default_factory=list)
    soc_start_pct: float | None = Field(default=None, description="read before the run; null: not readable")
    device: dict[str, Any] = Field(default_factory=dict)
    instruments: list[InstrumentRecord] = Field(default_factory=list)
    facts: dict[str, Any] = Field(default_factory=dict)
    phases: list[tuple[str, float, float, int | None, str | None]] = Field(default_factory=list)
    clock_steps: list[ClockStep] = Field(
        default_factory=list, description="times in this file are of the clock as it stood at the start"
    )
    record_sha256: dict[str, str] = Field(
        default_factory=dict, description="of the files of the record, when it was closed and not yet judged"
    )
    notes: list[str] = Field(default_factory=list)
    safe_state: SafeState = Field(default_factory=SafeState)
    execution: Literal["running", "done", "error", "aborted"] = "running"
    reason: str = ""
    outcome: Outcome | None = None

    model_config = ConfigDict(extra="allow", populate_by_name=True)
