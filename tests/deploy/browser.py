"""A browser's side of a proxy: HTTP/2, streams, and questions."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.deploy.proxies import Proxy

PATIENCE_SECONDS = 30


class Stream:
    """An open stream through proxy."""

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
async def browser(
    proxy: Proxy, address: str = "127.0.0.1", *, http2: bool = True, **headers: str
) -> AsyncIterator[httpx.AsyncClient]:
    """Without HTTP/2 each stream has a connection of its own, of which there may be any number."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    headers = {"X-Tenant-ID": "acme", "Accept-Encoding": "identity", **given}
    way = httpx.AsyncHTTPTransport(verify=proxy.trust, http2=http2, local_address=address)
    async with httpx.AsyncClient(
        base_url=proxy.url, transport=way, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False
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
