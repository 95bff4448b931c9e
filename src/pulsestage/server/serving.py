"""Running the application under uvicorn, and stopping it in the right order.

On SIGTERM or SIGINT the streams are told goodbye first, so that uvicorn, which waits for connections before it ends
the application's lifespan, has none left to wait for.
"""

from __future__ import annotations

import gc
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import uvicorn

from pulsestage.bootstrap import application
from pulsestage.server.protocol import StreamingProtocol
from pulsestage.server.proxies import ProxyHeaders
from pulsestage.server.sockets import allow_open_files, watch_peers

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from fastapi import FastAPI

    from pulsestage.realtime import Hub
    from pulsestage.settings import Settings


class PulseServer(uvicorn.Server):
    """uvicorn's server with our sockets and our order of stopping."""

    def __init__(
        self,
        config: uvicorn.Config,
        app: FastAPI,
        settings: Settings,
        on_started: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__(config)
        self._app = app
        self._settings = settings
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, then tell on which port."""
        allow_open_files(self._settings.max_connections)
        await super().startup(sockets)
        for server in self.servers:
            for listener in server.sockets:
                watch_peers(listener.fileno(), self._settings.stall_seconds)
        # What was made at start lives to the end: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 20)
        if self._on_started is not None and not self.should_exit:
            self._on_started(self.servers[0].sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say goodbye to every stream, then stop as uvicorn does."""
        hub = getattr(self._app.state, "hub", None)
        if hub is not None:
            await hub.close("shutdown")
        await super().shutdown(sockets)


Server = TypeVar("Server", bound=PulseServer)


def make_server(settings: Settings, on_started: Callable[[int], None] | None = None) -> PulseServer:
    """A server for these settings, not yet started."""
    return server_of(PulseServer, settings, on_started)


def server_of(kind: type[Server], settings: Settings, on_started: Callable[[int], None] | None = None) -> Server:
    """The same, of this kind."""
    app = application(settings)

    def has_room(connections: int) -> bool:
        hub: Hub = app.state.hub
        return connections + hub.total_connections <= settings.max_connections

    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        root_path="",  # the application's edge knows it; uvicorn would put it in front of every path as well
        loop="auto",
        http=partial(StreamingProtocol, has_room=has_room),  # type: ignore[arg-type] # called like the class
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # ours is below
        server_header=False,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    config.app = ProxyHeaders(app, config.forwarded_allow_ips)  # type: ignore[arg-type] # an ASGI application, as it is
    return kind(config, app, settings, on_started)
