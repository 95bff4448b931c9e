"""What every relay must do: `RelayContract`, and what it needs of whoever runs it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Final, Protocol

import pytest

from pulsestage.realtime import Announcement, Event, Relay

PATIENCE_SECONDS: Final = 10
NO_ANNOUNCEMENTS: Final = (b"", b"\x00\xff", b"PING", b"[]", b'{"v":0,"tenant":"t1","epoch":"e1","head":1}')


class Broker(Protocol):
    """What the relays of several processes have in common, and what can happen to it."""

    def relay(self) -> Relay:
        """The relay of one more process, not listening yet."""

    def outage(self) -> AbstractAsyncContextManager[None]:
        """Cut all connections; while the block lasts nobody can connect, and then again."""

    async def inject(self, data: bytes) -> bool:
        """Send these bytes to all who listen, as a stranger would. False: the broker can't carry them, or no bytes."""


class Member:
    """One process: its relay, and what it has heard."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.heard: list[Announcement] = []
        self._hearing = asyncio.Event()

    def hear(self, announcement: Announcement) -> None:
        self.heard.append(announcement)
        self._hearing.set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen, from the moment that the relay has come about."""
        async with self.relay.listening(self.hear):
            await self.becomes_healthy()
            yield

    async def becomes_healthy(self, *, healthy: bool = True) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.relay.healthy is not healthy:  # noqa: ASYNC110 - a Protocol of few words has no event for it
                await asyncio.sleep(0.01)

    async def hears(self, *expected: Announcement) -> list[Announcement]:
        """Wait until all of these were heard, in any order; return all that was heard until now."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not all(each in self.heard for each in expected):
                self._hearing.clear()
                await self._hearing.wait()
        return self.heard


async def gets_through(one: Member, other: Member) -> None:
    """Sooner or later: what is announced just after an outage or a burst may still be lost."""
    again = head(1, f"from {id(one)}")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while again not in other.heard:
            one.relay.announce(again)
            await asyncio.sleep(0.01)


def head(number: int, tenant: str = "t1") -> Announcement:
    """An announcement without events."""
    return Announcement(tenant, "e1", number)


def with_events(size: int) -> Announcement:
    """An announcement of two events, one of which has data of this size."""
    plain = Event(6, "question:removed", 1_696_765_800_000, {"public": b'{"id":"q1"}'})
    data = '{"body":"Zoë\\n' + "x" * (size - 15) + '"}'
    full = Event(7, "question:pinned", 1_696_765_800_001, {"public": b"null", "moderators": data.encode()}, "team", "k")
    return Announcement("t1", "e1", 7, (plain, full))


@pytest.mark.anyio
class RelayContract:
    """Every relay passes these tests. Subclass it and provide the fixture `broker`; it is used by one test alone.

        class PipeBroker:
            def relay(self) -> Relay:
                return PipeRelay(self.path)

            @asynccontextmanager
            async def outage(self) -> AsyncIterator[None]: ...

            async def inject(self, data: bytes) -> bool: ...

        class TestPipeRelay(RelayContract):
            @pytest.fixture
            def broker(self, tmp_path: Path) -> Broker:
                return PipeBroker(tmp_path / "pipe")

    A relay may lose, repeat and reorder, but not in peace: what is announced here must arrive, except around an outage
    and in a burst. One that tells a process its own announcements passes too.
    """

    @pytest.fixture
    async def three(self, broker: Broker) -> AsyncIterator[list[Member]]:
        async with AsyncExitStack() as stack:
            members = [Member(broker.relay()) for _ in range(3)]
            for member in members:
                await stack.enter_async_context(member.listening())
            yield members

    # ---- What is announced ---------------------------------------------------------------------

    async def test_what_one_announces_all_others_hear(self, three: list[Member]) -> None:
        said = [head(number) for number in range(3)]
        for member, announcement in zip(three, said, strict=True):
            member.relay.announce(announcement)
        for number, member in enumerate(three):
            others = [each for each in said if each is not said[number]]
            assert set(await member.hears(*others)) <= set(said), "heard what nobody said"

    async def test_what_one_announces_arrives_in_its_order(self, three: list[Member]) -> None:
        said = [head(number) for number in range(200)]
        for announcement in said:
            three[0].relay.announce(announcement)
        assert await three[1].hears(*said) == said
        assert await three[2].hears(*said) == said

    async def test_nobody_is_told_from_inside_announce(self, three: list[Member]) -> None:
        three[0].relay.announce(head(1))
        assert [member.heard for member in three] == [[], [], []]

    @pytest.mark.parametrize("tenant", ["", "0191e1a0-77e5", "Zoë's «room»\n", "a b\x00c", "☃" * 100])
    async def test_a_tenant_may_have_any_name(self, three: list[Member], tenant: str) -> None:
        three[0].relay.announce(head(1, tenant))
        assert await three[1].hears(head(1, tenant)) == [head(1, tenant)]

    @pytest.mark.parametrize("size", [100, 5000, 8000, 100_000, 3_000_000])
    async def test_events_arrive_as_they_were_or_are_left_out_together(self, three: list[Member], size: int) -> None:
        three[0].relay.announce(with_events(size))
        three[0].relay.announce(head(8))
        first, *_ = await three[1].hears(head(8))
        assert first in (with_events(size), head(7))

    async def test_what_cannot_be_encoded_is_dropped(self, three: list[Member]) -> None:
        three[0].relay.announce(head(1, "\ud800"))
        three[0].relay.announce(head(2))
        assert await three[1].hears(head(2)) == [head(2)]
        assert three[0].relay.stats().dropped == 1

    async def test_a_burst_is_borne(self, three: list[Member]) -> None:
        for number in range(5000):
            three[0].relay.announce(head(number))
        await gets_through(three[0], three[1])

    # ---- Coming and going ----------------------------------------------------------------------

    async def test_who_has_left_hears_nothing(self, broker: Broker, three: list[Member]) -> None:
        member = Member(broker.relay())
        async with member.listening():
            three[0].relay.announce(head(1))
            await member.hears(head(1))
            three[0].relay.announce(head(2))  # on its way, perhaps
        heard = list(member.heard)
        three[0].relay.announce(head(3))
        await three[1].hears(head(3))
        assert member.heard == heard

    async def test_announcing_outside_of_listening_does_nothing(self, broker: Broker, three: list[Member]) -> None:
        member = Member(broker.relay())
        member.relay.announce(head(1))
        async with member.listening():
            member.relay.announce(head(2))
            await three[0].hears(head(2))
        member.relay.announce(head(3))
        three[1].relay.announce(head(4))
        assert await three[0].hears(head(4)) == [head(2), head(4)]

    async def test_an_error_in_the_block_comes_out_as_it_is(self, broker: Broker) -> None:
        member, error = Member(broker.relay()), LookupError("of the block")
        with pytest.raises(LookupError) as raised:
            async with member.listening():
                raise error
        assert raised.value is error
        assert not member.relay.healthy

    async def test_a_listener_that_raises_is_logged_and_told_the_next(
        self, broker: Broker, three: list[Member], caplog: pytest.LogCaptureFixture
    ) -> None:
        member = Member(broker.relay())

        def raises(announcement: Announcement) -> None:
            member.hear(announcement)
            raise LookupError("of the listener")

        with caplog.at_level(logging.ERROR, "pulsestage.realtime"):
            async with member.relay.listening(raises):
                await member.becomes_healthy()
                three[0].relay.announce(head(1))
                three[0].relay.announce(head(2))
                assert await member.hears(head(1), head(2)) == [head(1), head(2)]
                assert member.relay.healthy
        assert caplog.text.count("LookupError: of the listener") == 2

    # ---- When the broker is out ----------------------------------------------------------------

    async def test_healthy_while_it_listens(self, broker: Broker) -> None:
        member = Member(broker.relay())
        assert not member.relay.healthy
        async with member.listening():
            assert member.relay.healthy
        assert not member.relay.healthy

    async def test_an_outage_is_seen_and_got_over(self, broker: Broker, three: list[Member]) -> None:
        async with broker.outage():
            for member in three:
                await member.becomes_healthy(healthy=False)
                member.relay.announce(head(1))
        for member in three:
            await member.becomes_healthy()
            assert member.relay.stats().reconnects >= 1
        await gets_through(three[0], three[1])
        await gets_through(three[1], three[0])

    async def test_beginning_during_an_outage(self, broker: Broker, three: list[Member]) -> None:
        member = Member(broker.relay())
        async with AsyncExitStack() as stack:
            async with broker.outage(), asyncio.timeout(PATIENCE_SECONDS):
                await stack.enter_async_context(member.relay.listening(member.hear))
                member.relay.announce(head(1))
                assert not member.relay.healthy
            await member.becomes_healthy()
            for other in three:
                await other.becomes_healthy()
            await gets_through(three[0], member)
            await gets_through(member, three[0])

    async def test_leaving_during_an_outage(self, broker: Broker) -> None:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(Member(broker.relay()).listening())
            async with broker.outage(), asyncio.timeout(PATIENCE_SECONDS):
                await stack.aclose()

    # ---- What is no announcement ---------------------------------------------------------------

    async def test_what_is_no_announcement_is_ignored_and_counted(self, broker: Broker, three: list[Member]) -> None:
        carried = [await broker.inject(data) for data in NO_ANNOUNCEMENTS]
        three[0].relay.announce(head(1))
        assert await three[1].hears(head(1)) == [head(1)]
        assert three[1].relay.stats().malformed == sum(carried)

    async def test_what_is_announced_and_received_is_counted(self, three: list[Member]) -> None:
        for number in range(3):
            three[0].relay.announce(head(number))
        await three[1].hears(head(2))
        ours, theirs = three[0].relay.stats(), three[1].relay.stats()
        assert (ours.announced, ours.dropped, ours.reconnects) == (3, 0, 0)
        assert (theirs.announced, theirs.received, theirs.malformed) == (0, 3, 0)
