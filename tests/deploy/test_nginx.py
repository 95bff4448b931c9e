"""`deploy/nginx.conf` does what it says, in the real nginx, in front of two real instances."""

import asyncio
import gzip
import json
import random
import re
import zlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from pulsestage.http.web import BUILT
from tests.chaos.site import Site
from tests.deploy.conftest import STREAMS_PER_ADDRESS, STREAMS_PER_PERSON
from tests.deploy.nginx import Nginx

PATIENCE_SECONDS = 30
FOLLOWERS = 6


class Stream:
    """An open stream through nginx."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.last_id = ""
        self._bytes = response.aiter_raw()
        self._unzip = zlib.decompressobj(31) if response.headers.get("content-encoding") == "gzip" else None
        self._text = ""

    async def next(self) -> dict[str, Any]:
        """The next message."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "\n\n" not in self._text:
                data = await anext(self._bytes)
                self._text += (self._unzip.decompress(data) if self._unzip else data).decode()
        block, _, self._text = self._text.partition("\n\n")
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        self.last_id = fields.get("id", self.last_id)
        message: dict[str, Any] = json.loads(fields["data"])
        return message

    async def until(self, kind: str) -> list[dict[str, Any]]:
        """Messages, heartbeats left out, up to the first of this type."""
        seen: list[dict[str, Any]] = []
        while not seen or seen[-1]["type"] != kind:
            message = await self.next()
            if message["type"] != "heartbeat":
                seen.append(message)
        return seen


@asynccontextmanager
async def browser(nginx: Nginx, address: str = "127.0.0.1", **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"X-Tenant-ID": "acme", "Accept-Encoding": "identity", **headers}
    way = httpx.AsyncHTTPTransport(verify=nginx.trust, http2=True, local_address=address)
    async with httpx.AsyncClient(
        base_url=nginx.url, transport=way, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False
    ) as client:
        yield client


@asynccontextmanager
async def following(client: httpx.AsyncClient, last_id: str = "") -> AsyncIterator[Stream]:
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with client.stream("GET", "/sse?tenantId=acme", headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        yield Stream(response)


async def ask(client: httpx.AsyncClient) -> str:
    answer = await client.post("/questions", json={"body": "Does it come through?"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_what_happens_at_either_instance_reaches_streams_at_both_over_http2(nginx: Nginx) -> None:
    async with browser(nginx) as one, browser(nginx) as other, following(one) as first, following(other) as second:
        assert first.response.http_version == "HTTP/2"
        for stream in (first, second):
            assert (await stream.next())["type"] == "connected"
        for _ in range(4):  # nginx asks one instance after the other
            question = await ask(one)
            for stream in (first, second):
                assert (await stream.until("question:created"))[-1]["data"]["id"] == question
    upstreams = {line.split()[-1] for line in nginx.access_log.splitlines() if "POST /questions 201" in line}
    assert len(upstreams) == 2


async def test_an_event_is_not_held_back_until_there_are_more(nginx: Nginx) -> None:
    """Each of them is a few hundred bytes; nginx's buffers have 4 KB and more."""
    async with browser(nginx) as client, following(client) as stream:
        assert (await stream.next())["type"] == "connected"
        for _ in range(3):
            question = await ask(client)
            assert (await stream.until("question:created"))[-1]["data"]["id"] == question


async def test_compressed_streams_pass_as_they_are(nginx: Nginx) -> None:
    async with browser(nginx, **{"Accept-Encoding": "gzip"}) as client, following(client) as stream:
        assert stream.response.headers["content-encoding"] == "gzip"
        assert (await stream.next())["type"] == "connected"
        question = await ask(client)
        assert (await stream.until("question:created"))[-1]["data"]["id"] == question


GZIP_EVERYTHING = (
    "server_tokens off;",
    "server_tokens off; gzip on; gzip_types *; gzip_proxied any; gzip_min_length 1;",
)


@pytest.mark.parametrize("change", [None, GZIP_EVERYTHING], ids=["as shipped", "told to compress everything"])
async def test_scripts_and_lists_are_compressed_once(
    site: Site, nginx_path: str, tmp_path: Path, change: tuple[str, str] | None
) -> None:
    """By PulseStage; a second time would make them larger, and no browser would see it."""
    nginx = Nginx(tmp_path, nginx_path, [each.port for each in site.instances], *([change] if change else []))
    [script] = (BUILT / "assets").glob("page-*.js")
    try:
        async with browser(nginx) as client:
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
    finally:
        nginx.stop()


async def test_a_quiet_stream_lives_on_heartbeats(nginx: Nginx) -> None:
    async with browser(nginx) as client, following(client) as stream:
        kinds = [(await stream.next())["type"] for _ in range(4)]
    assert kinds == ["connected", *["heartbeat"] * 3]


async def test_the_instances_learn_that_it_was_https_and_nothing_that_a_client_makes_up(nginx: Nginx) -> None:
    async with browser(nginx, **{"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "http"}) as client:
        cookie = (await client.get("/session")).headers["set-cookie"]
    assert "; Secure" in cookie


async def test_streams_are_counted_by_the_address_that_nginx_saw(nginx: Nginx) -> None:
    async with browser(nginx, "127.0.0.2") as many, browser(nginx, "127.0.0.3") as another, AsyncExitStack() as stack:

        async def status_of_one_more(client: httpx.AsyncClient) -> int:
            claimed = {"X-Forwarded-For": f"192.0.2.{random.randrange(256)}"}
            return (await stack.enter_async_context(client.stream("GET", "/sse", headers=claimed))).status_code

        statuses = [await status_of_one_more(many)]
        while statuses[-1] == 200 and len(statuses) <= 2 * STREAMS_PER_ADDRESS:
            statuses.append(await status_of_one_more(many))
        assert statuses[-1] == 503
        assert await status_of_one_more(another) == 200


async def test_who_has_streams_enough_is_refused_and_nobody_else(nginx: Nginx) -> None:
    async with browser(nginx) as greedy, browser(nginx) as bystander, AsyncExitStack() as stack:
        await greedy.get("/session")
        opened = [await stack.enter_async_context(greedy.stream("GET", "/sse")) for _ in range(2 * STREAMS_PER_PERSON)]
        assert opened[0].status_code == 200
        for _ in range(5):
            assert (await greedy.get("/sse")).status_code == 503
            assert (await bystander.get("/questions?limit=1")).status_code == 200
            async with following(bystander) as stream:
                assert (await stream.next())["type"] == "connected"


async def test_a_reload_leaves_no_old_worker_behind(site: Site, nginx_path: str, tmp_path: Path) -> None:
    """A certificate is renewed every few weeks, and streams live for as long as somebody looks."""
    ports = [each.port for each in site.instances]
    reloaded = Nginx(tmp_path, nginx_path, ports, ("worker_shutdown_timeout 30s", "worker_shutdown_timeout 1s"))
    try:
        async with browser(reloaded) as client:
            async with following(client) as stream:
                assert (await stream.next())["type"] == "connected"
                position = stream.last_id
                reloaded.reload()
                with pytest.raises((StopAsyncIteration, httpx.RemoteProtocolError, httpx.ReadError)):
                    await stream.until("something that no server sends")
            question = await ask(client)
            async with following(client, position) as stream:
                assert (await stream.until("question:created"))[-1]["data"]["id"] == question
    finally:
        reloaded.stop()


async def test_metrics_are_kept_inside_and_http_leads_to_https(nginx: Nginx) -> None:
    async with browser(nginx) as client:
        assert (await client.get("/metrics")).status_code == 403
    async with httpx.AsyncClient(trust_env=False) as plain:
        answer = await plain.get(f"{nginx.plain_url}/app/acme", headers={"Host": "qa.example.org"})
    assert (answer.status_code, answer.headers["location"]) == (301, "https://qa.example.org/app/acme")


async def test_nothing_is_lost_and_nobody_refused_while_the_instances_are_restarted_one_by_one(
    nginx: Nginx, site: Site
) -> None:
    statuses: Counter[int] = Counter()
    asked: list[str] = []
    quiet, over = asyncio.Event(), asyncio.Event()
    all_follow = asyncio.Barrier(FOLLOWERS + 1)  # who begins to follow later is not told of what was asked before

    async def act() -> None:
        await all_follow.wait()
        async with browser(nginx) as client:
            while not quiet.is_set():
                statuses[(await client.get("/questions?limit=1")).status_code] += 1
                asked.append(await ask(client))
                await asyncio.sleep(0.02)
        over.set()

    async with asyncio.timeout(3 * PATIENCE_SECONDS), asyncio.TaskGroup() as tasks:
        followers = [tasks.create_task(follow(nginx, asked, over, all_follow)) for _ in range(FOLLOWERS)]
        tasks.create_task(act())
        for instance in site.instances:
            await instance.stop()
            await site.start_one(instance)
            await asks_again(nginx, instance.port)
        quiet.set()
        histories = await asyncio.gather(*followers)
    assert set(statuses) == {200}
    assert all(told == asked for told, _ in histories)
    assert sum(goodbyes for _, goodbyes in histories) >= len(histories)


async def asks_again(nginx: Nginx, port: int) -> None:
    """Wait until nginx takes this instance for alive, of which it was told nothing."""
    before = len(nginx.access_log)
    while not re.search(rf" /questions .*:{port}$", nginx.access_log[before:], re.MULTILINE):  # noqa: ASYNC110 - a file
        await asyncio.sleep(0.05)


async def follow(
    nginx: Nginx, asked: list[str], over: asyncio.Event, all_follow: asyncio.Barrier
) -> tuple[list[str], int]:
    """As a browser does: come back with the last id. What it was told, and how often goodbye."""
    told: list[str] = []
    last_id, goodbyes, began = "", 0, False
    async with browser(nginx) as client:
        while not (over.is_set() and len(told) >= len(asked)):
            async with following(client, last_id) as stream:
                with suppress(StopAsyncIteration, httpx.RemoteProtocolError):  # ended by the server
                    while not (over.is_set() and len(told) >= len(asked)):
                        message = await stream.next()
                        last_id = stream.last_id
                        goodbyes += message["type"] == "goodbye"
                        if message["type"] == "connected" and not began:
                            began = True
                            await all_follow.wait()
                        if message["type"] == "question:created":
                            told.append(message["data"]["id"])
    return told, goodbyes


async def test_these_tests_would_see_a_buffer(site: Site, nginx_path: str, tmp_path: Path) -> None:
    """The server asks proxies not to buffer as well; nginx obeys unless it is told not to listen."""
    change = ("proxy_buffering off;", "proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;")
    buffering = Nginx(tmp_path, nginx_path, [each.port for each in site.instances], change)
    try:
        async with browser(buffering) as client:
            client.timeout = httpx.Timeout(3)
            with pytest.raises(httpx.ReadTimeout):
                async with following(client) as stream:
                    await stream.next()
    finally:
        buffering.stop()
