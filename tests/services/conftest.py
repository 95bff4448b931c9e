"""The use cases on a SQLite file, without HTTP."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import delete

from pulsestage.domain.anonymity import Pseudonyms
from pulsestage.domain.policy import Actor, Role
from pulsestage.domain.tenant import Tenant
from pulsestage.services.census import Census
from pulsestage.services.context import Context
from pulsestage.services.limits import Rate, RateLimits
from pulsestage.services.tokens import Signer
from pulsestage.services.votes import VoteFolder
from pulsestage.storage.database import Database
from pulsestage.storage.migrate import upgrade
from pulsestage.storage.tables import tenants
from tests.domain.examples import NOW
from tests.storage.conftest import Storage

SECRET = b"a secret that is only for tests!"
ADMIN = Actor("t1", "p1", Role.ADMIN, "m1")


@pytest.fixture(scope="module")
async def database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """A SQLite file at the newest schema, shared by a module's tests."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('services') / 'pulsestage.db'}")
    await upgrade(database)
    yield database
    await database.close()


@pytest.fixture
async def storage(database: Database) -> AsyncIterator[Storage]:
    """The tenant `t1`, and nothing else in the database."""
    storage = Storage(database)
    await storage.directory.add(Tenant("t1", "acme", "Acme", NOW))
    yield storage
    storage.stop_listening()
    async with database.write() as connection:
        await connection.execute(delete(tenants))


@pytest.fixture
def context(storage: Storage) -> Context:
    """What `bootstrap.py` would build on this database; ids count up and the time is NOW."""
    ids = itertools.count(1)
    return Context(
        unit_of_work=storage.unit_of_work,
        directory=storage.directory,
        pseudonyms=Pseudonyms(SECRET),
        signer=Signer(SECRET),
        limits=RateLimits({"ask": Rate(0, 1), "vote": Rate(0, 1)}, lambda: 0.0),
        votes=VoteFolder(storage.unit_of_work, asyncio.ensure_future, gather_seconds=0),
        census=Census(lambda: NOW),
        clock=lambda: NOW,
        new_id=lambda: f"id {next(ids)}",
        pool_usage=storage.database.pool_usage,
    )
