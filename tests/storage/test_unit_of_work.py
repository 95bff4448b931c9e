"""A transaction leaves everything or nothing, and the engine hears of it after the commit."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from pulsestage.domain import question as life
from pulsestage.domain import tag as tags
from pulsestage.domain import team as teams
from pulsestage.domain.errors import NameTaken, TenantNotFound
from pulsestage.domain.events import TagsChanged, TeamsChanged
from pulsestage.realtime import Event
from pulsestage.services.ports import Transaction
from pulsestage.storage.unit_of_work import SqlTransaction, SqlUnitOfWork
from tests.domain.examples import NOW
from tests.storage.conftest import Storage

CHECK_AT_THE_COMMIT = {
    True: "PRAGMA defer_foreign_keys = ON",
    False: "ALTER TABLE question_tags ALTER CONSTRAINT fk_question_tags_tag_id DEFERRABLE INITIALLY DEFERRED",
}
"""By whether it is SQLite: a link to a tag that doesn't exist fails at COMMIT, for the rest of a transaction."""


class Spoiled(Exception):
    """Raised inside a transaction."""


async def _change_everything(tx: Transaction) -> None:
    tag = tags.create("g1", "t1", "Pay", None, None, tx.now)
    await tx.tags.add(tag)
    question, events = life.ask("q1", "t1", None, "When?", "author", tx.now)
    await tx.questions.add(question, ["when"])
    await tx.questions.add_tag("q1", "g1")
    await tx.votes.change({("q1", "ann")}, set(), [question])
    await tx.spent_tokens.spend("token", tx.now)
    tx.append(events)
    tx.append([TagsChanged((tag,))])


async def _change_everything_and_fail(storage: Storage) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        await _change_everything(tx)
        raise Spoiled


async def _change_everything_and_take_a_name(storage: Storage) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        await _change_everything(tx)
        await tx.tags.add(tags.create("g2", "t1", "PAY", None, None, tx.now))


async def test_a_block_that_ends_well_leaves_everything(storage: Storage) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        await _change_everything(tx)
    stored = await storage.rows("t1")
    tables = ("questions", "question_terms", "question_tags", "tags", "votes", "spent_tokens")
    assert [len(stored[table]) for table in tables] == [1] * 6
    assert [event.type for event in await storage.store.read("t1", 0, 10)] == ["question:created", "tags:changed"]
    [(tenant, epoch, told)] = storage.announced
    assert (tenant, epoch, [event.seq for event in told]) == ("t1", tx.position.epoch, [1, 2])


async def test_a_block_that_fails_leaves_no_row_no_event_and_no_number(storage: Storage) -> None:
    before = await storage.rows("t1")
    with pytest.raises(Spoiled):
        await _change_everything_and_fail(storage)
    assert await storage.rows("t1") == before
    assert not storage.announced
    async with storage.unit_of_work.write("t1") as tx:
        await _change_everything(tx)
    assert tx.position.seq == 2


async def test_a_broken_constraint_leaves_nothing_either(storage: Storage) -> None:
    before = await storage.rows("t1")
    with pytest.raises(NameTaken):
        await _change_everything_and_take_a_name(storage)
    assert await storage.rows("t1") == before
    assert not storage.announced


async def test_what_is_announced_is_committed_already(storage: Storage) -> None:
    seen: list[tuple[int, int]] = []

    def announce(tenant: str, _epoch: str, logged: Sequence[Event]) -> None:
        seen.append((logged[-1].seq, storage.committed_head(tenant)))

    watching = SqlUnitOfWork(storage.database, lambda: NOW, announce)
    async with watching.write("t1") as tx:
        await _change_everything(tx)
    assert seen == [(2, 2)]


async def test_a_commit_that_fails_announces_nothing_and_leaves_nothing(storage: Storage) -> None:
    before = await storage.rows("t1")
    with pytest.raises(IntegrityError):
        await _change_everything_and_fail_at_the_commit(storage)
    assert await storage.rows("t1") == before
    assert not storage.announced


async def _change_everything_and_fail_at_the_commit(storage: Storage) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        assert isinstance(tx, SqlTransaction)
        await tx._connection.execute(text(CHECK_AT_THE_COMMIT[storage.database.is_sqlite]))
        await _change_everything(tx)
        await tx.questions.add_tag("q1", "no such tag")


async def test_a_write_that_logs_nothing_still_says_where_the_log_stands(storage: Storage) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        await _change_everything(tx)
    async with storage.unit_of_work.write("t1") as idle:
        await idle.tags.every()
    assert idle.position == tx.position
    assert len(storage.announced) == 1


async def test_a_write_has_no_position_before_its_commit(storage: Storage) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        with pytest.raises(RuntimeError, match="before its commit"):
            _ = tx.position


async def test_a_read_sees_one_moment_its_position_included(storage: Storage) -> None:
    async with storage.unit_of_work.read("t1") as view:
        async with storage.unit_of_work.write("t1") as tx:
            await _change_everything(tx)
        assert await view.questions.every(None) == []
        assert await view.tags.every() == ()
        assert view.position.seq == 0
    async with storage.unit_of_work.read("t1") as view:
        assert len(await view.questions.every(None)) == 1
        assert view.position == tx.position


async def test_an_unknown_tenant_has_no_transactions(storage: Storage) -> None:
    with pytest.raises(TenantNotFound):
        async with storage.unit_of_work.read("nobody"):
            pass


async def test_what_is_committed_is_done_even_if_nobody_can_be_told(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    def announce(*_: object) -> None:
        raise Spoiled

    deaf = SqlUnitOfWork(storage.database, lambda: NOW, announce)
    async with deaf.write("t1") as tx:
        await _change_everything(tx)
    assert tx.position.seq == 2
    assert "could not be announced" in caplog.text


async def test_a_team_is_not_deactivated_while_it_is_asked(storage: Storage) -> None:
    """Or else the log would say that a team takes no more questions, and then that it was asked one."""

    async def deactivate() -> None:
        async with storage.unit_of_work.write("t1") as tx:
            await tx.lock_catalog()
            await tx.teams.save(teams.edit(await tx.teams.get("a"), is_active=False))
            tx.append([TeamsChanged(await tx.teams.every())])

    async with storage.unit_of_work.write("t1") as tx:
        await tx.teams.add(teams.create("a", "t1", "Engineering", "engineering", None, NOW))
    async with storage.unit_of_work.write("t1") as tx:
        assert (await tx.teams.get("a")).is_active
        deactivation = asyncio.create_task(deactivate())
        await asyncio.wait([deactivation], timeout=0.2)
        question, events = life.ask("q1", "t1", "a", "When?", "author", tx.now)
        await tx.questions.add(question, [])
        tx.append(events)
    await deactivation
    assert [event.type for event in await storage.store.read("t1", 0, 10)] == ["question:created", "teams:changed"]
