"""What an operator does now and then: `db`, `tenant` and `link`. Works on the database, with or without a server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer
from rich.table import Column, Table
from rich.text import Text

from pulsestage.bootstrap import opened, running
from pulsestage.cli.addresses import at_server, room_url, sign_in_link, tenant_named
from pulsestage.cli.options import DatabaseUrl, Json, settings_from
from pulsestage.cli.schema import db
from pulsestage.cli.terminal import one_line, out, run, wide
from pulsestage.domain.policy import Role
from pulsestage.services import tenants
from pulsestage.services.views import iso
from pulsestage.storage.event_log import SqlEventStore

if TYPE_CHECKING:
    from pulsestage.settings import Settings

RoleName: TypeAlias = Literal["viewer", "member", "moderator", "admin", "owner"]

tenant = typer.Typer(no_args_is_help=True, help="Tenants: rooms with their own questions and people.")


@db.command("new-epoch")
def db_new_epoch(*, database_url: DatabaseUrl = None) -> None:
    """Tell every client to begin anew: run it once after restoring a backup, before the server starts."""
    run(_new_epoch(settings_from(database_url=database_url)))


async def _new_epoch(settings: Settings) -> None:
    async with opened(settings) as database:
        count = await SqlEventStore(database).renew_epochs()
    out.print(f"{count} logs have a new epoch; clients of the old one will be reset.", markup=False)


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
    out.print(f"`pulsestage link --tenant {slug}` makes a link for its moderator.", markup=False, soft_wrap=True)


@tenant.command("list")
def tenant_list(*, database_url: DatabaseUrl = None, as_json: Json = False) -> None:
    """List the tenants."""
    run(_list(settings_from(database_url=database_url), as_json=as_json))


async def _list(settings: Settings, *, as_json: bool) -> None:
    settings = await at_server(settings)
    async with running(settings) as (context, _hub):
        found = await context.directory.every()
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


def link(
    *,
    tenant: Annotated[str, typer.Option(help="The tenant's slug.")],
    role: Annotated[RoleName, typer.Option(help="What the link makes of whoever opens it first.")] = "moderator",
    url: Annotated[
        str | None, typer.Option(help="Address of the server; that of the one that runs, if not given.")
    ] = None,
    database_url: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Print a sign-in link. It works once, for a day."""
    settings = settings_from(database_url=database_url, public_url=url)
    run(_link(settings, tenant, Role.parse(role), as_json=as_json))


async def _link(settings: Settings, slug: str, role: Role, *, as_json: bool) -> None:
    async with running(settings) as (context, _hub):
        tenant = await tenant_named(context, slug)
        made = sign_in_link(await at_server(settings), context, tenant, role)
    if as_json:
        typer.echo(json.dumps({"tenant": tenant.slug, "role": role.slug, "url": made}))
    else:
        typer.echo(made)
