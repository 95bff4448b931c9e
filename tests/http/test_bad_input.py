"""Whatever is sent, the answer is a problem that says what is wrong, and nothing is changed by it.

On both databases: what one of them takes, the other may refuse.
"""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response

from pulsestage.domain.policy import Role
from tests.http.conftest import Room, assert_problem, make_settings, new_room, serving

JSON = {"Content-Type": "application/json"}
NOBODY = str(uuid.UUID(int=0))
SURROGATE = "\\ud800"
NUL = "\\u0000"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
async def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FastAPI]:
    folder: Path = tmp_path_factory.mktemp("data")
    if request.param == "sqlite":
        async with serving(make_settings(folder)) as app:
            yield app
    else:
        with request.getfixturevalue("postgres").database() as url:
            async with serving(make_settings(folder, database_url=url)) as app:
                yield app


@pytest.fixture
async def owner(room: Room) -> AsyncClient:
    """Somebody who may do everything, so that no rule of roles hides what is tested."""
    return await room.member(Role.OWNER)


BODIES = [
    ("POST", "/questions", '{"body":"Why? @"}', "body"),
    ("POST", "/questions", '{"body":"Why?","teamId":"@"}', "teamId"),
    ("POST", "/questions/{question}/answer", '{"response":"Because @"}', "response"),
    ("POST", "/questions/{question}/tags", '{"tagId":"@"}', "tagId"),
    ("POST", "/tags", '{"name":"Pay @"}', "name"),
    ("POST", "/tags", '{"name":"Pay","color":"@"}', "color"),
    ("POST", "/tags", '{"name":"Pay","description":"@"}', "description"),
    ("PATCH", "/tags/{tag}", '{"name":"Pay @"}', "name"),
    ("PATCH", "/tags/{tag}", '{"description":"@"}', "description"),
    ("POST", "/teams", '{"name":"@","slug":"sales"}', "name"),
    ("POST", "/teams", '{"name":"Sales","slug":"@"}', "slug"),
    ("POST", "/teams", '{"name":"Sales","slug":"sales","description":"@"}', "description"),
    ("PATCH", "/teams/{team}", '{"name":"@"}', "name"),
]


@pytest.fixture
async def filled(room: Room, owner: AsyncClient) -> dict[str, str]:
    """A question, a tag and a team."""
    return {
        "question": await room.ask(),
        "tag": (await owner.post("/tags", json={"name": "Tag"})).json()["id"],
        "team": (await owner.post("/teams", json={"name": "Team", "slug": "team"})).json()["id"],
    }


async def test_nul_and_half_surrogates_are_refused_in_every_text(
    room: Room, owner: AsyncClient, filled: dict[str, str]
) -> None:
    before = await room.log()
    for method, address, body, field in BODIES:
        for bad in (SURROGATE, NUL, "\\udfff", f"{SURROGATE}x", f"x{NUL}"):
            content = body.replace("@", bad)
            answer = await owner.request(method, address.format(**filled), content=content, headers=JSON)
            problem = assert_problem(answer, 422, "invalid_input")
            assert problem["fields"].keys() == {field}, content
    for bad in (SURROGATE, NUL):
        signed = await owner.post("/session", content=f'{{"token":"{bad}"}}', headers=JSON)
        assert signed.status_code in {403, 422}
    assert await room.log() == before


async def test_odd_names_of_members_are_ignored(room: Room, owner: AsyncClient) -> None:
    for name in (SURROGATE, NUL, "", "__proto__", "x" * 1000):
        answer = await owner.post("/questions", content=f'{{"{name}":1,"body":"Why?"}}', headers=JSON)
        assert answer.status_code in {201, 422}, answer.text
    twice = await owner.post("/questions", content='{"body":"First?","body":"Second?"}', headers=JSON)
    assert twice.json()["body"] == "Second?"


ODD = ["%00", "%ED%A0%80", "%FF", "%C0%80", "x%0D%0Ax", "x%E2%80%A8x", "%", "%zz", "%F0%9F%98%80"]


@pytest.mark.parametrize("bad", ODD)
async def test_odd_bytes_in_addresses(room: Room, owner: AsyncClient, filled: dict[str, str], bad: str) -> None:
    before = await room.log()
    for method, address in [
        ("GET", f"/questions/{bad}"),
        ("GET", f"/questions/{filled['question'][:-1]}{bad}"),
        ("POST", f"/questions/{filled['question']}{bad}/upvote"),
        ("PUT", f"/questions/{filled['question']}/tags/{bad}"),
        ("DELETE", f"/tags/{filled['tag']}{bad}"),
        ("DELETE", f"/teams/{bad}"),
        ("GET", f"/{bad}"),
    ]:
        assert_problem(await owner.request(method, address), 404, "not_found")
    for address in (f"/app/{bad}", f"/app/assets/{bad}", f"/docs/assets/{bad}"):
        assert (await owner.get(address)).status_code in {200, 404}
    for query in ("search", "q"):
        address = "/questions/search" if query == "q" else "/questions"
        answer = await owner.get(f"{address}?{query}={bad}")
        assert answer.status_code == 200, answer.text
    for query in ("teamId", "tagId", "cursor", "status", "limit"):
        assert_problem(await owner.get(f"/questions?{query}={bad}"), 422, "invalid_input")
    assert_problem(await owner.get(f"/sse?team={bad}"), 404, "team_not_found")
    assert_problem(await owner.get(f"/sse?ticket={bad}"), 403, "invalid_token")
    assert_problem(await owner.get(f"/sse?events={bad}"), 422, "invalid_input")
    assert await room.log() == before


@pytest.mark.parametrize("length", [35, 37, 64, 300, 5000])
async def test_ids_of_every_length(room: Room, owner: AsyncClient, length: int) -> None:
    long = ("0" * 8 + "-0000" * 3 + "-" + "0" * length)[:length]
    for method, address in [
        ("GET", f"/questions/{long}"),
        ("POST", f"/questions/{long}/upvote"),
        ("PUT", f"/questions/{NOBODY}/tags/{long}"),
        ("DELETE", f"/teams/{long}"),
    ]:
        assert_problem(await owner.request(method, address), 404, "not_found")
    for query in ("teamId", "tagId", "cursor"):
        assert_problem(await owner.get("/questions", params={query: long}), 422, "invalid_input")
    answer = await owner.get("/sse", params={"team": long})
    assert answer.status_code in {404, 422}


@pytest.mark.parametrize("given", ["0.2147483647", "0.-2147483648", "1.0", "0.-1"])
async def test_every_cursor_of_the_right_form_is_a_place(room: Room, owner: AsyncClient, given: str) -> None:
    await room.ask()
    for sort in ("popular", "recent"):
        answer = await owner.get("/questions", params={"cursor": f"{given}.{NOBODY}", "sort": sort})
        assert answer.status_code in {200, 422}, answer.text


async def test_many_words_to_search_for(room: Room, owner: AsyncClient) -> None:
    await room.ask(" ".join(f"w{number}" for number in range(300)))
    words = " ".join(f"w{number}" for number in range(250))[:1000]
    found = await owner.get("/questions", params={"search": words})
    assert len(found.json()) == 1
    similar = await owner.get("/questions/search", params={"q": words})
    assert len(similar.json()) == 1


BROKEN = [
    b"", b"{", b'{"body":', b"{'body':'Why?'}", b'{"body":"Why?"}x', b"nul", b'{"body":"\xff\xfe"}', b"\x00",
    b'{"body":"Why?\n"}', b'{"body":"\\x"}', b"\xef\xbb\xbf", b'{"body":"\\u12"}',
]  # fmt: skip


@pytest.mark.parametrize("content", BROKEN, ids=ascii)
async def test_what_is_no_json(room: Room, owner: AsyncClient, content: bytes) -> None:
    answer = await owner.post("/questions", content=content, headers=JSON)
    if content == b"":
        assert_problem(answer, 422, "invalid_input")  # no body at all: its members are missing
    else:
        assert_problem(answer, 400, "bad_request")
    assert await room.log() == []


@pytest.mark.parametrize(
    "content", ["[" * 30_000, '{"body":' * 8_000, '{"body":' + "[" * 900 + "]" * 900 + "}", "[" * 20_000 + "]" * 20_000]
)
async def test_deep_nesting(room: Room, owner: AsyncClient, content: str) -> None:
    answer = await owner.post("/questions", content=content, headers=JSON)
    assert answer.status_code in {400, 422}
    assert_problem(answer, answer.status_code, "bad_request" if answer.status_code == 400 else "invalid_input")
    assert await room.log() == []


WRONG: list[tuple[Any, set[str]]] = [
    ({"body": 1}, {"body"}), ({"body": None}, {"body"}), ({"body": ["Why?"]}, {"body"}), ({"body": {"a": 1}}, {"body"}),
    ({"body": True}, {"body"}), ({}, {"body"}), ({"body": "Why?", "teamId": 3}, {"teamId"}), ([], {"body"}),
    (None, {"body"}), ("Why?", {"body"}), (3, {"body"}), ({"body": "", "teamId": "x"}, {"teamId"}),
    ({"body": "Why?", "teamId": NOBODY.replace("0", "A")}, {"teamId"}), ({"body": "Why?", "teamId": ""}, {"teamId"}),
]  # fmt: skip


@pytest.mark.parametrize("body,fields", WRONG, ids=repr)
async def test_wrong_types_name_their_fields(room: Room, owner: AsyncClient, body: Any, fields: set[str]) -> None:
    problem = assert_problem(await owner.post("/questions", json=body), 422, "invalid_input", "Invalid input")
    assert problem["fields"].keys() == fields
    assert all(isinstance(each, str) for told in problem["fields"].values() for each in told)
    assert await room.log() == []


async def test_numbers_that_are_no_numbers(room: Room, owner: AsyncClient) -> None:
    for content in ('{"body":NaN}', '{"body":Infinity}', '{"body":1e999}', f'{{"body":{"9" * 5000}}}'):
        answer = await owner.post("/questions", content=content, headers=JSON)
        assert answer.status_code in {400, 422}, answer.text
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "media",
    ["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", ""],
)
async def test_other_kinds_of_bodies(room: Room, owner: AsyncClient, media: str) -> None:
    answer = await owner.post("/questions", content=b'{"body":"Why?"}', headers={"Content-Type": media})
    assert_problem(answer, 422, "invalid_input")
    assert await room.log() == []


METHODS = [
    ("PUT", "/questions", "GET, POST"),
    ("PATCH", f"/questions/{NOBODY}", "DELETE, GET"),
    ("GET", f"/questions/{NOBODY}/upvote", "DELETE, POST"),
    ("GET", f"/questions/{NOBODY}/answer", "POST"),
    ("POST", f"/questions/{NOBODY}/pin", "DELETE, PUT"),
    ("POST", f"/questions/{NOBODY}/tags/{NOBODY}", "DELETE, PUT"),
    ("DELETE", "/tags", "GET, POST"),
    ("PUT", f"/teams/{NOBODY}", "DELETE, PATCH"),
    ("POST", "/sse", "GET"),
    ("PUT", "/session", "DELETE, GET, POST"),
    ("POST", "/health", "GET"),
    ("DELETE", "/metrics", "GET"),
    ("BREW", "/questions", "GET, POST"),
]


@pytest.mark.parametrize("method,address,allowed", METHODS)
async def test_wrong_methods_are_told_the_right_ones(
    owner: AsyncClient, method: str, address: str, allowed: str
) -> None:
    answer = await owner.request(method, address)
    problem = assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allowed
    assert allowed in problem["detail"]


@pytest.mark.parametrize("address", ["/nothing", "/questions/", "/docs/", "/QUESTIONS", "/%2Fquestions", "/api"])
async def test_addresses_that_are_not_there(owner: AsyncClient, address: str) -> None:
    assert_problem(await owner.get(address), 404, "not_found")
    # A browser is led to a page: here, whatever host the request names.
    page: Response = await owner.get(address, headers={"Accept": "text/html", "Host": "evil.example"})
    assert page.status_code == 307
    assert page.headers["location"].startswith("/app/")


@pytest.mark.parametrize("length", ["-1", "x", "0" * 5000 + "2", "9" * 5000, "9" * 19])
async def test_odd_lengths_of_bodies(owner: AsyncClient, length: str) -> None:
    answer = await owner.post("/questions", content=b"{}", headers={**JSON, "Content-Length": length})
    assert answer.status_code in {413, 422}, answer.text


async def test_headers_of_every_size_and_kind(room: Room, owner: AsyncClient) -> None:
    await new_room(room.app)
    for headers in (
        {b"Last-Event-ID": b"\xff" * 10},
        {b"Accept-Encoding": b"\xff"},
        {b"X-Request-ID": b"\x01"},
        {b"Cookie": b"=;;;===; \xff=\xff; pulsestage_=x"},
        {b"Cookie": b"a=b; " * 3000},
        {b"Origin": b"\xff"},
        {b"Content-Length": b"-1"},
        {b"Content-Length": b"x"},
    ):
        answer = await owner.get("/questions", headers=headers)
        assert answer.status_code == 200, answer.text
