"""The PostgreSQL the tests run on is a real one, and each test has a database of its own."""

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.servers.postgres import LOCALES, Postgres


async def test_answers_sqlalchemy_with_its_version(postgres_url: str) -> None:
    engine = create_async_engine(postgres_url)
    try:
        async with engine.connect() as connection:
            version = (await connection.execute(text("SELECT version()"))).scalar_one()
    finally:
        await engine.dispose()
    assert version.startswith("PostgreSQL ")


async def test_each_database_is_empty(postgres: Postgres) -> None:
    for _ in range(2):
        with postgres.database() as url:
            connection = await asyncpg.connect(url.replace("+asyncpg", ""))
            await connection.execute("CREATE TABLE question (id int)")
            await connection.close()


@pytest.mark.parametrize("locale", LOCALES)
async def test_a_database_sorts_by_the_rules_of_its_language(postgres: Postgres, locale: str) -> None:
    with postgres.database(locale) as url:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        rows = await connection.fetch("SELECT * FROM unnest(ARRAY['aa', 'B', 'ab']) AS word ORDER BY word")
        await connection.close()
    assert [row["word"] for row in rows] == (["ab", "B", "aa"] if locale.startswith("da") else ["aa", "ab", "B"])
