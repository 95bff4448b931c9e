"""The composition root: builds everything, in order, and takes it down in the reverse order.

One task group owns every background task. Nothing else in the package makes a database, a hub or a clock.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import logging
import os
import secrets
import tempfile
import time
import uuid
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pulsestage
from pulsestage.cluster import relays
from pulsestage.cluster.local import LocalRelay
from pulsestage.domain.anonymity import Pseudonyms
from pulsestage.http.admission import StreamLimits
from pulsestage.http.app import HttpOptions, create_app
from pulsestage.realtime import Hub, HubSettings
from pulsestage.services import tenants
from pulsestage.services.census import Census
from pulsestage.services.context import Context
from pulsestage.services.jobs import repeat_on_one_instance
from pulsestage.services.limits import Rate, RateLimits
from pulsestage.services.ports import Facts
from pulsestage.services.tenants import CachedDirectory
from pulsestage.services.tokens import Signer
from pulsestage.services.votes import VoteFolder
from pulsestage.storage import migrate
from pulsestage.storage.database import Database
from pulsestage.storage.directory import SqlDirectory
from pulsestage.storage.event_log import SqlEventStore
from pulsestage.storage.instances import SqlRoll
from pulsestage.storage.leases import SqlLeases
from pulsestage.storage.location import PostgresServer, SqliteFile, locate
from pulsestage.storage.text_index import TextIndex
from pulsestage.storage.unit_of_work import SqlUnitOfWork

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fastapi import FastAPI

    from pulsestage.cluster.relays import ProcessRelay
    from pulsestage.domain.tenant import Millis
    from pulsestage.realtime import Relay
    from pulsestage.services.ports import Limits
    from pulsestage.settings import Settings
    from pulsestage.storage.location import Location

log = logging.getLogger(__name__)

SHORTEST_SECRET = 32
WORTH_TELLING = 5
"""Who holds fewer streams here than these is not told to the others: a hall has thousands with one each."""
RELAY_PATIENCE_SECONDS = 5


class RelayUnreachable(Exception):
    """The relay can't be used; the message says why."""


def clock() -> Millis:
    """Now, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def application(settings: Settings, clock: Callable[[], Millis] = clock) -> FastAPI:
    """The ASGI application; everything it needs lives as long as its lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings, clock, serving=True) as (context, hub):
            app.state.context, app.state.hub = context, hub
            yield

    options = HttpOptions(
        root_path=settings.root_path,
        home_tenant=settings.home_tenant,
        cors_origins=settings.cors_origins,
        https=settings.base_url.startswith("https:"),
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


@asynccontextmanager
async def running(
    settings: Settings, clock: Callable[[], Millis] = clock, *, serving: bool = False
) -> AsyncIterator[tuple[Context, Hub]]:
    """The service without its HTTP face: what the application, the command line and tests work with.

    Only who is `serving` joins the other processes: with a relay, and in the census.
    """
    async with opened(settings) as database:
        store = SqlEventStore(database)
        # The census counts the hub's streams, and a hub that has no relay asks the census whether it is alone.
        instance_id = str(uuid.uuid4())
        census = make_census(settings, database, clock, lambda: hub, instance_id) if serving else Census(clock)
        relay = make_relay(settings, census) if serving else None
        hub = Hub(store, hub_settings(settings), relay=relay)
        await census.count()
        # The tasks end first: events of the last votes are still to be announced.
        async with hub, asyncio.TaskGroup() as tasks, rate_limits(settings, tasks, shared=serving) as limits:
            context = make_context(settings, database, hub, census, limits, tasks)
            await tenants.ensure_default(context)
            background = [
                tasks.create_task(_prune_forever(settings, database, store, census.now, instance_id)),
                tasks.create_task(_renew_texts_forever(settings, database, instance_id)),
                tasks.create_task(census.run()),
            ]
            try:
                yield context, hub
            finally:
                for task in background:
                    task.cancel()
                await hub.close("shutdown")


@asynccontextmanager
async def opened(settings: Settings, *, upgraded: bool = True) -> AsyncIterator[Database]:
    """The database, at this version's schema unless it is to be taken as it is."""
    database = Database(location_of(settings), pool_size=settings.database_pool)
    try:
        if upgraded:
            await migrate.upgrade(database)
        yield database
    finally:
        await database.close()


def location_of(settings: Settings) -> Location:
    """The database to open. Raises InvalidDatabaseUrl."""
    return locate(settings.database_url) if settings.database_url else SqliteFile(settings.data_dir / "pulsestage.db")


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


def make_census(
    settings: Settings, database: Database, clock: Callable[[], Millis], hub: Callable[[], Hub], instance_id: str
) -> Census:
    """The list of who serves this database; on SQLite there are others only if they were started as workers."""
    secret = secret_of(settings)
    kind = settings.url_of_relay.partition(":")[0]
    return Census(
        clock,
        SqlRoll(database),
        instance_id=instance_id,
        about=Facts(
            version=pulsestage.__version__,
            secret=fingerprint(secret),
            relay=f"{kind if kind in {'postgres', 'memory'} else 'redis'} {settings.relay_channel}",
            address=settings.base_url,
            schema=migrate.newest(),
        ),
        streams=lambda: hub().stats().connections,
        holders=lambda: hub().holders(WORTH_TELLING),
        key=secret + b"|holders",
        seconds=settings.census_seconds,
        only_process=database.is_sqlite and settings.workers == 1,
    )


def make_relay(settings: Settings, census: Census) -> Relay:
    """The relay that the settings name. Raises InvalidRelayUrl."""
    if settings.url_of_relay == "memory":
        return LocalRelay(lambda: census.alone)
    return relay_to_others(settings)


def relay_to_others(settings: Settings) -> ProcessRelay:
    """A relay over a broker. Raises InvalidRelayUrl."""
    location = location_of(settings)
    return relays.make_relay(
        settings.url_of_relay,
        channel=settings.relay_channel,
        secret=secret_of(settings),
        database=location if isinstance(location, PostgresServer) else None,
    )


async def reach_relay(settings: Settings) -> None:
    """Make sure, before anything is served, that the relay is there. Raises InvalidRelayUrl and RelayUnreachable.

    Later it may come and go. One that nobody has chosen need not work: it is said that it doesn't.
    """
    if settings.url_of_relay == "memory":
        return
    relay = relay_to_others(settings)
    async with relay.listening(lambda _: None):
        try:
            async with asyncio.timeout(RELAY_PATIENCE_SECONDS):
                while not relay.healthy:  # noqa: ASYNC110 - a relay has no event for it, and this is asked once
                    await asyncio.sleep(0.02)
        except TimeoutError:
            if settings.relay_url is not None:
                raise RelayUnreachable(f"The relay can't be used: {relay.trouble}") from None
            log.warning("Changes of other instances are seen later, since there is no relay: %s", relay.trouble)


@asynccontextmanager
async def rate_limits(settings: Settings, tasks: asyncio.TaskGroup, *, shared: bool) -> AsyncIterator[Limits]:
    """How often people may ask and vote: for all instances together if they are shared and the relay is Redis."""
    rates = {
        "ask": Rate(settings.asks_per_minute, burst=max(1, settings.asks_per_minute // 2)),
        "vote": Rate(settings.votes_per_minute, burst=max(1, settings.votes_per_minute // 2)),
    }
    here = RateLimits(rates, time.monotonic)
    if not shared or settings.url_of_relay in {"memory", "postgres"}:
        yield here
        return
    from pulsestage.cluster.limits import RedisLimits  # noqa: PLC0415 - with its driver, as in relays.py
    from pulsestage.cluster.redis_servers import redis_client  # noqa: PLC0415 - likewise

    async with redis_client(settings.url_of_relay) as client:
        yield RedisLimits(
            client,
            rates,
            alone=here,
            spawn=tasks.create_task,
            channel=settings.relay_channel,
            key=secret_of(settings) + b"|limits",
        )


def make_context(
    settings: Settings, database: Database, hub: Hub, census: Census, limits: Limits, tasks: asyncio.TaskGroup
) -> Context:
    """The use cases' context on these parts."""
    secret = secret_of(settings)
    unit_of_work = SqlUnitOfWork(database, census.now, hub.append)
    return Context(
        unit_of_work=unit_of_work,
        directory=CachedDirectory(SqlDirectory(database)),
        pseudonyms=Pseudonyms(secret + b"|pseudonyms"),
        signer=Signer(secret),
        limits=limits,
        votes=VoteFolder(unit_of_work, tasks.create_task, batch_limit=settings.vote_batch_limit),
        census=census,
        clock=census.now,
        new_id=partial(new_id, census.now),
        pool_usage=database.pool_usage,
    )


def new_id(clock: Callable[[], Millis] = clock) -> str:
    """A UUID version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, then random, so that ids sort by time."""
    value = (clock() << 80) | (0x7 << 76) | (secrets.randbits(12) << 64) | (0b10 << 62) | secrets.randbits(62)
    return str(uuid.UUID(int=value))


def secret_of(settings: Settings) -> bytes:
    """The server's secret: from the settings, or from a file made at the first start, readable by its owner alone."""
    return secret_if_made(settings) or keep_secret(settings, secrets.token_hex(32).encode())


def secret_if_made(settings: Settings) -> bytes | None:
    """The server's secret, or None if there is none yet."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    try:
        return _read_secret(secret_file(settings))
    except FileNotFoundError:
        return None


def _read_secret(path: Path) -> bytes:
    secret = path.read_bytes().strip()
    if len(secret) < SHORTEST_SECRET:
        # An empty file, left by a full disk or a crash, would let anybody sign anything.
        raise OSError(
            errno.EINVAL, "This is no secret; restore it, or remove the file to have a new one made", str(path)
        )
    return secret


def secret_file(settings: Settings) -> Path:
    """Where the secret is kept that the settings don't name."""
    return settings.data_dir / "secret.key"


def keep_secret(settings: Settings, secret: bytes) -> bytes:
    """Write the file of the secret, unless there is one; the secret that counts."""
    path = secret_file(settings)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    number, made = tempfile.mkstemp(prefix=".secret.", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(number)
        with suppress(FileExistsError):  # another process was first; its secret counts
            os.link(made, path)  # all of it or nothing: others may be reading
    finally:
        Path(made).unlink()
    return _read_secret(path)


def fingerprint(secret: bytes) -> str:
    """Tells whether two secrets are the same, and nothing else of them."""
    return hashlib.blake2b(secret, digest_size=8, person=b"pulsestage same").hexdigest()


async def _prune_forever(
    settings: Settings, database: Database, store: SqlEventStore, clock: Callable[[], Millis], instance_id: str
) -> None:
    async def prune() -> None:
        pruned = await store.prune(
            clock(), keep_events=settings.log_keep_events, keep_millis=int(settings.log_keep_hours * 3_600_000)
        )
        if pruned:
            log.info("pruned %d events", pruned)

    await repeat_on_one_instance(
        "prune", prune, leases=SqlLeases(database), holder=instance_id, seconds=settings.prune_seconds
    )


async def _renew_texts_forever(settings: Settings, database: Database, instance_id: str) -> None:
    await repeat_on_one_instance(
        "texts",
        TextIndex(database).renew,
        leases=SqlLeases(database),
        holder=instance_id,
        seconds=settings.prune_seconds,
    )
