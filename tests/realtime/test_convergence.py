"""The promise, under everything that can go wrong at once: every client ends with the truth, by a stream in order.

A world of two tenants, whose state is a few values and a growing collection, is changed at random. Announcements
come late, twice, out of order or never; clients come, go, come back, read slowly; logs are pruned and lost; the store
is slow and fails. In the end the trouble stops, and what each client has folded from its frames must be what it may
see.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsestage.realtime import (
    Hub,
    HubSettings,
)
from tests.realtime.support import ManualClock, settle
from tests.realtime.world import TENANTS, TroubledStore, World

SMALL = HubSettings(
    window_events=4,
    window_bytes=1500,
    batch_bytes=400,
    slice_writes=1,
    farewell_seconds=0.0,
    parked_events=3,
    page_size=3,
    catch_up_concurrency=2,
    snapshot_concurrency=1,
    stall_seconds=20,
    heartbeat_slots=1,
)

WEIGHTS = defaultdict(
    lambda: 2, commit=12, announce=6, join=5, come_back=5, read_on=5, wait=6, breathe=8, burst=2, beat=4, lose_log=1
)
THINGS = [
    name
    for name, value in vars(World).items()
    if asyncio.iscoroutinefunction(value) and not name.startswith("_") and name != "at_last"
    for _ in range(WEIGHTS[name])
]


async def live(things: list[str], random: Random) -> None:
    store, clock = TroubledStore(), ManualClock()
    async with Hub(store, SMALL, clock=clock, random=random) as hub:
        world = World(random, hub, store, clock)
        for thing in things:
            await getattr(world, thing)()
            world.check(complete=False)
        await world.at_last()
        world.check(complete=True)
        stats = hub.stats()
        assert sum(stats.connections.values()) == len(world.clients)
        assert stats.slow == 0
        assert stats.window_events <= SMALL.window_events * len(TENANTS)
        for client in world.clients:
            client.sink.vanish()
        await settle()
        assert hub.stats().connections == {}
        assert not hub._engine.slow
        assert not any(hub._engine.hearts.turn() for _ in range(SMALL.heartbeat_slots))
        assert not hub._engine.jobs._running, "work without anybody to do it for"


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """The store fails often and on purpose."""
    logger = logging.getLogger("pulsestage.realtime")
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(logging.NOTSET)


@settings(max_examples=120)
@given(st.lists(st.sampled_from(THINGS), max_size=80), st.integers(0, 2**32))
def test_every_client_ends_with_the_truth(things: list[str], seed: int) -> None:
    asyncio.run(live(things, Random(seed)))


@pytest.mark.parametrize("seed", range(20))
def test_in_long_lives_too(seed: int) -> None:
    random = Random(seed)
    asyncio.run(live(random.choices(THINGS, k=400), random))
