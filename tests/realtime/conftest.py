"""The house that most tests of the engine live in."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.realtime.house import House, WatchedStore
from tests.realtime.support import ManualClock, make_hub


@pytest.fixture
def settings() -> dict[str, Any]:
    return {}


@pytest.fixture
async def house(settings: dict[str, Any]) -> AsyncIterator[House]:
    store, clock = WatchedStore(), ManualClock()
    for tenant in ("t1", "t2"):
        store.memory.create(tenant)
    store.memory._logs["t1"].epoch = "e1"
    async with make_hub(store, clock, **settings) as hub:
        yield House(store, clock, hub)
        store.open.set()
