"""Several instances over one database, as they are put together: what one does, the others show and count."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from pulsestage.bootstrap import application
from pulsestage.domain.policy import Role
from pulsestage.domain.tenant import Tenant
from pulsestage.realtime import Hub, StreamRequest
from pulsestage.services import sessions
from pulsestage.storage.database import Database
from pulsestage.storage.event_log import SqlEventStore
from tests.http.conftest import Room, assert_problem, make_settings, new_room
from tests.realtime.support import RecordingSink
from tests.servers.valkey import valkey_server

SECRET = "thirty-two characters or even more"
PATIENCE_SECONDS = 20


class Cluster:
    """Instances of one service. What they know of one another changes when a test says so."""

    def __init__(self, stack: AsyncExitStack, directory: Path, url: str, relay: str) -> None:
        self._stack = stack
        self._given = {
            "data_dir": directory,
            "database_url": url,
            "relay_url": relay,
            "secret_key": SECRET,
            "census_seconds": 60,
            "safety_seconds": 60,
            "workers": 2,  # or nobody else would be looked for on SQLite
        }

    async def instance(self, clock: Callable[[], int] | None = None, **changed: Any) -> FastAPI:
        """One more."""
        settings = make_settings(**{**self._given, **changed})
        app = application(settings, clock) if clock else application(settings)
        await self._stack.enter_async_context(app.router.lifespan_context(app))
        return app


@asynccontextmanager
async def cluster(directory: Path, url: str, relay: str) -> AsyncIterator[Cluster]:
    async with AsyncExitStack() as stack:
        yield Cluster(stack, directory, url, relay)


async def census(*apps: FastAPI) -> None:
    """Let all of them know of all."""
    for _ in range(2):
        for app in apps:
            await app.state.context.census.count()


async def follow(app: FastAPI, tenant: Tenant) -> RecordingSink:
    hub: Hub = app.state.hub
    sink = RecordingSink()
    request = StreamRequest(tenant=tenant.id, audiences=("public",))
    await hub.subscribe(request, sink)
    await until(lambda: "connected" in sink.types)
    return sink


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - waits for another instance, which has no event for us
            await asyncio.sleep(0.005)


async def shows(stream: RecordingSink, what: str, times: int = 1) -> None:
    await until(lambda: stream.types.count(what) >= times)


async def healthy(*apps: FastAPI) -> None:
    await until(lambda: all(app.state.hub.relay_healthy for app in apps))


def at(app: FastAPI, tenant: Tenant) -> Room:
    """The same room at this instance."""
    return Room(app, tenant)


@pytest.fixture
async def three(tmp_path: Path, postgres_url: str, redis_url: str, request: pytest.FixtureRequest) -> Any:
    async with cluster(tmp_path, postgres_url, redis_url) as instances:
        channel = request.node.name.replace("[", ".").strip("]")[:49]
        apps = [await instances.instance(relay_channel=channel) for _ in range(3)]
        await census(*apps)
        await healthy(*apps)
        yield apps


@pytest.mark.parametrize("relay", ["redis", "postgres", "memory"])
async def test_what_one_changes_the_others_show(relay: str, tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    async with cluster(tmp_path, postgres_url, redis_url if relay == "redis" else relay) as instances:
        one, other = [await instances.instance(relay_channel="show") for _ in range(2)]
        room = await new_room(one)
        if relay != "memory":
            await healthy(one, other)
        await census(one, other)
        streams = [await follow(app, room.tenant) for app in (one, other)]
        question = await room.ask()
        await room.guest().post(f"/questions/{question}/upvote")
        for stream in streams:
            await shows(stream, "question:upvoted")
            assert stream.types == ["connected", "question:created", "question:upvoted"]
        stats = other.state.hub.stats()
        assert stats.relay.received == (0 if relay == "memory" else 2)
        assert stats.relay_healthy == (relay != "memory")


async def test_on_sqlite_workers_look_for_what_nobody_tells_them(tmp_path: Path) -> None:
    async with cluster(tmp_path, f"sqlite:///{tmp_path / 'pulsestage.db'}", "memory") as instances:
        one, other = [await instances.instance() for _ in range(2)]
        await census(one, other)
        room = await new_room(one)
        stream = await follow(other, room.tenant)
        await room.ask()
        await shows(stream, "question:created")


async def test_head_counts_and_limits_are_of_all_instances(three: list[FastAPI]) -> None:
    room = await new_room(three[0])
    moderator = await room.member(Role.MODERATOR)
    for app in three[:2]:
        await follow(app, room.tenant)
    await census(*three)
    for app in three:
        here = at(app, room.tenant).guest()
        here.cookies = moderator.cookies
        shown = (await here.get("/sse/metrics")).json()
        assert (shown["totalConnections"], shown["tenantConnections"]) == (2, {room.tenant.id: 2})
        page = (await here.get("/metrics")).text
        assert "pulsestage_instances 3.0" in page
        assert "pulsestage_instances_disagreeing 0.0" in page
        # Of the tenants that have streams here: the third has none.
        assert f"pulsestage_stream_tenant_connections {0.0 if app is three[2] else 2.0}" in page
    three[2].state.admission._limits = type(three[2].state.admission._limits)(per_tenant=2)
    assert_problem(await at(three[2], room.tenant).guest().get("/sse"), 503, "unavailable")


async def test_who_signs_in_at_one_is_known_at_all_and_a_link_is_good_for_one(three: list[FastAPI]) -> None:
    room = await new_room(three[0])
    link = sessions.make_link(room.context, room.tenant, Role.MODERATOR)
    guests = [at(app, room.tenant).guest() for app in three]
    answers = await asyncio.gather(*(guest.post("/session", json={"token": link}) for guest in guests))
    assert sorted(answer.status_code for answer in answers) == [201, 403, 403]
    signed_in = guests[[answer.status_code for answer in answers].index(201)]
    for app in three:
        here = at(app, room.tenant).guest()
        here.cookies = signed_in.cookies
        assert (await here.get("/sse/metrics")).status_code == 200


async def test_a_persons_rate_is_one_for_all_instances(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    async with cluster(tmp_path, postgres_url, redis_url) as instances:
        apps = [await instances.instance(relay_channel="rate", asks_per_minute=6) for _ in range(3)]
        room = await new_room(apps[0])
        person = room.guest()
        statuses = []
        for number in range(6):
            here = at(apps[number % 3], room.tenant).guest()
            here.cookies = person.cookies
            statuses.append(
                (await here.post("/questions", json={"body": f"How is number {number} doing?"})).status_code
            )
            person.cookies.update(here.cookies)
        assert statuses == [201, 201, 201, 429, 429, 429]


@pytest.mark.parametrize("hours", [-2, 2])
async def test_clocks_that_differ_do_no_harm(hours: int, tmp_path: Path, postgres_url: str) -> None:
    def wrong() -> int:
        return time.time_ns() // 1_000_000 + hours * 3_600_000

    async with cluster(tmp_path, postgres_url, "postgres") as instances:
        right, skewed = await instances.instance(), await instances.instance(wrong)
        await healthy(right, skewed)
        room = await new_room(right)
        for here, there in ((right, skewed), (skewed, right)):
            member = await at(here, room.tenant).member(Role.MODERATOR)
            ticket = (await member.post("/sse/tickets")).json()["ticket"]
            opened, _ = sessions.open_ticket(there.state.context, room.tenant, ticket)
            assert opened.member_id is not None
        stream = await follow(right, room.tenant)
        asked = [await at(app, room.tenant).ask() for app in (right, skewed, right, skewed)]
        await shows(stream, "question:created", times=4)
        listed = (await room.guest().get("/questions?sort=recent")).json()
        assert [question["id"] for question in listed] == asked[::-1]
        now = time.time() * 1000
        assert all(abs(frame.message["timestamp"] - now) < 600_000 for frame in stream.frames[1:])


async def test_while_the_broker_is_out_it_is_said_and_nothing_is_lost(tmp_path: Path, postgres_url: str) -> None:
    with valkey_server() as valkey:
        async with cluster(tmp_path, postgres_url, valkey.url) as instances:
            one, other = [await instances.instance() for _ in range(2)]
            await healthy(one, other)
            room = await new_room(one)
            stream = await follow(other, room.tenant)
            with valkey.stopped():
                await until(lambda: not other.state.hub.relay_healthy)
                await room.ask()
                await shows(stream, "question:created")
                ready = await room.guest().get("/health/ready")
                assert (ready.status_code, ready.json()["degraded"]) == (200, ["relay"])
                assert "pulsestage_relay_healthy 0.0" in (await room.guest().get("/metrics")).text
            await healthy(one, other)
            await room.ask()
            await shows(stream, "question:created", times=2)
            assert other.state.hub.stats().relay.reconnects >= 1


async def test_another_secret_is_stated_and_its_announcements_are_ignored(
    tmp_path: Path, postgres_url: str, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with cluster(tmp_path, postgres_url, redis_url) as instances:
        one = await instances.instance(relay_channel="secrets")
        stranger = await instances.instance(relay_channel="secrets", secret_key=SECRET[::-1])
        await healthy(one, stranger)
        await census(one, stranger)
        assert one.state.context.census.disagreeing == 1
        assert "PULSESTAGE_SECRET_KEY" in caplog.text
        before = one.state.hub.stats().relay
        room = await new_room(stranger)
        stream = await follow(one, room.tenant)
        await room.ask()
        await until(lambda: one.state.hub.stats().relay.malformed > before.malformed)
        assert one.state.hub.stats().relay.received == 0
        await one.state.hub.check()
        await shows(stream, "question:created")  # the log is the truth all the same


async def test_a_new_epoch_under_running_instances_resets_their_streams(
    three: list[FastAPI], postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    room = await new_room(three[0])
    await room.ask()
    streams = [await follow(app, room.tenant) for app in three]
    database = Database(postgres_url)
    await SqlEventStore(database).renew_epochs()
    await database.close()
    await room.ask()  # announced with the new epoch
    for stream in streams:
        await shows(stream, "reset")
    assert caplog.text.count(f"The log of tenant {room.tenant.id} is another one now") == len(three)
