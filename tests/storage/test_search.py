"""What is found by its words, in every script and on both databases, and what that may cost."""

from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from pulsestage.domain.question import Question, Status
from pulsestage.domain.tenant import Tenant
from pulsestage.domain.words import query_terms, search_terms
from pulsestage.services.ports import QuestionQuery, Sort
from pulsestage.storage import search
from pulsestage.storage.database import Database
from pulsestage.storage.migrate import upgrade
from pulsestage.storage.questions import SqlQuestions
from pulsestage.storage.sqlite import InlineConnection
from tests.domain.examples import NOW, TEXTS, a_question, a_tag
from tests.storage.conftest import Storage

ROOM = 10_000
MOST_STEPS = 100_000
"""What SQLite may do in one statement, in its own instructions: those of a few milliseconds."""


async def add(storage: Storage, *questions: Question) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        for question in questions:
            await tx.questions.add(question, search_terms(question.body))


async def find(storage: Storage, words: str, **query: Any) -> list[str]:
    """The ids of all that is found, page by page."""
    found: list[str] = []
    asked = QuestionQuery(**query)
    while True:
        async with storage.unit_of_work.read("t1") as tx:
            some, following = await tx.questions.search(asked, query_terms(words))
        found += [question.id for question in some]
        if following is None:
            return found
        asked = QuestionQuery(**{**query, "after": following})


async def test_texts_of_all_scripts_are_found_by_their_words(storage: Storage) -> None:
    cases = {f"q{number:02}": case for number, case in enumerate(TEXTS["searches"])}
    await add(storage, *(a_question(name, body=case["text"]) for name, case in cases.items()))
    for name, case in cases.items():
        for words in case["foundBy"]:
            assert name in await find(storage, words), (case["text"], words)
        for words in case["notFoundBy"]:
            assert name not in await find(storage, words), (case["text"], words)


async def test_filters_and_orders_hold_for_a_search(storage: Storage) -> None:
    async with storage.unit_of_work.write("t1") as tx:
        await tx.tags.add(a_tag("g1", "Pay"))
    await add(
        storage,
        a_question("q1", body="Where is the office?"),
        a_question("q2", body="Who offers lunch?", responded_at=NOW, response_text="We.", upvotes=1),
        a_question("q3", body="Which office?", removed_at=NOW),
    )
    async with storage.unit_of_work.write("t1") as tx:
        await tx.questions.add_tag("q1", "g1")
    assert await find(storage, "off") == ["q2", "q1"]
    assert await find(storage, "off", sort="recent") == ["q2", "q1"]
    assert await find(storage, "off lun") == ["q2"]
    assert await find(storage, "off", status=Status.OPEN) == ["q1"]
    assert await find(storage, "off", tag_id="g1") == ["q1"]
    assert await find(storage, "off", team_id="nowhere") == []
    assert await find(storage, "fice") == []


async def test_a_question_is_found_by_the_whole_of_its_text(storage: Storage) -> None:
    body = " ".join(f"word{number}" for number in range(300))
    await add(storage, a_question("q1", body=body), a_question("q2", body=body.replace("word299", "")))
    assert await find(storage, body) == ["q1"]


WORDS = ("a", "ab", "b", "c")
rooms = st.lists(st.tuples(st.sets(st.sampled_from(WORDS), min_size=1), st.integers(0, 2)), min_size=1, max_size=14)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rooms, st.sets(st.sampled_from(WORDS), min_size=1), st.sampled_from(get_args(Sort)), st.integers(1, 4))
async def test_rare_and_common_terms_find_the_same(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, room: Any, words: set[str], sort: Sort, limit: int
) -> None:
    async with storage.database.write() as connection:
        await connection.execute(text("DELETE FROM questions WHERE tenant_id = 't1'"))
    await add(
        storage,
        *(a_question(f"q{number:02}", body=" ".join(body), upvotes=votes) for number, (body, votes) in enumerate(room)),
    )
    wanted = query_terms(" ".join(words))
    expected = [
        number for number, (body, _) in enumerate(room) if all(any(w.startswith(t) for w in body) for t in wanted)
    ]
    expected.sort(key=lambda number: -number if sort == "recent" else (-room[number][1], number))
    for rare, look_ups, most in ((500, 2000, 100_000), (1, 2, 100_000), (0, 3, 4)):
        monkeypatch.setattr(search, "RARE", rare)
        monkeypatch.setattr(search, "LOOK_UPS", look_ups)
        monkeypatch.setattr(search, "MAX_LOOK_UPS", most)
        found = await find(storage, " ".join(words), sort=sort, limit=limit)
        assert found == [f"q{number:02}" for number in expected], (rare, look_ups, most)


async def test_similar_ones_are_those_that_share_most(storage: Storage) -> None:
    await add(
        storage,
        a_question("q1", body="When does the office open?"),
        a_question("q2", body="Does the new office have lunch?"),
        a_question("q3", body="Does the office open on Sundays?", responded_at=NOW, response_text="No."),
        a_question("q4", body="Is the office near?"),
        a_question("q5", body="Who pays?"),
    )
    async with storage.unit_of_work.read("t1") as tx:
        shared = await tx.questions.sharing_terms(["does", "office", "open"], 10)
        assert [question.id for question in shared] == ["q1", "q2", "q4"]
        assert len(await tx.questions.sharing_terms(["does", "office", "open"], 2)) == 2


# ---- What it costs -------------------------------------------------------------------------------

# Each question has a word of its own, forty that half of the others have, and one letter in each of them.
SEED = f"""
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {ROOM})
INSERT INTO questions (id, tenant_id, body, author_key, upvotes, is_pinned, status, created_at, updated_at)
SELECT substr('0000000' || n, -7), 't1', 'When?', 'author', n % 97, 0, 'OPEN', n, n FROM numbers
"""  # noqa: S608 - the number is ours
TERMS = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 40)
INSERT INTO question_terms (tenant_id, term, question_id)
SELECT tenant_id, 'own' || id, id FROM questions
UNION ALL SELECT tenant_id, char(97 + n % 26) || n || CASE created_at % 2 WHEN 0 THEN 'even' ELSE 'odd' END, id
FROM questions CROSS JOIN numbers
"""
LETTERS = "abcdefghijklmnopqrstuvwxyz"
HOSTILE = {
    "one letter": "a",
    "every letter": " ".join(LETTERS),
    "two that never meet": "a26even b27odd",
    "many that all have, and two that never meet": " ".join(f"{LETTERS[n % 26]}{n}" for n in range(1, 41))
    + " a26even b27odd",
    "a kilobyte of words that nobody has": " ".join(one + other for one in LETTERS for other in "xyzuvw")[:1000],
    "one's own question": "own0005000 " + " ".join(f"{LETTERS[n % 26]}{n}even" for n in range(1, 41)),
}


@pytest.fixture(scope="module")
async def big_room(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Storage]:
    """A room of ROOM questions in SQLite."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('big') / 'pulsestage.db'}")
    await upgrade(database)
    storage = Storage(database)
    await storage.directory.add(Tenant("t1", "room-t1", "A room", NOW))
    async with database.write() as connection:
        await connection.execute(text(SEED))
        await connection.execute(text(TERMS))
    yield storage
    await database.close()


@pytest.fixture
async def steps(big_room: Storage) -> AsyncIterator[list[int]]:
    """How many instructions SQLite has run for each statement from here on."""
    counts: list[int] = []

    def tick() -> int:
        counts[-1] += 100
        return 0

    async with big_room.database.read() as connection:
        assert isinstance(connection, InlineConnection)
        driver = connection._driver  # which the next read gets
        driver.set_trace_callback(lambda _statement: counts.append(0))
        driver.set_progress_handler(tick, 100)
    yield counts
    driver.set_trace_callback(None)
    driver.set_progress_handler(None, 0)
    assert counts


@pytest.mark.parametrize("words", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("sort", get_args(Sort))
async def test_no_search_takes_long_in_a_large_room(
    big_room: Storage, steps: list[int], words: str, sort: Sort
) -> None:
    terms = query_terms(words)
    async with big_room.unit_of_work.read("t1") as tx:
        found, following = await tx.questions.search(QuestionQuery(sort=sort), terms)
    assert max(steps) < MOST_STEPS
    assert sum(steps) < 10 * MOST_STEPS
    if "own" in words:
        assert [question.id for question in found] == ["0005000"]
    if "even b27odd" in words:
        assert not found
    if len(terms) == 1:
        assert len(found) == 50
        assert found[0].id == ("0010000" if sort == "recent" else "0000096")
        assert following


async def test_a_request_tries_a_bounded_number_of_questions(
    big_room: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_LOOK_UPS", 2_000)
    async with big_room.unit_of_work.read("t1") as tx:
        found, following = await tx.questions.search(QuestionQuery(sort="recent"), ["a26even", "b27odd"])
    assert not found
    assert following is not None
    assert following.question_id == "0009001"


async def test_of_a_common_term_only_new_questions_count_as_alike(big_room: Storage) -> None:
    async with big_room.unit_of_work.read("t1") as tx:
        assert isinstance(tx.questions, SqlQuestions)
        newest = await search.sharing_most(tx.questions._run, ["a26even", "nowhere"])
    assert newest == [f"{number:07}" for number in range(ROOM, ROOM - 2 * search.RARE, -2)]


async def test_no_likeness_takes_long_in_a_large_room(big_room: Storage, steps: list[int]) -> None:
    async with big_room.unit_of_work.read("t1") as tx:
        assert len(await tx.questions.sharing_terms([f"{LETTERS[n]}{n}even" for n in range(1, 7)], 50)) == 50
    assert max(steps) < MOST_STEPS
