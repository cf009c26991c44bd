"""The table of commands. Each lives with its like; none imports the engine before it is called."""

from __future__ import annotations

from collections.abc import Callable

import typer

from bench import __version__
from bench.cli import (
    characterising,
    commissioning,
    detecting,
    faults,
    judging,
    listing,
    matrix,
    recover,
    running,
    station,
    twin,
    wire,
)

__all__ = ["app"]

app = typer.Typer(
    name="drready",
    help="Decide whether a home battery is DR-ready: plan, run, measure, judge, and keep the evidence.",
    epilog="Exit codes: 0 PASS, 1 FAIL, 2 the call or a file is wrong, 3 ERROR, ABORTED or Ctrl-C, "
    "4 INVALID, INCONCLUSIVE or NOT_APPLICABLE.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"drready-bench {__version__}")
        raise typer.Exit


@app.callback()
def _drready(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """Decide whether a home battery is DR-ready: plan, run, measure, judge, and keep the evidence."""


_COMMANDS: tuple[Callable[..., None], ...] = (
    running.demo,
    running.run,
    running.plan,
    judging.score,
    judging.report,
    judging.verify,
    recover.recover,
    matrix.matrix,
    detecting.detect,
    characterising.characterise,
    station.doctor,
    commissioning.commission,
    station.safe,
    station.init,
    listing.runs,
    listing.profiles,
    listing.stations,
    listing.instruments,
    listing.editions,
    listing.schema,
)
for _command in _COMMANDS:
    app.command()(_command)
app.add_typer(twin.app, name="twin")
app.add_typer(wire.app, name="wire")
app.add_typer(faults.app, name="faults")
