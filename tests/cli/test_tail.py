from __future__ import annotations

import asyncio
import json
import signal
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pulsestage.bootstrap import running
from pulsestage.cli.tail import Tail
from pulsestage.cli.terminal import Failure
from pulsestage.services import questions, sessions, tenants
from pulsestage.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Call, Start

CONNECTED = 'retry: 2500\ndata: {"type":"connected","tenantId":"t1","heartbeatSeconds":120,"timestamp":0}\nid: e1.4\n\n'
UPVOTED = 'data: {"type":"question:upvoted","tenantId":"t1","data":{"upvotes":1},"timestamp":0}\nid: e1.%d\n\n'
HEARTBEAT = 'data: {"type":"heartbeat","tenantId":"t1","data":{"timestamp":0},"timestamp":0}\n\n'
GOODBYE = 'retry: 3500\ndata: {"type":"goodbye","tenantId":"t1","data":{"reason":"shutdown"},"timestamp":0}\n\n'


def stream(*frames: str) -> httpx.Response:
    return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, text="".join(frames))


class Script:
    """A server that gives these answers, then says that there is no tenant."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.asked_for: list[str | None] = []
        self.shown: list[tuple[str, str]] = []
        self.waits: list[float] = []
        self.silences: list[float] = []

    def follow(self, url: str = "http://test/sse") -> str:
        with httpx.Client(transport=httpx.MockTransport(self._answer)) as client:
            tail = Tail(client, url, {"tenantId": "acme"}, self._show, self.waits.append)
            with pytest.raises(Failure) as failure:
                tail.follow()
        return str(failure.value)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked_for.append(request.headers.get("last-event-id"))
        self.silences.append(request.extensions["timeout"]["read"])
        if not self._answers:
            return httpx.Response(404, json={"code": "tenant_not_found", "detail": "There is no tenant."})
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _show(self, event: dict[str, Any], position: str) -> None:
        self.shown.append((event["type"], position))


def test_it_resumes_after_the_last_event() -> None:
    script = Script(stream(CONNECTED, UPVOTED % 5, HEARTBEAT, UPVOTED % 6), stream(GOODBYE))
    script.follow()
    assert script.asked_for == [None, "e1.6", "e1.6"]
    assert script.shown == [
        ("connected", "e1.4"),
        ("question:upvoted", "e1.5"),
        ("question:upvoted", "e1.6"),
        ("goodbye", "e1.6"),
    ]


def test_it_waits_longer_where_heartbeats_are_rarer() -> None:
    script = Script(stream(CONNECTED), stream(HEARTBEAT))
    script.follow()
    assert script.silences == [75, 300, 300]


def test_an_address_is_not_broken_into_lines(capsys: pytest.CaptureFixture[str]) -> None:
    url = "http://questions.and.answers.of.a.company.with.a.long.name.example.org/below/a/long/path/sse"
    Script(httpx.ConnectError("refused")).follow(url)
    assert capsys.readouterr().err == f"No server answers at {url}; trying again in 1 s\n"


def test_half_an_event_is_none() -> None:
    script = Script(stream(CONNECTED, (UPVOTED % 5)[:-2]))
    script.follow()
    assert script.asked_for == [None, "e1.4"]


def test_it_comes_back_when_the_server_says_and_ever_slower_while_there_is_none() -> None:
    away = httpx.ConnectError("refused")
    full = httpx.Response(503, json={"detail": "Full."})
    script = Script(stream(CONNECTED, GOODBYE), away, away, full, away, away, away, stream(CONNECTED))
    script.follow()
    assert script.waits == [3.5, 2, 4, 8, 10, 10, 10, 2.5]


@pytest.mark.parametrize(
    "answer, sentence",
    [
        (
            httpx.Response(404, text="Nothing here"),
            "http://test/sse answers 404; this seems to be no PulseStage server.",
        ),
        (httpx.Response(422, json={"detail": "events: unknown\x1b[31m"}), "events: unknown [31m"),
        (stream("data: news\n\n"), "http://test/sse sends what no PulseStage server would send."),
    ],
)
def test_what_waiting_will_not_mend_ends_it(answer: httpx.Response, sentence: str) -> None:
    script = Script(answer)
    assert script.follow() == sentence
    assert script.waits == []


def test_through_a_restart_without_a_gap_or_a_repeat(start: Start) -> None:
    server = start("serve", "--port", "0")
    url = server.printed(r"serves (\S+);").group(1)
    tail = start("tail", "--json", "--url", url)
    tail.printed('"connected"')
    ask(url, "one", "two")
    tail.printed('"two"')
    assert server.stop() == 0
    asyncio.run(ask_without_a_server(server.directory / ".pulsestage", "three"))

    server = start("serve", "--port", url.rpartition(":")[2])
    server.printed("serves")
    ask(url, "four", "five")
    tail.printed('"five"')
    assert tail.stop(signal.SIGINT) == 0
    told = [json.loads(line) for line in tail.out.splitlines()]
    logged = [event for event in told if event["type"].startswith("question:")]
    assert [event["data"]["body"] for event in logged] == ["one", "two", "three", "four", "five"]
    assert [event["id"].rpartition(".")[2] for event in logged] == ["1", "2", "3", "4", "5"]
    assert [event["type"] for event in told].count("connected") == 2
    assert "Traceback" not in tail.err


async def ask_without_a_server(data: Path, body: str) -> None:
    async with running(Settings(data_dir=data)) as (context, _hub):
        tenant = await tenants.resolve(context, "default")
        await questions.ask(context, await sessions.actor_of(context, tenant, None), tenant, body, None)


def ask(url: str, *bodies: str) -> None:
    for body in bodies:
        assert httpx.post(f"{url}/questions", json={"body": body}).status_code == 201


def test_lines_for_people_and_a_tenant_that_is_not_there(start: Start, call: Call) -> None:
    server = start("serve", "--port", "0")
    url = server.printed(r"serves (\S+);").group(1)
    tail = start("tail", "--url", url, "--events", "question:created")
    tail.printed("connected")
    ask(url, "Is this\none line\x1b[2J?")
    assert tail.printed(r"question:created +…\w{6} +(Is.*)").group(1) == "Is this one line [2J?"
    assert tail.stop(signal.SIGINT) == 0

    called = call("tail", "--tenant", "nope", "--url", url)
    assert called.code == 1
    assert called.err == f"Error: There is no tenant 'nope' at {url}.\n"
