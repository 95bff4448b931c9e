"""Calls in a thread: in their order, with their results, and waited for to the end."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from pulsestage.storage.thread import CallThread


@pytest.fixture
def thread() -> Iterator[CallThread]:
    thread = CallThread("test")
    yield thread
    thread.close()


async def test_calls_run_in_one_thread_in_their_order(thread: CallThread) -> None:
    ran: list[int] = []
    threads = await asyncio.gather(*(thread.call(lambda number=n: _note(ran, number)) for n in range(20)))  # type: ignore[misc]
    assert ran == list(range(20))
    assert len(set(threads)) == 1
    assert threading.get_ident() not in threads


def _note(ran: list[int], number: int) -> int:
    ran.append(number)
    return threading.get_ident()


async def test_an_error_is_the_callers_and_the_next_call_runs(thread: CallThread) -> None:
    with pytest.raises(ZeroDivisionError):
        await thread.call(lambda: 1 // 0)
    assert await thread.call(lambda: 1) == 1


async def test_who_is_cancelled_however_often_waits_for_the_end(thread: CallThread) -> None:
    go_on, ended = threading.Event(), threading.Event()

    def work() -> None:
        go_on.wait(10)
        ended.set()

    task = asyncio.create_task(thread.call(work))
    for _ in range(3):
        await asyncio.sleep(0.01)
        task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_closing_ends_the_thread_after_its_calls() -> None:
    thread = CallThread("test")
    call = asyncio.create_task(thread.call(lambda: 1))
    await asyncio.sleep(0)
    thread.close()
    assert await call == 1
    assert "test" not in {each.name for each in threading.enumerate()}
