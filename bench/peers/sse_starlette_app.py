"""What one writes with sse-starlette: a queue for each client, and a generator of its events."""

import asyncio
import sys
from collections.abc import AsyncIterator

import uvicorn
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

queues: set[asyncio.Queue[tuple[str, str]]] = set()


async def stream() -> AsyncIterator[ServerSentEvent]:
    """One client's events."""
    queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    queues.add(queue)
    try:
        yield ServerSentEvent(comment="hi", sep="\n")
        while True:
            name, data = await queue.get()
            yield ServerSentEvent(data, id=name, sep="\n")
    finally:
        queues.discard(queue)


async def events(_request: Request) -> Response:
    """A stream."""
    return EventSourceResponse(stream())


async def publish(request: Request) -> Response:
    """To every client. The frame is taken apart, for the library puts it together itself."""
    data, name = (await request.body()).decode().splitlines()[:2]
    for queue in queues:
        queue.put_nowait((name.removeprefix("id: "), data.removeprefix("data: ")))
    return Response()


async def health(_request: Request) -> Response:
    """For the benchmark's wait."""
    return Response()


app = Starlette(
    routes=[Route("/events", events), Route("/publish", publish, methods=["POST"]), Route("/health", health)]
)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", ws="none", log_config=None)
