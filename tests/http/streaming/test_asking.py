"""What one may ask of a stream: types, a team, a snapshot."""

import pytest

from pulsestage.domain.policy import Role
from tests.http.conftest import Room, assert_problem
from tests.http.streaming.everything import do_everything
from tests.http.streaming.server import Server


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
    async with server.stream(slug, team="Sales") as by_slug, server.stream(slug, team=sales) as by_id:
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
