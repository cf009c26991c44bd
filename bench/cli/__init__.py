"""The command line: a call becomes a request to the engine, its answer text, JSON and an exit code."""

import os
import sys

__all__ = ["main"]

try:
    from bench.cli.main import main
except KeyboardInterrupt:  # Ctrl-C before there is anybody to take it; nothing was touched
    sys.stderr.write("drready: stopped by the operator\n")
    if "--json" in sys.argv:
        sys.stdout.write(
            '{"outcome": "ABORTED", "runs": [], "error": "stopped by the operator", "faults": []}\n'
        )
    sys.stdout.flush()
    os._exit(3)  # leaving by an exception in the middle of an import, Python would die of the signal instead
