"""The outbox is bounded, in number and in bytes, and keeps the newest."""

import asyncio

from pulsestage.cluster.outbox import Outbox


async def test_everything_that_waits_is_taken_together_and_in_order() -> None:
    outbox = Outbox()
    outbox.put(b"1")
    outbox.put(b"2")
    assert await outbox.take(1) == [b"1", b"2"]


async def test_who_takes_waits_for_what_is_put() -> None:
    outbox = Outbox()
    asyncio.get_running_loop().call_soon(outbox.put, b"1")
    assert await outbox.take(10) == [b"1"]


async def test_nothing_is_taken_if_nothing_comes() -> None:
    assert await Outbox().take(0.001) == []


async def test_of_too_many_the_newest_stay() -> None:
    outbox = Outbox(max_messages=2)
    assert [outbox.put(message) for message in (b"1", b"2", b"3", b"4")] == [0, 0, 1, 1]
    assert await outbox.take(1) == [b"3", b"4"]


async def test_of_too_much_the_newest_stay() -> None:
    outbox = Outbox(max_bytes=10)
    assert [outbox.put(message) for message in (b"aaaa", b"bbbb", b"cccccc")] == [0, 0, 1]
    assert outbox.put(b"d") == 1
    assert await outbox.take(1) == [b"cccccc", b"d"]


async def test_what_is_larger_than_all_of_it_goes() -> None:
    outbox = Outbox(max_bytes=3)
    assert outbox.put(b"aaaa") == 1
    assert await outbox.take(0.001) == []


async def test_what_was_taken_or_cleared_makes_room() -> None:
    outbox = Outbox(max_bytes=3)
    outbox.put(b"aaa")
    await outbox.take(1)
    assert outbox.put(b"bbb") == 0
    assert outbox.clear() == 1
    assert outbox.put(b"ccc") == 0
