"""Each configuration of a proxy in `deploy/` does what it says, in the real proxy, in front of two real instances."""

import asyncio
import gzip
import json
import os
import random
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from pathlib import Path

import httpx
import pytest

from pulsestage.http.web import BUILT
from tests.deploy.browser import ask, browser, following
from tests.deploy.conftest import STREAMS_PER_ADDRESS, STREAMS_PER_PERSON
from tests.deploy.proxies import HOST, KINDS, Proxy
from tests.servers.ports import free_port


async def test_it_keeps_the_contract_of_streams(proxy: Proxy) -> None:
    arguments = ["conformance", proxy.url, "--tenant", "acme", "--timeout", "30", "--json"]
    environment = {**os.environ, "SSL_CERT_FILE": str(proxy.authority)}
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pulsestage", *arguments, env=environment, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await run.communicate()
    report = json.loads(printed)
    assert [rule for rule in report["rules"] if rule["outcome"] == "failed"] == []
    assert report["counts"]["ok"] > 60


async def test_what_happens_at_either_instance_reaches_streams_at_both(proxy: Proxy) -> None:
    async with browser(proxy) as one, browser(proxy) as other, following(one) as first, following(other) as second:
        assert first.response.http_version == ("HTTP/1.1" if proxy.name == "apache" else "HTTP/2")
        for stream in (first, second):
            assert (await stream.next())["type"] == "connected"
        for _ in range(4):  # one instance after the other is asked
            question = await ask(one)
            for stream in (first, second):
                assert (await stream.until("question:created"))[-1]["data"]["id"] == question


async def test_an_event_is_not_held_back_until_there_are_more(proxy: Proxy) -> None:
    """Each of them is a few hundred bytes; buffers of proxies have 4 KB and more."""
    async with browser(proxy) as client, following(client) as stream:
        assert (await stream.next())["type"] == "connected"
        for _ in range(3):
            question = await ask(client)
            assert (await stream.until("question:created"))[-1]["data"]["id"] == question


async def test_compressed_streams_pass_as_they_are(proxy: Proxy) -> None:
    async with browser(proxy, Accept_Encoding="gzip") as client, following(client) as stream:
        assert stream.response.headers["content-encoding"] == "gzip"
        assert (await stream.next())["type"] == "connected"
        question = await ask(client)
        assert (await stream.until("question:created"))[-1]["data"]["id"] == question


async def test_scripts_and_lists_are_compressed_once(proxy: Proxy) -> None:
    """By PulseStage."""
    [script] = (BUILT / "assets").glob("page-*.js")
    async with browser(proxy) as client:
        for _ in range(3):
            await ask(client)
        for coding, suffix in (("br", ".br"), ("gzip", ".gz")):
            headers = {"Accept-Encoding": coding}
            async with client.stream("GET", f"/app/assets/{script.name}", headers=headers) as answer:
                body = b"".join([piece async for piece in answer.aiter_raw()])
            assert answer.headers.get_list("content-encoding") == [coding]
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert "Accept-Encoding" in answer.headers["vary"]
            assert body == script.with_name(script.name + suffix).read_bytes()
        async with client.stream("GET", "/questions", headers={"Accept-Encoding": "gzip, br"}) as answer:
            body = b"".join([piece async for piece in answer.aiter_raw()])
        assert answer.headers.get_list("content-encoding") == ["gzip"]
        assert len(json.loads(gzip.decompress(body))) >= 3


async def test_a_quiet_stream_lives_on_heartbeats(proxy: Proxy) -> None:
    async with browser(proxy) as client, following(client) as stream:
        kinds = [(await stream.next())["type"] for _ in range(4)]
    assert kinds == ["connected", *["heartbeat"] * 3]


async def test_the_instances_learn_that_it_was_https_and_nothing_that_a_client_makes_up(proxy: Proxy) -> None:
    async with browser(proxy, X_Forwarded_For="192.0.2.7", X_Forwarded_Proto="http") as client:
        cookie = (await client.get("/session")).headers["set-cookie"]
    assert "; Secure" in cookie


async def test_streams_are_counted_by_the_address_that_the_proxy_saw(proxy: Proxy) -> None:
    async with (
        browser(proxy, "127.0.0.2", http2=False) as many,
        browser(proxy, "127.0.0.3") as another,
        AsyncExitStack() as stack,
    ):

        async def status_of_one_more(client: httpx.AsyncClient) -> int:
            claimed = {"X-Forwarded-For": f"192.0.2.{random.randrange(256)}"}
            return (await stack.enter_async_context(client.stream("GET", "/sse", headers=claimed))).status_code

        statuses = [await status_of_one_more(many)]
        while statuses[-1] == 200 and len(statuses) <= 2 * STREAMS_PER_ADDRESS:
            statuses.append(await status_of_one_more(many))
        assert statuses[-1] == 503
        assert await status_of_one_more(another) == 200


async def test_who_has_streams_enough_is_refused_and_nobody_else(proxy: Proxy) -> None:
    async with browser(proxy, http2=False) as greedy, browser(proxy) as bystander, AsyncExitStack() as stack:
        await greedy.get("/session")
        statuses: list[int] = []
        while statuses.count(503) < 5:  # each instance has a limit of its own, and a proxy chooses as it likes
            statuses.append((await stack.enter_async_context(greedy.stream("GET", "/sse"))).status_code)
            if statuses[-1] == 503:
                assert (await bystander.get("/questions?limit=1")).status_code == 200
                async with following(bystander) as stream:
                    assert (await stream.next())["type"] == "connected"
        assert set(statuses) == {200, 503}
        assert statuses.count(200) <= 2 * STREAMS_PER_PERSON


async def test_metrics_are_kept_inside_below_a_path_too_and_http_leads_to_https(proxy: Proxy) -> None:
    async with browser(proxy) as client:
        for path in ("/metrics", "/qa/metrics", "/%6detrics", "/qa/%6detrics"):
            assert (await client.get(path)).status_code == 403
        assert (await client.get("/app/metrics")).status_code == 200  # the room of that name
    async with httpx.AsyncClient(trust_env=False) as plain:
        answer = await plain.get(f"{proxy.plain_url}/app/acme", headers={"Host": HOST})
    assert answer.status_code in {301, 308}
    assert httpx.URL(answer.headers["location"]).host == HOST
    assert httpx.URL(answer.headers["location"]).path == "/app/acme"


async def test_the_longest_question_to_look_for_passes(proxy: Proxy) -> None:
    """2,000 letters of Hindi are 18,000 bytes in an address. More than the instances take is refused by somebody."""
    async with browser(proxy) as client:
        assert (await client.get("/questions/search", params={"q": "क" * 2000})).status_code == 200
        assert (await client.get("/questions/search", params={"q": "a" * 30_000})).status_code == 414


async def test_no_address_makes_an_answer_that_a_proxy_takes_for_a_broken_instance(proxy: Proxy) -> None:
    """To nginx an answer with a large head is none, and the instance that sent it is left alone for two seconds."""
    long = "a" * 15_000
    async with browser(proxy) as client:
        for _ in range(2):
            await ask(client)
        for address, status in ((f"/{long}", 404), (f"/questions?limit=1&x={long}", 200)):
            answer = await client.get(address, headers={"Accept": "text/html"})
            assert answer.status_code == status
        answer = await client.get("/questions", params={"limit": 1, "search": f"come {'…' * 990}"})
        assert answer.status_code == 200
        assert len(answer.headers["link"]) > 8_000  # the longest head that an answer has


async def test_cookies_of_many_rooms_pass(proxy: Proxy) -> None:
    cookies = "; ".join(f"pulsestage_room{number}={'a' * 120}" for number in range(170))
    async with browser(proxy) as client:
        assert (await client.get("/questions?limit=1", headers={"Cookie": cookies})).status_code == 200


@pytest.mark.parametrize("name", KINDS)
async def test_connections_to_the_instances_are_kept(name: str, tmp_path: Path) -> None:
    async with counting() as (port, connections):
        proxy = Proxy(tmp_path, name, [port, port])
        try:
            async with browser(proxy) as client:
                for _ in range(20):
                    assert (await client.get("/questions")).status_code == 200
        finally:
            proxy.stop()
    asked = [number for number in connections if number]
    assert sum(asked) == 20
    assert len(asked) <= 2


@asynccontextmanager
async def counting() -> AsyncIterator[tuple[int, list[int]]]:
    """A server that answers everything, and how many questions came on each of its connections."""
    connections: list[int] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(connections)
        connections.append(0)
        with suppress(ConnectionError), closing(writer):
            while line := await reader.readline():
                if line.startswith(b"GET /questions "):
                    connections[number] += 1
                if line == b"\r\n":
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], connections


@pytest.mark.parametrize("name", KINDS)
async def test_logs_tell_neither_who_it_was_nor_a_query(name: str, tmp_path: Path) -> None:
    """Not even when no instance can be reached: a ticket in a query opens a stream."""
    proxy = Proxy(tmp_path, name, [free_port(), free_port()])
    try:
        async with browser(proxy, "127.0.0.9") as client:
            for path in ("/sse?ticket=secret", "/questions?search=secret"):
                assert (await client.get(path, headers={"Cookie": "a=secret"})).status_code in {502, 503}
        await invalid(proxy.port, proxy.trust)
    finally:
        proxy.stop()
    assert proxy.logs
    assert "secret" not in proxy.logs
    assert "127.0.0.9" not in proxy.logs


async def invalid(port: int, trust: ssl.SSLContext) -> None:
    """Ask for an address that is none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname=HOST)
    with closing(writer):
        writer.write(b"GET /%zz?ticket=secret HTTP/1.1\r\nHost: qa.example.org\r\nConnection: close\r\n\r\n")
        await reader.read()
