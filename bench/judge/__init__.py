"""Metrics against rules: comparators only, and no number of the judge's own."""

from bench.judge.verdict import judge, verdict_json

__all__ = ["judge", "verdict_json"]
