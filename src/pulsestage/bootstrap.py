"""The composition root: builds everything, in order, and takes it down in the reverse order.

One task group owns every background task. Nothing else in the package makes a database, a hub or a clock.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import secrets
import time
import uuid
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from pulsestage.domain.anonymity import Pseudonyms
from pulsestage.domain.errors import Unavailable
from pulsestage.http.admission import StreamLimits
from pulsestage.http.app import HttpOptions, create_app
from pulsestage.realtime import Hub, HubSettings
from pulsestage.services import tenants
from pulsestage.services.context import Context
from pulsestage.services.limits import Rate, RateLimits
from pulsestage.services.tenants import CachedDirectory
from pulsestage.services.tokens import Signer
from pulsestage.services.votes import VoteFolder
from pulsestage.storage.database import Database
from pulsestage.storage.directory import SqlDirectory
from pulsestage.storage.event_log import SqlEventStore
from pulsestage.storage.migrate import upgrade
from pulsestage.storage.unit_of_work import SqlUnitOfWork

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from fastapi import FastAPI

    from pulsestage.domain.tenant import Millis
    from pulsestage.settings import Settings

log = logging.getLogger(__name__)

SHORTEST_SECRET = 32


def application(settings: Settings) -> FastAPI:
    """The ASGI application; everything it needs lives as long as its lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings) as (context, hub):
            app.state.context, app.state.hub = context, hub
            yield

    options = HttpOptions(
        root_path=settings.root_path,
        home_tenant=settings.home_tenant,
        cors_origins=settings.cors_origins,
        cookie_same_site=settings.cookie_same_site,
        max_body_bytes=settings.max_body_bytes,
        streams=StreamLimits(
            in_all=settings.max_streams,
            per_tenant=settings.max_streams_per_tenant,
            per_address=settings.max_streams_per_address,
            per_person=settings.max_streams_per_person,
            joins_per_second=settings.max_joins_per_second,
        ),
    )
    return create_app(options, lifespan)


def clock() -> Millis:
    """Now, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def running(settings: Settings, clock: Callable[[], Millis] = clock) -> AsyncIterator[tuple[Context, Hub]]:
    """The service without its HTTP face: what the application, the command line and tests work with."""
    async with opened(settings) as database, asyncio.TaskGroup() as tasks:
        store = SqlEventStore(database)
        async with Hub(store, hub_settings(settings)) as hub:
            context = make_context(settings, database, hub, tasks, clock)
            await tenants.ensure_default(context)
            pruning = tasks.create_task(_prune_forever(settings, store, clock))
            try:
                yield context, hub
            finally:
                pruning.cancel()
                await hub.close("shutdown")


@asynccontextmanager
async def opened(settings: Settings, *, upgraded: bool = True) -> AsyncIterator[Database]:
    """The database, at this version's schema unless it is to be taken as it is."""
    database = Database(settings.url_of_database, pool_size=settings.database_pool)
    try:
        if upgraded:
            await upgrade(database)
        yield database
    finally:
        await database.close()


def hub_settings(settings: Settings) -> HubSettings:
    """The engine's part of the settings."""
    return HubSettings(
        flush_seconds=settings.flush_milliseconds / 1000,
        heartbeat_seconds=settings.heartbeat_seconds,
        safety_seconds=settings.safety_seconds,
        unheard_safety_seconds=settings.unheard_safety_seconds,
        stall_seconds=settings.stall_seconds,
        window_events=settings.window_events,
    )


def make_context(
    settings: Settings, database: Database, hub: Hub, tasks: asyncio.TaskGroup, clock: Callable[[], Millis] = clock
) -> Context:
    """The use cases' context on these parts."""
    secret = secret_of(settings)
    unit_of_work = SqlUnitOfWork(database, clock, hub.append)
    limits = {
        "ask": Rate(settings.asks_per_minute, burst=max(1, settings.asks_per_minute // 2)),
        "vote": Rate(settings.votes_per_minute, burst=max(1, settings.votes_per_minute // 2)),
    }
    return Context(
        unit_of_work=unit_of_work,
        directory=CachedDirectory(SqlDirectory(database)),
        pseudonyms=Pseudonyms(secret + b"|pseudonyms"),
        signer=Signer(secret),
        limits=RateLimits(limits, time.monotonic),
        votes=VoteFolder(unit_of_work, tasks.create_task, batch_limit=settings.vote_batch_limit),
        clock=clock,
        new_id=partial(new_id, clock),
    )


def new_id(clock: Callable[[], Millis] = clock) -> str:
    """A UUID version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, then random, so that ids sort by time."""
    value = (clock() << 80) | (0x7 << 76) | (secrets.randbits(12) << 64) | (0b10 << 62) | secrets.randbits(62)
    return str(uuid.UUID(int=value))


def secret_of(settings: Settings) -> bytes:
    """The server's secret: from the settings, or from a file made at the first start, readable by its owner alone."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    path = settings.data_dir / "secret.key"
    try:
        secret = path.read_bytes().strip()
    except FileNotFoundError:
        secret = _make_secret(path)
    if len(secret) < SHORTEST_SECRET:
        # An empty file, left by a full disk or a crash, would let anybody sign anything.
        raise OSError(
            errno.EINVAL, "This is no secret; restore it, or remove the file to have a new one made", str(path)
        )
    return secret


def _make_secret(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass  # another process was first; its secret counts
    return path.read_bytes().strip()


async def _prune_forever(settings: Settings, store: SqlEventStore, clock: Callable[[], Millis]) -> None:
    while True:
        await asyncio.sleep(settings.prune_seconds)
        try:
            pruned = await store.prune(
                clock(),
                keep_events=settings.log_keep_events,
                keep_millis=int(settings.log_keep_hours * 3_600_000),
            )
        except Unavailable as error:
            log.warning("the event log was not pruned: %s", error)
        except Exception:
            log.exception("pruning failed; trying again in %s s", settings.prune_seconds)
        else:
            if pruned:
                log.info("pruned %d events", pruned)
