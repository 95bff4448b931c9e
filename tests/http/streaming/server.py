"""A real server on a free port, and a client that reads streams as the HTML standard says."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from pulsestage.server.serving import PulseServer, make_server
from pulsestage.services import tenants
from pulsestage.settings import Settings
from tests.http.conftest import Room

PATIENCE_SECONDS = 20
"""Nothing is measured with it; it only makes a stream that hangs fail where it hangs."""


@dataclass(frozen=True)
class Frame:
    """One message as `onmessage` would get it."""

    id: str | None
    retry: int | None
    event: str | None
    message: dict[str, Any]

    @property
    def type(self) -> str:
        return str(self.message["type"])

    @property
    def data(self) -> Any:
        return self.message.get("data")

    @property
    def seq(self) -> int:
        assert self.id is not None
        return int(self.id.rsplit(".", 1)[1])


def read_frame(block: bytes) -> Frame:
    """The lines before an empty line, by section 9.2.6 of the HTML standard."""
    fields: dict[str, list[str]] = {}
    for line in block.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        name, _, value = line.partition(":")
        fields.setdefault(name, []).append(value.removeprefix(" "))
    assert fields.keys() <= {"id", "retry", "event", "data"}, block
    retry, event, position = (fields.get(name, [None])[-1] for name in ("retry", "event", "id"))
    return Frame(position, int(retry) if retry else None, event, json.loads("\n".join(fields["data"])))


class Stream:
    """An open stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._bytes = response.aiter_bytes()
        self._text = b""

    async def raw(self) -> bytes:
        """The next frame's bytes, without the empty line; empty at the stream's end. Heartbeats are left out."""
        while b'"type":"heartbeat"' in (block := await self._block()):
            pass
        return block

    async def heartbeat(self) -> Frame:
        """The next one."""
        while b'"type":"heartbeat"' not in (block := await self._block()):
            assert block, "the stream has ended"
        return read_frame(block)

    async def _block(self) -> bytes:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while b"\n\n" not in self._text:
                try:
                    self._text += await anext(self._bytes)
                except StopAsyncIteration:
                    assert not self._text, "half a frame"
                    return b""
        block, _, self._text = self._text.partition(b"\n\n")
        return block

    async def next(self) -> Frame:
        block = await self.raw()
        assert block, "the stream has ended"
        return read_frame(block)

    async def take(self, number: int) -> list[Frame]:
        return [await self.next() for _ in range(number)]

    async def until(self, type_: str) -> Frame:
        while (frame := await self.next()).type != type_:
            pass
        return frame

    async def has_ended(self) -> bool:
        return await self.raw() == b""


class Server:
    """A server that listens."""

    def __init__(self, port: int, uvicorn: PulseServer) -> None:
        self.port = port
        self.base_url = f"{'https' if uvicorn.config.is_ssl else 'http'}://127.0.0.1:{port}"
        self.app: Any = uvicorn._app
        self.uvicorn = uvicorn

    async def room(self, slug: str) -> Room:
        """The room of that name, founded if need be. Its people talk to the application directly."""
        context = self.app.state.context
        return Room(self.app, await context.directory.find(slug) or await tenants.found(context, slug, "A room"))

    @asynccontextmanager
    async def stream(
        self, tenant: str, path: str = "/sse", /, *, cookies: httpx.Cookies | None = None, **query: Any
    ) -> AsyncIterator[Stream]:
        """Open a stream. Words in capitals are headers, the others query parameters."""
        headers = {name.replace("_", "-"): value for name, value in query.items() if name[0].isupper()}
        params = {name: value for name, value in query.items() if not name[0].isupper()}
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        headers.setdefault("Accept-Encoding", "identity")
        async with (
            httpx.AsyncClient(base_url=self.base_url, timeout=None) as client,  # noqa: S113 - streams are endless
            client.stream("GET", path, params={"tenantId": tenant, **params}, headers=headers) as response,
        ):
            if response.status_code != httpx.codes.OK:
                await response.aread()
            yield Stream(response)


@asynccontextmanager
async def listening(settings: Settings) -> AsyncIterator[Server]:
    """Run the server as `pulsestage serve` does, on a free port."""
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    server = make_server(settings, started.set_result)
    running = asyncio.create_task(server.serve())
    running.add_done_callback(lambda _: started.cancel())  # if it can't start, nobody waits for it
    try:
        yield Server(await started, server)
    finally:
        server.should_exit = True
        await running
