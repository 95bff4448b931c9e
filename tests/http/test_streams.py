"""Streams as a client of a real server sees them: the contract on the wire, byte by byte."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import aconnect_sse

from pulsestage.domain.policy import Role
from tests.http.conftest import Room, assert_problem, make_settings
from tests.http.streams import Server, listening

_numbers = count(1)
FRIEND = "https://slides.example"


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    settings = make_settings(tmp_path_factory.mktemp("data"), cors_origins=FRIEND, max_streams_per_tenant=5)
    async with listening(settings) as server:
        yield server


@pytest.fixture
async def room(server: Server) -> Room:
    return await server.room(f"room-{next(_numbers)}")


@pytest.fixture
def slug(room: Room) -> str:
    return room.tenant.slug


# ---- The form ------------------------------------------------------------------------------------


async def test_the_head_is_exactly_this(server: Server, slug: str) -> None:
    async with server.stream(slug) as stream:
        headers = stream.response.headers
        assert stream.response.status_code == 200
        assert headers.get_list("content-type") == ["text/event-stream"]
        assert headers.get_list("cache-control") == ["no-cache"]
        assert headers.get_list("x-accel-buffering") == ["no"]
        assert not {"content-length", "content-encoding", "etag"} & headers.keys()
        assert "x-request-id" in headers


async def test_the_first_bytes_are_exactly_these(server: Server, room: Room, slug: str) -> None:
    retries = set()
    for _ in range(5):
        async with server.stream(slug) as stream:
            block = (await stream.raw()).decode()
        match = re.fullmatch(
            r"retry: (\d+)\n"
            r"id: [0-9A-Za-z_-]+\.0\n"
            rf'data: {{"type":"connected","tenantId":"{room.tenant.id}","tenantSlug":"{slug}","timestamp":\d{{13}}}}',
            block,
        )
        assert match, block
        retries.add(int(match[1]))
    assert all(1000 <= retry <= 4000 for retry in retries)
    assert len(retries) > 1


async def test_an_event_is_exactly_this(server: Server, room: Room, slug: str) -> None:
    question = await room.ask()
    async with server.stream(slug) as stream:
        first = await stream.next()
        await room.guest().post(f"/questions/{question}/upvote")
        block = (await stream.raw()).decode()
    epoch = str(first.id).split(".")[0]
    data = f'{{"id":"{question}","questionId":"{question}","upvotes":1}}'
    assert re.fullmatch(
        rf'id: {epoch}\.2\ndata: {{"type":"question:upvoted","tenantId":"{room.tenant.id}",'
        rf'"data":{re.escape(data)},"timestamp":\d{{13}}}}',
        block,
    )


DATA = {
    "question:created": {"id", "questionId", "body", "upvotes", "status", "teamId", "createdAt"},
    "question:upvoted": {"id", "questionId", "upvotes"},
    "question:answered": {"id", "questionId", "responseText", "respondedAt", "status"},
    "question:tagged": {"id", "questionId", "tags"},
    "question:untagged": {"id", "questionId", "tags"},
    "question:pinned": {"id", "questionId", "isPinned", "pinnedBy", "pinnedAt"},
    "question:frozen": {"id", "questionId", "isFrozen", "frozenBy", "frozenAt"},
    "question:removed": {"id", "questionId"},
    "tags:changed": {"tags"},
    "teams:changed": {"teams"},
}


async def do_everything(room: Room) -> str:
    """One of every event, in the order of `EVERYTHING`."""
    admin = await room.member(Role.ADMIN)
    await admin.post("/teams", json={"name": "Sales", "slug": "sales"})
    tag = (await admin.post("/tags", json={"name": "Pay"})).json()["id"]
    question = await room.ask()
    await room.guest().post(f"/questions/{question}/upvote")
    await admin.put(f"/questions/{question}/tags/{tag}")
    await admin.delete(f"/questions/{question}/tags/{tag}")
    await admin.put(f"/questions/{question}/pin")
    await admin.put(f"/questions/{question}/freeze")
    await admin.delete(f"/questions/{question}/freeze")
    await admin.post(f"/questions/{question}/answer", json={"response": "Yes."})
    await admin.delete(f"/questions/{question}")
    return question


EVERYTHING = [
    "teams:changed", "tags:changed", "question:created", "question:upvoted", "question:tagged", "question:untagged",
    "question:pinned", "question:frozen", "question:frozen", "question:answered", "question:removed",
]  # fmt: skip


async def test_every_event_in_order_with_its_members(server: Server, room: Room, slug: str) -> None:
    async with server.stream(slug) as stream:
        await stream.next()
        question = await do_everything(room)
        frames = await stream.take(len(EVERYTHING))
    assert [frame.type for frame in frames] == EVERYTHING
    assert [frame.seq for frame in frames] == list(range(1, len(EVERYTHING) + 1))
    for frame in frames:
        assert frame.message.keys() == {"type", "tenantId", "data", "timestamp"}
        assert frame.data.keys() >= DATA[frame.type]  # members may be added, none may go
        assert frame.event is None
        if "questionId" in frame.data:
            assert frame.data["id"] == frame.data["questionId"] == question
    frozen, unfrozen = [frame.data for frame in frames if frame.type == "question:frozen"]
    assert (frozen["isFrozen"], unfrozen["isFrozen"], unfrozen["frozenAt"]) == (True, False, None)


async def test_only_moderators_see_who_pinned_and_froze(server: Server, room: Room, slug: str) -> None:
    moderator = await room.member(Role.MODERATOR)
    question = await room.ask()
    async with server.stream(slug) as public, server.stream(slug, cookies=moderator.cookies) as private:
        for stream in (public, private):
            await stream.next()
        await moderator.put(f"/questions/{question}/pin")
        await moderator.put(f"/questions/{question}/freeze")
        seen, known = await public.take(2), await private.take(2)
    assert [frame.data["pinnedBy"] for frame in (seen[0], known[0])] == [None, known[1].data["frozenBy"]]
    assert seen[1].data["frozenBy"] is None
    assert known[1].data["frozenBy"]
    assert [frame.id for frame in seen] == [frame.id for frame in known]


async def test_a_heartbeat_has_no_id(tmp_path: Path) -> None:
    async with listening(make_settings(tmp_path, heartbeat_seconds=0.2)) as server, server.stream("default") as stream:
        frame = await stream.until("heartbeat")
    assert frame.id is None
    assert frame.data == {"timestamp": frame.message["timestamp"]}


async def test_gzip_is_flushed_at_every_write(server: Server, room: Room, slug: str) -> None:
    async with server.stream(slug, Accept_Encoding="gzip, br") as stream:
        assert stream.response.headers["content-encoding"] == "gzip"
        assert (await stream.next()).type == "connected"
        for number in range(3):
            await room.ask(f"Question {number}?")
            assert (await stream.next()).data["body"] == f"Question {number}?"


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "x-gzip2", "gzip; q=0.0, br"])
async def test_who_does_not_take_gzip_gets_none(server: Server, slug: str, accepted: str) -> None:
    async with server.stream(slug, Accept_Encoding=accepted) as stream:
        assert "content-encoding" not in stream.response.headers
        assert (await stream.next()).type == "connected"


AWKWARD = [
    "a\rb", "a\nb", "a\r\nb", "a\n\nb", "a\u2028b", "a\u2029b", "a\x85b", "a\x0bb", "a\x0cb", "a\x1cb", "a\x1eb",
    "data: x\n\ndata: y", "id: 1\nevent: z\n", ": comment", "\ufeffabc", "a\x1bb", "a\x7fb", "\U0010ffffabc",
    "\\n\\u0000", "</script><!--", '{"type":"reset"}', "a\u202eb", "👩‍👩‍👧", "\u200b\u200b\u200b",
]  # fmt: skip


async def test_no_text_breaks_a_frame(server: Server, room: Room, slug: str) -> None:
    """Read by the standard's rules, and by a client whose lines also end at U+2028 and its like."""
    async with (
        server.stream(slug) as stream,
        httpx.AsyncClient(base_url=server.base_url, timeout=None) as client,  # noqa: S113 - a stream is endless
        aconnect_sse(client, "GET", "/sse", params={"tenantId": slug}) as source,
    ):
        other = source.aiter_sse()
        assert (await anext(other)).json()["type"] == (await stream.next()).type == "connected"
        for text in AWKWARD:
            asked = await room.guest().post("/questions", json={"body": text})
            assert asked.status_code == 201, (text, asked.text)
            body = asked.json()["body"]
            assert body == text.replace("\r\n", "\n").replace("\r", "\n").strip()
            frame, message = await stream.next(), await anext(other)
            assert frame.data["body"] == body
            assert message.json()["data"]["body"] == body
            assert (message.event, message.id) == ("message", frame.id)


# ---- What is asked for ---------------------------------------------------------------------------


async def test_both_addresses_and_both_names_of_the_tenant(server: Server, room: Room, slug: str) -> None:
    for path in ("/sse", "/events"):
        async with server.stream("default", path, tenantId=slug) as stream:
            assert (await stream.next()).message["tenantSlug"] == slug
        async with server.stream(slug, path, tenantId="", tenant=slug) as stream:
            assert (await stream.next()).message["tenantSlug"] == slug
        async with server.stream("", path) as stream:
            assert (await stream.next()).message["tenantSlug"] == "default"


async def test_a_filter_by_type(server: Server, room: Room, slug: str) -> None:
    async with server.stream(slug, events="question:upvoted, question:removed,heartbeat") as stream:
        assert (await stream.next()).type == "connected"
        await do_everything(room)
        frames = await stream.take(2)
    assert [(frame.type, frame.seq) for frame in frames] == [("question:upvoted", 4), ("question:removed", 11)]


@pytest.mark.parametrize("unknown", ["question:liked", "x" * 500, "\x00", "é", "question:created;"])
async def test_an_unknown_type_is_named(room: Room, unknown: str) -> None:
    answer = await room.guest().get("/sse", params={"events": f"question:created,{unknown}"})
    problem = assert_problem(answer, 422, "invalid_input")
    [told] = problem["fields"]["events"]
    assert repr(unknown) in told
    assert "question:upvoted" in told


async def test_a_filter_by_team_by_id_or_slug(server: Server, room: Room, slug: str) -> None:
    admin = await room.member(Role.ADMIN)
    sales, other = [
        (await admin.post("/teams", json={"name": name, "slug": name})).json()["id"] for name in ("sales", "other")
    ]
    async with server.stream(slug, team="sales") as by_slug, server.stream(slug, team=sales) as by_id:
        for stream in (by_slug, by_id):
            await stream.next()
        await room.ask("To nobody?")
        await room.ask("To others?", teamId=other)
        mine = await room.ask("To sales?", teamId=sales)
        await admin.post("/tags", json={"name": "Pay"})
        for stream in (by_slug, by_id):
            first, second = await stream.take(2)
            assert (first.data["questionId"], second.type) == (mine, "tags:changed")
    async with server.stream(slug, team="sales", snapshot=1) as stream:
        snapshot = (await stream.take(2))[1].data
    assert [question["id"] for question in snapshot["questions"]] == [mine]
    assert_problem(await room.guest().get("/sse", params={"team": "none"}), 404, "team_not_found", "Team not found")


async def test_a_snapshot_is_what_the_api_shows(server: Server, room: Room, slug: str) -> None:
    person = room.guest()
    await person.post("/questions", json={"body": "Mine?"})
    await do_everything(room)
    await person.post(f"/questions/{await room.ask()}/upvote")
    async with server.stream(slug, cookies=person.cookies, snapshot=1) as stream:
        connected, snapshot = await stream.take(2)
        listed = await person.get("/questions", params={"sort": "recent"})
        assert connected.seq == 0
        assert snapshot.id == listed.headers["x-stream-position"]
        assert snapshot.data.keys() == {"questions", "tags", "teams"}
        assert sorted(snapshot.data["questions"], key=lambda each: str(each["id"]), reverse=True) == listed.json()
        assert snapshot.data["tags"] == (await person.get("/tags")).json()
        assert snapshot.data["teams"] == (await person.get("/teams")).json()
        await room.ask()
        assert (await stream.next()).seq == snapshot.seq + 1


async def test_list_then_follow_has_no_gap_and_no_overlap(server: Server, room: Room, slug: str) -> None:
    before = {await room.ask() for _ in range(3)}
    listed = await room.guest().get("/questions")
    between = await room.ask()
    async with server.stream(slug, lastEventId=listed.headers["x-stream-position"]) as stream:
        connected, missed = await stream.take(2)
        after = await room.ask()
        live = await stream.next()
    assert {question["id"] for question in listed.json()} == before
    assert connected.id == listed.headers["x-stream-position"]
    assert [missed.data["questionId"], live.data["questionId"]] == [between, after]


# ---- Coming back ---------------------------------------------------------------------------------


async def test_resuming_by_header_and_by_parameter_and_the_header_wins(server: Server, room: Room, slug: str) -> None:
    for _ in range(4):
        await room.ask()
    async with server.stream(slug) as stream:
        epoch = str((await stream.next()).id).split(".")[0]
    ways: list[dict[str, Any]] = [
        {"lastEventId": f"{epoch}.2"},
        {"Last_Event_ID": f"{epoch}.2"},
        {"Last_Event_ID": f"{epoch}.2", "lastEventId": f"{epoch}.0"},
    ]
    for way in ways:
        async with server.stream(slug, **way) as stream:
            frames = await stream.take(3)
        assert [(frame.type, frame.seq) for frame in frames] == [
            ("connected", 2), ("question:created", 3), ("question:created", 4),
        ]  # fmt: skip


@pytest.mark.parametrize("position", ["nonsense", "0000.1", "{epoch}.99", "{epoch}.-1", "{epoch}.1.1", "x" * 200, "é"])
@pytest.mark.parametrize("snapshot", [False, True])
async def test_an_unknown_position_resets(
    server: Server, room: Room, slug: str, position: str, *, snapshot: bool
) -> None:
    await room.ask()
    async with server.stream(slug) as stream:
        epoch = str((await stream.next()).id).split(".")[0]
    query: dict[str, Any] = {"snapshot": 1} if snapshot else {}
    async with server.stream(slug, lastEventId=position.format(epoch=epoch), **query) as stream:
        connected, reset = await stream.take(2)
        assert (connected.type, reset.type, reset.id) == ("connected", "reset", None)
        assert reset.data == {"reason": "unknown-position"}
        if snapshot:
            assert [question["body"] for question in (await stream.next()).data["questions"]]
        await room.ask()
        assert (await stream.next()).seq == 2


async def test_a_pruned_position_resets(server: Server, room: Room, slug: str) -> None:
    for _ in range(5):
        await room.ask()
    store: Any = server.app.state.hub._engine.store
    await store.prune(0, keep_events=2, keep_millis=0)
    async with server.stream(slug, snapshot=1) as stream:
        epoch = str((await stream.next()).id).split(".")[0]
    async with server.stream(slug, lastEventId=f"{epoch}.2", snapshot=1) as stream:
        _, reset, snapshot = await stream.take(3)
    assert reset.data == {"reason": "expired-position"}
    assert (snapshot.seq, len(snapshot.data["questions"])) == (5, 5)
    async with server.stream(slug, lastEventId=f"{epoch}.3") as stream:
        assert [frame.seq for frame in await stream.take(3)] == [3, 4, 5]


async def test_goodbye_and_then_back_on_a_new_server_without_gap_or_repeat(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    async with listening(settings) as server:
        room = await server.room("acme")
        await room.ask()
        streams = server.stream("acme", snapshot=1)
        stream = await streams.__aenter__()
        await stream.take(2)
        await room.ask()
        last = await stream.next()
    goodbye = await stream.next()
    assert (goodbye.type, goodbye.data, goodbye.id) == ("goodbye", {"reason": "shutdown"}, None)
    assert 1000 <= (goodbye.retry or 0) <= 4000
    assert await stream.has_ended()
    await streams.__aexit__(None, None, None)

    async with listening(settings) as server:
        room = await server.room("acme")
        missed = await room.ask()
        async with server.stream("acme", Last_Event_ID=last.id, snapshot=1) as stream:
            connected, frame = await stream.take(2)
            assert (connected.id, frame.data["questionId"], frame.seq) == (last.id, missed, last.seq + 1)
            await room.ask()
            assert (await stream.next()).seq == last.seq + 2


# ---- Who may -------------------------------------------------------------------------------------


async def test_nothing_of_another_tenant_is_ever_seen(server: Server, room: Room, slug: str) -> None:
    other = await server.room(f"room-{next(_numbers)}")
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
    other = await server.room(f"room-{next(_numbers)}")
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
        async with server.stream(one) as later:
            assert (await later.next()).type == "connected"


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
