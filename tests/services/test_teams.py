"""Each change of the teams reads and writes them under the catalogue's lock, and is told whole."""

from collections.abc import Awaitable, Callable

import pytest

from pulsestage.domain.team import Team
from pulsestage.realtime import Position
from pulsestage.services import teams
from pulsestage.services.context import Context
from tests.domain.examples import NOW
from tests.services.conftest import ADMIN
from tests.storage.conftest import Storage


async def create(context: Context) -> Position:
    return (await teams.create(context, ADMIN, "Sales", "sales", None))[1]


async def edit(context: Context) -> Position:
    return (await teams.edit(context, ADMIN, "a", name="Builders"))[1]


async def deactivate(context: Context) -> Position:
    return await teams.deactivate(context, ADMIN, "a")


Change = Callable[[Context], Awaitable[Position]]
each_change = pytest.mark.parametrize("change", [create, edit, deactivate])


@pytest.fixture(autouse=True)
async def _a_team(storage: Storage) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        await tx.teams.add(Team("a", "t1", "Engineering", "engineering", None, is_active=True, created_at=NOW))


@each_change
async def test_a_change_locks_the_catalogue_first(context: Context, storage: Storage, change: Change) -> None:
    """Or each of two changes would be told without the other, and the later list would stay."""
    seen = storage.statements()
    await change(context)
    begin, lock, *_ = seen
    assert begin == "BEGIN IMMEDIATE"
    assert lock.split()[:4] == ["SELECT", "tenants.id", "FROM", "tenants"]


@each_change
async def test_a_change_says_where_it_is_in_the_log(context: Context, storage: Storage, change: Change) -> None:
    position = await change(context)
    assert [event.seq for event in await storage.store.read("t1", 0, 10)][-1] == position.seq


async def test_an_edit_that_changes_nothing_is_not_told(context: Context, storage: Storage) -> None:
    view, position = await teams.edit(context, ADMIN, "a", name="Engineering", description="", is_active=True)
    assert (view.name, position.seq) == ("Engineering", 0)
    assert not storage.announced
