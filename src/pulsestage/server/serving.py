"""Running the application under uvicorn, and stopping it so that no request stays without an answer.

A single process, a worker and a pod stop in one order:

1. `/health/ready` says 503, and every answer `Connection: close`. For `drain_seconds` all else goes on: a load balancer
   that can't send a refused request elsewhere looks at readiness, and takes some time to see it.
2. Connections that the kernel has taken are accepted, then nobody listens any more. Where a successor listens on the
   same sockets, they are left to it.
3. Streams are told goodbye. One that begins later, on a connection that was kept, is told at the end.
4. Connections stay open until the request that may be on its way on them was answered, or until they have been silent
   for `LINGER_SECONDS`: a proxy won't use them any more. Requests may take `shutdown_seconds` from step 2.
5. uvicorn ends the application's lifespan.

A second signal ends all waiting.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import time
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import uvicorn

from pulsestage.bootstrap import application
from pulsestage.server.protocol import StreamingProtocol
from pulsestage.server.proxies import ProxyHeaders
from pulsestage.server.sockets import allow_open_files, drop_new, take_new, watch_peers

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from types import FrameType

    from fastapi import FastAPI

    from pulsestage.realtime import Hub
    from pulsestage.settings import Settings


log = logging.getLogger("pulsestage.server")

LINGER_SECONDS: Final = 5.0
"""How long a connection is silent until a stopping server closes it: longer than proxies in deploy/ keep it (4)."""
INTERRUPTED_LINGER_SECONDS: Final = 0.5
"""The same after Ctrl-C."""
SETTLE_SECONDS: Final = 0.1
"""For handshakes that have begun and connections that are accepted, which uvicorn doesn't know of yet."""
LAST_SECONDS: Final = 0.2
"""For responses whose last bytes are being sent, when the time is up."""
_LOOK_SECONDS: Final = 0.05


class PulseServer(uvicorn.Server):
    """uvicorn's server with our sockets and our order of stopping."""

    has_successor = False
    """Whether another process accepts from the same sockets."""
    linger_seconds = LINGER_SECONDS

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
        self.drain_seconds = settings.drain_seconds
        self._was_signalled = self._stop_now = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, then tell on which port."""
        allow_open_files(self._settings.max_connections)
        await super().startup(sockets)
        for server in self.servers:
            for listener in server.sockets:
                take_new(listener.fileno())
                watch_peers(listener.fileno(), self._settings.stall_seconds)
        # What was made at start lives to the end: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 20)
        if self._on_started is not None and not self.should_exit:
            self._on_started(self.servers[0].sockets[0].getsockname()[1])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop, with a short linger after Ctrl-C; at the second signal, stop now."""
        if self._was_signalled:
            self._stop_now = True
            return
        self._was_signalled = True
        if sig == signal.SIGINT:
            self.hurry()
        super().handle_exit(sig, frame)

    def hurry(self) -> None:
        """Drain nothing and linger briefly: after Ctrl-C somebody waits at a terminal."""
        self.drain_seconds = 0
        self.linger_seconds = INTERRUPTED_LINGER_SECONDS

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop in the order above."""
        log.info("Stopping")
        hub: Hub = self._app.state.hub
        self._app.state.stopping = True
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        for connection in self._connections():
            connection.answer_last()
        if not self.has_successor:
            await self._wait_while(lambda: True, time.monotonic() + self.drain_seconds)
        deadline = time.monotonic() + self._settings.shutdown_seconds
        await self._stop_listening()
        await hub.say_goodbye("shutdown")
        await self._wait_while(self._may_be_asked, deadline)
        await hub.close("shutdown")
        for connection in self._connections():
            connection.give_up_receiving()
        self.config.timeout_graceful_shutdown = LAST_SECONDS  # type: ignore[assignment] # any number will do
        await super().shutdown(sockets)

    async def _stop_listening(self) -> None:
        if self.has_successor:
            self.close_listeners()
            await asyncio.sleep(SETTLE_SECONDS)
        else:
            for server in self.servers:
                for listener in server.sockets:
                    drop_new(listener.fileno())
            await asyncio.sleep(SETTLE_SECONDS)
            self.close_listeners()

    def close_listeners(self) -> None:
        """Take no more connections."""
        for server in self.servers:
            server.close()

    def _may_be_asked(self) -> bool:
        return any(each.is_busy or each.silent_seconds < self.linger_seconds for each in self._connections())

    def _connections(self) -> list[StreamingProtocol]:
        return [each for each in self.server_state.connections if isinstance(each, StreamingProtocol)]

    async def _wait_while(self, condition: Callable[[], bool], deadline: float) -> None:
        while not self._stop_now and time.monotonic() < deadline and condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(_LOOK_SECONDS)


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

    def is_crowded(connections: int) -> bool:
        return connections > settings.max_connections // 4

    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        root_path="",  # the application's edge knows it; uvicorn would put it in front of every path as well
        loop="auto",
        http=partial(StreamingProtocol, has_room=has_room, is_crowded=is_crowded),  # type: ignore[arg-type] # called like the class
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # ours is below
        server_header=False,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        timeout_keep_alive=settings.keep_alive_seconds,
    )
    config.app = ProxyHeaders(app, config.forwarded_allow_ips)  # type: ignore[arg-type] # an ASGI application, as it is
    return kind(config, app, settings, on_started)
