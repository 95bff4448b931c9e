"""`pulsestage demo`: a server with two rooms, 40 questions and an audience, on data that is gone afterwards."""

from __future__ import annotations

import asyncio
import random
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from pulsestage.bootstrap import running
from pulsestage.cli.addresses import reached_at, room_url, sign_in_link, tenant_named
from pulsestage.cli.audience import attend
from pulsestage.cli.demo_data import demo_rooms
from pulsestage.cli.demo_seed import LateClock, seed
from pulsestage.cli.listening import PortTaken, at_port, close, listen, port_of
from pulsestage.cli.options import Host, Port
from pulsestage.cli.terminal import Failure, err, may_show_secrets, out, run
from pulsestage.domain.policy import Role
from pulsestage.server.logs import configure_logs
from pulsestage.server.serving import make_server
from pulsestage.settings import Settings

if TYPE_CHECKING:
    import socket

    from pulsestage.services.context import Context

LINKS = (("acme", Role.MODERATOR), ("acme", Role.ADMIN), ("widgets", Role.MODERATOR))


def demo(
    *,
    host: Host = None,
    port: Port = None,
    data_dir: Annotated[Path | None, typer.Option(help="Keep the data here; a temporary directory if not set.")] = None,
    audience: Annotated[int, typer.Option(min=0, max=500, help="Simulated people who ask and vote; 0 for none.")] = 12,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but the address.")] = False,
) -> None:
    """Try PulseStage: two rooms, 40 questions and a lively audience, gone when you stop it."""
    with ExitStack() as stack:
        directory = data_dir or Path(stack.enter_context(TemporaryDirectory(prefix="pulsestage-demo-")))
        settings = _settings(directory, host, port)
        configure_logs(settings)
        sockets = _listen(settings, may_move=port is None)
        stack.callback(close, sockets)
        settings = at_port(settings, sockets)
        settings = settings.model_copy(update={"public_url": reached_at(settings)[0]})
        run(_demo(_Demo(settings, audience, quiet), sockets))


@dataclass(frozen=True, slots=True)
class _Demo:
    """What was asked for."""

    settings: Settings
    audience: int
    quiet: bool


def _settings(directory: Path, host: str | None, port: int | None) -> Settings:
    """A demo's settings: never the real database, relay or secret, whatever the environment says, and no limits."""
    chosen: dict[str, Any] = {"host": host, "port": port}
    return Settings(
        **{name: value for name, value in chosen.items() if value is not None},
        data_dir=directory,
        database_url=None,
        secret_key=None,
        relay_url="memory",
        workers=1,
        worker_ports=0,
        home_tenant="acme",
        asks_per_minute=0,
        votes_per_minute=0,
        log_level="warning",
    )


def _listen(settings: Settings, *, may_move: bool) -> list[socket.socket]:
    try:
        return listen(settings.host, settings.port)
    except PortTaken:
        if not may_move:
            raise
        sockets = listen(settings.host, 0)
        err.print(f"Port {settings.port} is taken by another program; using {port_of(sockets[0])} instead.")
        return sockets


async def _demo(demo: _Demo, sockets: list[socket.socket]) -> None:
    late = LateClock()
    async with running(demo.settings, late) as (context, _hub):
        await _seed(context, late, quiet=demo.quiet)
        links = {}
        if may_show_secrets():
            links = {
                (slug, role): sign_in_link(demo.settings, context, await tenant_named(context, slug), role)
                for slug, role in LINKS
            }
    started = asyncio.Event()
    server = make_server(demo.settings, lambda _port: started.set())
    async with asyncio.TaskGroup() as tasks:
        beside = tasks.create_task(_beside(demo, links, started))
        try:
            await server.serve(sockets)
        finally:
            beside.cancel()
    if not server.started:
        raise Failure("The server could not start; the log above says why.")


async def _beside(demo: _Demo, links: dict[tuple[str, Role], str], started: asyncio.Event) -> None:
    """What goes on while the server runs."""
    await started.wait()
    _greet(demo, links)
    if demo.audience:
        *_, here = reached_at(demo.settings.model_copy(update={"public_url": None}))
        await attend(here, demo_rooms(), demo.audience, random.Random())  # noqa: S311 - nothing to guess here


async def _seed(context: Context, late: LateClock, *, quiet: bool) -> None:
    known = {tenant.slug for tenant in await context.directory.every()}
    rooms = [room for room in demo_rooms() if room.slug not in known]
    dice = random.Random(1)  # noqa: S311 - the same demo every time
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, disable=quiet or not err.is_terminal, transient=True) as progress:
        bar = progress.add_task("Filling the rooms", total=sum(len(room.questions) for room in rooms))
        for room in rooms:
            await seed(context, room, dice, late, lambda: progress.advance(bar))


def _greet(demo: _Demo, links: dict[tuple[str, Role], str]) -> None:
    settings = demo.settings
    if demo.quiet:
        out.print(settings.base_url, markup=False, soft_wrap=True)
        return
    people = f"{demo.audience} simulated people are asking and voting." if demo.audience else "No audience."
    out.print(Panel(f"{people} Ctrl-C stops it.", title="PulseStage demo", expand=False, border_style="blue"))
    # Outside the panel, where no line is broken: addresses are there to be copied.
    places = {room.name: room_url(settings, room.slug) for room in demo_rooms()}
    for name, url in {**places, "API documentation": f"{settings.base_url}/docs"}.items():
        out.print(f"{name}: {url}", markup=False, soft_wrap=True)
    if links:
        out.print("Sign in with one of these links; each works once:")
    else:
        command = f"PULSESTAGE_DATA_DIR={settings.data_dir} pulsestage link --tenant {LINKS[0][0]}"
        out.print(f"To sign in as moderator: {command}", markup=False, soft_wrap=True)
    for (slug, role), link in links.items():
        out.print(f"  {slug}, {role.slug}:", style="bold")
        out.print(f"  {link}", markup=False, soft_wrap=True)
