"""What an operator does now and then: `db`, `tenant` and `link`. Works on the database, with or without a server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from pulsestage.cli.addresses import at_server, sign_in_link, tenant_named
from pulsestage.cli.databases import database_name, existing, use_cases
from pulsestage.cli.options import DatabaseUrl, Json, settings_from
from pulsestage.cli.schema import db
from pulsestage.cli.terminal import Failure, out, run
from pulsestage.domain.policy import Role
from pulsestage.storage.event_log import SqlEventStore

if TYPE_CHECKING:
    from pulsestage.settings import Settings

RoleName: TypeAlias = Literal["viewer", "member", "moderator", "admin", "owner"]


@db.command("new-epoch")
def db_new_epoch(*, database_url: DatabaseUrl = None) -> None:
    """Tell every client to begin anew: run it once after restoring a backup, before the server starts."""
    run(_new_epoch(settings_from(database_url=database_url)))


async def _new_epoch(settings: Settings) -> None:
    name = database_name(settings)
    async with existing(settings) as database:
        count = await SqlEventStore(database).renew_epochs()
    if not count:
        raise Failure(f"There is no tenant in {name}, so there was nothing to do.")
    logs = "1 log has" if count == 1 else f"{count} logs have"
    out.print(f"{logs} a new epoch in {name}; clients of the old one will be reset.", markup=False, soft_wrap=True)


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
    async with use_cases(settings) as context:
        tenant = await tenant_named(context, slug)
        made = sign_in_link(await at_server(settings), context, tenant, role)
    if as_json:
        typer.echo(json.dumps({"tenant": tenant.slug, "role": role.slug, "url": made}))
    else:
        typer.echo(made)
