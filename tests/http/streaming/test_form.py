"""Streams as a client of a real server sees them: the contract on the wire, byte by byte."""

import re
from pathlib import Path

import httpx
import pytest
from httpx_sse import aconnect_sse

from pulsestage.domain.policy import Role
from tests.http.conftest import Room, make_settings
from tests.http.streaming.everything import EVERYTHING, do_everything
from tests.http.streaming.server import Server, listening


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
            rf'data: {{"type":"connected","tenantId":"{room.tenant.id}","tenantSlug":"{slug}",'
            r'"heartbeatSeconds":30.0,"timestamp":\d{13}}\n'
            r"id: [0-9A-Za-z_-]+\.0",
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
        rf'data: {{"type":"question:upvoted","tenantId":"{room.tenant.id}",'
        rf'"data":{re.escape(data)},"timestamp":\d{{13}}}}\nid: {epoch}\.2',
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


async def test_answers_and_snapshots_say_it_to_moderators_too(server: Server, room: Room, slug: str) -> None:
    moderator, guest = await room.member(Role.MODERATOR), room.guest()
    question = await room.ask()
    await moderator.put(f"/questions/{question}/pin")
    answers = [await moderator.put(f"/questions/{question}/freeze")]
    await moderator.delete(f"/questions/{question}/freeze")
    answers += [await moderator.post(f"/questions/{question}/upvote")]
    answers += [await moderator.get(f"/questions/{question}")]
    member = answers[0].json()["frozenBy"]
    assert member
    assert [answer.json()["pinnedBy"] for answer in answers] == [member] * 3
    assert [answer.json()["frozenBy"] for answer in answers[1:]] == [None] * 2
    [listed] = (await guest.get("/questions")).json()
    assert (listed["pinnedBy"], (await guest.post(f"/questions/{question}/upvote")).json()["pinnedBy"]) == (None, None)
    for cookies, seen in ((None, None), (moderator.cookies, member)):
        async with server.stream(slug, cookies=cookies, snapshot=1) as stream:
            [shown] = (await stream.until("snapshot")).data["questions"]
        assert (shown["pinnedBy"], shown["frozenBy"]) == (seen, None)


async def test_a_heartbeat_has_no_id(tmp_path: Path) -> None:
    async with listening(make_settings(tmp_path, heartbeat_seconds=0.2)) as server, server.stream("default") as stream:
        frame = await stream.heartbeat()
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
        for text in (f"abc{each}abc" for each in AWKWARD):  # so that there is enough to see
            asked = await room.guest().post("/questions", json={"body": text})
            assert asked.status_code == 201, (text, asked.text)
            body = asked.json()["body"]
            assert body == text.replace("\r\n", "\n").replace("\r", "\n")
            frame, message = await stream.next(), await anext(other)
            assert frame.data["body"] == body
            assert message.json()["data"]["body"] == body
            assert (message.event, message.id) == ("message", frame.id)
