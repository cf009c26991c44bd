"""Commands out, samples in: the only stage that touches hardware."""

from bench.execute.channels import channel_units
from bench.execute.loop import execute
from bench.execute.ports import ExecutionResult
from bench.execute.safe import safe_state
from bench.execute.stop import StopFlag, signals_set

__all__ = ["ExecutionResult", "StopFlag", "channel_units", "execute", "safe_state", "signals_set"]
