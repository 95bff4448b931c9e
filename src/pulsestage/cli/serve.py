"""`pulsestage serve`: the server, until it is told to stop."""

from __future__ import annotations

import logging
import sys
from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from pulsestage.bootstrap import reach_relay, running
from pulsestage.cli.addresses import reached_at, room_url, sign_in_link, tenant_named
from pulsestage.cli.listening import at_port, close, listen
from pulsestage.cli.options import DatabaseUrl, Host, Port, settings_from
from pulsestage.cli.risks import risks
from pulsestage.cli.terminal import Failure, may_show_secrets, out, run
from pulsestage.domain.policy import Role
from pulsestage.domain.tenant import DEFAULT_SLUG
from pulsestage.server.errors import WorkerFailed
from pulsestage.server.logs import configure_logs
from pulsestage.server.serving import make_server
from pulsestage.server.workers import Workers, check_platform

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from pulsestage.settings import Settings

log = logging.getLogger("pulsestage.server")

# Without the working directory on its path: there may be anything in it.
WORKER = (sys.executable, "-P", "-m", "pulsestage.cli.worker")


def serve(
    *,
    host: Host = None,
    port: Port = None,
    database_url: DatabaseUrl = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes, all on the one port.")] = None,
) -> None:
    """Run the server."""
    settings = settings_from(host=host, port=port, database_url=database_url, workers=workers)
    configure_logs(settings)
    with ExitStack() as stack:
        if settings.workers > 1:
            _check_platform()
        sockets = listen(settings.host, settings.port)
        stack.callback(close, sockets)
        own = []
        for number in range(settings.workers if settings.worker_ports else 0):
            own.append(listen(settings.host, settings.worker_ports + number, "PULSESTAGE_WORKER_PORTS"))
            stack.callback(close, own[-1])
        settings = at_port(settings, sockets)
        address, *others = reached_at(settings)
        settings = settings.model_copy(update={"public_url": address})
        for sentence in risks(settings):
            log.warning(sentence)
        run(
            _serve(settings, others, [*sockets, *chain(*own)])
            if settings.workers == 1
            else _supervise(settings, others, sockets, own)
        )


def _check_platform() -> None:
    try:
        check_platform()
    except WorkerFailed as error:
        raise Failure(str(error)) from None


async def _supervise(
    settings: Settings, others: list[str], sockets: list[socket.socket], own: list[list[socket.socket]]
) -> None:
    lines = await greeting(settings, others)
    try:
        await Workers(settings, WORKER, sockets, own).run(lambda: _print(lines))
    except WorkerFailed as error:
        raise Failure(str(error)) from None


async def _serve(settings: Settings, others: list[str], sockets: list[socket.socket]) -> None:
    lines = await greeting(settings, others)
    server = make_server(settings, lambda _port: _print(lines))
    await server.serve(sockets)
    if not server.started:
        raise Failure("The server could not start; the log above says why.")


def _print(lines: list[str]) -> None:
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)


async def greeting(settings: Settings, others: Sequence[str] = ()) -> list[str]:
    """What to print once the server answers. Made before it starts: this also finds out if database and relay do.

    `others` are the addresses at which it is reached besides the one in the settings.
    """
    async with running(settings) as (context, _hub):
        slugs = [tenant.slug for tenant in await context.directory.every()]
        lines = [f"PulseStage serves {settings.base_url}; Ctrl-C stops it."]
        if others:
            lines.append(f"It is also reached at {' and '.join(others)}.")
        # The room `default` is there even when nobody uses it.
        rooms = [slug for slug in slugs if slug == settings.home_tenant or slug != DEFAULT_SLUG]
        lines += [f"Room {slug}: {room_url(settings, slug)}" for slug in rooms]
        home = settings.home_tenant
        if home not in slugs:
            lines.append(f"The home tenant {home} does not exist yet: pulsestage tenant create {home}")
        elif may_show_secrets():
            link = sign_in_link(settings, context, await tenant_named(context, home), Role.MODERATOR)
            lines.append(f"Sign in as moderator of {home} (works once, for a day): {link}")
        else:
            lines.append(f"To sign in as moderator of {home}: pulsestage link --tenant {home}")
    await reach_relay(settings)
    return lines
