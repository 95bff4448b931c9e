"""No request, whatever is in it, keeps everybody else waiting."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from pulsestage.domain import question as questions
from pulsestage.domain.policy import Role
from pulsestage.domain.words import search_terms
from pulsestage.services import sessions
from tests.http.conftest import make_settings
from tests.server.hostile import Attacker, House, message
from tests.server.loop_watch import WatchedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulsestage.services.context import Context

LARGEST_HEAD = 32_768
"""Of an answer: a proxy takes a larger one for a fault of the server (deploy/nginx.conf, `proxy_buffer_size`)."""
LONGEST = 100
"""How many empty requests a hostile one may hold the loop for. An empty one takes 0.5 ms of a quiet machine of ours."""
TRIES = 5
QUESTIONS = 3_000
SYLLABLES = ("ka", "mo", "ri", "te", "su", "na", "bel", "dor", "fin", "gra")
WORDS = [a + b + c for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES[:3]]
HINDI = [a + b for a in "कखगघचजटडतथदनपबमयरलवशसह" for b in ("", "ि", "ा", "ी", "ु")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedServer]:
    server = WatchedServer(make_settings(tmp_path_factory.mktemp("data"), cors_origins="https://slides.example"))
    with pytest.MonkeyPatch.context() as monkeypatch, server.running(monkeypatch):
        yield server


@pytest.fixture(scope="module")
def house(server: WatchedServer) -> House:
    house: House = server.run(furnish(server.app.state.context))
    return house


async def furnish(context: Context) -> House:
    """Fill the room: most questions are short; some are as long as they may be, in words without spaces or in Hindi."""
    pick, ids = random.Random(1), dict[str, str]()
    tenant = await context.directory.find("default")
    assert tenant is not None
    async with context.unit_of_work.write(tenant.id) as tx:
        for number in range(QUESTIONS):
            words = pick.choices(HINDI, k=1000) if number % 50 == 0 else pick.choices(WORDS, k=12)
            body = (" " if number % 100 else "").join(words)[:2000]
            question, _ = questions.ask(context.new_id(), tenant.id, None, body, "nobody", tx.now)
            await tx.questions.add(question, search_terms(body))
            ids = dict.fromkeys(("question_id", "tag_id", "team_id"), question.id)
    token = sessions.make_link(context, tenant, Role.OWNER)
    guest = await sessions.actor_of(context, tenant, None)
    _, session = await sessions.sign_in(context, tenant, guest, token)
    return House(ids, WORDS + HINDI, f"pulsestage_default={context.signer.seal_session(session)}".encode())


def held(server: WatchedServer, request: bytes, limit: float = 0) -> float:
    """For how many seconds it held the loop, at the best of some tries; the first that is within the limit will do."""
    longest = float("inf")
    for _ in range(TRIES):
        answer = server.answer_to(request)
        assert answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 3", b"HTTP/1.1 4")), (answer[:300], request[:300])
        assert answer.find(b"\r\n\r\n") < LARGEST_HEAD, (answer[:300], request[:300])
        longest = min(longest, server.longest_seconds)
        if longest <= limit:
            break
    return longest


@pytest.fixture(scope="module")
def limit(server: WatchedServer) -> float:
    def cost() -> float:
        server.answer_to(message("GET", b"/health", []))
        return server.total_seconds

    return LONGEST * min(cost() for _ in range(50))


def search(words: list[str], parameter: str, size: int) -> bytes:
    path = "/questions" if parameter == "search" else "/questions/search"
    return message("GET", f"{path}?{parameter}={quote(' '.join(words)[:size])}".encode()[:20_000], [])


JSON = (b"Content-Type", b"application/json")
KNOWN = {
    "a quoted cookie": message("GET", b"/session", [(b"Cookie", b'a="' + b"\\" * 32_000 + b'"')]),
    "many cookies": message("GET", b"/session", [(b"Cookie", b"pulsestage_a=a.b; " * 1_700)]),
    "zeros before a length": message("POST", b"/questions", [(b"Content-Length", b"0" * 5_000 + b"2"), JSON]) + b"{}",
    "letters to search for": search([word[:1] for word in WORDS], "search", 1_000),
    "syllables to search for": search([word[:2] for word in WORDS], "search", 1_000),
    "words to search for": search(WORDS, "search", 1_000),
    "a long text like others": search(HINDI * 10, "q", 2_000),
    "letters that fold to many": search(["\ufdfa" * 2_000], "q", 2_000),
    "marks in a heap": message(
        "POST", b"/questions", [JSON], '{"body":"@"}'.replace("@", "\u0315\u0300" * 15_000).encode()
    ),
    "parameters": message("GET", b"/questions?" + b"a=%41&" * 3_400, []),
    "an address": message("GET", b"/" + b"a" * 20_000, [(b"Accept", b"text/html")]),
    "letters that become larger": message("GET", b"/questions?limit=1&search=ka+" + b"%FF" * 3_900, []),
    "percents": message("GET", b"/" + b"%" * 20_000, []),
    "directories": message("GET", b"/docs/assets/" + b"a/" * 10_000, []),
    "a number": message("POST", b"/questions", [JSON], b'{"body":' + b"9" * 64_000 + b"}"),
    "brackets": message("POST", b"/questions", [JSON], b"[" * 64_000),
    "chunks": message("POST", b"/questions", [(b"Transfer-Encoding", b"chunked"), JSON])
    + b"1\r\n \r\n" * 10_000
    + b"0\r\n\r\n",
    "requests": message("GET", b"/health", []).replace(b"close", b"open!") * 1_200,
    "everything": message("GET", b"/sse?snapshot=1", []),
    "the first document": message("GET", b"/openapi.json", []),
}


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_known_to_be_hostile_holds_nobody(server: WatchedServer, house: House, limit: float, name: str) -> None:
    assert house.ids
    seconds = held(server, KNOWN[name], limit)
    assert seconds <= limit, f"{seconds / limit * LONGEST:.0f} empty requests"


def test_whatever_is_sent_holds_nobody(
    server: WatchedServer, house: House, limit: float, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    number, seed = request.config.getoption("--hostile"), request.config.getoption("--hostile-seed")
    attacker = Attacker(random.Random(seed), house)
    for _ in range(number):
        hostile = attacker.request()
        seconds = held(server, hostile, limit)
        assert seconds <= limit, (f"{seconds / limit * LONGEST:.0f} empty requests", len(hostile), hostile[:500])
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
