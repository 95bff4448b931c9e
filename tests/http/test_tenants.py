"""For which tenant a request is, and that nothing of another one can be reached from it."""

import uuid
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from pulsestage.domain.policy import Role
from pulsestage.domain.tenant import Tenant, TenantSettings
from tests.http.conftest import Room, assert_problem, new_room


def nowhere(room: Room) -> AsyncClient:
    """Somebody whose requests name no tenant."""
    person = room.guest()
    del person.headers["X-Tenant-ID"]
    return person


async def slug_of(person: AsyncClient, **request: object) -> str:
    answer = await person.get("/tenants/current", **request)  # type: ignore[arg-type] # headers and params
    assert answer.status_code == 200, answer.text
    return str(answer.json()["slug"])


async def test_the_header_wins_over_the_parameter_over_the_session_over_default(app: FastAPI) -> None:
    one, two, three = [await new_room(app) for _ in range(3)]
    person = nowhere(one)
    assert await slug_of(person) == "default"
    await person.get("/session", params={"tenantId": three.tenant.slug})
    assert await slug_of(person) == three.tenant.slug
    assert await slug_of(person, params={"tenantId": two.tenant.slug}) == two.tenant.slug
    assert await slug_of(person, params={"tenant": two.tenant.slug}) == two.tenant.slug
    both = {"params": {"tenantId": two.tenant.slug}, "headers": {"X-Tenant-ID": one.tenant.slug}}
    assert await slug_of(person, **both) == one.tenant.slug


@pytest.mark.parametrize("written", [str.upper, str.title])
async def test_a_name_is_the_same_in_any_case(room: Room, written: Callable[[str], str]) -> None:
    slug, person = written(room.tenant.slug), nowhere(room)
    assert await slug_of(person, headers={"X-Tenant-ID": slug}) == room.tenant.slug
    assert await slug_of(person, params={"tenantId": slug}) == room.tenant.slug
    assert await slug_of(person, params={"tenant": slug}) == room.tenant.slug


async def test_who_is_known_in_two_rooms_is_asked_which(app: FastAPI) -> None:
    one, two = [await new_room(app) for _ in range(2)]
    person = nowhere(one)
    for room in (one, two):
        await person.get("/session", params={"tenantId": room.tenant.slug})
    assert await slug_of(person) == "default"


async def test_a_cookie_this_server_did_not_sign_names_no_tenant(room: Room) -> None:
    assert await slug_of(nowhere(room), headers={"Cookie": f"pulsestage_{room.tenant.slug}=x"}) == "default"


async def test_a_tenant_shows_what_everybody_may_know(room: Room, guest: AsyncClient) -> None:
    assert (await guest.get("/tenants/current")).json() == {
        "id": room.tenant.id,
        "slug": room.tenant.slug,
        "name": "A room",
        "settings": {"questionMinLength": 3, "questionMaxLength": 2000, "guestRole": "member"},
    }


@pytest.mark.parametrize("slug", ["nobody", "Acme", "a b", "x" * 64, "x" * 5000, "'", "%00", "é", "-"])
async def test_an_unknown_tenant_is_not_found_whatever_is_asked_of_it(room: Room, slug: str) -> None:
    person = nowhere(room)
    for address in ("/questions", "/sse", "/events", "/tags", "/tenants/current", "/session"):
        answer = await person.get(address, params={"tenantId": slug})
        assert_problem(answer, 404, "tenant_not_found", "Tenant not found")
        by_header = await person.get(address, headers={b"X-Tenant-ID": slug.encode()})
        assert_problem(by_header, 404, "tenant_not_found", "Tenant not found")
    asked = await person.post("/questions", params={"tenantId": slug}, json={"body": "Why?"})
    assert_problem(asked, 404, "tenant_not_found")


async def test_a_tenants_id_is_not_its_slug(room: Room) -> None:
    answer = await nowhere(room).get("/questions", params={"tenantId": room.tenant.id})
    assert_problem(answer, 404, "tenant_not_found")


async def test_a_tenants_own_rules(app: FastAPI) -> None:
    tenant = Tenant(str(uuid.uuid4()), "strict", "Strict", 0, TenantSettings(10, 20, Role.VIEWER))
    await app.state.context.directory.add(tenant)
    room = Room(app, tenant)
    assert_problem(await room.guest().post("/questions", json={"body": "Why so?"}), 403, "not_allowed")
    member = await room.member(Role.MEMBER)
    assert_problem(await member.post("/questions", json={"body": "Why so?"}), 422, "invalid_input")
    asked = await member.post("/questions", json={"body": "Why is it so?"})
    assert asked.status_code == 201
    vote = await room.guest().post(f"/questions/{asked.json()['id']}/upvote")
    assert_problem(vote, 403, "not_allowed")
    assert (await room.guest().get("/questions")).status_code == 200


async def test_another_tenants_ids_name_nothing_here(room: Room) -> None:
    other = await new_room(room.app)
    admin = await other.member(Role.ADMIN)
    question = await other.ask()
    tag = (await admin.post("/tags", json={"name": "Pay"})).json()["id"]
    team = (await admin.post("/teams", json={"name": "Sales", "slug": "sales"})).json()["id"]
    await admin.put(f"/questions/{question}/tags/{tag}")
    before = await other.log()

    mine = await room.ask()
    intruder = await room.member(Role.OWNER)
    for method, address, body in [
        ("GET", f"/questions/{question}", None),
        ("DELETE", f"/questions/{question}", None),
        ("POST", f"/questions/{question}/upvote", None),
        ("DELETE", f"/questions/{question}/upvote", None),
        ("POST", f"/questions/{question}/answer", {"response": "Ha."}),
        ("PUT", f"/questions/{question}/pin", None),
        ("PUT", f"/questions/{question}/freeze", None),
        ("PUT", f"/questions/{mine}/tags/{tag}", None),
        ("POST", f"/questions/{mine}/tags", {"tagId": tag}),
        ("DELETE", f"/questions/{question}/tags/{tag}", None),
        ("PATCH", f"/tags/{tag}", {"name": "Ha"}),
        ("DELETE", f"/tags/{tag}", None),
        ("PATCH", f"/teams/{team}", {"name": "Ha"}),
        ("DELETE", f"/teams/{team}", None),
        ("GET", "/sse?team=sales", None),
        ("GET", f"/sse?team={team}", None),
    ]:
        answer = await intruder.request(method, address, json=body)
        assert answer.status_code == 404, (method, address, answer.text)
    refused = await intruder.post("/questions", json={"body": "Why?", "teamId": team})
    assert_problem(refused, 422, "invalid_input")
    for query in ({"teamId": team}, {"tagId": tag}):
        assert (await intruder.get("/questions", params=query)).json() == []
    assert [each["id"] for each in (await intruder.get("/questions")).json()] == [mine]
    assert (await intruder.get("/tags")).json() == (await intruder.get("/teams")).json() == []
    assert await other.log() == before


async def test_a_stream_that_names_no_tenant_is_for_the_default_one_whatever_the_cookies(
    room: Room, admin: AsyncClient
) -> None:
    await admin.post("/teams", json={"name": "Here", "slug": "here-alone"})
    del admin.headers["X-Tenant-ID"]
    assert (await admin.get("/teams")).json()[0]["slug"] == "here-alone"  # a request follows the cookie
    assert_problem(await admin.get("/sse", params={"team": "here-alone"}), 404, "team_not_found")
