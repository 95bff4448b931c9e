"""Pages in every order, by their index, without gaps or repeats, at a constant number of statements."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url, text

from pulsestage.domain.errors import QuestionNotFound
from pulsestage.domain.question import Question, Status
from pulsestage.domain.tenant import Tenant
from pulsestage.domain.words import search_terms
from pulsestage.services.ports import PageKey, QuestionQuery, Sort
from pulsestage.storage.database import Database
from pulsestage.storage.migrate import upgrade
from pulsestage.storage.questions import page_statements
from tests.domain.examples import NOW, ORDERS, a_question, a_tag
from tests.servers.postgres import Postgres
from tests.storage.conftest import Storage

QUESTIONS = 20_000


async def add(storage: Storage, *questions: Question) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        for question in questions:
            await tx.questions.add(question, search_terms(question.body))


async def page(storage: Storage, **query: Any) -> list[str]:
    async with storage.unit_of_work.read("t1") as tx:
        return [question.id for question in await tx.questions.page(QuestionQuery(**query))]


# ---- What is stored ------------------------------------------------------------------------------


async def test_a_question_comes_back_as_it_was(storage: Storage) -> None:
    full = a_question(
        body="Ünïcode 😀 \u2028 \x07",
        upvotes=3,
        response_text="Yes.\n",
        responded_at=NOW + 1,
        pinned_at=NOW + 2,
        pinned_by="m1",
        frozen_at=NOW + 3,
        frozen_by="m2",
    )
    await add(storage, full)
    async with storage.unit_of_work.read("t1") as tx:
        assert await tx.questions.get("q1") == full


async def test_saving_keeps_votes_and_tags(storage: Storage) -> None:
    await add(storage, a_question(upvotes=3))
    async with storage.unit_of_work.write("t1") as tx:
        await tx.tags.add(a_tag("g1", "Pay"))
        await tx.questions.add_tag("q1", "g1")
        await tx.questions.save(replace(await tx.questions.get("q1"), upvotes=99, tags=(), pinned_at=NOW))
    async with storage.unit_of_work.read("t1") as tx:
        question = await tx.questions.get("q1")
    assert (question.upvotes, [tag.name for tag in question.tags], question.pinned_at) == (3, ["Pay"], NOW)


async def test_a_removed_question_is_nowhere(storage: Storage) -> None:
    await add(storage, a_question(removed_at=NOW))
    async with storage.unit_of_work.read("t1") as tx:
        with pytest.raises(QuestionNotFound):
            await tx.questions.get("q1")
        assert not await tx.questions.every(None)
        assert not await tx.questions.page(QuestionQuery())
        assert not await tx.questions.sharing_terms(["office"], 10)


async def test_more_ids_than_one_statement_takes(storage: Storage) -> None:
    ids = [f"q{number:04}" for number in range(1201)]
    await add(storage, *(a_question(name, body="one") for name in ids))
    async with storage.unit_of_work.read("t1") as tx:
        assert list(await tx.questions.get_many(ids)) == ids
        assert await tx.questions.get_many([]) == {}


async def test_a_deleted_tag_leaves_its_questions(storage: Storage) -> None:
    await add(storage, a_question())
    async with storage.unit_of_work.write("t1") as tx:
        await tx.tags.add(a_tag("g1", "Pay"))
        await tx.questions.add_tag("q1", "g1")
    async with storage.unit_of_work.write("t1") as tx:
        assert [question.id for question in await tx.questions.tagged_with("g1")] == ["q1"]
        await tx.tags.delete("g1")
    async with storage.unit_of_work.read("t1") as tx:
        assert (await tx.questions.get("q1")).tags == ()


# ---- Pages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("sort", get_args(Sort))
async def test_the_order_is_that_of_the_page(storage: Storage, sort: Sort) -> None:
    for each in ORDERS["questions"]:
        await add(storage, a_question(each["id"], upvotes=each["upvotes"], pinned_at=NOW if each["isPinned"] else None))
    assert await page(storage, sort=sort) == ORDERS[sort]


async def test_filters(storage: Storage) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        await tx.tags.add(a_tag("g1", "Pay"))
    await add(
        storage,
        a_question("q1", body="Where is the office?"),
        a_question("q2", body="Who offers lunch?", responded_at=NOW, response_text="We."),
        a_question("q3", body="Официально?"),
    )
    async with storage.unit_of_work.write("t1") as tx:
        await tx.questions.add_tag("q1", "g1")
    assert await page(storage, status=Status.ANSWERED) == ["q2"]
    assert await page(storage, status=Status.OPEN) == ["q1", "q3"]
    assert await page(storage, tag_id="g1") == ["q1"]
    assert await page(storage, team_id="nowhere") == []


SORTS: st.SearchStrategy[Sort] = st.sampled_from(("popular", "recent"))
rooms = st.lists(st.tuples(st.booleans(), st.integers(0, 2)), min_size=1, max_size=12)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rooms, st.integers(1, 5), SORTS)
async def test_a_walk_over_ties_meets_every_question_once(
    storage: Storage, room: list[tuple[bool, int]], limit: int, sort: Sort
) -> None:
    async with storage.database.write() as connection:
        await connection.execute(text("DELETE FROM questions WHERE tenant_id = 't1'"))
    questions = [
        a_question(f"q{number:02}", pinned_at=NOW if pinned else None, upvotes=votes)
        for number, (pinned, votes) in enumerate(room)
    ]
    await add(storage, *questions)
    met: list[Question] = []
    for _ in range(len(room) // limit + 1):
        key = PageKey(met[-1].pinned_at is not None, met[-1].upvotes, met[-1].id) if met else None
        async with storage.unit_of_work.read("t1") as tx:
            found = await tx.questions.page(QuestionQuery(sort=sort, limit=limit, after=key))
        met.extend(found)
    assert sorted(question.id for question in met) == [question.id for question in questions]
    for before, after in pairwise(met):
        assert _comes_before(before, after, sort)


def _comes_before(one: Question, other: Question, sort: Sort) -> bool:
    if sort == "recent":
        return one.id > other.id
    ranks = [(each.pinned_at is not None, each.upvotes) for each in (one, other)]
    return ranks[0] > ranks[1] or (ranks[0] == ranks[1] and one.id < other.id)


async def test_a_page_takes_the_same_number_of_statements_whatever_its_length(storage: Storage) -> None:
    await add(storage, *(a_question(f"q{number:03}") for number in range(60)))
    async with storage.unit_of_work.write("t1") as tx:
        for number in range(20):
            await tx.tags.add(a_tag(f"g{number}", f"Tag {number}"))
            await tx.questions.add_tag(f"q{number:03}", f"g{number}")
    counts = []
    statements = storage.statements()
    for limit in (1, 10, 60):
        statements.clear()
        async with storage.unit_of_work.read("t1") as tx:
            found = await tx.questions.page(QuestionQuery(limit=limit, sort="recent"))
            await tx.votes.existing([(question.id, f"voter of {question.id}") for question in found])
        counts.append(len([each for each in statements if each.startswith("SELECT")]))
    assert counts == [4, 4, 4]  # the log's position, the questions, their tags, one's own votes


# ---- Plans ---------------------------------------------------------------------------------------

SQLITE = make_url("sqlite://").get_dialect()()
POSTGRES = make_url("postgresql+asyncpg://").get_dialect()()

SEED = f"""
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {QUESTIONS})
INSERT INTO questions (id, tenant_id, team_id, body, author_key, upvotes, is_pinned, status, created_at, updated_at)
SELECT substr('0000000' || n, -7) || tenant, tenant, CASE WHEN n % 4 = 0 AND tenant = 't1' THEN 'm1' END, 'When?',
       'author', n % 97, n % 1000 = 0, CASE WHEN n % 3 = 0 THEN 'ANSWERED' ELSE 'OPEN' END, n, n
FROM numbers CROSS JOIN (SELECT 't1' AS tenant UNION SELECT 't2') AS tenants
"""  # noqa: S608 - the number is ours
TEAM = "INSERT INTO teams (id, tenant_id, name, slug, is_active, created_at) VALUES ('m1', 't1', 'E', 'e', :yes, 1)"

QUERIES = [
    QuestionQuery(sort=sort, status=status, team_id=team, after=after)
    for sort in get_args(Sort)
    for status, team in ((None, None), (Status.OPEN, None), (None, "m1"), (Status.OPEN, "m1"))
    for after in (None, PageKey(is_pinned=False, upvotes=48, question_id="10000"))
]


@pytest.fixture(scope="module")
async def big_sqlite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """Two tenants with 20,000 questions each, in SQLite."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('big') / 'pulsestage.db'}")
    await _seed(database)
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def big_postgres(postgres: Postgres) -> AsyncIterator[Database]:
    """The same in PostgreSQL."""
    with postgres.database() as url:
        database = Database(url)
        await _seed(database)
        yield database
        await database.close()


async def _seed(database: Database) -> None:
    await upgrade(database)
    for tenant in ("t1", "t2"):
        await Storage(database).directory.add(Tenant(tenant, f"room-{tenant}", "A room", NOW))
    async with database.write() as connection:
        await connection.execute(text(TEAM), {"yes": True})
        sql = SEED if database.is_sqlite else SEED.replace("substr('0000000' || n, -7)", "lpad(n::text, 7, '0')")
        await connection.execute(text(sql))
    async with database.write() as connection:
        await connection.execute(text("ANALYZE"))


@pytest.mark.parametrize("query", QUERIES, ids=repr)
async def test_sqlite_neither_sorts_nor_scans(big_sqlite: Database, query: QuestionQuery) -> None:
    for plan in await _sqlite_plans(big_sqlite, query):
        assert not [step for step in plan if "TEMP B-TREE" in step or step.startswith("SCAN")], plan
        assert any("USING INDEX ix_questions_" in step for step in plan), plan


@pytest.mark.parametrize("query", QUERIES, ids=repr)
async def test_postgres_reads_hardly_more_than_the_page(big_postgres: Database, query: QuestionQuery) -> None:
    for nodes in await _postgres_plans(big_postgres, query):
        assert [node["Node Type"] for node in nodes] == ["Limit", "Index Scan"]
        # It may take an order from a shorter index and pass by what the filter doesn't want.
        assert nodes[1]["Actual Rows"] + nodes[1].get("Rows Removed by Filter", 0) <= 10 * query.limit


async def _sqlite_plans(database: Database, query: QuestionQuery) -> list[list[str]]:
    plans = []
    async with database.read() as connection:
        for statement in _literal(query, SQLITE):
            explained = await connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"))
            plans.append([row.detail for row in explained])
    return plans


async def _postgres_plans(database: Database, query: QuestionQuery) -> list[list[dict[str, Any]]]:
    plans = []
    async with database.read() as connection:
        for statement in _literal(query, POSTGRES):
            explained = await connection.execute(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.replace('%%', '%')}"))
            [plan] = explained.scalars()
            plans.append(_nodes((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]))
    return plans


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for part in plan.get("Plans", ()) for node in _nodes(part))]


def _literal(query: QuestionQuery, dialect: Any) -> list[str]:
    return [
        str(
            statement.limit(query.limit)
            .params(tenant="t1")
            .compile(dialect=dialect, compile_kwargs={"literal_binds": True})
        )
        for statement in page_statements(query)
    ]
