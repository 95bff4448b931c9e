"""A client of HTTP/2 whose streams are read, left unread or reset one by one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset

from tests.http.streaming.server import PATIENCE_SECONDS, Frame, read_frame


class Stream:
    """One stream of a connection."""

    def __init__(self, client: "Client", number: int) -> None:
        self.headers: dict[str, str] = {}
        self.body = b""
        self.ended = False
        self._client = client
        self._number = number

    async def answered(self) -> None:
        await self._client.wait(lambda: bool(self.headers))

    async def next(self) -> Frame:
        """The next frame that is no heartbeat. What is read is acknowledged, so that the server may send more."""
        while True:
            await self._client.wait(lambda: b"\n\n" in self.body)
            block, _, self.body = self.body.partition(b"\n\n")
            self._client.acknowledge(self._number, len(block) + 2)
            if (frame := read_frame(block)).type != "heartbeat":
                return frame

    async def some(self) -> bytes:
        """What has come, and came last if that was nothing."""
        await self._client.wait(lambda: bool(self.body))
        body, self.body = self.body, b""
        return body


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._streams: dict[int, Stream] = {}
        self._news = asyncio.Event()
        self._http = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self._http.initiate_connection()
        self._http.increment_flow_control_window(2**30)  # of the connection: streams have windows of their own
        self._flush()

    @asynccontextmanager
    async def get(self, path: str, **headers: str) -> AsyncIterator[Stream]:
        """A stream, which is reset when it is left."""
        number = self._http.get_next_available_stream_id()
        stream = self._streams[number] = Stream(self, number)
        named = [(name.replace("_", "-").lower(), value) for name, value in headers.items()]
        pseudo = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", path)]
        self._http.send_headers(number, [*pseudo, *named], end_stream=True)
        self._flush()
        try:
            await stream.answered()
            yield stream
        finally:
            if not stream.ended:
                self._http.reset_stream(number)
                self._flush()

    async def run(self) -> None:
        """Take in what comes, until the connection ends."""
        while data := await self._reader.read(65536):
            for event in self._http.receive_data(data):
                match event:
                    case ResponseReceived(headers=headers, stream_id=int(number)):
                        self._streams[number].headers.update({str(name): str(value) for name, value in headers or []})
                    case DataReceived(data=bytes(body), stream_id=int(number)):
                        self._streams[number].body += body
                    case StreamEnded(stream_id=int(number)) | StreamReset(stream_id=int(number)):
                        self._streams[number].ended = True
            self._news.set()
            self._flush()

    async def wait(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def acknowledge(self, number: int, size: int) -> None:
        if not self._streams[number].ended:
            self._http.increment_flow_control_window(size, number)
            self._flush()

    def _flush(self) -> None:
        self._writer.write(self._http.data_to_send())


@asynccontextmanager
async def client(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    client = Client(reader, writer)
    running = asyncio.ensure_future(client.run())
    try:
        yield client
    finally:
        writer.close()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
