"""The command line: a call becomes a request to the engine, its answer text, JSON and an exit code."""

from bench.cli.main import main

__all__ = ["main"]
