"""Which streams may begin: so many of a person, from an address, in a room and in all; and not too many at once."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from pulsestage.domain.errors import Unavailable
from pulsestage.http.admission import BURST_SECONDS, Admission, StreamLimits
from pulsestage.realtime import AsgiSink, Hub, HubSettings, MemoryEventStore, StreamRequest
from pulsestage.services import streams
from pulsestage.services.census import Census
from tests.http.conftest import assert_problem, make_settings
from tests.http.streaming.server import Server, listening


class Door:
    """An admission with a clock that stands still, and a hub whose streams never end."""

    def __init__(self, hub: Hub, **limits: int) -> None:
        self.hub = hub
        self.seconds = 1000.0
        self.admission = Admission(StreamLimits(**{"joins_per_second": 0, **limits}), lambda: self.seconds)

    async def enter(self, tenant: str = "t1", address: str = "10.0.0.1", person: str | None = None) -> tuple[str, ...]:
        """Begin a stream as a route does; whose it is."""
        holders = self.admission.check(self.hub, Census(lambda: 0), tenant, address, person)
        sink = AsgiSink(None, None)  # type: ignore[arg-type] # never runs
        await self.hub.subscribe(StreamRequest(tenant=tenant, audiences=(), holders=holders), sink)
        return holders


@pytest.fixture
async def hub() -> Any:
    store = MemoryEventStore()
    for tenant in ("t1", "t2"):
        store.create(tenant)
    async with Hub(store, HubSettings(linger_seconds=0.001)) as hub:  # nobody reads the goodbyes
        yield hub


async def test_a_persons_streams_are_limited_wherever_they_are(hub: Hub) -> None:
    door = Door(hub, per_person=2)
    assert await door.enter(address="10.0.0.1", person="ann") == ("10.0.0.1", "ann")
    await door.enter(address="10.0.0.2", person="ann", tenant="t2")
    with pytest.raises(Unavailable, match="You have as many streams as allowed"):
        await door.enter(address="10.0.0.3", person="ann")
    await door.enter(person="bob")


async def test_who_was_never_here_before_counts_for_their_address_alone(hub: Hub) -> None:
    door = Door(hub, per_person=1, per_address=3)
    for _ in range(3):
        assert await door.enter() == ("10.0.0.1",)
    with pytest.raises(Unavailable, match="This address has"):
        await door.enter()
    with pytest.raises(Unavailable, match="This address has"):
        await door.enter(person="ann")
    await door.enter(address="10.0.0.2")


async def test_a_rooms_streams_are_limited_and_leave_the_others_alone(hub: Hub) -> None:
    door = Door(hub, per_tenant=2)
    for address in ("10.0.0.1", "10.0.0.2"):
        await door.enter(address=address)
    with pytest.raises(Unavailable, match="This tenant has"):
        await door.enter(address="10.0.0.3")
    await door.enter(tenant="t2")


async def test_all_streams_are_limited(hub: Hub) -> None:
    door = Door(hub, in_all=2)
    for tenant in ("t1", "t2"):
        await door.enter(tenant, address=tenant)
    with pytest.raises(Unavailable, match="This server has") as refusal:
        await door.enter()
    assert refusal.value.retry_after_seconds


async def test_streams_that_end_make_room(hub: Hub) -> None:
    door = Door(hub, per_person=1, per_address=1, per_tenant=1, in_all=1)
    holders = door.admission.check(hub, Census(lambda: 0), "t1", "10.0.0.1", "ann")
    sink = AsgiSink(None, None)  # type: ignore[arg-type] # never runs
    stream = await hub.subscribe(StreamRequest(tenant="t1", audiences=(), holders=holders), sink)
    with pytest.raises(Unavailable):
        await door.enter(person="ann")
    stream.close("done")
    await door.enter(person="ann")


# ---- How fast ----------------------------------------------------------------------------------


async def test_a_hall_may_come_at_once_and_then_as_fast_as_allowed(hub: Hub) -> None:
    door = Door(hub, joins_per_second=10)
    for _ in range(10 * BURST_SECONDS):
        await door.enter()
    with pytest.raises(Unavailable, match="Too many streams begin at once") as refusal:
        await door.enter()
    assert 1 <= (refusal.value.retry_after_seconds or 0) <= BURST_SECONDS
    await door.enter(tenant="t2")
    door.seconds += 0.1
    await door.enter()
    with pytest.raises(Unavailable):
        await door.enter()


async def test_who_is_refused_for_another_reason_is_not_counted_as_come(hub: Hub) -> None:
    door = Door(hub, joins_per_second=1, per_person=1)
    await door.enter(person="ann")
    for _ in range(100):
        with pytest.raises(Unavailable, match="You have"):
            await door.enter(person="ann")
    for _ in range(BURST_SECONDS - 1):
        await door.enter()


async def test_those_who_come_too_soon_are_told_to_come_back_at_different_times(hub: Hub) -> None:
    door = Door(hub, joins_per_second=1)
    for _ in range(BURST_SECONDS):
        await door.enter()
    told = set()
    for _ in range(100):
        with pytest.raises(Unavailable) as refusal:
            await door.enter()
        told.add(refusal.value.retry_after_seconds)
    assert len(told) == BURST_SECONDS


# ---- In a real server --------------------------------------------------------------------------


async def test_one_cookie_has_so_many_streams(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with listening(make_settings(tmp_path, max_streams_per_person=2)) as server, AsyncExitStack() as stack:
        room = await server.room("default")
        ann, bob = room.guest(), room.guest()
        for person in (ann, bob):
            await person.get("/session")
        for _ in range(2):
            mine = await stack.enter_async_context(server.stream("default", cookies=ann.cookies))
            assert (await mine.next()).type == "connected"
        refused = await stack.enter_async_context(server.stream("default", cookies=ann.cookies))
        assert_problem(refused.response, 503, "unavailable")
        [line] = [each for each in caplog.records if each.name == "pulsestage.http.errors"]
        assert (line.levelname, "You have as many streams as allowed" in line.message) == ("WARNING", True)
        his = await stack.enter_async_context(server.stream("default", cookies=bob.cookies))
        assert (await his.next()).type == "connected"


async def test_those_who_come_together_are_not_more_than_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has been let in before any has begun: a ticket, or a team's name, takes a look into the database."""
    waiting, decided, request = 0, asyncio.Event(), streams.request

    async def slow(*arguments: Any, **named: Any) -> Any:
        nonlocal waiting
        waiting += 1
        if waiting == 5:
            decided.set()
        await decided.wait()
        return await request(*arguments, **named)

    monkeypatch.setattr(streams, "request", slow)
    async with listening(make_settings(tmp_path, max_streams_per_address=2)) as server, AsyncExitStack() as stack:
        opening = [stack.enter_async_context(server.stream("default")) for _ in range(5)]
        answers = [stream.response.status_code for stream in await asyncio.gather(*opening)]
        assert sorted(answers) == [200, 200, 503, 503, 503]
        assert server.app.state.hub.total_connections == 2


async def opens(server: Server, stack: AsyncExitStack, forwarded_for: str) -> bool:
    stream = await stack.enter_async_context(server.stream("default", X_Forwarded_For=forwarded_for))
    return stream.response.status_code == 200


async def test_behind_a_trusted_proxy_the_address_is_the_one_it_tells(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, max_streams_per_address=1)
    async with listening(settings) as server, AsyncExitStack() as stack:
        assert await opens(server, stack, "198.51.100.1")
        assert await opens(server, stack, "198.51.100.2")
        assert not await opens(server, stack, "198.51.100.1")
        assert not await opens(server, stack, "203.0.113.9, 198.51.100.1"), "what the client claims is not believed"


async def test_what_a_stranger_tells_of_addresses_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "192.0.2.1")
    settings = make_settings(tmp_path, max_streams_per_address=1)
    async with listening(settings) as server, AsyncExitStack() as stack:
        assert await opens(server, stack, "198.51.100.1")
        assert not await opens(server, stack, "198.51.100.2")
