"""The relay in memory under its contract, and what it does that others don't."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pulsestage.contracts.relay import Broker, Member, RelayContract, head, with_events
from pulsestage.realtime import MemoryBus, MemoryRelay, Relay


class MemoryBroker:
    """A bus, as the contract wants to treat it."""

    def __init__(self, limit: int | None) -> None:
        self.bus = MemoryBus()
        self.limit = limit

    def relay(self) -> Relay:
        return MemoryRelay(self.bus, limit=self.limit)

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        self.bus.stop()
        yield
        self.bus.start()

    async def inject(self, data: bytes) -> bool:
        self.bus.publish(data)
        return True


class TestMemoryRelay(RelayContract):
    @pytest.fixture(params=[None, 8000])
    def broker(self, request: pytest.FixtureRequest) -> Broker:
        return MemoryBroker(request.param)


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


async def test_its_own_announcements_do_not_come_back(bus: MemoryBus) -> None:
    one, other = Member(MemoryRelay(bus)), Member(MemoryRelay(bus))
    async with one.listening(), other.listening():
        one.relay.announce(head(1))
        await other.hears(head(1))
    assert one.heard == []


async def test_what_is_over_the_limit_goes_without_its_events(bus: MemoryBus) -> None:
    one, other = Member(MemoryRelay(bus, limit=1000)), Member(MemoryRelay(bus))
    async with one.listening(), other.listening():
        one.relay.announce(with_events(2000))
        one.relay.announce(with_events(100))
        assert await other.hears(with_events(100)) == [head(7), with_events(100)]


async def test_what_is_announced_during_an_outage_is_dropped_and_counted(bus: MemoryBus) -> None:
    one, other = Member(MemoryRelay(bus)), Member(MemoryRelay(bus))
    async with one.listening(), other.listening():
        bus.stop()
        one.relay.announce(head(1))
        bus.start()
        bus.start()
        one.relay.announce(head(2))
        assert await other.hears(head(2)) == [head(2)]
    assert (one.relay.stats().announced, one.relay.stats().dropped, one.relay.stats().reconnects) == (2, 1, 1)


async def test_stats_are_of_their_moment(bus: MemoryBus) -> None:
    relay = MemoryRelay(bus)
    before = relay.stats()
    relay.announce(head(1))
    assert (before.announced, relay.stats().announced) == (0, 1)


async def test_nothing_gets_through_a_bus_that_is_stopped(bus: MemoryBus) -> None:
    one, other = Member(MemoryRelay(bus)), Member(MemoryRelay(bus))
    async with one.listening(), other.listening():
        bus.stop()
        bus.publish(head(2).encode(None))
        bus.start()
        one.relay.announce(head(1))
        assert await other.hears(head(1)) == [head(1)]
