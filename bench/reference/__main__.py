"""``python -m bench.reference [DIR]``: write the reference pages; ``make docs`` calls it."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.errors import BenchError
from bench.reference.pages import write_pages

if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs/reference")
    try:
        written = write_pages(folder)
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_code) from None
    sys.stdout.write("".join(f"{path}\n" for path in written) or "nothing changed\n")
