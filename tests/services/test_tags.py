"""Each change of the tags reads and writes them under the catalogue's lock, and is told whole."""

from collections.abc import Awaitable, Callable

import pytest

from pulsestage.realtime import Position
from pulsestage.services import tags
from pulsestage.services.context import Context
from tests.domain.examples import a_tag
from tests.services.conftest import ADMIN
from tests.storage.conftest import Storage


async def create(context: Context) -> Position:
    return (await tags.create(context, ADMIN, "Food", None, None))[1]


async def edit(context: Context) -> Position:
    return (await tags.edit(context, ADMIN, "g1", name="Salary", color=None, description=None))[1]


async def delete(context: Context) -> Position:
    return await tags.delete(context, ADMIN, "g1")


Change = Callable[[Context], Awaitable[Position]]
each_change = pytest.mark.parametrize("change", [create, edit, delete])


@pytest.fixture(autouse=True)
async def _a_tag(storage: Storage) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        await tx.tags.add(a_tag("g1", "Pay"))


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
    view, position = await tags.edit(context, ADMIN, "g1", name="Pay", color=None, description="")
    assert (view.name, position.seq) == ("Pay", 0)
    assert not storage.announced
