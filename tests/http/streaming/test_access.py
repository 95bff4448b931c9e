"""Who may read a stream, and how many."""

from contextlib import AsyncExitStack
from pathlib import Path

from pulsestage.domain.policy import Role
from tests.http.conftest import Room, assert_problem, make_settings
from tests.http.streaming.conftest import FRIEND, another_room
from tests.http.streaming.everything import EVERYTHING, do_everything
from tests.http.streaming.server import Server, listening


async def test_nothing_of_another_tenant_is_ever_seen(server: Server, room: Room, slug: str) -> None:
    other = await another_room(server)
    async with server.stream(slug) as here, server.stream(other.tenant.slug) as there:
        for stream in (here, there):
            await stream.next()
        await do_everything(other)
        await room.ask("Here?")
        frame = await here.next()
        assert (frame.data["body"], frame.seq, frame.message["tenantId"]) == ("Here?", 1, room.tenant.id)
        seen = await there.take(len(EVERYTHING))
    assert {each.message["tenantId"] for each in seen} == {other.tenant.id}


async def test_a_ticket_opens_one_stream_as_its_owner(server: Server, room: Room, slug: str) -> None:
    moderator = await room.member(Role.MODERATOR)
    question = await room.ask()
    ticket = (await moderator.post("/sse/tickets")).json()["ticket"]
    async with server.stream(slug, ticket=ticket) as stream:
        await stream.next()
        await moderator.put(f"/questions/{question}/pin")
        assert (await stream.next()).data["pinnedBy"]
    async with server.stream(slug, ticket=ticket) as again:
        assert_problem(again.response, 403, "invalid_token")
    foreign = (await moderator.post("/sse/tickets")).json()["ticket"]
    other = await another_room(server)
    async with server.stream(other.tenant.slug, ticket=foreign) as stream:
        assert_problem(stream.response, 403, "invalid_token")


async def test_too_many_streams_of_a_tenant_are_refused_and_counted(server: Server, room: Room, slug: str) -> None:
    moderator = await room.member(Role.MODERATOR)
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(server.stream(slug)) for _ in range(6)]
        assert [(await stream.next()).type for stream in streams[:5]] == ["connected"] * 5
        assert_problem(streams[5].response, 503, "unavailable")
        assert int(streams[5].response.headers["retry-after"]) >= 1
        shown = (await moderator.get("/sse/metrics")).json()
    assert shown == {"totalConnections": 5, "tenantConnections": {room.tenant.id: 5}, "tenantCount": 1}


async def test_too_many_streams_from_one_address_are_refused_whatever_their_tenant(tmp_path: Path) -> None:
    async with listening(make_settings(tmp_path, max_streams_per_address=2)) as server, AsyncExitStack() as stack:
        one, other = [(await server.room(name)).tenant.slug for name in ("one", "other")]
        streams = [await stack.enter_async_context(server.stream(slug)) for slug in (one, other, one)]
        assert [(await stream.next()).type for stream in streams[:2]] == ["connected"] * 2
        assert_problem(streams[2].response, 503, "unavailable")
        await stack.aclose()
        while True:  # the server learns that they have left as soon as their sockets tell it
            async with server.stream(one) as later:
                if later.response.status_code == 200:
                    assert (await later.next()).type == "connected"
                    break


async def test_origins(server: Server, slug: str) -> None:
    async with server.stream(slug, Origin=FRIEND) as stream:
        headers = stream.response.headers
        assert headers["access-control-allow-origin"] == FRIEND
        assert headers["access-control-allow-credentials"] == "true"
        assert {each.strip() for each in headers["vary"].split(",")} >= {"Origin", "Accept-Encoding"}
    async with server.stream(slug, Origin="https://evil.example") as stream:
        assert "access-control-allow-origin" not in stream.response.headers


async def test_an_unknown_tenant(server: Server) -> None:
    async with server.stream("nobody") as stream:
        assert_problem(stream.response, 404, "tenant_not_found", "Tenant not found")
