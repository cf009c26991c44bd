"""Profile and rules become a timeline of commands; pure, printable, testable on paper."""

from bench.plan.build import build_timeline
from bench.plan.check import check, source_resolution_hz, source_sink_kw
from bench.plan.delta import DeltaKw, choose_delta_kw, delta_faults, judged_directions
from bench.plan.estimate import Estimate, PhaseEnergy, estimate
from bench.plan.grid import GridRecording, read_grid_recording, recording_for
from bench.plan.lists import source_lists
from bench.plan.paper import COLUMNS, PaperRow, paper_rows, paper_text

__all__ = [
    "COLUMNS",
    "DeltaKw",
    "Estimate",
    "GridRecording",
    "PaperRow",
    "PhaseEnergy",
    "build_timeline",
    "check",
    "choose_delta_kw",
    "delta_faults",
    "estimate",
    "judged_directions",
    "paper_rows",
    "paper_text",
    "read_grid_recording",
    "recording_for",
    "source_lists",
    "source_resolution_hz",
    "source_sink_kw",
]
