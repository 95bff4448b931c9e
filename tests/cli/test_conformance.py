from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import httpx
import pytest

from pulsestage.cli.conformance import suite
from pulsestage.cli.conformance.probe import Plan
from pulsestage.cli.conformance.rules import shown
from pulsestage.cli.conformance.stream import Frame
from pulsestage.cli.conformance.wire import Target
from tests.docs.documents import code_in, links, read, rows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.cli.conftest import Call, Start

DOCUMENT = read("docs/conformance.md")
SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


@pytest.fixture(scope="module")
def url(start: Start) -> str:
    """A server with its usual limits."""
    return start("serve", "--port", "0").printed(r"serves (\S+);").group(1)


def test_our_own_server_keeps_the_contract(url: str, call: Call) -> None:
    called = call("conformance", url, "--json", "--timeout", "20")
    told = json.loads(called.out)
    assert [each for each in told["rules"] if each["outcome"] == "failed"] == []
    assert called.code == 0
    assert told["ok"]
    skipped = {each["name"] for each in told["rules"] if each["outcome"] == "skipped"}
    assert skipped == {"heartbeat", "snapshot-of-a-team", "filter-by-team"}  # no --slow, and there is no team


def test_it_says_loudly_that_it_writes_and_leaves_nothing_behind(url: str, call: Call) -> None:
    called = call("conformance", url, "--timeout", "20")
    assert called.err == f"This asks, votes and withdraws in tenant default of {url}; --read-only does not.\n"
    assert httpx.get(f"{url}/questions").json() == []


@pytest.mark.anyio
async def test_who_stops_it_leaves_nothing_behind_either(url: str) -> None:
    running = asyncio.ensure_future(suite.run(Plan(Target.parse(url), timeout_seconds=20)))
    async with httpx.AsyncClient(base_url=url) as client:
        while not (await client.get("/questions")).json():
            assert not running.done()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (await client.get("/questions")).json() == []


def test_reading_only_changes_nothing(url: str, call: Call) -> None:
    before = httpx.get(f"{url}/questions").headers["x-stream-position"]
    called = call("conformance", url, "--read-only", "--json", "--timeout", "20")
    assert httpx.get(f"{url}/questions").headers["x-stream-position"] == before
    assert called.err == ""
    outcomes = {each["name"]: each["outcome"] for each in json.loads(called.out)["rules"]}
    assert {name for name, outcome in outcomes.items() if outcome == "skipped"} >= {
        rule.name for rule in suite.RULES if rule.writes
    }
    assert outcomes["connected-first"] == outcomes["snapshot-equals-lists"] == "ok"


def test_a_failed_rule_is_told_with_what_was_expected_and_what_came(url: str, call: Call) -> None:
    called = call("conformance", f"{url}/nowhere", "--read-only", "--timeout", "20")
    assert called.code == 1
    assert " ".join(called.out.split()).count("expected a stream; came status 404") > 10
    assert "The server does not keep the contract" in called.out
    assert "streams.md#the-answer" in called.out


@pytest.mark.parametrize(
    "address", ["127.0.0.1:7717", "ftp://127.0.0.1", "http://", "http://[::1", "http://x:y", "http://h/?a=b"]
)
def test_what_is_no_address_is_wrong_usage(address: str, call: Call) -> None:
    called = call("conformance", address)
    assert called.code == 2
    assert "http://127.0.0.1:7717" in called.err


def test_a_server_that_is_not_there_is_one_sentence(call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    called = call("conformance", f"http://127.0.0.1:{port}", "--read-only")
    assert called.code == 2
    assert called.out == ""
    assert called.err.startswith(f"Error: http://127.0.0.1:{port} can't be reached: ")
    assert called.err.count("\n") == 1


# ---- Servers that are none -------------------------------------------------------------------


@asynccontextmanager
async def answering(answer: bytes, *, endless: bytes = b"", ends: bool = True) -> AsyncIterator[Target]:
    """A server that gives every request the same answer, `endless` for ever after it, and then ends or hangs."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, EOFError):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
                while endless:
                    writer.write(endless)
                    await writer.drain()
                if not ends:
                    await asyncio.Event().wait()
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(serve(reader, writer)))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        yield Target(tls=False, host="127.0.0.1", port=server.sockets[0].getsockname()[1], prefix="")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def html(status: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "Content-Length: 2", "", "hi"]).encode()


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
GZIP = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\n"
FORGED = b'id: x\ndata: {"type":"connected"}\n\ndata: {"type":"snapshot","data":{"questions":[7],"tags":7}}\n\n'


@pytest.mark.anyio
@pytest.mark.parametrize(
    "answer, endless, ends",
    [
        pytest.param(b"", b"", True, id="hangs up"),
        pytest.param(b"", b"", False, id="says nothing"),
        pytest.param(b"", b"\x00\xff\x13", False, id="noise"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", b"", False, id="another protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 9999, False, id="a head without an end"),
        pytest.param(html("307 Temporary Redirect", "Location: https://elsewhere.example/"), b"", True, id="redirects"),
        pytest.param(html("200 OK", "Content-Type: text/html"), b"", True, id="HTML"),
        pytest.param(html("200 OK", "Content-Type: application/json")[:-2] + b"[]", b"", True, id="JSON"),
        pytest.param(SSE_HEAD, b"", False, id="a stream without frames"),
        pytest.param(SSE_HEAD, b"x" * 4096, False, id="a frame without an end"),
        pytest.param(SSE_HEAD, b": comment\n\n", False, id="comments for ever"),
        pytest.param(SSE_HEAD + b"data: \xff\xfe{\n\n", b"", False, id="no JSON"),
        pytest.param(SSE_HEAD + b"data: " + b"[" * 50_000 + b"\n\n", b"", False, id="deep JSON"),
        pytest.param(SSE_HEAD + FORGED, b"", False, id="another form"),
        pytest.param(CHUNKED + b"zz\r\n", b"", False, id="no chunks"),
        pytest.param(CHUNKED + b"5\r\nab", b"", True, id="half a chunk"),
        pytest.param(GZIP + b"plain", b"", False, id="no gzip"),
    ],
)
async def test_whatever_a_server_sends_becomes_failed_rules(answer: bytes, endless: bytes, ends: bool) -> None:  # noqa: FBT001
    async with answering(answer, endless=endless, ends=ends) as target:
        results, _ = await suite.run(Plan(target, timeout_seconds=0.3))
    outcomes = {each.rule.name: each for each in results}
    assert len(outcomes) == len(suite.RULES)
    assert outcomes["connected-first"].outcome == "failed"
    assert all(each.reason for each in results if each.outcome != "ok")
    assert [each.reason for each in results if not each.reason.isprintable()] == []


@pytest.mark.anyio
async def test_who_says_nothing_fails_at_once() -> None:
    async with answering(b"", ends=False) as target:
        results, _ = await suite.run(Plan(target, timeout_seconds=0.1))
    assert {(each.outcome, each.reason) for each in results} == {("failed", "expected an answer; came nothing in time")}


# ---- Pieces ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw, fields",
    [
        (b"id: a.1\ndata: {}\n\n", [("id", "a.1"), ("data", "{}")]),
        (b"id:a.1\r\ndata:  x\r\n\r\n", [("id", "a.1"), ("data", " x")]),
        (b"data: a\rdata: b\r\r", [("data", "a"), ("data", "b")]),
        (b": comment\ndata\n\n", [("data", "")]),
    ],
)
def test_frames_are_read_as_browsers_do(raw: bytes, fields: list[tuple[str, str]]) -> None:
    assert Frame(raw).fields == fields


@pytest.mark.parametrize(
    "url, target",
    [
        ("http://127.0.0.1:7717/", Target(tls=False, host="127.0.0.1", port=7717, prefix="")),
        ("https://qa.example/live/", Target(tls=True, host="qa.example", port=443, prefix="/live")),
        ("http://[::1]:80", Target(tls=False, host="::1", port=80, prefix="")),
    ],
)
def test_addresses(url: str, target: Target) -> None:
    assert Target.parse(url) == target
    assert Target.parse(target.url) == target


def test_what_came_can_not_steer_a_terminal() -> None:
    assert shown("\x1b[2J\n") == "'\\x1b[2J\\n'"
    assert len(shown(b"\x00" * 9999)) < 200


# ---- The document ----------------------------------------------------------------------------


def test_every_rule_is_documented_with_its_section() -> None:
    documented = [(code_in(name)[0], title, section) for name, title, section in rows(DOCUMENT)]
    assert documented == [
        (rule.name, rule.title + marks(rule.writes, rule.slow), told(rule.section)) for rule in suite.RULES
    ]


def test_every_section_is_a_heading_or_an_rfc() -> None:
    # That the links of the page lead somewhere is tested with those of all pages.
    assert {rule.section for rule in suite.RULES if not rule.section.startswith("RFC ")} <= set(links(DOCUMENT))


def marks(writes: bool, slow: bool) -> str:  # noqa: FBT001
    return (" *(writes)*" if writes else "") + (" *(slow)*" if slow else "")


def told(section: str) -> str:
    page, _, heading = section.partition("#")
    return f"[{page.removesuffix('.md')}: {heading.replace('-', ' ')}]({section})" if heading else section
