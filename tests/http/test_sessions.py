"""Who one is: cookies, links that work once, tickets that work once."""

import asyncio
from collections import Counter
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from httpx import AsyncClient, Response

from pulsestage.domain.policy import Actor, Role
from pulsestage.services import sessions
from pulsestage.services.sessions import LINK_MILLIS
from pulsestage.services.tokens import Session, Signer
from tests.http.conftest import Room, assert_problem, make_settings, new_room, serving

CAN = {
    Role.VIEWER: [],
    Role.MEMBER: ["ask", "vote"],
    Role.MODERATOR: ["ask", "vote", "moderate", "manage-tags"],
    Role.ADMIN: ["ask", "vote", "moderate", "manage-tags", "manage-teams"],
    Role.OWNER: ["ask", "vote", "moderate", "manage-tags", "manage-teams"],
}


def cookie_of(answer: Response) -> dict[str, str]:
    """The one cookie that is set: its name, its value, its attributes in small letters."""
    [header] = answer.headers.get_list("set-cookie")
    [(name, morsel)] = SimpleCookie(header).items()
    return {"name": name, "value": morsel.value, **{key: str(value) for key, value in morsel.items() if value}}


async def test_a_new_browser_becomes_a_guest_with_a_cookie(room: Room, guest: AsyncClient) -> None:
    answer = await guest.get("/session")
    assert answer.json() == {
        "tenantId": room.tenant.id,
        "tenantSlug": room.tenant.slug,
        "role": "member",
        "isGuest": True,
        "can": ["ask", "vote"],
    }
    cookie = cookie_of(answer)
    assert cookie["name"] == f"pulsestage_{room.tenant.slug}"
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == ("True", "Lax", "/")
    assert int(cookie["max-age"]) > 30 * 24 * 3600
    assert "secure" not in cookie  # plain HTTP
    assert "domain" not in cookie
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in (await guest.get("/session")).headers


async def test_over_https_the_cookie_is_secure(room: Room) -> None:
    person = room.guest()
    assert "secure" in cookie_of(await person.get("https://pulsestage.test/session"))


async def test_where_people_come_by_https_the_cookie_is_secure_however_the_request_came(tmp_path: Path) -> None:
    """A proxy may not say how a browser came to it."""
    async with serving(make_settings(tmp_path, public_url="https://qa.example.org")) as app:
        assert "secure" in cookie_of(await (await new_room(app)).guest().get("/session"))


async def test_cookies_for_pages_on_other_sites(tmp_path: Path) -> None:
    async with serving(make_settings(tmp_path, cookie_same_site="none", root_path="/qa")) as app:
        cookie = cookie_of(await (await new_room(app)).guest().get("/session"))
    assert (cookie["samesite"], cookie["path"]) == ("None", "/qa")
    assert "secure" in cookie


@pytest.mark.parametrize("role", Role)
async def test_a_link_makes_a_member_with_its_role(room: Room, role: Role) -> None:
    person = room.guest()
    token = sessions.make_link(room.context, room.tenant, role)
    answer = await person.post("/session", json={"token": token})
    assert answer.status_code == 201
    assert (answer.json()["role"], answer.json()["isGuest"], answer.json()["can"]) == (role.slug, False, CAN[role])
    assert (await person.get("/session")).json() == answer.json()


async def test_a_link_works_once(room: Room) -> None:
    token = sessions.make_link(room.context, room.tenant, Role.OWNER)
    assert (await room.guest().post("/session", json={"token": token})).status_code == 201
    late = room.guest()
    assert_problem(await late.post("/session", json={"token": token}), 403, "invalid_token")
    assert (await late.get("/session")).json()["isGuest"]


async def test_of_many_who_use_a_link_at_once_one_is_let_in(room: Room) -> None:
    token = sessions.make_link(room.context, room.tenant, Role.OWNER)
    answers = await asyncio.gather(*(room.guest().post("/session", json={"token": token}) for _ in range(10)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 403: 9}


async def test_forged_foreign_and_old_links_are_refused(room: Room) -> None:
    token = sessions.make_link(room.context, room.tenant, Role.OWNER)
    other = await new_room(room.app)
    signer, now = room.context.signer, room.context.clock()
    tokens = [
        "",
        "x",
        token[:-1],
        token.replace(".", "", 1),
        sessions.make_link(room.context, other.tenant, Role.OWNER),
        sessions.make_ticket(room.context, _actor(room))[0],
        signer.seal_session(Session(room.tenant.id, "p", "m")),
        signer.seal_token("sign-in", room.tenant.id, "n", now - LINK_MILLIS, {"role": "owner"}),
        Signer(b"another secret" * 3).seal_token("sign-in", room.tenant.id, "n", now + 10**6, {"role": "owner"}),
        "\x00",
        "é.é",
    ]
    for refused in tokens:
        assert_problem(await room.guest().post("/session", json={"token": refused}), 403, "invalid_token")
    assert (await room.guest().post("/session", json={"token": token})).status_code == 201


def _actor(room: Room) -> Actor:
    return Actor(room.tenant.id, "p1", Role.MEMBER)


async def test_signing_out_makes_a_guest_again(room: Room, moderator: AsyncClient) -> None:
    answer = await moderator.delete("/session")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await moderator.get("/session")).json()["isGuest"]
    assert_problem(await moderator.post("/tags", json={"name": "Pay"}), 403, "not_allowed")


@pytest.mark.parametrize("forged", ["x", "", "W10.x", "a.b.c", "é", "\x7f", "x" * 3000])
async def test_a_forged_cookie_is_no_cookie(room: Room, forged: str) -> None:
    cookie = f"pulsestage_{room.tenant.slug}={forged}".encode()
    answer = await room.guest().get("/session", headers={b"Cookie": cookie})
    assert answer.json()["isGuest"]
    assert cookie_of(answer)["value"] != forged


async def test_of_two_cookies_neither_is_believed(room: Room, moderator: AsyncClient) -> None:
    """A site of the same domain can set a cookie for all of it, and would have a moderator act as a person it chose."""
    attacker = room.guest()
    await attacker.get("/session")
    [name], [mine], [theirs] = moderator.cookies.keys(), moderator.cookies.values(), attacker.cookies.values()
    for cookies in (f"{name}={mine}; {name}={theirs}", f"{name}={theirs}; {name}={mine}"):
        answer = await room.guest(Cookie=cookies).get("/session")
        assert answer.json()["isGuest"]
        assert cookie_of(answer)["value"] not in {mine, theirs}


async def test_a_genuine_cookie_under_another_tenants_name_is_no_cookie(room: Room, moderator: AsyncClient) -> None:
    other = await new_room(room.app)
    [value] = moderator.cookies.values()
    thief = other.guest(Cookie=f"pulsestage_{other.tenant.slug}={value}")
    answer = await thief.get("/session")
    assert answer.json()["role"] == "member"
    assert cookie_of(answer)["value"] != value
    assert_problem(await thief.post("/tags", json={"name": "Pay"}), 403, "not_allowed")


async def test_a_moderator_here_is_a_guest_there(room: Room, moderator: AsyncClient) -> None:
    other = await new_room(room.app)
    there = {"X-Tenant-ID": other.tenant.slug}
    assert_problem(await moderator.post("/tags", json={"name": "Pay"}, headers=there), 403, "not_allowed")
    question = await other.ask()
    assert_problem(await moderator.put(f"/questions/{question}/pin"), 404, "question_not_found")
    assert_problem(await moderator.put(f"/questions/{question}/pin", headers=there), 403, "not_allowed")


async def test_a_cookie_outlives_the_server_and_not_its_secret(tmp_path: Path) -> None:
    async with serving(make_settings(tmp_path)) as app:
        room = await new_room(app)
        person = await room.member(Role.MODERATOR)
        cookie = "; ".join(f"{name}={value}" for name, value in person.cookies.items())
    for secret, role in ((None, "moderator"), ("another secret" * 3, "member")):
        async with serving(make_settings(tmp_path, secret_key=secret)) as app:
            again = Room(app, room.tenant).guest(Cookie=cookie)
            assert (await again.get("/session")).json()["role"] == role


async def test_a_ticket_is_made_for_anybody(room: Room, guest: AsyncClient) -> None:
    made = await guest.post("/sse/tickets")
    assert made.status_code == 201
    assert made.json().keys() == {"ticket", "expiresAt"}
    assert cookie_of(made)["name"] == f"pulsestage_{room.tenant.slug}"


async def test_a_request_that_can_not_be_served_leaves_its_ticket_good(room: Room, guest: AsyncClient) -> None:
    ticket = (await guest.post("/sse/tickets")).json()["ticket"]
    for _ in range(2):
        answer = await room.guest().get("/sse", params={"ticket": ticket, "team": "none"})
        assert_problem(answer, 404, "team_not_found")


async def test_nothing_else_is_a_ticket(room: Room, guest: AsyncClient) -> None:
    link = sessions.make_link(room.context, room.tenant, Role.OWNER)
    for wrong in ("x", "", "\x00", link):
        assert_problem(await guest.get("/sse", params={"ticket": wrong}), 403, "invalid_token")
