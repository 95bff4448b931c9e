"""`pulsestage conformance`: tries a server, shows what came of it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from pulsestage.cli.conformance import report, suite
from pulsestage.cli.conformance.probe import Plan
from pulsestage.cli.conformance.wire import Target
from pulsestage.cli.options import Json
from pulsestage.cli.terminal import err, one_line, out, run

FAILED, UNREACHABLE = 1, 2


def conformance(
    *,
    url: Annotated[str, typer.Argument(help="Address of the server.")],
    tenant: Annotated[str, typer.Option(help="The tenant's slug. The suite asks and votes there!")] = "default",
    read_only: Annotated[bool, typer.Option("--read-only", help="Only what changes nothing.")] = False,
    slow: Annotated[bool, typer.Option("--slow", help="Wait for a heartbeat too: 35 seconds more.")] = False,
    timeout: Annotated[float, typer.Option(min=0.1, max=600, help="Seconds for each rule.")] = 10.0,
    as_json: Json = False,
) -> None:
    """Try whether a server keeps the contract of PulseStage's streams. Writes to the tenant unless --read-only."""
    try:
        target = Target.parse(url)
    except ValueError:
        raise typer.BadParameter("use an address such as http://127.0.0.1:7717", param_hint="URL") from None
    plan = Plan(target, tenant, writes=not read_only, slow=slow, timeout_seconds=timeout)
    if plan.writes:
        sentence = f"This asks, votes and withdraws in tenant {tenant} of {target.url}; --read-only does not."
        err.print(sentence, style="bold yellow", markup=False, soft_wrap=True)
    results: list[suite.Result] = []
    run(_try(plan, results))
    if not results:  # stopped
        return
    if as_json:
        typer.echo(report.json_text(plan, results))
    else:
        out.print(report.table_of(results))
        out.print(report.summary_of(results))
    if any(each.outcome == "failed" for each in results):
        raise typer.Exit(FAILED)


async def _try(plan: Plan, results: list[suite.Result]) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal, transient=True) as progress:
        bar = progress.add_task("Trying", total=len(suite.RULES))
        try:
            found, left = await suite.run(plan, lambda _result: progress.advance(bar))
        except suite.Unreachable as error:
            err.print("Error:", style="bold red", end=" ")
            err.print(f"{plan.target.url} can't be reached: {one_line(str(error))}.", markup=False, soft_wrap=True)
            raise typer.Exit(UNREACHABLE) from None
    results += found
    if left:
        err.print(left, style="yellow")
