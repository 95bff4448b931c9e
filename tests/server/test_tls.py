"""HTTPS without a proxy: streams through the transport's encryption, everything else as ever."""

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from pulsestage.server.protocol import StreamingProtocol
from tests.http.conftest import make_settings
from tests.http.streaming.server import Server, listening
from tests.server.wire import Wire, until, wire

GET = b"GET /sse HTTP/1.1\r\nHost: a\r\n\r\n"
JSON = b"Content-Type: application/json\r\nContent-Length: 15\r\n"
POST = b"POST /questions HTTP/1.1\r\nHost: a\r\n" + JSON + b'\r\n{"body":"Why?"}'


class Secure:
    """A server that speaks TLS, and those who trust it."""

    def __init__(self, server: Server, context: ssl.SSLContext) -> None:
        self.server = server
        self.hub = server.app.state.hub
        self.context = context

    @asynccontextmanager
    async def wire(self) -> AsyncIterator[Wire]:
        host, port = "127.0.0.1", self.server.port
        reader, writer = await asyncio.open_connection(host, port, ssl=self.context, server_hostname="localhost")
        try:
            yield Wire(reader, writer)
        finally:
            writer.transport.abort()

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.server.base_url, verify=self.context, trust_env=False)


@asynccontextmanager
async def secured(folder: Path, **changed: Any) -> AsyncIterator[Secure]:
    authority, context = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(context)
    issued = authority.issue_cert("localhost", "127.0.0.1")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    issued.private_key_pem.write_to_path(key)
    for pem in issued.cert_chain_pems:
        pem.write_to_path(certificate, append=True)
    settings = make_settings(folder, tls_certificate=certificate, tls_key=key, **changed)
    async with listening(settings) as server:
        yield Secure(server, context)


@pytest.fixture(scope="module")
async def secure(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Secure]:
    async with secured(tmp_path_factory.mktemp("data")) as secure:
        yield secure


async def test_a_stream_is_handed_over_and_votes_come_on_it(secure: Secure) -> None:
    async with secure.wire() as visitor, secure.client() as person, secure.client() as other:
        visitor.send(GET)
        assert "connection: close" in await visitor.head()
        assert "connected" in await visitor.frame()
        await until(lambda: not any(is_answering(each) for each in secure.server.uvicorn.server_state.connections))
        asked = await person.post("/questions", json={"body": "Is it encrypted?"})
        assert "secure" in asked.headers["set-cookie"].lower()
        assert "Is it encrypted?" in await visitor.frame()
        voted = await other.post(f"/questions/{asked.json()['id']}/upvote")
        assert voted.json()["upvotes"] == 1
        assert '"upvotes":1' in await visitor.frame()
    await until(lambda: not secure.hub.total_connections)


def is_answering(protocol: Any) -> bool:
    assert isinstance(protocol, StreamingProtocol)
    return protocol._is_answering


async def test_a_gzip_stream(secure: Secure) -> None:
    async with secure.wire() as visitor, secure.client() as person:
        visitor.send(GET[:-2] + b"Accept-Encoding: gzip\r\n\r\n")
        assert "content-encoding: gzip" in await visitor.head()
        reader, text = zlib.decompressobj(wbits=31), b""
        for expected in (b"connected", b"Is it small?"):
            async with asyncio.timeout(10):
                while expected not in text:
                    text += reader.decompress(await visitor.body())
            await person.post("/questions", json={"body": "Is it small?"})


async def test_a_slow_reader_gets_all_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    async with secured(tmp_path) as secure, secure.wire() as slow, secure.wire() as quick:
        for visitor in (slow, quick):
            visitor.send(GET)
            await visitor.head()
            await visitor.frame()
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined] # as one that reads
        room = await secure.server.room("default")
        person = room.guest()
        sent = 0
        while not secure.hub.stats().slow:
            await person.post("/questions", json={"body": "x" * 2000})
            sent += 1
            assert "question:created" in await quick.frame()
        slow.writer.transport.resume_reading()  # type: ignore[attr-defined] # likewise
        frames = [await slow.frame() for _ in range(sent)]
        assert [frame.rstrip("\n").rpartition(".")[2] for frame in frames] == [str(n + 1) for n in range(sent)]
        await until(lambda: not secure.hub.stats().slow)


async def test_the_goodbye_comes_before_the_end(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        async with secured(tmp_path) as secure:
            visitor = await stack.enter_async_context(secure.wire())
            visitor.send(GET)
            await visitor.head()
            await visitor.frame()
            reading = asyncio.ensure_future(visitor.rest())
        assert b'"goodbye"' in await reading


async def test_a_connection_that_was_refused_is_not_served(tmp_path: Path) -> None:
    async with secured(tmp_path, max_connections=10) as secure, AsyncExitStack() as stack:
        for _ in range(10):
            await stack.enter_async_context(secure.wire())
        await until(lambda: len(secure.server.uvicorn.server_state.connections) == 10)
        async with wire(secure.server) as client:
            came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = secure.context.wrap_bio(came, goes, server_hostname="localhost")
            with pytest.raises(ssl.SSLWantReadError):
                tls.do_handshake()
            client.send(goes.read())
            while not has_shaken_hands(tls):
                came.write(await client.some())
            tls.write(POST)
            client.send(goes.read())  # in one piece with the end of the handshake
            answer = b""
            while not answer.startswith(b"HTTP/1.1 503 "):
                came.write(await client.some())
                with suppress(ssl.SSLWantReadError):
                    answer += tls.read(1000)
        await until(lambda: not secure.server.uvicorn.server_state.tasks)
        assert not await (await secure.server.room("default")).log()


def has_shaken_hands(tls: ssl.SSLObject) -> bool:
    with suppress(ssl.SSLWantReadError):
        tls.do_handshake()
        return True
    return False


async def test_without_tls_nothing_is_understood(secure: Secure) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{secure.server.port}", trust_env=False) as client:
        with pytest.raises(httpx.TransportError):
            await client.get("/health")
