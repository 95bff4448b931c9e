"""What a worker is told, and what it does: the server on sockets that it was given, until it is told to leave.

This is the worker's side; `worker.py` is the supervisor's. The two talk through one socket:

- first the supervisor sends the duty: pickled, with its length in front, as neither the arguments nor the environment
  of a process are a place for secrets;
- then it says `retire` when another worker listens on the same sockets, `stop` or `interrupt` when all stop, as SIGTERM
  and SIGINT would say it, or nothing: the end of the connection means that it is dead, and the worker stops;
- the worker says `ready` when it answers, or `failed` and why, and `leaving` when it has stopped to listen.
"""

from __future__ import annotations

import asyncio
import logging
import pickle
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pulsestage.server.serving import PulseServer, server_of
from pulsestage.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from uvicorn import Config
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope

log = logging.getLogger("pulsestage.server")

_LENGTH_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Duty:
    """Which worker this is, what it listens on, and the settings, options included."""

    number: int
    listeners: tuple[int, ...]
    values: dict[str, Any]

    @property
    def settings(self) -> Settings:
        """The settings as they are: checked already, and whatever the environment says by now.

        A worker may be of a newer version than its supervisor; what that one doesn't know yet has its default.
        """
        return Settings.model_construct(**self.values)

    def packed(self) -> bytes:
        """The bytes to send."""
        body = pickle.dumps(self)
        return len(body).to_bytes(_LENGTH_BYTES) + body


def receive(channel: socket.socket) -> Duty:
    """Wait for the duty. Raises EOFError if the supervisor is gone."""
    length = int.from_bytes(_exactly(channel, _LENGTH_BYTES))
    duty: Duty = pickle.loads(_exactly(channel, length))  # noqa: S301 - from the process that started this one
    return duty


def _exactly(channel: socket.socket, number: int) -> bytes:
    received = channel.recv(number, socket.MSG_WAITALL)
    if len(received) < number:
        raise EOFError("the supervisor is gone")
    return received


async def work(duty: Duty, channel: socket.socket) -> None:
    """Serve until told to leave. Raises what the application's start raised."""
    listeners = [socket.socket(fileno=number) for number in duty.listeners]
    with channel.dup() as ear:
        reader, writer = await asyncio.open_connection(sock=ear)
        server = server_of(WorkerServer, duty.settings, lambda _port: channel.sendall(b"ready\n"))
        server.channel = channel
        async with asyncio.TaskGroup() as tasks:
            heeding = tasks.create_task(_heed(reader, server))
            try:
                await server.serve(listeners)
            except SystemExit:  # uvicorn's word for a start that failed
                if server.failure is None:
                    raise
                raise server.failure from None
            finally:
                heeding.cancel()
                writer.close()


async def _heed(reader: asyncio.StreamReader, server: WorkerServer) -> None:
    while word := await reader.readline():
        server.has_successor = word == b"retire\n"
        if word == b"interrupt\n":
            server.hurry()
        server.should_exit = True
    log.error("The supervisor is gone without a word: it was killed, or failed. Stopping")
    server.should_exit = True


class WorkerServer(PulseServer):
    """A server whose supervisor is told when it has stopped listening, and why it could not start."""

    channel: socket.socket | None = None

    def __init__(self, config: Config, *arguments: Any) -> None:  # noqa: ANN401 - its parent's
        super().__init__(config, *arguments)
        self._start = config.app = _Start(config.app)
        config.interface = "asgi3"  # it need not guess

    @property
    def failure(self) -> Exception | None:
        """What the application's start raised."""
        return self._start.failure

    def close_listeners(self) -> None:
        """Leave the address to the siblings."""
        super().close_listeners()
        if self.channel is not None:
            with suppress(OSError):  # nobody is there to hear it
                self.channel.sendall(b"leaving\n")


class _Start:
    """The application, of which a failed start is kept as the exception it was, instead of a traceback in the log."""

    def __init__(self, app: Any) -> None:  # noqa: ANN401 - uvicorn takes much for an application
        self._app = app
        self.failure: Exception | None = None

    def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> Coroutine[Any, Any, None]:
        """Requests go straight on."""
        if scope["type"] != "lifespan":
            on: Coroutine[Any, Any, None] = self._app(scope, receive, send)
            return on
        return self._watched(scope, receive, send)

    async def _watched(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        async def without_traceback(event: ASGISendEvent) -> None:
            if event["type"] == "lifespan.startup.failed":
                event = {**event, "message": ""}
            await send(event)

        try:
            await self._app(scope, receive, without_traceback)
        except Exception as error:
            self.failure = error
            raise
