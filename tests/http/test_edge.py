"""What every request passes: origins, limits on size and speed, request ids, the answer of last resort."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from tests.http.conftest import Room, assert_problem, make_settings, new_room, serving

FRIEND = "https://slides.example"


@pytest.fixture
async def open_room(tmp_path: Path) -> AsyncIterator[Room]:
    """A room of a server that a page of another site may use."""
    async with serving(make_settings(tmp_path, cors_origins=f"{FRIEND}/, https://other.example")) as app:
        yield await new_room(app)


async def test_an_allowed_origin_may_use_the_api_with_credentials(open_room: Room) -> None:
    asked = await open_room.guest().options(
        "/questions",
        headers={
            "Origin": FRIEND,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type,x-tenant-id,last-event-id",
        },
    )
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == FRIEND
    assert asked.headers["access-control-allow-credentials"] == "true"
    answer = await open_room.guest(Origin=FRIEND, Sec_Fetch_Site="cross-site").post("/questions", json={"body": "Why?"})
    assert answer.status_code == 201
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "X-Stream-Position" in answer.headers["access-control-expose-headers"]
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_each_method_of_the_api_may_be_used(open_room: Room, method: str) -> None:
    asked = await open_room.guest().options(
        "/questions", headers={"Origin": FRIEND, "Access-Control-Request-Method": method}
    )
    assert asked.status_code == 200
    assert method in asked.headers["access-control-allow-methods"].split(", ")


async def test_problems_carry_the_headers_too(open_room: Room) -> None:
    answer = await open_room.guest(Origin=FRIEND).get("/questions/none")
    assert_problem(answer, 404, "not_found")
    assert answer.headers["access-control-allow-origin"] == FRIEND


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{FRIEND}.evil.example", "http://slides.example"])
async def test_no_other_origin_may(open_room: Room, origin: str) -> None:
    asked = await open_room.guest().options(
        "/questions", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
    )
    assert "access-control-allow-origin" not in asked.headers
    answer = await open_room.guest(Origin=origin).get("/questions")
    assert "access-control-allow-origin" not in answer.headers
    refused = await open_room.guest(Origin=origin, Sec_Fetch_Site="cross-site").post(
        "/questions", json={"body": "Why?"}
    )
    assert_problem(refused, 403, "not_allowed")
    assert await open_room.types() == []


async def test_without_configured_origins_there_are_none(room: Room) -> None:
    answer = await room.guest(Origin=FRIEND).get("/questions")
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("method,address", [("POST", "/questions"), ("DELETE", "/session"), ("POST", "/sse/tickets")])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_another_origins_page_changes_nothing(room: Room, method: str, address: str, site: str) -> None:
    body = {"body": "Why?"} if address == "/questions" else None
    page = room.guest(Origin="https://evil.example", Sec_Fetch_Site=site)
    assert_problem(await page.request(method, address, json=body), 403, "not_allowed")
    own = room.guest(Origin="http://pulsestage.test", Sec_Fetch_Site="same-origin")
    assert (await own.request(method, address, json=body)).is_success
    assert (await page.get("/questions")).status_code == 200


async def test_a_form_of_another_site_is_no_json(room: Room) -> None:
    answer = await room.guest().post(
        "/questions", content=b'{"body":"Why?"}', headers={"Content-Type": "text/plain;charset=UTF-8"}
    )
    assert_problem(answer, 422, "invalid_input")
    assert await room.types() == []


# ---- Size ----------------------------------------------------------------------------------------


async def test_a_body_that_says_it_is_too_large_is_not_read(room: Room) -> None:
    def never() -> None:
        raise AssertionError("was read")

    class Unread:
        """A body that must not be asked for."""

        async def __aiter__(self) -> AsyncIterator[bytes]:
            never()
            yield b""

    answer = await room.guest().post("/questions", content=Unread(), headers={"Content-Length": "65537"})
    assert_problem(answer, 413, "too_large")


async def test_a_body_that_does_not_say_is_counted(room: Room) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'{"body":"'
        for _ in range(1000):
            sent += 1
            yield b"x" * 1000

    assert_problem(await room.guest().post("/questions", content=endless()), 413, "too_large")
    assert await room.types() == []


async def test_a_body_of_exactly_the_limit_is_read(room: Room) -> None:
    padding = 65_536 - len(b'{"body":"Why?"}')
    body = b'{"body":"Why?"' + b" " * padding + b"}"
    answer = await room.guest().post("/questions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201


# ---- Answers that no route makes -----------------------------------------------------------------


async def test_pages_of_other_origins_may_read_what_the_outermost_layer_answers(
    open_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_room.guest(Origin=FRIEND)
    too_large = await page.post("/questions", content=b"{}", headers={"Content-Length": "65537"})
    counted = await page.post("/questions", content=endless())

    async def broken(_slug: str) -> None:
        raise RuntimeError

    monkeypatch.setattr(open_room.app.state.context.directory, "find", broken)
    fault = await page.get("/questions")
    assert [each.status_code for each in (too_large, counted, fault)] == [413, 413, 500]
    for answer in (too_large, counted, fault):
        assert answer.headers["access-control-allow-origin"] == FRIEND
        assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
        assert answer.headers["x-request-id"]


async def endless() -> AsyncIterator[bytes]:
    """A body without a length, far over the limit."""
    for _ in range(1000):
        yield b"x" * 1000


async def test_a_preflight_has_a_request_id_too(open_room: Room) -> None:
    headers = {"Origin": FRIEND, "Access-Control-Request-Method": "PUT"}
    answer = await open_room.guest().options("/questions", headers=headers)
    assert (answer.status_code, bool(answer.headers["x-request-id"])) == (200, True)


# ---- White space ---------------------------------------------------------------------------------


async def test_white_space_around_a_fields_value_is_none_of_it(app: FastAPI, room: Room) -> None:
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="http://pulsestage.test") as client:
        answer = await client.get(
            "/tenants/current", headers={"X-Tenant-ID": f"\t {room.tenant.slug} \t", "X-Request-ID": "mine "}
        )
        assert answer.json()["slug"] == room.tenant.slug
        assert answer.headers["x-request-id"] == "mine"


# ---- Speed ---------------------------------------------------------------------------------------


@pytest.fixture
async def slow_room(tmp_path: Path) -> AsyncIterator[Room]:
    """A room in which one asks twice a minute and votes four times, half of it at once."""
    async with serving(make_settings(tmp_path, asks_per_minute=2, votes_per_minute=4)) as app:
        yield await new_room(app)


async def test_who_is_too_fast_is_told_when_to_come_back(slow_room: Room) -> None:
    person = slow_room.guest()
    assert (await person.post("/questions", json={"body": "Why?"})).status_code == 201
    answer = await person.post("/questions", json={"body": "Why?"})
    assert_problem(answer, 429, "too_many_requests", "Too many requests")
    assert 1 <= int(answer.headers["retry-after"]) <= 30
    assert await slow_room.types() == ["question:created"]


async def test_limits_are_per_person_and_per_action(slow_room: Room) -> None:
    questions = [await slow_room.ask() for _ in range(3)]  # of three people behind one address
    person = slow_room.guest()
    votes = [await person.post(f"/questions/{question}/upvote") for question in questions]
    assert [answer.status_code for answer in votes] == [200, 200, 429]
    assert (await person.post("/questions", json={"body": "Why?"})).status_code == 201


async def test_what_was_refused_for_another_reason_is_not_held_against_anybody(slow_room: Room) -> None:
    person = slow_room.guest()
    await person.get("/session")
    for _ in range(3):
        assert_problem(await person.post("/questions", json={"body": ""}), 422, "invalid_input")
    assert (await person.post("/questions", json={"body": "Why?"})).status_code == 201


# ---- HEAD ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/questions", "/health", "/metrics", "/app/", "/none", "/questions/none"])
async def test_head_is_get_without_the_body(guest: AsyncClient, address: str) -> None:
    full, head = await guest.get(address), await guest.head(address)
    assert (head.status_code, head.content) == (full.status_code, b"")
    assert head.headers["content-type"] == full.headers["content-type"]


async def test_head_of_a_stream_ends(guest: AsyncClient) -> None:
    answer = await guest.head("/sse")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")


# ---- Every answer --------------------------------------------------------------------------------


async def test_every_answer_has_a_request_id(guest: AsyncClient) -> None:
    ids = [(await guest.get(address)).headers["x-request-id"] for address in ("/questions", "/none", "/health")]
    assert len(set(ids)) == 3
    answer = await guest.get("/questions", headers={"X-Request-ID": "from-the-proxy.1"})
    assert answer.headers["x-request-id"] == "from-the-proxy.1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("given", ["a b", "x" * 65, "é", "a\x1fb", ""])
async def test_an_odd_request_id_is_replaced(guest: AsyncClient, given: str) -> None:
    answer = await guest.get("/health", headers={b"X-Request-ID": given.encode()})
    assert answer.headers["x-request-id"] not in ("", given)


async def test_a_fault_of_ours_says_nothing_but_that(
    app: FastAPI, guest: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_slug: str) -> None:
        raise RuntimeError("the secret is 12345")

    monkeypatch.setattr(app.state.context.directory, "find", broken)
    answer = await guest.get("/questions")
    assert_problem(answer, 500, "internal_error", "Internal error")
    assert "12345" not in answer.text
    assert answer.headers["x-request-id"]
