"""What one writes with Starlette alone: a queue for each client, and a generator that empties it."""

import asyncio
import sys
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

queues: set[asyncio.Queue[bytes]] = set()


async def stream() -> AsyncIterator[bytes]:
    """One client's events."""
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    queues.add(queue)
    try:
        yield b": hi\n\n"
        while True:
            yield await queue.get()
    finally:
        queues.discard(queue)


async def events(_request: Request) -> Response:
    """A stream."""
    return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


async def publish(request: Request) -> Response:
    """To every client."""
    frame = await request.body()
    for queue in queues:
        queue.put_nowait(frame)
    return Response()


async def health(_request: Request) -> Response:
    """For the benchmark's wait."""
    return Response()


app = Starlette(
    routes=[Route("/events", events), Route("/publish", publish, methods=["POST"]), Route("/health", health)]
)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", ws="none", log_config=None)
