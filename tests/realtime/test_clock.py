import asyncio
import time

from pulsestage.realtime import LoopClock


async def test_it_is_the_loops_time() -> None:
    clock, loop = LoopClock(), asyncio.get_running_loop()
    assert loop.time() <= clock.time() <= loop.time()
    assert abs(clock.now() - time.time() * 1000) < 1000


async def test_timers() -> None:
    called: list[str] = []
    done = asyncio.Event()
    clock = LoopClock()
    clock.call_later(0, lambda: called.append("cancelled")).cancel()
    clock.call_later(0.001, lambda: called.append("later"))
    clock.call_later(0.002, done.set)
    await done.wait()
    assert called == ["later"]
