"""A server that stops, in this process: which connections it still answers on, and when it ends."""

from __future__ import annotations

import asyncio
import select
import signal
import socket
import sys
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any

import pytest

from pulsestage.cli.listening import listen, port_of
from pulsestage.server import protocol
from pulsestage.server.duty import WorkerServer
from pulsestage.server.protocol import StreamingProtocol
from pulsestage.server.serving import (
    INTERRUPTED_LINGER_SECONDS,
    LAST_SECONDS,
    LINGER_SECONDS,
    SETTLE_SECONDS,
    PulseServer,
    make_server,
    server_of,
)
from pulsestage.server.sockets import drop_new
from tests.http.conftest import make_settings
from tests.http.streaming.server import listening
from tests.server.wire import PATIENCE_SECONDS, Wire, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.http.streaming.server import Server

REQUEST = b"GET %b HTTP/1.1\r\nHost: here\r\n\r\n"
LONG_SECONDS = 3600


@asynccontextmanager
async def running(server: PulseServer, listener: socket.socket) -> AsyncIterator[PulseServer]:
    started = asyncio.ensure_future(server.serve([listener]))
    try:
        await until(lambda: server.started or started.done())
        yield server
    finally:
        server.should_exit = True
        await started


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Wire]:
    """A connection that a client keeps."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()


@pytest.fixture(params=["alone", "successor"])
async def serving_on(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[PulseServer, int]]:
    """A server that is alone, or a worker whose successor has its sockets already, and the port of either."""
    [listener] = listen("127.0.0.1", 0)
    port = port_of(listener)
    server = server_of(PulseServer if request.param == "alone" else WorkerServer, make_settings(tmp_path))
    server.has_successor = request.param == "successor"
    server.linger_seconds = LONG_SECONDS
    async with running(server, listener):
        yield server, port
        server.linger_seconds = 0


async def stop(server: PulseServer) -> None:
    """Have it stop, and wait until it takes no more connections."""
    server.should_exit = True
    await until(lambda: not any(each.is_serving() for each in server.servers))


@pytest.mark.parametrize("path", [b"/health", b"/sse"])
async def test_a_kept_connection_is_answered_once_more_and_told_to_close(
    serving_on: tuple[PulseServer, int], path: bytes
) -> None:
    server, port = serving_on
    async with connected(port) as kept:
        kept.send(REQUEST % b"/health")
        assert b"connection: close" not in await kept.until(b"}")
        await stop(server)
        kept.send(REQUEST % path)
        if path == b"/sse":
            await until(lambda: server.server_state.total_requests == 1 and not server.server_state.connections)
        answer = await kept.rest()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close\r\n" in answer
    assert (b'"type":"goodbye"' in answer) == (path == b"/sse")


async def test_readiness_is_off_and_says_why(serving_on: tuple[PulseServer, int]) -> None:
    server, port = serving_on
    async with connected(port) as kept:
        kept.send(REQUEST % b"/health")
        await kept.until(b"}")
        await stop(server)
        kept.send(REQUEST % b"/health/ready")
        answer = await kept.rest()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b'"failing":["stopping"]' in answer


async def test_while_it_drains_only_readiness_is_off(tmp_path: Path) -> None:
    [listener] = listen("127.0.0.1", 0)
    port = port_of(listener)
    server = make_server(make_settings(tmp_path, drain_seconds=3600, shutdown_seconds=3600))
    async with running(server, listener):
        server.should_exit = True
        await until(lambda: bool(server._app.state.stopping))
        async with connected(port) as new, connected(port) as watching, connected(port) as stream:
            new.send(REQUEST % b"/health")
            answer = await new.rest()
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert b"connection: close\r\n" in answer
            watching.send(REQUEST % b"/health/ready")
            assert (await watching.rest()).startswith(b"HTTP/1.1 503 ")
            stream.send(REQUEST % b"/sse")
            await stream.until(b"connected")
            server.handle_exit(signal.SIGTERM, None)
            server.handle_exit(signal.SIGTERM, None)  # don't wait any longer
            server._captured_signals.clear()  # uvicorn would raise them again, here
            assert b'"type":"goodbye"' in await stream.rest()


async def test_half_a_request_is_waited_for_even_when_idle_connections_are_not(
    serving_on: tuple[PulseServer, int],
) -> None:
    server, port = serving_on
    server.linger_seconds = 0
    request = REQUEST % b"/health"
    async with connected(port) as kept:
        kept.send(request[:20])
        await until(lambda: any(each.is_busy for each in server.server_state.connections))  # type: ignore[union-attr]
        await stop(server)
        kept.send(request[20:])
        assert (await kept.rest()).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_request_that_is_being_answered_is_waited_for_likewise(
    serving_on: tuple[PulseServer, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, port = serving_on
    server.linger_seconds = 0
    directory = server._app.state.context.directory
    begun, found, find = asyncio.Event(), asyncio.Event(), directory.find

    async def slow(slug: str) -> Any:
        begun.set()
        await found.wait()
        return await find(slug)

    monkeypatch.setattr(directory, "find", slow)
    async with connected(port) as kept:
        kept.send(REQUEST % b"/questions")
        await begun.wait()
        await stop(server)
        await asyncio.sleep(SETTLE_SECONDS + 2 * LAST_SECONDS)  # a server that doesn't wait has ended by then
        found.set()
        assert (await kept.rest()).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_who_is_silent_is_not_waited_for_beyond_the_linger(serving_on: tuple[PulseServer, int]) -> None:
    server, port = serving_on
    server.linger_seconds = 0
    async with connected(port) as kept:
        kept.send(REQUEST % b"/health")
        await kept.until(b"}")
        await stop(server)
        assert await kept.rest() == b""


async def test_silence_counts_from_the_last_answer(serving_on: tuple[PulseServer, int]) -> None:
    server, port = serving_on
    async with connected(port) as kept:
        kept.send(REQUEST % b"/health")
        await kept.until(b"}")
        [connection] = server.server_state.connections
        assert isinstance(connection, StreamingProtocol)
        connection._silent_since -= 3600
        kept.send(REQUEST % b"/health")
        await kept.until(b"}")
        assert connection.silent_seconds < 1800
        connection._silent_since -= 3600
        server.linger_seconds = 1800
        await stop(server)
        assert await kept.rest() == b""


async def test_streams_are_told_goodbye_while_others_are_waited_for(serving_on: tuple[PulseServer, int]) -> None:
    server, port = serving_on
    async with connected(port) as kept, connected(port) as stream:
        kept.send(REQUEST % b"/health")
        await kept.until(b"}")
        stream.send(REQUEST % b"/sse")
        await until(lambda: server.server_state.total_requests == 1 and len(server.server_state.connections) == 1)
        server.should_exit = True
        assert b'"type":"goodbye"' in await stream.rest()
        kept.send(REQUEST % b"/health")
        assert (await kept.rest()).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_connections_that_nobody_has_accepted_yet_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stop begins while they wait in the kernel's queue: no turn of the event loop comes in between."""
    [listener] = listen("127.0.0.1", 0)
    port = port_of(listener)
    server = make_server(make_settings(tmp_path))
    waiting: list[socket.socket] = []

    async def connect_and_exit(counter: int) -> bool:
        if server.should_exit:
            for _ in range(5):
                client = socket.create_connection(("127.0.0.1", port))
                client.sendall(REQUEST % b"/health")
                waiting.append(client)
        return server.should_exit

    monkeypatch.setattr(server, "on_tick", connect_and_exit)
    async with running(server, listener):
        pass
    for client in waiting:
        with closing(client):
            assert client.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(waiting) == 5


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a connection may come then")
async def test_nobody_connects_between_the_last_accept_and_the_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [listener] = listen("127.0.0.1", 0)
    address = listener.getsockname()
    server = make_server(make_settings(tmp_path))
    close, connected_late = server.close_listeners, []

    def connect_and_close() -> None:
        with socket.socket() as late:
            late.setblocking(False)  # noqa: FBT003 - the standard library's
            late.connect_ex(address)
            _, writable, _ = select.select([], [late], [], 0)
            connected_late.extend(writable)
        close()

    monkeypatch.setattr(server, "close_listeners", connect_and_close)
    async with running(server, listener):
        pass
    assert connected_late == []


# ---- How long ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [b"/health", b"/questions"], ids=["silent", "busy"])
async def test_nobody_is_waited_for_beyond_the_time_for_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: bytes
) -> None:
    [listener] = listen("127.0.0.1", 0)
    server = make_server(make_settings(tmp_path, shutdown_seconds=1))
    server.linger_seconds = LONG_SECONDS
    asked = asyncio.Event()

    async def never(_slug: str) -> None:
        asked.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(PATIENCE_SECONDS), running(server, listener), connected(port_of(listener)) as kept:
        monkeypatch.setattr(server._app.state.context.directory, "find", never)
        kept.send(REQUEST % path)
        await (asked.wait() if path == b"/questions" else kept.until(b"}"))
        server.should_exit = True
        await until(lambda: not server.server_state.tasks and not server.server_state.connections)


def test_ctrl_c_lingers_for_a_shorter_time(tmp_path: Path) -> None:
    terminated, interrupted = (make_server(make_settings(tmp_path, drain_seconds=7)) for _ in range(2))
    terminated.handle_exit(signal.SIGTERM, None)
    interrupted.handle_exit(signal.SIGINT, None)
    assert (terminated.drain_seconds, terminated.linger_seconds) == (7, LINGER_SECONDS)
    assert (interrupted.drain_seconds, interrupted.linger_seconds) == (0, INTERRUPTED_LINGER_SECONDS)
    assert terminated.should_exit
    assert interrupted.should_exit
    assert INTERRUPTED_LINGER_SECONDS < LINGER_SECONDS


@pytest.mark.parametrize("connections, seconds", [(2, 5), (3, 75)])
async def test_idle_connections_are_kept_for_long_unless_there_are_many(
    tmp_path: Path, connections: int, seconds: int
) -> None:
    """`max_connections` of so many times four."""
    assert protocol.CROWDED_KEEP_ALIVE_SECONDS == 5
    settings = make_settings(tmp_path, max_connections=4 * connections + 3)
    async with (
        listening(settings) as server,
        connected(server.port) as one,
        connected(server.port),
        connected(server.port),
    ):
        one.send(REQUEST % b"/health")
        await one.until(b"}")
        assert idle_seconds(server) == [seconds]


def idle_seconds(server: Server) -> list[float]:
    """For how long each idle connection is kept."""
    loop = asyncio.get_running_loop()
    timers = [each.timeout_keep_alive_task for each in server.uvicorn.server_state.connections]  # type: ignore[union-attr]
    return [round(timer.when() - loop.time()) for timer in timers if timer is not None]


async def test_what_is_being_answered_says_that_it_is_the_last(serving_on: tuple[PulseServer, int]) -> None:
    server, port = serving_on
    body = b'{"body":"Is this the last one?"}'
    head = b"POST /questions HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    async with connected(port) as client:
        client.send(head % len(body))
        await until(lambda: bool(server.server_state.tasks))
        await stop(server)
        client.send(body)
        answer = await client.rest()
    assert answer.startswith(b"HTTP/1.1 201 ")
    assert b"connection: close\r\n" in answer


async def test_half_a_request_is_given_up_at_the_end_and_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    [listener] = listen("127.0.0.1", 0)
    server = make_server(make_settings(tmp_path, shutdown_seconds=1))
    async with running(server, listener), connected(port_of(listener)) as client:
        client.send(b"POST /questions HTTP/1.1\r\nHost: here\r\nContent-Length: 20\r\n\r\n{")
        await until(lambda: bool(server.server_state.tasks))
        server.should_exit = True
        assert b"500" not in await client.rest()
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_socket_that_another_has_stopped_listening_on_serves_again(tmp_path: Path) -> None:
    [listener] = listen("127.0.0.1", 0)
    drop_new(listener.fileno())
    async with running(make_server(make_settings(tmp_path)), listener), connected(port_of(listener)) as client:
        client.send(REQUEST % b"/health")
        assert (await client.head())[0] == "HTTP/1.1 200 OK"
