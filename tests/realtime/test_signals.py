"""Closing a hub at a signal: the server's own handler is called too, and is back afterwards."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from pulsestage.realtime import Hub, MemoryEventStore, StreamRequest, close_on_signals
from tests.realtime.support import PUBLIC, RecordingSink, settle


@pytest.fixture(autouse=True)
def _handlers_are_restored() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def hub() -> Hub:
    store = MemoryEventStore()
    store.create("t1")
    return Hub(store)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("of_the_loop", [False, True], ids=["signal.signal", "add_signal_handler"])
async def test_streams_get_their_goodbye_and_the_server_its_signal(
    hub: Hub, number: signal.Signals, *, of_the_loop: bool
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    if of_the_loop:
        loop.add_signal_handler(number, stopped.set)
    else:
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
    servers = signal.getsignal(number)
    async with hub:
        request = StreamRequest(tenant="t1", audiences=PUBLIC)
        sink = RecordingSink()
        await hub.subscribe(request, sink)
        await settle()
        with close_on_signals(hub):
            os.kill(os.getpid(), number)
            async with asyncio.timeout(10):
                await stopped.wait()
                late = RecordingSink()  # before the server has stopped to listen
                await hub.subscribe(request, late)
                while not (sink.closed and late.closed):  # noqa: ASYNC110 - a recording sink tells nobody
                    await asyncio.sleep(0.001)
            assert sink.types == late.types == ["connected", "goodbye"]
            assert not hub.running
        assert signal.getsignal(number) is servers
    if of_the_loop:
        loop.remove_signal_handler(number)


async def test_a_second_signal_reaches_the_server_too(hub: Hub) -> None:
    caught: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: caught.append(number))
    async with hub:
        with close_on_signals(hub):
            for _ in range(2):
                signal.raise_signal(signal.SIGTERM)
                await settle()
    assert caught == [signal.SIGTERM] * 2


@pytest.mark.parametrize("handler", [signal.SIG_DFL, signal.SIG_IGN])
async def test_where_nothing_is_installed_nothing_is_changed(hub: Hub, handler: signal.Handlers) -> None:
    signal.signal(signal.SIGTERM, handler)
    async with hub:
        with close_on_signals(hub):
            assert signal.getsignal(signal.SIGTERM) is handler


def test_in_another_thread_nothing_is_done(hub: Hub) -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    async def serve() -> None:
        async with hub:
            with close_on_signals(hub):
                seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    thread.join()
    assert seen == [before]


async def test_a_hub_that_is_closed_already_is_left_alone(hub: Hub) -> None:
    async with hub:
        await hub.close("deploy")
        hub.begin_close("shutdown")
        assert not hub._engine.jobs._running
