"""Coming back: where one left off, or from nothing, also to a new server on the same database."""

from pathlib import Path
from typing import Any

import pytest

from tests.http.conftest import Room, make_settings
from tests.http.streaming.server import Server, listening
from tests.server.wire import wire


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


async def test_white_space_around_the_headers_values_is_none_of_them(server: Server, room: Room, slug: str) -> None:
    await room.ask()
    async with server.stream(slug) as stream:
        position = str((await stream.next()).id)
    fields = f"X-Tenant-ID: \t{slug} \t\r\nLast-Event-ID:   {position}  \t \r\n"
    async with wire(server) as client:  # httpx refuses to send it
        client.send(f"GET /sse HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode())
        await client.head()
        assert f"id: {position}\n" in await client.frame() + "\n"
        await room.ask()
        assert '"question:created"' in await client.frame()


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
