"""The log of events, one per tenant, numbered without gaps in the order of their commits.

Writing takes the tenant's next numbers by updating its row in `logs`: the row stays locked until the commit, so
numbers follow the order of commits and a transaction that fails leaves no gap. Reading is the engine's EventStore.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import bindparam, delete, insert, or_, select, update

from pulsestage.domain.errors import TenantNotFound
from pulsestage.realtime import Event, LogBounds, Position
from pulsestage.services import wire
from pulsestage.storage.prepared import Prepared
from pulsestage.storage.tables import events, logs, spent_tokens

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Row

    from pulsestage.domain.events import Event as DomainEvent
    from pulsestage.domain.tenant import Millis
    from pulsestage.storage.database import Connection, Database

_variants = msgspec.json.Decoder(dict[str, msgspec.Raw])

_take = Prepared(
    update(logs)
    .where(logs.c.tenant_id == bindparam("tenant"))
    .values(head=logs.c.head + bindparam("count"))
    .returning(logs.c.epoch, logs.c.head)
)
_insert = Prepared(insert(events))
_read = Prepared(
    select(events.c.seq, events.c.type, events.c.timestamp, events.c.variants, events.c.topic, events.c.key)
    .where(events.c.tenant_id == bindparam("tenant"), events.c.seq > bindparam("after"))
    .order_by(events.c.seq)
    .limit(bindparam("count"))
)
_position = Prepared(select(logs.c.epoch, logs.c.head).where(logs.c.tenant_id == bindparam("tenant")))

PRUNE_STEP = 2000
"""Events deleted in one transaction: nobody need wait long for theirs."""
PRUNE_TENANTS = 500
"""Logs that are looked up in one query, of those with something to prune."""

_mine = events.c.tenant_id == logs.c.tenant_id
# Times follow numbers, give or take clocks that differ: what comes before the first young event may go. It is looked
# for from the old end, so that the cost follows what goes and not what stays.
_first_young = (
    select(events.c.seq)
    .where(_mine, events.c.seq > logs.c.floor, events.c.timestamp >= bindparam("too_old"))
    .order_by(events.c.seq)
    .limit(1)
)
_oldest = select(events.c.timestamp).where(_mine, events.c.seq == logs.c.floor + 1).scalar_subquery()
_prunable = (
    select(logs, _first_young.scalar_subquery().label("first_young"))
    .where(logs.c.tenant_id > bindparam("after"))
    .where(or_(logs.c.head - logs.c.floor > bindparam("keep"), _oldest < bindparam("too_old")))
    .order_by(logs.c.tenant_id)
    .limit(PRUNE_TENANTS)
)


def new_epoch() -> str:
    """A name for an epoch that no log had before: 32 random bits, in hexadecimal."""
    return secrets.token_hex(4)


async def append(
    connection: Connection, tenant_id: str, happened: Sequence[DomainEvent], now: Millis
) -> tuple[Position, list[Event]]:
    """Write events under the tenant's next numbers; where the log then stands. The last statements before a commit.

    Raises TenantNotFound if it was deleted.
    """
    taken = await connection.run(_take, {"tenant": tenant_id, "count": len(happened)})
    if not taken:
        raise TenantNotFound
    [(epoch, head)] = taken
    first = head - len(happened) + 1
    logged = [wire.encode(event, seq, now) for seq, event in enumerate(happened, first)]
    await connection.run_many(_insert, [_row(tenant_id, event) for event in logged])
    return Position(epoch, head), logged


async def position(connection: Connection, tenant_id: str) -> Position:
    """Where the tenant's log stands in this transaction's view. Raises TenantNotFound."""
    for epoch, head in await connection.run(_position, {"tenant": tenant_id}):
        return Position(epoch, head)
    raise TenantNotFound


def _row(tenant_id: str, event: Event) -> dict[str, object]:
    # The variants are JSON already; put side by side they are an object, without decoding and encoding them again.
    variants = ",".join(f'"{audience}":{data.decode()}' for audience, data in event.variants.items())
    return {
        "tenant_id": tenant_id,
        "seq": event.seq,
        "type": event.type,
        "topic": event.topic,
        "key": event.key,
        "timestamp": event.timestamp,
        "variants": f"{{{variants}}}",
    }


class SqlEventStore:
    """The engine's EventStore on the `events` table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def bounds(self, tenants: Collection[str]) -> dict[str, LogBounds]:
        """Where each tenant's log begins and ends, in one query; unknown tenants are missing."""
        query = select(logs).where(logs.c.tenant_id.in_(tenants))
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return {row.tenant_id: LogBounds(row.epoch, row.floor, row.head) for row in rows}

    async def read(self, tenant: str, after: int, limit: int) -> list[Event]:
        """The events after that number, at most `limit` of them."""
        async with self._database.read() as connection:
            rows = await connection.run(_read, {"tenant": tenant, "after": after, "count": limit})
        return [
            Event(
                seq=row.seq,
                type=row.type,
                timestamp=row.timestamp,
                variants={name: bytes(data) for name, data in _variants.decode(row.variants).items()},
                topic=row.topic,
                key=row.key,
            )
            for row in rows
        ]

    async def prune(self, now: Millis, *, keep_events: int, keep_millis: int) -> int:
        """Delete what is too old or too much in every log, and spent tokens that have expired; how many events went."""
        limits = {"keep": keep_events, "too_old": now - keep_millis}
        pruned, after = 0, ""
        while True:
            async with self._database.read() as connection:
                found = (await connection.execute(_prunable, {**limits, "after": after})).all()
            for row in found:
                pruned += await self._prune_tenant(row, keep_events)
            if len(found) < PRUNE_TENANTS:
                break
            after = found[-1].tenant_id
        async with self._database.write() as connection:
            await connection.execute(delete(spent_tokens).where(spent_tokens.c.expires_at < now))
        return pruned

    async def renew_epochs(self) -> int:
        """Begin a new epoch of every log, and return how many: after a backup was restored.

        Clients may have seen events that the backup does not have, whose numbers will be given again. With another
        epoch their positions are unknown, so they are reset instead of going on from the wrong place.
        """
        async with self._database.write() as connection:
            tenant_ids = (await connection.execute(select(logs.c.tenant_id))).scalars().all()
            for tenant_id in tenant_ids:
                renewed = update(logs).where(logs.c.tenant_id == tenant_id).values(epoch=new_epoch())
                await connection.execute(renewed)
        return len(tenant_ids)

    async def _prune_tenant(self, log: Row[Any], keep_events: int) -> int:
        old = log.head if log.first_young is None else log.first_young - 1
        target = max(log.head - keep_events, old)
        for step in (*range(log.floor + PRUNE_STEP, target, PRUNE_STEP), target):
            async with self._database.write() as connection:
                # Another instance may have pruned further since the bounds were read: the floor only rises.
                raise_floor = update(logs).where(logs.c.tenant_id == log.tenant_id, logs.c.floor < step)
                await connection.execute(raise_floor.values(floor=step))
                await connection.execute(
                    delete(events).where(events.c.tenant_id == log.tenant_id, events.c.seq <= step)
                )
        return int(target - log.floor)
