"""What a transaction costs in calls: CPU time depends on the machine, their number doesn't."""

import itertools
import sys
from pathlib import Path
from types import FrameType

from pulsestage.domain.events import QuestionUpvoted
from pulsestage.domain.tenant import Tenant
from pulsestage.storage.database import Database
from pulsestage.storage.directory import SqlDirectory
from pulsestage.storage.migrate import upgrade
from pulsestage.storage.unit_of_work import SqlUnitOfWork
from tests.domain.examples import NOW, a_question

MOST_CALLS = 250
"""Of Python functions, for all seven statements of a lone vote. By way of SQLAlchemy and an executor they were 767."""


async def test_the_transaction_of_a_lone_vote_takes_few_calls(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    await upgrade(database)
    await SqlDirectory(database).add(Tenant("t1", "acme", "A room", NOW))
    unit_of_work = SqlUnitOfWork(database, lambda: NOW, lambda *_: None)
    async with unit_of_work.write("t1") as tx:
        await tx.questions.add(a_question("q1"), [])
    for voter in ("ann", "ben"):  # whoever comes first compiles the statements
        await _vote(unit_of_work, voter)
    calls = itertools.count()

    def count(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and Path(frame.f_code.co_filename) != Path(__file__):
            next(calls)

    sys.setprofile(count)
    try:
        await _vote(unit_of_work, "cat")
    finally:
        sys.setprofile(None)
    await database.close()
    assert next(calls) <= MOST_CALLS


async def _vote(unit_of_work: SqlUnitOfWork, voter: str) -> None:
    async with unit_of_work.write("t1") as tx:
        question = (await tx.questions.get_many(["q1"]))["q1"]
        assert not await tx.votes.existing([("q1", voter)])
        await tx.votes.change({("q1", voter)}, set(), [question])
        tx.append([QuestionUpvoted(question)])
