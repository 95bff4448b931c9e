"""The command line: `pulsestage`. Here is the list of commands; each module has the commands of one kind.

Commands parse, call services through `bootstrap`, and show. No rule of the domain lives here.
"""

from typing import Annotated

import typer

import pulsestage
from pulsestage.cli import admin, copies, demo, schema, serve, tail, tenants
from pulsestage.cli.conformance import command as conformance
from pulsestage.cli.terminal import out, spoken_errors

app = typer.Typer(
    name="pulsestage",
    help="PulseStage: live Q&A for talks, lectures and all-hands meetings.",
    epilog="Settings are read from PULSESTAGE_* in the environment; options override them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

app.command()(serve.serve)
app.command()(demo.demo)
app.command()(tail.tail)
app.command()(conformance.conformance)
app.command()(admin.link)
app.command()(copies.backup)
app.command()(copies.restore)
app.add_typer(tenants.tenant, name="tenant")
app.add_typer(schema.db, name="db")


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        out.print(f"pulsestage {pulsestage.__version__}")
        raise typer.Exit


@app.callback()
def _common(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """What every command has."""


def main() -> None:
    """Run the command that the arguments name."""
    with spoken_errors():
        app()
