"""The log in SQL: the engine's contract, numbers without gaps, and what pruning leaves."""

import asyncio
import itertools
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from pulsestage.contracts.store import EventStoreContract, Log
from pulsestage.domain.events import Event as DomainEvent
from pulsestage.domain.events import QuestionUpvoted
from pulsestage.domain.tenant import Tenant
from pulsestage.realtime import Event, EventStore
from pulsestage.storage import event_log
from pulsestage.storage.event_log import _row
from pulsestage.storage.tables import events, logs, tenants
from tests.domain.examples import NOW, a_question
from tests.storage.conftest import Storage


class SqlLog:
    """Fills the tables the way the contract needs it."""

    def __init__(self, storage: Storage) -> None:
        self.store: EventStore = storage.store
        self._storage = storage

    async def create(self, tenant: str) -> None:
        async with self._storage.database.write() as connection:
            await connection.execute(delete(events).where(events.c.tenant_id == tenant))
            anew = update(logs).where(logs.c.tenant_id == tenant).values(epoch=secrets.token_hex(4), floor=0, head=0)
            found = (await connection.execute(anew)).rowcount
        if not found:
            await self._storage.directory.add(Tenant(tenant, f"room-{tenant}", "A room", NOW))

    async def append(self, tenant: str, appended: list[Event]) -> None:
        async with self._storage.database.write() as connection:
            await connection.execute(insert(events), [_row(tenant, event) for event in appended])
            head = update(logs).where(logs.c.tenant_id == tenant).values(head=logs.c.head + len(appended))
            await connection.execute(head)

    async def prune(self, tenant: str, floor: int) -> None:
        head = (await self.store.bounds([tenant]))[tenant].head
        await self._storage.store.prune(0, keep_events=head - floor, keep_millis=0)


class TestSqlEventStore(EventStoreContract):
    @pytest.fixture
    def log(self, storage: Storage) -> Log:
        return SqlLog(storage)


def votes(number: int) -> Sequence[DomainEvent]:
    """So many events."""
    return [QuestionUpvoted(a_question(upvotes=n)) for n in range(number)]


class Spoiled(Exception):
    """Raised inside a transaction."""


async def _log(storage: Storage, number: int, tenant: str = "t1") -> None:
    async with storage.unit_of_work.write(tenant) as tx:
        tx.append(votes(number))


async def test_concurrent_transactions_number_without_gaps_though_some_fail(storage: Storage) -> None:
    async def change(number: int) -> int:
        async with storage.unit_of_work.write("t1" if number % 3 else "t2") as tx:
            tx.append(votes(1 + number % 4))
            await tx.tags.every()  # something to wait for, so that the transactions overlap
            if number % 5 == 0:
                raise Spoiled
        return tx.position.seq

    ends = await asyncio.gather(*map(change, range(60)), return_exceptions=True)
    assert sum(isinstance(end, Spoiled) for end in ends) == 12
    for tenant in ("t1", "t2"):
        bounds = (await storage.store.bounds([tenant]))[tenant]
        logged = await storage.store.read(tenant, 0, 1000)
        assert [event.seq for event in logged] == list(range(1, bounds.head + 1))
        told = sorted(event.seq for owner, _, batch in storage.announced if owner == tenant for event in batch)
        assert told == list(range(1, bounds.head + 1))


async def test_a_position_names_the_last_event_of_its_change(storage: Storage) -> None:
    positions = []
    for number in (1, 3, 2):
        async with storage.unit_of_work.write("t1") as tx:
            tx.append(votes(number))
        positions.append(tx.position)
    assert [position.seq for position in positions] == [1, 4, 6]
    assert {position.epoch for position in positions} == {storage.announced[0][1]}


async def test_what_was_announced_is_what_is_read(storage: Storage) -> None:
    await _log(storage, 3)
    [(tenant, _, announced)] = storage.announced
    assert await storage.store.read(tenant, 0, 10) == list(announced)


async def test_pruning_keeps_the_newest(storage: Storage) -> None:
    await _log(storage, 10)
    await _log(storage, 3, "t2")
    assert await storage.store.prune(NOW, keep_events=4, keep_millis=10**9) == 6
    bounds = await storage.store.bounds(["t1", "t2"])
    assert (bounds["t1"].floor, bounds["t1"].head) == (6, 10)
    assert (bounds["t2"].floor, bounds["t2"].head) == (0, 3)
    assert [event.seq for event in await storage.store.read("t1", 0, 100)] == [7, 8, 9, 10]


async def test_pruning_takes_what_is_old_and_all_before_it(storage: Storage) -> None:
    for _ in range(6):
        await _log(storage, 1)
    times = [event.timestamp for event in await storage.store.read("t1", 0, 100)]
    assert times == sorted(set(times))
    assert await storage.store.prune(times[3] + 100, keep_events=1000, keep_millis=100) == 3
    assert [event.seq for event in await storage.store.read("t1", 0, 100)] == [4, 5, 6]
    assert await storage.store.prune(times[3] + 100, keep_events=1000, keep_millis=100) == 0


async def test_pruning_much_is_many_short_transactions(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "PRUNE_STEP", 3)
    await _log(storage, 10)
    seen = storage.statements()
    assert await storage.store.prune(NOW, keep_events=2, keep_millis=10**9) == 8
    assert [event.seq for event in await storage.store.read("t1", 0, 100)] == [9, 10]
    assert (await storage.store.bounds(["t1"]))["t1"].floor == 8
    assert sum(statement.startswith("DELETE FROM events") for statement in seen) == 3


async def test_what_is_young_is_not_searched_for_what_is_old(storage: Storage) -> None:
    """The search begins at the old end of the log and stops at the first event that stays."""
    await _log(storage, 10)
    seen = storage.statements()
    assert await storage.store.prune(NOW, keep_events=100, keep_millis=10**9) == 0
    assert [one for one in seen if "FROM events" in one and "ORDER BY events.seq" in one and "LIMIT" in one]
    assert not [one for one in seen if "max(" in one or "DELETE FROM events" in one]


async def test_thousands_of_tenants_with_nothing_to_prune_cost_a_query_for_many_of_them(storage: Storage) -> None:
    ids = [f"many {number}" for number in range(3000)]
    async with storage.database.write() as connection:
        row = {"name": "A room", "settings": "{}", "created_at": NOW}
        await connection.execute(insert(tenants), [{"id": each, "slug": each, **row} for each in ids])
        await connection.execute(
            insert(logs), [{"tenant_id": each, "epoch": "e", "floor": 0, "head": 1} for each in ids]
        )
    seen = storage.statements()
    assert await storage.store.prune(NOW, keep_events=1, keep_millis=10**9) == 0
    assert len([statement for statement in seen if statement.startswith("SELECT")]) == 1


async def test_every_tenant_is_pruned_however_many_there_are(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in ("t3", "t4", "t5"):
        await storage.directory.add(Tenant(each, f"room-{each}", "A room", NOW))
    for each in ("t1", "t2", "t4", "t5"):
        await _log(storage, 3, each)
    monkeypatch.setattr(event_log, "PRUNE_TENANTS", 2)
    monkeypatch.setattr(event_log, "_prunable", event_log._prunable.limit(2))
    assert await storage.store.prune(NOW, keep_events=1, keep_millis=10**9) == 8
    bounds = await storage.store.bounds(["t1", "t2", "t3", "t4", "t5"])
    assert {each: (one.floor, one.head) for each, one in bounds.items()} == {
        "t1": (2, 3),
        "t2": (2, 3),
        "t3": (0, 0),
        "t4": (2, 3),
        "t5": (2, 3),
    }


async def test_a_new_epoch_leaves_the_numbers_as_they_are(storage: Storage) -> None:
    before = await storage.store.bounds(["t1", "t2"])
    assert await storage.store.renew_epochs() == len(await storage.directory.every())
    after = await storage.store.bounds(["t1", "t2"])
    for tenant, bounds in before.items():
        assert after[tenant] == replace(bounds, epoch=after[tenant].epoch)
        assert after[tenant].epoch != bounds.epoch


async def test_numbers_go_on_after_everything_was_pruned(storage: Storage) -> None:
    await _log(storage, 2)
    await storage.store.prune(NOW, keep_events=0, keep_millis=10**9)
    await _log(storage, 1)
    assert [event.seq for event in await storage.store.read("t1", 0, 100)] == [3]


async def test_of_two_that_prune_at_once_the_late_one_does_not_lower_the_floor(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _log(storage, 10)
    prune_tenant = storage.store._prune_tenant

    async def late(*read: Any) -> int:
        """It has read the bounds, and now another prunes first, and further."""
        monkeypatch.undo()
        await storage.store.prune(NOW, keep_events=2, keep_millis=10**9)
        return await prune_tenant(*read)

    monkeypatch.setattr(storage.store, "_prune_tenant", late)
    await storage.store.prune(NOW, keep_events=5, keep_millis=10**9)
    bounds = (await storage.store.bounds(["t1"]))["t1"]
    assert bounds.floor == 8
    assert [event.seq for event in await storage.store.read("t1", 0, 100)] == list(
        range(bounds.floor + 1, bounds.head + 1)
    )


async def test_a_reader_and_a_pruner_agree(storage: Storage) -> None:
    """Whatever is read while others write and prune is whole: the bounds' floor is never above what can be read."""
    await _log(storage, 50)

    async def write_and_prune() -> None:
        for keep in range(40, 0, -4):
            await _log(storage, 2)
            await storage.store.prune(NOW, keep_events=keep, keep_millis=10**9)

    async def read() -> None:
        for _ in range(20):
            page = [event.seq for event in await storage.store.read("t1", 0, 1000)]
            assert page == list(range(page[0], page[0] + len(page)))

    await asyncio.gather(write_and_prune(), read(), read())


async def test_expired_tokens_are_forgotten_with_the_rest(storage: Storage) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        assert await tx.spent_tokens.spend("old", NOW)
        assert await tx.spent_tokens.spend("new", NOW + 1000)
    await storage.store.prune(NOW + 1, keep_events=10, keep_millis=1000)
    assert [row[1] for row in (await storage.rows("t1"))["spent_tokens"]] == ["new"]


async def test_each_tenant_has_an_epoch_of_its_own(storage: Storage) -> None:
    bounds = await storage.store.bounds(["t1", "t2"])
    assert len({each.epoch for each in bounds.values()}) == 2
    assert all(itertools.starmap(lambda floor, head: floor == head == 0, [(b.floor, b.head) for b in bounds.values()]))
