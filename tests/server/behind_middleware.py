"""An application for uvicorn whose streams are behind middleware: one FastAPI application under each path."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request as AnyRequest
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from pulsestage.realtime import Hub, MemoryEventStore, StreamRequest, close_on_signals, negotiate_encoding, respond

store = MemoryEventStore()
store.create("t1", "e1")
hub = Hub(store)


class EventStream(Response):
    """As in docs/library.md."""

    def __init__(self, stream: StreamRequest) -> None:
        super().__init__()
        self._stream = stream

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await respond(scope, receive, send, hub=hub, request=self._stream)


async def events(request: Request) -> Response:
    if "session" in request.scope:
        request.session["seen"] = True
    return EventStream(
        StreamRequest(
            tenant="t1",
            audiences=("public",),
            last_event_id=request.headers.get("last-event-id"),
            encoding=negotiate_encoding(request.headers.get("accept-encoding", "")),
        )
    )


async def mark(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    response.headers["X-Marked"] = "yes"
    return response


def application(*names: str) -> FastAPI:
    """With these middlewares, the first one outermost."""
    app = FastAPI()
    app.get("/events")(events)
    for name in reversed(names):
        match name:
            case "http":
                app.middleware("http")(mark)
            case "gzip":
                app.add_middleware(GZipMiddleware)
            case "cors":
                app.add_middleware(CORSMiddleware, allow_origins=["*"])
            case "session":
                app.add_middleware(SessionMiddleware, secret_key="not real")
    return app


async def announce(request: AnyRequest) -> Response:
    hub.append("t1", "e1", [store.append("t1", "said", 0, {"public": await request.body()})])
    return Response()


async def count(_: AnyRequest) -> Response:
    return JSONResponse(hub.total_connections)


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    async with hub:
        with close_on_signals(hub):
            yield


ONE_EACH = ("http", "gzip", "cors", "session")
app = Starlette(
    routes=[
        Route("/announce", announce, methods=["POST"]),
        Route("/count", count),
        *(Mount(f"/{name}", application(name)) for name in ONE_EACH),
        Mount("/all", application(*ONE_EACH)),
        Mount("/reversed", application(*reversed(ONE_EACH))),
        Mount("/twice", application("http", "http")),
    ],
    lifespan=lifespan,
)
