"""Direct routes, which are served before the framework's layers, keep what an ordinary one keeps."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from starlette.responses import Response as Answer
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from pulsestage.domain.errors import QuestionNotFound
from pulsestage.http.direct import DirectRoutes
from pulsestage.http.routing import DirectRoute
from pulsestage.realtime import HubClosed
from tests.http.conftest import Room, assert_problem, make_settings, new_room, serving

FRIEND = "https://slides.example"
NOBODY = "0192f0c1-7a3e-7c64-9d0b-2f6a1c8e4b5d"

ORDINARY = ("POST", "/questions")
VOTE, VOTE_TAKEN_BACK = ("POST", "/questions/{question_id}/upvote"), ("DELETE", "/questions/{question_id}/upvote")
STREAM, EVENTS = ("HEAD", "/sse"), ("HEAD", "/events")  # the head of a stream, which doesn't end

either = pytest.mark.parametrize("method,template", [ORDINARY, VOTE, STREAM])
direct = pytest.mark.parametrize("method,template", [VOTE, VOTE_TAKEN_BACK, STREAM, EVENTS])


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FastAPI]:
    async with serving(make_settings(tmp_path_factory.mktemp("data"), cors_origins=FRIEND)) as app:
        yield app


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The methods and templates of routes that were served directly."""
    found: list[str] = []
    serve = DirectRoutes._serve

    async def noting(self: DirectRoutes, route: DirectRoute, scope: Scope, receive: Receive, send: Send) -> None:
        found.append(f"{scope['method']} {route.path}")
        await serve(self, route, scope, receive, send)

    monkeypatch.setattr(DirectRoutes, "_serve", noting)
    return found


async def ask_for(room: Room, method: str, template: str, **headers: str) -> Response:
    """A request that succeeds, of somebody new."""
    path = template.replace("{question_id}", await room.ask() if "{" in template else "")
    if method == "DELETE":
        person = room.guest()
        await person.post(path)
        return await person.delete(path, headers=headers)
    body = {"body": "Why?"} if (method, template) == ORDINARY else None
    return await room.guest().request(method, path, json=body, headers=headers)


def break_directory(room: Room, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def broken(_slug: str) -> None:
        raise error

    monkeypatch.setattr(room.context.directory, "find", broken)


@direct
async def test_votes_and_streams_are_served_directly(room: Room, served: list[str], method: str, template: str) -> None:
    answer = await ask_for(room, method, template)
    assert (answer.status_code, served[-1]) == (200, f"{method.replace('HEAD', 'GET')} {template}")


async def test_all_else_is_not(room: Room, served: list[str]) -> None:
    assert (await ask_for(room, *ORDINARY)).status_code == 201
    assert served == []


@pytest.mark.parametrize("path", ["/qa/sse", "/sse"])
async def test_they_are_below_the_path_that_a_proxy_serves(tmp_path: Path, served: list[str], path: str) -> None:
    async with serving(make_settings(tmp_path, root_path="/qa")) as app:
        room = await new_room(app)
        question = await room.ask()
        assert (await room.guest().head(path)).status_code == 200
        vote = await room.guest().post(path.replace("sse", f"questions/{question}/upvote"))
    assert "Path=/qa;" in vote.headers["set-cookie"]
    assert served == ["GET /sse", "POST /questions/{question_id}/upvote"]


# ---- What every answer has -----------------------------------------------------------------------


@either
@pytest.mark.parametrize("tenant", [None, "nobodys"])
async def test_every_answer_is_named_and_may_be_read_by_pages_of_allowed_origins(
    room: Room, method: str, template: str, tenant: str | None
) -> None:
    headers = {"Origin": FRIEND, "X-Request-ID": "from-the-proxy.1", "Sec-Fetch-Site": "cross-site"}
    answer = await ask_for(room, method, template, **headers, **({"X-Tenant-ID": tenant} if tenant else {}))
    assert answer.is_success == (tenant is None)
    if tenant and method != "HEAD":
        assert_problem(answer, 404, "tenant_not_found")
    assert answer.headers["x-request-id"] == "from-the-proxy.1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
    assert "Origin" in answer.headers["vary"]


@either
async def test_a_page_of_an_allowed_origin_is_told_beforehand(room: Room, method: str, template: str) -> None:
    path = template.format(question_id=NOBODY)
    asked = {"Origin": FRIEND, "Access-Control-Request-Method": method.replace("HEAD", "GET")}
    answer = await room.guest().options(path, headers=asked)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, FRIEND)


@either
async def test_every_request_is_counted_and_logged(room: Room, method: str, template: str) -> None:
    answers: dict[tuple[str, str, int], int] = room.app.state.metrics._answers
    kinds = [
        (method.replace("HEAD", "GET"), template, status) for status in (404, 201 if template == ORDINARY[1] else 200)
    ]
    before = [answers.get(kind, 0) for kind in kinds]
    with capture_logs() as logged:
        for tenant in ("nobodys", room.tenant.slug):
            answer = await ask_for(room, method, template, **{"X-Tenant-ID": tenant})
            [entry] = [each for each in logged if each["request_id"] == answer.headers["x-request-id"]]
            assert (entry["event"], entry["status"]) == ("request", answer.status_code)
            assert entry["tenant"] == (tenant if answer.is_success else None)
    assert [answers[kind] for kind in kinds] == [count + 1 for count in before]


@pytest.mark.parametrize("method,template", [ORDINARY, VOTE])
async def test_a_long_answer_is_compressed(room: Room, method: str, template: str) -> None:
    question = await room.ask("why " * 500)
    path, body = template.format(question_id=question), {"body": "why " * 500}
    answer = await room.guest(Accept_Encoding="gzip").request(method, path, json=body)
    assert (answer.is_success, answer.headers["content-encoding"]) == (True, "gzip")
    assert "Accept-Encoding" in answer.headers["vary"]


# ---- What is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("method,template", [ORDINARY, VOTE, VOTE_TAKEN_BACK, ("GET", "/sse")])
async def test_a_body_that_says_it_is_too_large_is_refused(room: Room, method: str, template: str) -> None:
    path = template.format(question_id=NOBODY)
    answer = await room.guest().request(method, path, content=b"{}", headers={"Content-Length": "65537"})
    assert_problem(answer, 413, "too_large")


@pytest.mark.parametrize(
    "path,allowed",
    [("/questions", "GET, POST"), (f"/questions/{NOBODY}/upvote", "DELETE, POST"), ("/sse", "GET"), ("/events", "GET")],
)
@pytest.mark.parametrize("method", ["PATCH", "OPTIONS"])
async def test_other_methods_are_told_what_there_is(room: Room, method: str, path: str, allowed: str) -> None:
    answer = await room.guest().request(method, path)
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/questions/", f"/questions/{NOBODY}/upvote/", "/sse/", "/SSE"])
async def test_an_address_that_is_nearly_one_is_none(room: Room, served: list[str], path: str) -> None:
    assert_problem(await room.guest().get(path), 404, "not_found")
    assert served == []


@pytest.mark.parametrize("method,action", [("POST", "upvote"), ("DELETE", "upvote"), ("PUT", "pin")])
@pytest.mark.parametrize("question", ["none", NOBODY.upper(), f"{NOBODY}%0a", f"{NOBODY}%00", NOBODY])
async def test_an_id_that_names_nothing_is_not_found(
    moderator: AsyncClient, method: str, action: str, question: str
) -> None:
    answer = await moderator.request(method, f"/questions/{question}/{action}")
    assert_problem(answer, 404, "question_not_found" if question == NOBODY else "not_found")


async def test_a_wrong_parameter_is_named(room: Room) -> None:
    for path, field in (("/questions?limit=0", "limit"), ("/sse?snapshot=perhaps", "snapshot")):
        assert assert_problem(await room.guest().get(path), 422, "invalid_input")["fields"].keys() == {field}


@pytest.mark.parametrize("method,template", [ORDINARY, VOTE, VOTE_TAKEN_BACK])
async def test_a_page_of_another_origin_changes_nothing(room: Room, method: str, template: str) -> None:
    page = room.guest(Origin="https://evil.example", Sec_Fetch_Site="cross-site")
    body = {"body": "Why?"} if (method, template) == ORDINARY else None
    answer = await page.request(method, template.format(question_id=await room.ask()), json=body)
    assert_problem(answer, 403, "not_allowed")
    assert await room.types() == ["question:created"]


# ---- What fails ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method,path", [("GET", "/questions"), ("POST", f"/questions/{NOBODY}/upvote"), ("GET", "/sse")]
)
async def test_a_fault_of_ours_is_logged_and_says_nothing_but_that(
    room: Room, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    break_directory(room, monkeypatch, RuntimeError("the secret is 12345"))
    with capture_logs() as logged:
        answer = await room.guest().request(method, path)
    assert_problem(answer, 500, "internal_error", "Internal error")
    assert "12345" not in answer.text
    [failed] = [each for each in logged if each["event"] == "request failed"]
    assert failed["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "method,path", [("GET", "/questions"), ("POST", f"/questions/{NOBODY}/upvote"), ("GET", "/sse")]
)
async def test_a_stop_is_told(room: Room, monkeypatch: pytest.MonkeyPatch, method: str, path: str) -> None:
    break_directory(room, monkeypatch, HubClosed("the hub is not open"))
    answer = await room.guest().request(method, path)
    assert_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "1"


class TooLate(Answer):
    """An answer that fails when it was sent, by what would be an answer of its own."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await super().__call__(scope, receive, send)
        raise QuestionNotFound


@pytest.mark.parametrize("method,template", [("GET", "/health"), VOTE])
async def test_no_second_answer_is_begun(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, method: str, template: str
) -> None:
    [route] = [each for each in app.routes if each.path == template and method in each.methods]  # type: ignore[attr-defined]
    monkeypatch.setattr(route, "app", TooLate())
    begun: list[int] = []

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                begun.append(message["status"])
            await send(message)

        await app(scope, receive, noting)

    transport = ASGITransport(watched, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://pulsestage.test") as client:
        with capture_logs() as logged:
            answer = await client.request(method, template.format(question_id=NOBODY))
    assert (answer.status_code, begun) == (200, [200])
    assert [each["log_level"] for each in logged if each["event"] == "request failed"] == ["error"]
