"""The suite can fail: a proxy before a real server spoils one thing at a time, and the fitting rules are broken."""

from __future__ import annotations

import asyncio
import random
import re
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pulsestage.cli.conformance import suite
from pulsestage.cli.conformance.probe import Plan
from pulsestage.cli.conformance.rules import Broken
from pulsestage.cli.conformance.wire import Connection, Head, Target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.cli.conftest import Start

pytestmark = pytest.mark.anyio

RESUMING = {
    "resume-by-header",
    "resume-with-white-space",
    "resume-by-parameter",
    "header-wins",
    "no-gap-and-no-repeat",
    "position-of-a-change",
    "position-of-a-list",
    "snapshot-then-events",
}


# Of the real log: its epoch has eight characters, and nobody asks for billions of events.
_POSITION = re.compile(rb"(?i)(last-?event-?id(?:: |=)[0-9a-f]{8}\.)(\d{1,9})(?=[ &\r])")


@dataclass(frozen=True)
class Fault:
    """What the proxy does: to the request, to the answer's head, to frames of plain streams, to pieces of gzip.

    `frame` is given the request, how many frames were there before, and the frame. `chunked`: which requests for a
    stream are answered in chunks, and `chunk_bytes` how large these are. `ends_at`: what of the client ends a stream,
    "bytes" or "eof".
    """

    request: Callable[[bytes], bytes] = lambda request: request
    status: Callable[[int], int] = lambda status: status
    headers: Callable[[dict[str, str]], dict[str, str]] = lambda headers: headers
    version: str = "1.1"
    frame: Callable[[bytes, int, bytes], bytes] = lambda _request, _before, frame: frame
    gzip: Callable[[int, bytes], bytes] = lambda _before, piece: piece
    chunked: Callable[[bytes], bool] = lambda request: b" HTTP/1.1\r\n" in request
    chunk_bytes: int = 65_536
    ends_at: str = ""


class Proxy:
    """Passes requests on to a port of this machine, one per connection, and spoils them."""

    def __init__(self, port: int, fault: Fault) -> None:
        self._server = Target(tls=False, host="127.0.0.1", port=port, prefix="")
        self._fault = fault
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Target]:
        """Where it listens. What is open at the end is broken off."""
        async with await asyncio.start_server(self._accept, "127.0.0.1", 0) as server:
            yield Target(tls=False, host="127.0.0.1", port=server.sockets[0].getsockname()[1], prefix="")
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server: Connection | None = None
        try:
            with suppress(OSError, EOFError, Broken):
                request = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", request)
                body = await reader.readexactly(int(length[1])) if length else b""
                server = await Connection.open(self._server)
                server.send(self._fault.request(request).replace(b" HTTP/1.0\r\n", b" HTTP/1.1\r\n") + body)
                if self._fault.ends_at:
                    self._watch(reader, writer)
                await self._answer(request, server, writer)
        finally:
            writer.transport.abort() if server is None else writer.close()
            if server is not None:
                server.close()

    async def _answer(self, request: bytes, server: Connection, writer: asyncio.StreamWriter) -> None:
        head = await server.head()
        is_stream = head.get("content-type") == "text/event-stream"
        chunked, size = is_stream and self._fault.chunked(request), self._fault.chunk_bytes
        writer.write(self._head(head, chunked=chunked))
        async for piece in self._spoiled(request, head, server) if is_stream else server.pieces(head):
            if chunked:
                parts = (piece[at : at + size] for at in range(0, len(piece), size))
                writer.writelines(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
            else:
                writer.write(piece)
            await writer.drain()

    async def _spoiled(self, request: bytes, head: Head, server: Connection) -> AsyncIterator[bytes]:
        buffer, before = b"", 0
        async for piece in server.pieces(head):
            if head.get("content-encoding"):
                yield self._fault.gzip(before, piece)
                before += 1
                continue
            *frames, buffer = (buffer + piece).split(b"\n\n")
            for frame in frames:
                yield self._fault.frame(request, before, frame + b"\n\n")
                before += 1

    def _head(self, head: Head, *, chunked: bool) -> bytes:
        kept = {name: value for name, value in head.headers if name != "transfer-encoding"}
        told = self._fault.headers(kept) | {"connection": "close"}
        told |= {"transfer-encoding": "chunked"} if chunked else {}
        status = f"HTTP/{self._fault.version} {self._fault.status(head.status)} Whatever"
        return "\r\n".join([status, *(f"{name}: {value}" for name, value in told.items()), "", ""]).encode("latin-1")

    def _watch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def watch() -> None:
            with suppress(OSError):
                if bool(await reader.read(1)) == (self._fault.ends_at == "bytes"):
                    writer.transport.abort()

        task = asyncio.ensure_future(watch())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def replaced(pattern: bytes, new: bytes, within: bytes = b"") -> Callable[[bytes, int, bytes], bytes]:
    """Frames in which something stands for what matches."""
    return lambda _request, _before, frame: re.sub(pattern, new, frame) if within in frame else frame


def without(name: str) -> Callable[[dict[str, str]], dict[str, str]]:
    """Heads without a header."""
    return lambda headers: {each: value for each, value in headers.items() if each != name}


def asked(pattern: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """Requests in which something stands for what matches."""
    return lambda request: re.sub(pattern, new, request)


def is_resumed(request: bytes) -> bool:
    """Whether it has a position at which a stream could go on."""
    return _POSITION.search(request) is not None


def lost(request: bytes, _before: int, frame: bytes) -> bytes:
    """Without what happened before and after resuming."""
    return b"" if is_resumed(request) and b'"question:created"' in frame else frame


def repeated(request: bytes, before: int, frame: bytes) -> bytes:
    """With the first event after resuming twice."""
    return frame * 2 if is_resumed(request) and before == 1 and b'"question:created"' in frame else frame


def id_of_heartbeats(request: bytes, _before: int, frame: bytes) -> bytes:
    """With an id where none belongs. Not on the tour, in which there may or may not be a heartbeat."""
    return frame[:-1] + b"id: e1.1\n\n" if b'"heartbeat"' in frame and b"snapshot=1" not in request else frame


def ids_of_each_reader(request: bytes, _before: int, frame: bytes) -> bytes:
    """With ids by chance, on streams that have all events from now on."""
    plain = not re.search(rb"events=|snapshot=|(?i:last-?event-?id)", request)
    chance = b"id: e1.%d\n" % random.randrange(10**9)
    return re.sub(rb"(?m)^id: .*\n", chance, frame) if plain and b'"question:created"' in frame else frame


def too_early(request: bytes) -> bytes:
    """Going on long before the position."""

    def earlier(match: re.Match[bytes]) -> bytes:
        return b"%s%d" % (match[1], max(1, int(match[2]) - 200) if int(match[2]) else 0)

    return re.sub(_POSITION, earlier, request) if is_resumed(request) else request


def forgiving(request: bytes) -> bytes:
    """Taking a position that is no use for none."""
    if is_resumed(request):
        return request
    return re.sub(rb"&lastEventId=[^& ]*|Last-Event-ID: .*\r\n", b"", request)


def always_gzip(request: bytes) -> bytes:
    """Compressed, whatever was accepted."""
    request = re.sub(rb"Accept-Encoding: .*\r\n", b"", request)
    return request[:-2] + b"Accept-Encoding: gzip\r\n\r\n" if b"Accept: text/event-stream" in request else request


SNAPSHOTS = {
    "snapshot-follows-connected",
    "connected-before-a-snapshot",
    "shapes",
    "snapshot-equals-lists",
    "snapshot-then-events",
    "snapshot-for-whom-it-is",
    "snapshot-of-a-team",
    "reset-then-snapshot",
    "position-of-nothing",
    "ticket",
}
UNKNOWN = {
    "unknown-position",
    "reset-then-snapshot",
    "position-in-the-future",
    "malformed-position",
    "position-with-control-characters",
    "very-long-position",
    "no-snapshot-unasked",
}
CREATED, UPVOTED, SNAPSHOT = b'"question:created"', b'"question:upvoted"', b'"type":"snapshot"'
FAULTS: dict[str, tuple[Fault, set[str]]] = {
    "nothing": (Fault(), set()),
    # The answer
    "an answer of HTTP/1.0": (Fault(version="1.0"), {"status"}),
    "a charset": (
        Fault(headers=lambda all_: all_ | {"content-type": all_.get("content-type", "") + "; charset=utf-8"}),
        {"content-type"},
    ),
    "no Cache-Control": (Fault(headers=without("cache-control")), {"cache-control"}),
    "no X-Accel-Buffering": (Fault(headers=without("x-accel-buffering")), {"no-buffering"}),
    "a length": (Fault(headers=lambda all_: {"content-length": "999999999"} | all_), {"no-length"}),
    "no Vary": (Fault(headers=without("vary")), {"vary"}),
    "one path": (
        Fault(request=asked(rb"GET /events", b"GET /nowhere")),
        {"both-paths", "both-names-of-the-tenant", "unknown-tenant"},
    ),
    "one name of the tenant": (Fault(request=asked(rb"\?tenant=[^& ]*", b"?")), {"both-names-of-the-tenant"}),
    "no default tenant": (Fault(request=asked(rb"/sse\? ", b"/sse?tenantId=acme ")), {"default-tenant"}),
    "one tenant for all": (Fault(request=asked(rb"=none-[0-9a-f-]+ ", b"=acme ")), {"unknown-tenant"}),
    "HEAD with a body": (Fault(request=asked(rb"^HEAD", b"GET")), {"head-without-a-body"}),
    # Connections
    "small chunks, even for HTTP/1.0": (Fault(chunked=lambda _: True, chunk_bytes=7), {"http-1-0"}),
    "no chunks": (Fault(chunked=lambda _: False), {"http-1-1"}),
    "garbage that is read": (Fault(ends_at="bytes"), {"garbage-after-the-request"}),
    "the end that is obeyed": (Fault(ends_at="eof"), {"half-closed"}),
    "gzip that is held back": (Fault(gzip=lambda _before, _piece: b""), {"gzip", "gzip-is-flushed"}),
    "gzip that isn't flushed": (Fault(gzip=lambda before, piece: b"" if before else piece), {"gzip-is-flushed"}),
    "gzip without a word": (Fault(headers=without("content-encoding")), {"gzip", "gzip-is-flushed"}),
    "gzip for all": (Fault(request=always_gzip), {"gzip-refused"}),
    # Frames
    "no retry": (Fault(frame=replaced(rb"^retry: \d+\n", b"")), {"retry-first", "retry-differs"}),
    "one retry for all": (Fault(frame=replaced(rb"^retry: \d+", b"retry: 2000")), {"retry-differs"}),
    "an event field": (Fault(frame=replaced(rb"data: {", b"event: message\ndata: {")), {"no-event-field"}),
    "CR LF": (Fault(frame=replaced(rb"\n", b"\r\n")), {"line-ends"}),
    "JSON in two lines": (Fault(frame=replaced(rb"data: {", b"data: {\ndata: ")), set()),
    "a field twice": (Fault(frame=replaced(rb"^(retry: .*\n)", rb"\1\1")), {"known-fields"}),
    "an id twice": (
        Fault(frame=replaced(rb"(id: .*\n)", rb"\1\1", UPVOTED)),
        {"known-fields", "ids-where-they-belong", "ids-grow"},
    ),
    "no heartbeatSeconds": (Fault(frame=replaced(rb',"heartbeatSeconds":[^,}]*', b"")), {"connected-first"}),
    "another character set": (Fault(frame=replaced(b'"tenantSlug":', b'"x":"\xfc","tenantSlug":')), {"json"}),
    "a long line": (Fault(frame=replaced(rb"data: {", b"data: {" + b" " * 70_000, UPVOTED)), {"short-lines"}),
    "the id before the data": (Fault(frame=replaced(rb"(data: .*\n)(id: .*\n)", rb"\2\1", UPVOTED)), {"id-last"}),
    "seconds": (
        Fault(frame=replaced(rb'("timestamp":\d{10})\d{3}', rb"\1")),
        {"envelope", "connected-first", "heartbeat"},
    ),
    "no id on votes": (Fault(frame=replaced(rb"id: .*\n", b"", UPVOTED)), {"ids-where-they-belong"}),
    "an id on heartbeats": (Fault(frame=id_of_heartbeats), {"heartbeat"}),
    "an id on resets": (Fault(frame=replaced(rb"\n\n", b"\nid: e1.1\n\n", b'"reset"')), {"ids-where-they-belong"}),
    "ids that are no positions": (Fault(frame=replaced(rb"id: ", b"id: a:", UPVOTED)), {"ids-are-positions"}),
    "ids that go back": (Fault(frame=replaced(rb"(id: \w+)\.\d+", rb"\1.1", UPVOTED)), {"ids-grow"}),
    "an author": (Fault(frame=replaced(b'"isMine":', b'"authorId":"7","isMine":')), {"nobody-is-named"}),
    "isMine in events": (
        Fault(frame=replaced(rb'"questionId":', b'"isMine":false,"questionId":')),
        {"nothing-personal-in-events"},
    ),
    # Snapshots
    "no snapshots": (Fault(request=asked(rb"&snapshot=1", b"")), SNAPSHOTS),
    "snapshots for all": (Fault(request=asked(rb"&snapshot=0", b"&snapshot=1")), {"no-snapshot-unasked"}),
    "a snapshot that is known already": (
        Fault(frame=replaced(rb"\.0\n\n", b".1\n\n", b'"type":"connected"')),
        {"connected-before-a-snapshot", "position-of-nothing"},
    ),
    "an old snapshot": (Fault(frame=replaced(rb'"upvotes":\d+', b'"upvotes":99', SNAPSHOT)), {"snapshot-equals-lists"}),
    "a poor snapshot": (
        Fault(frame=replaced(rb'"pinnedAt":', b'"then":', SNAPSHOT)),
        {"shapes", "snapshot-equals-lists"},
    ),
    "a snapshot for nobody": (
        Fault(request=asked(rb"(GET /sse(?:.*\r\n)+)Cookie: .*\r\n", rb"\1")),
        {"snapshot-for-whom-it-is"},
    ),
    "tickets that are for nobody": (Fault(request=asked(rb"&ticket=[^& ]*", b"")), {"ticket"}),
    # Filters
    "all types": (Fault(request=asked(rb"&events=[^& ]*", b"")), {"filter-by-type", "unknown-event-type"}),
    "types that are unknown": (
        Fault(request=asked(b"=connected%2C", b"=other%2C")),
        {"filter-with-types-of-the-stream"},
    ),
    "all teams": (
        Fault(request=asked(rb"&team=[^& ]*", b"")),
        {"filter-by-team", "snapshot-of-a-team", "unknown-team"},
    ),
    # Positions
    "no positions on answers": (
        Fault(headers=without("x-stream-position")),
        {"position-of-a-change", "position-of-a-list", "snapshot-equals-lists"},
    ),
    "a gap after resuming": (Fault(frame=lost), RESUMING),
    "a repeat after resuming": (Fault(frame=repeated), {"no-gap-and-no-repeat"}),
    "resuming too early": (Fault(request=too_early), {*RESUMING, "connected-of-a-resumed-stream"}),
    "an ignored Last-Event-ID": (
        Fault(request=asked(rb"Last-Event-ID: .*\r\n", b"")),
        {
            "resume-by-header",
            "resume-with-white-space",
            "header-wins",
            "no-gap-and-no-repeat",
            "very-long-position",
        },
    ),
    "white space that counts": (
        Fault(request=asked(rb"(Last-Event-ID: \S+) \t", rb"\1%20")),
        {"resume-with-white-space"},
    ),
    "forgiven positions": (Fault(request=forgiving), UNKNOWN),
    # Changes
    "questions with a vote": (Fault(frame=replaced(rb'"upvotes":0', b'"upvotes":1', CREATED)), {"question-created"}),
    "questions that stay": (
        Fault(frame=replaced(rb"[^\0]*", b"", b'"question:removed"')),
        {"question-removed", "filter-by-type"},
    ),
    "differences": (Fault(frame=replaced(rb'"upvotes":2}', b'"upvotes":1}', UPVOTED)), {"votes-are-absolute"}),
    "votes that stay": (Fault(frame=replaced(rb'"upvotes":0}', b'"upvotes":1}', UPVOTED)), {"vote-taken-back"}),
    "conflicts that are none": (
        Fault(status=lambda status: 200 if status == 409 else status),
        {"second-vote", "own-question", "votes-at-once"},
    ),
    "other texts": (Fault(frame=replaced("🚀".encode(), b"", CREATED)), {"any-text"}),
    "ids of each reader's own": (Fault(frame=ids_of_each_reader), {"one-order"}),
}


@pytest.fixture(scope="module")
def port(start: Start) -> int:
    """A server with teams, whose heart beats fast."""
    demo = start("demo", "--port", "0", "--audience", "0", "--quiet", PULSESTAGE_HEARTBEAT_SECONDS="0.3")
    return int(demo.printed(r"http://127\.0\.0\.1:(\d+)").group(1))


@pytest.mark.parametrize("name", FAULTS)
async def test_the_rules_are_broken_that_fit(name: str, port: int) -> None:
    fault, fitting = FAULTS[name]
    async with Proxy(port, fault).listening() as target:
        results, left = await suite.run(Plan(target, "acme", slow=True, timeout_seconds=4))
    broken = {each.rule.name: each.reason for each in results if each.outcome == "failed"}
    assert broken.keys() == fitting, broken
    assert {each.rule.name for each in results if each.outcome == "skipped"} == set()
    assert not left


def test_every_rule_is_broken_by_a_fault() -> None:
    can_fail = set().union(*(fitting for _, fitting in FAULTS.values()))
    assert {rule.name for rule in suite.RULES} == can_fail
