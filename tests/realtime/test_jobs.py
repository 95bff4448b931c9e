import asyncio
import logging

import pytest

from pulsestage.realtime.jobs import Jobs


async def test_a_failure_is_logged_and_takes_nothing_with_it(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise OSError("no")

    done = asyncio.Event()

    async def succeed() -> None:
        done.set()

    async with Jobs() as jobs:
        await jobs.start(fail)
        await jobs.start(succeed)
    assert done.is_set()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_what_runs_is_cancelled_at_the_end() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    async with Jobs() as jobs:
        begun = jobs.start(wait)
        await asyncio.sleep(0)
        not_begun = jobs.start(wait)
    assert begun.cancelled()
    assert not_begun.cancelled()


async def test_the_blocks_own_error_is_its_own() -> None:
    with pytest.raises(ZeroDivisionError):
        async with Jobs():
            raise ZeroDivisionError
