"""`pulsestage tenant`: creates, lists, exports and deletes tenants, with or without a server."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.table import Column, Table
from rich.text import Text

from pulsestage.bootstrap import running
from pulsestage.cli.addresses import at_server, room_url, tenant_named
from pulsestage.cli.databases import database_name, use_cases
from pulsestage.cli.options import DatabaseUrl, Json, settings_from
from pulsestage.cli.terminal import Failure, one_line, out, progress, run, wide
from pulsestage.services import exports, tenants
from pulsestage.services.views import iso

if TYPE_CHECKING:
    from pulsestage.domain.tenant import Tenant
    from pulsestage.services.context import Context
    from pulsestage.settings import Settings

tenant = typer.Typer(no_args_is_help=True, help="Tenants: rooms with their own questions and people.")

Slug = Annotated[str, typer.Argument(help="The tenant's slug, in letters of any case.")]


@tenant.command("create")
def tenant_create(
    slug: Annotated[str, typer.Argument(help="Its name in addresses: small letters, digits and inner hyphens.")],
    *,
    name: Annotated[str | None, typer.Option(help="What people read; made from the slug if not set.")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Create a tenant."""
    name = name or slug.replace("-", " ").capitalize()
    run(_create(settings_from(database_url=database_url), slug.lower(), name))


async def _create(settings: Settings, slug: str, name: str) -> None:
    async with running(settings) as (context, _hub):
        created = await tenants.found(context, slug, name)
    settings = await at_server(settings)
    slug = created.slug
    out.print(f"{slug} is ready: {room_url(settings, slug)}", markup=False, soft_wrap=True)
    out.print(f"It is in {database_name(settings)}.", markup=False, soft_wrap=True)
    out.print(f"`pulsestage link --tenant {slug}` makes a link for its moderator.", markup=False, soft_wrap=True)


@tenant.command("list")
def tenant_list(*, database_url: DatabaseUrl = None, as_json: Json = False) -> None:
    """List the tenants."""
    run(_list(settings_from(database_url=database_url), as_json=as_json))


async def _list(settings: Settings, *, as_json: bool) -> None:
    async with use_cases(settings) as context:
        found = await context.directory.every()
        settings = await at_server(settings)
    rows = [
        {
            "id": each.id,
            "slug": each.slug,
            "name": each.name,
            "createdAt": iso(each.created_at),
            "url": room_url(settings, each.slug),
        }
        for each in found
    ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = Table("Slug", Column("Name", max_width=40), "Created", "Address")
    for row in rows:
        table.add_row(row["slug"], Text(one_line(row["name"])), row["createdAt"][:16].replace("T", " "), row["url"])
    wide.print(table)


@tenant.command("export")
def tenant_export(slug: Slug, *, database_url: DatabaseUrl = None) -> None:
    """Print a tenant's questions with their answers and numbers of votes, its tags and its teams, as JSON lines."""
    run(_export(settings_from(database_url=database_url), slug))


async def _export(settings: Settings, slug: str) -> None:
    encode = msgspec.json.Encoder().encode
    async with use_cases(settings) as context:
        async for line in exports.export(context, await tenant_named(context, slug)):
            sys.stdout.write(f"{encode(line).decode()}\n")


@tenant.command("delete")
def tenant_delete(
    slug: Slug,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Delete a tenant for good, with all its questions, votes, tags, teams and members. Servers may go on."""
    run(_delete(settings_from(database_url=database_url), slug, yes=yes))


async def _delete(settings: Settings, slug: str, *, yes: bool) -> None:
    async with use_cases(settings) as context:
        if left := await _finish(context):  # of a deletion that was cut off
            out.print(f"Finished a deletion that was cut off: {left:,} rows.", markup=False)
        found = await tenant_named(context, slug)
        if not yes:
            _ask(found)
        await context.directory.begin_deletion(found)
        rows = await _finish(context)
    out.print(
        f"{found.slug} is deleted from {database_name(settings)}: {rows:,} rows. It is still in older backups.",
        markup=False,
        soft_wrap=True,
    )


async def _finish(context: Context) -> int:
    total = 0
    with progress("Deleting") as show:

        def count(rows: int) -> None:
            nonlocal total
            total += rows
            show(rows)

        await context.directory.finish_deletions(count)
    return total


def _ask(found: Tenant) -> None:
    if not sys.stdin.isatty():
        raise Failure("Nothing was deleted: give --yes where nobody can be asked.")
    name = one_line(found.name)
    typed = typer.prompt(f"This deletes “{name}” for good. Type its slug, {found.slug}, to go on", err=True)
    if typed.strip().lower() != found.slug:
        raise Failure("That is another name; nothing was deleted.")
