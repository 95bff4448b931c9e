"""A tenant's catalogue, and what its changes mean for questions and for those who watch."""

import asyncio
import json

import pytest
from httpx import AsyncClient

from tests.http.conftest import Room, assert_problem

NOBODY = "0192f0c1-7a3e-7c64-9d0b-2f6a1c8e4b5d"


async def test_a_tag_is_made_with_the_default_colour(room: Room, guest: AsyncClient, moderator: AsyncClient) -> None:
    answer = await moderator.post("/tags", json={"name": "Pay", "description": "About money"})
    assert answer.status_code == 201
    assert "x-stream-position" in answer.headers
    tag = answer.json()
    assert tag.keys() == {"id", "tenantId", "name", "color", "description", "createdAt"}
    assert (tag["tenantId"], tag["color"], tag["description"]) == (room.tenant.id, "#3B82F6", "About money")
    listed = await guest.get("/tags")
    assert listed.json() == [tag]
    assert listed.headers["x-stream-position"] == answer.headers["x-stream-position"]


async def test_a_tags_name_is_taken_once_also_by_many_at_once(room: Room, moderator: AsyncClient) -> None:
    answers = await asyncio.gather(*(moderator.post("/tags", json={"name": name}) for name in ("Pay", "PAY", "páy")))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert_problem(max(answers, key=lambda answer: answer.status_code), 409, "name_taken", "Name taken")
    other = (await moderator.post("/tags", json={"name": "Food"})).json()["id"]
    assert_problem(await moderator.patch(f"/tags/{other}", json={"name": "pay"}), 409, "name_taken")
    assert await room.types() == ["tags:changed", "tags:changed"]


async def test_a_renamed_tag_is_told_for_every_question_that_carries_it(room: Room, moderator: AsyncClient) -> None:
    tag = (await moderator.post("/tags", json={"name": "Pay"})).json()["id"]
    carriers = [await room.ask(), await room.ask()]
    for question in (*carriers, removed := await room.ask()):
        await moderator.put(f"/questions/{question}/tags/{tag}")
    await moderator.delete(f"/questions/{removed}")
    before = len(await room.log())
    answer = await moderator.patch(f"/tags/{tag}", json={"name": "Salary"})
    assert answer.json()["name"] == "Salary"
    events = (await room.log())[before:]
    assert [event.type for event in events] == ["tags:changed", "question:tagged", "question:tagged"]
    told = [json.loads(event.variants["public"]) for event in events]
    assert [each["name"] for each in told[0]["tags"]] == ["Salary"]
    assert [(each["id"], each["tags"][0]["name"]) for each in told[1:]] == [(each, "Salary") for each in carriers]
    assert (await moderator.patch(f"/tags/{tag}", json={"name": "Salary"})).status_code == 200
    assert len(await room.log()) == before + 3  # nothing changed the second time


async def test_a_deleted_tag_leaves_every_question(room: Room, guest: AsyncClient, moderator: AsyncClient) -> None:
    tag = (await moderator.post("/tags", json={"name": "Pay"})).json()["id"]
    question = await room.ask()
    await moderator.put(f"/questions/{question}/tags/{tag}")
    assert (await moderator.delete(f"/tags/{tag}")).status_code == 204
    assert_problem(await moderator.delete(f"/tags/{tag}"), 404, "tag_not_found", "Tag not found")
    assert (await guest.get(f"/questions/{question}")).json()["tags"] == []
    assert (await room.types())[-2:] == ["question:untagged", "tags:changed"]
    assert json.loads((await room.log())[-1].variants["public"]) == {"tags": []}


@pytest.mark.parametrize(
    "body,field",
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 51}, "name"),
        ({"name": "Pay", "color": "red"}, "color"),
        ({"name": "Pay", "description": "x" * 501}, "description"),
        ({"name": 3}, "name"),
        ({}, "name"),
    ],
)
async def test_a_wrong_tag_is_refused(room: Room, moderator: AsyncClient, body: dict[str, object], field: str) -> None:
    answer = await moderator.post("/tags", json=body)
    assert assert_problem(answer, 422, "invalid_input")["fields"].keys() == {field}
    assert await room.types() == []


async def test_a_team_lives_and_is_deactivated(room: Room, guest: AsyncClient, admin: AsyncClient) -> None:
    answer = await admin.post("/teams", json={"name": "Engineering", "slug": "engineering"})
    assert answer.status_code == 201
    team = answer.json()
    assert team.keys() == {"id", "tenantId", "name", "slug", "description", "isActive", "createdAt"}
    changed = await admin.patch(f"/teams/{team['id']}", json={"name": "Builders", "description": "They build"})
    assert changed.json() == {**team, "name": "Builders", "description": "They build"}
    assert (await admin.delete(f"/teams/{team['id']}")).status_code == 204
    assert (await guest.get("/teams")).json() == [{**changed.json(), "isActive": False}]
    assert (await admin.delete(f"/teams/{team['id']}")).status_code == 204
    assert await room.types() == ["teams:changed"] * 3
    back = await admin.patch(f"/teams/{team['id']}", json={"isActive": True})
    assert back.json()["isActive"]


async def test_a_teams_slug_is_taken_once(admin: AsyncClient) -> None:
    assert (await admin.post("/teams", json={"name": "Sales", "slug": "sales"})).status_code == 201
    taken = await admin.post("/teams", json={"name": "Other", "slug": "sales"})
    assert_problem(taken, 409, "slug_taken", "Slug taken")
    other = (await admin.post("/teams", json={"name": "Other", "slug": "other"})).json()["id"]
    assert_problem(await admin.patch(f"/teams/{other}", json={"slug": "sales"}), 409, "slug_taken")
    assert_problem(await admin.patch(f"/teams/{NOBODY}", json={"name": "X"}), 404, "team_not_found", "Team not found")
    wrong = await admin.post("/teams", json={"name": "X", "slug": "Not a slug"})
    assert assert_problem(wrong, 422, "invalid_input")["fields"].keys() == {"slug"}


@pytest.mark.parametrize(
    "method,address", [("POST", "/{kind}"), ("PATCH", f"/{{kind}}/{NOBODY}"), ("DELETE", f"/{{kind}}/{NOBODY}")]
)
async def test_guests_manage_neither_and_moderators_no_teams(
    guest: AsyncClient, moderator: AsyncClient, method: str, address: str
) -> None:
    body = None if method == "DELETE" else {"name": "Pay", "slug": "pay"}
    for person, kind in ((guest, "tags"), (guest, "teams"), (moderator, "teams")):
        answer = await person.request(method, address.format(kind=kind), json=body)
        assert_problem(answer, 403, "not_allowed", "Not allowed")
