"""`pulsestage db upgrade` and `current`: the database's schema, and which versions can work with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from pulsestage.bootstrap import opened
from pulsestage.cli.databases import check_file, database_name
from pulsestage.cli.options import DatabaseUrl, Json, settings_from
from pulsestage.cli.terminal import Failure, err, out, run, wide
from pulsestage.services import census
from pulsestage.storage import migrate
from pulsestage.storage.instances import SqlRoll

if TYPE_CHECKING:
    from pulsestage.services.ports import Facts
    from pulsestage.settings import Settings
    from pulsestage.storage.database import Database

_FIRST_WITH_INSTANCES = "0002"

db = typer.Typer(no_args_is_help=True, help="The database.")


@db.command("upgrade")
def db_upgrade(
    *,
    finish: Annotated[
        bool, typer.Option("--finish", help="Also change what older versions need, once none of them runs any more.")
    ] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Bring the database to this version's schema; the server does the same when it starts."""
    run(_upgrade(settings_from(database_url=database_url), finish=finish))


async def _upgrade(settings: Settings, *, finish: bool) -> None:
    async with opened(settings, upgraded=False) as database:
        before, after = await migrate.upgrade(database)
        name = database_name(settings)
        if before.current == after.current:
            out.print(f"The database {name} is at {after.current} already.", markup=False, soft_wrap=True)
        else:
            out.print(
                f"The database {name} went from {before.current or 'empty'} to {after.current}.",
                markup=False,
                soft_wrap=True,
            )
        if finish and (waiting := after.unfinished):
            await _refuse_while_older_ones_run(settings, database, after)
            _, after = await migrate.upgrade(database, finish=True)
            out.print(f"Finished {', '.join(waiting)}: older versions can't use the database any more.", markup=False)
    _say_what_is_left(after)


async def _refuse_while_older_ones_run(settings: Settings, database: Database, schema: migrate.Schema) -> None:
    if schema.is_newer:
        raise Failure(f"A newer version has brought the database to {schema.current}; let that version finish it.")

    def is_older(facts: Facts) -> bool:
        return facts.schema < schema.needed

    roll = SqlRoll(database)
    if database.is_sqlite:
        # A lone process on SQLite signs once, so nobody can see whether it is still there.
        running = [facts for _, facts in (await roll.read()).values() if is_older(facts)]
    else:
        running = await census.living(roll, is_older, settings.census_seconds)
    if running:
        named = ", ".join(sorted(f"version {each.version or 'unknown'} at {each.address or '?'}" for each in running))
        hint = " If it was killed, start this version's server once, and try again." if database.is_sqlite else ""
        raise Failure(f"Older instances still run: {named}. Upgrade or stop them first.{hint}")


@db.command("current")
def db_current(*, database_url: DatabaseUrl = None, as_json: Json = False) -> None:
    """Show which schema the database has, which one this version needs, and which versions can use it."""
    run(_current(settings_from(database_url=database_url), as_json=as_json))


async def _current(settings: Settings, *, as_json: bool) -> None:
    check_file(settings)
    async with opened(settings, upgraded=False) as database:
        schema = await migrate.inspect(database)
        instances = await _instances(database, schema)
    if as_json:
        shown = {
            "database": database_name(settings),
            "current": schema.current,
            "needed": schema.needed,
            "upToDate": not schema.missing,
            "toleratedFrom": schema.tolerated_from,
            "tolerated": schema.tolerates_us,
            "unfinished": schema.unfinished,
            "instances": [
                {"version": each.version, "schema": each.schema, "address": each.address} for each in instances
            ],
        }
        typer.echo(json.dumps(shown))
        return
    table = Table("Database", "It has", "This version needs", "Usable by versions that know")
    table.add_row(
        Text(database_name(settings)),
        schema.current or "nothing yet",
        schema.needed,
        f"{schema.tolerated_from or 'any'} or newer",
    )
    wide.print(table)
    if instances:
        table = Table("Instances", "They know", "Address")
        for each in instances:
            table.add_row(each.version, each.schema, each.address)
        wide.print(table)
    if not schema.tolerates_us:
        err.print("This version can't use the database any more.", markup=False)
    elif schema.missing:
        err.print("`pulsestage db upgrade` brings it there.", markup=False)
    _say_what_is_left(schema)


async def _instances(database: Database, schema: migrate.Schema) -> list[Facts]:
    """What is in the list of instances, the oldest versions first; one that was killed may still be there."""
    if schema.current is None or schema.current < _FIRST_WITH_INSTANCES or not schema.tolerates_us:
        return []
    rows = (await SqlRoll(database).read()).values()
    return sorted((facts for _, facts in rows), key=lambda facts: (facts.schema, facts.version, facts.address))


def _say_what_is_left(schema: migrate.Schema) -> None:
    if schema.unfinished and not schema.is_newer:
        err.print(
            f"Not finished: {', '.join(schema.unfinished)}. Run `pulsestage db upgrade --finish`"
            " once no older version runs any more.",
            markup=False,
            soft_wrap=True,
        )
