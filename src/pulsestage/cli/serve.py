"""`pulsestage serve`: the server, until it is told to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pulsestage.bootstrap import running
from pulsestage.cli.addresses import room_url, sign_in_link
from pulsestage.cli.listening import at_port, close, listen
from pulsestage.cli.options import DatabaseUrl, Host, Port, settings_from
from pulsestage.cli.terminal import Failure, out, run
from pulsestage.domain.policy import Role
from pulsestage.domain.tenant import DEFAULT_SLUG
from pulsestage.server.logs import configure_logs
from pulsestage.server.serving import make_server

if TYPE_CHECKING:
    import socket

    from pulsestage.settings import Settings


def serve(
    *,
    host: Host = None,
    port: Port = None,
    database_url: DatabaseUrl = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes; for now there is only one.")] = 1,
) -> None:
    """Run the server."""
    if workers > 1:
        raise typer.BadParameter(
            "one process serves everything for now; leave it out, or say 1.", param_hint="--workers"
        )
    settings = settings_from(host=host, port=port, database_url=database_url)
    configure_logs(settings)
    sockets = listen(settings.host, settings.port)
    try:
        run(_serve(at_port(settings, sockets), sockets))
    finally:
        close(sockets)


async def _serve(settings: Settings, sockets: list[socket.socket]) -> None:
    lines = await greeting(settings)

    def greet(_port: int) -> None:
        for line in lines:
            out.print(line, markup=False, soft_wrap=True)

    server = make_server(settings, greet)
    await server.serve(sockets)
    if not server.started:
        raise Failure("The server could not start; the log above says why.")


async def greeting(settings: Settings) -> list[str]:
    """What to print once the server answers. Made before it starts, since this also finds out if the database does."""
    async with running(settings) as (context, _hub):
        slugs = [tenant.slug for tenant in await context.directory.every()]
        lines = [f"PulseStage serves {settings.base_url}; Ctrl-C stops it."]
        # The room `default` is there even when nobody uses it.
        rooms = [slug for slug in slugs if slug == settings.home_tenant or slug != DEFAULT_SLUG]
        lines += [f"Room {slug}: {room_url(settings, slug)}" for slug in rooms]
        if settings.home_tenant in slugs:
            link = await sign_in_link(settings, context, settings.home_tenant, Role.MODERATOR)
            lines.append(f"Sign in as moderator of {settings.home_tenant} (works once, for a day): {link}")
        else:
            slug = settings.home_tenant
            lines.append(f"The home tenant {slug} does not exist yet: pulsestage tenant create {slug}")
    return lines
