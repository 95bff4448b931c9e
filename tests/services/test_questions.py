"""Finding questions like a text."""

import asyncio

from pulsestage.services import questions
from pulsestage.services.context import Context
from tests.services.conftest import ADMIN


async def test_others_have_their_turn_after_each_question_that_is_compared(context: Context) -> None:
    tenant = await context.directory.find("acme")
    assert tenant is not None
    for number in range(20):
        await questions.ask(context, ADMIN, tenant, f"Is the office open on day {number}?", None)
    turns, over = 0, asyncio.Event()

    async def take_turns() -> None:
        nonlocal turns
        while not over.is_set():
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(take_turns())
        found = await questions.similar(context, ADMIN, "Is the office open?")
        over.set()
    assert len(found) == questions.SIMILAR_LIMIT
    assert turns >= 20
