"""A tenant is taken from everybody at once, and its rows are deleted in steps that can be cut off."""

from collections.abc import Callable

import pytest

from pulsestage.domain.errors import TenantNotFound
from pulsestage.domain.tenant import Tenant
from pulsestage.storage import deletion
from pulsestage.storage.tables import metadata
from tests.domain.examples import LATER, NOW
from tests.storage.conftest import Storage
from tests.storage.everything import fill

T1 = Tenant("t1", "room-t1", "A room", NOW)


async def delete_t1(storage: Storage, progress: Callable[[int], None]) -> None:
    await storage.directory.begin_deletion(T1)
    await storage.directory.finish_deletions(progress)


async def test_all_rows_of_a_tenant_are_deleted_and_no_others(storage: Storage) -> None:
    others = await storage.rows("t2")
    await fill(storage.unit_of_work)
    before = await storage.rows("t1")
    assert all(before.values()), "a table without a row shows nothing"
    steps: list[int] = []
    await delete_t1(storage, steps.append)
    assert not any((await storage.rows("t1")).values())
    assert await storage.rows("t2") == others
    # The tenant's own row and that of its log go with the first and the last step.
    assert sum(steps) == sum(map(len, before.values())) - 2


class Cut(Exception):
    """Raised when a deletion is to be cut off."""


async def test_each_step_is_committed_by_itself(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "STEP_ROWS", 2)
    async with storage.unit_of_work.write("t1") as tx:
        for number in range(5):
            await tx.spent_tokens.spend(f"token {number}", LATER)
    steps: list[int] = []

    def cut_at_the_second(rows: int) -> None:
        steps.append(rows)
        if len(steps) == 2:
            raise Cut

    with pytest.raises(Cut):
        await delete_t1(storage, cut_at_the_second)
    assert [len((await storage.rows("t1"))[table]) for table in ("spent_tokens", "tenants")] == [1, 1]
    await storage.directory.finish_deletions(steps.append)
    assert steps == [2, 2, 1]
    assert not any((await storage.rows("t1")).values())


async def test_nobody_finds_a_tenant_whose_deletion_was_cut_off_and_the_next_one_finishes_it(storage: Storage) -> None:
    await fill(storage.unit_of_work)
    await storage.directory.begin_deletion(T1)
    assert await storage.directory.find("room-t1") is None
    assert [each.slug for each in await storage.directory.every()] == ["room-t2"]
    await storage.directory.add(Tenant("t3", "room-t1", "A new room", NOW))
    await storage.directory.begin_deletion(Tenant("t2", "room-t2", "A room", NOW))
    await storage.directory.finish_deletions(lambda _: None)
    assert not any((await storage.rows("t1")).values())
    assert [each.id for each in await storage.directory.every()] == ["t3"]


async def test_what_is_being_written_while_the_tenant_is_deleted_fails(storage: Storage) -> None:
    await storage.directory.begin_deletion(T1)
    with pytest.raises(TenantNotFound):
        await fill(storage.unit_of_work)
    with pytest.raises(TenantNotFound):
        async with storage.unit_of_work.read("t1"):
            pass
    assert {name for name, rows in (await storage.rows("t1")).items() if rows} == {"tenants"}


def test_every_table_but_those_of_the_service_itself_belongs_to_a_tenant() -> None:
    others = {table.name for table in metadata.sorted_tables if "tenant_id" not in table.c}
    assert others == {"tenants", "instances", "leases"}
