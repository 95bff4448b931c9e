"""What the operating system is asked for, as it then says it is."""

import asyncio
import errno
import logging
import resource
import select
import socket
import sys
from pathlib import Path

import pytest

from pulsestage.server.sockets import OTHER_FILES, SEND_BUFFER_BYTES, allow_open_files, drop_new, watch_peers
from tests.http.conftest import make_settings
from tests.http.streaming.server import listening
from tests.server.wire import until, wire

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="a listener's options are given on by Linux")


@needs_linux
async def test_accepted_sockets_have_what_the_listener_was_given(tmp_path: Path) -> None:
    async with listening(make_settings(tmp_path, stall_seconds=7.5)) as server, wire(server):
        await until(lambda: bool(server.uvicorn.server_state.connections))
        [protocol] = server.uvicorn.server_state.connections
        transport: asyncio.Transport = protocol.transport
        accepted = transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 2 * SEND_BUFFER_BYTES
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7500
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 4
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 1
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 3


@needs_linux
def test_the_shortest_time_is_a_second_where_seconds_are_counted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        watch_peers(listener.fileno(), 0.2)
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 200
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 1
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 1


def test_sockets_that_are_not_tcp_are_left_alone() -> None:
    one, other = socket.socketpair()
    with one, other:
        watch_peers(one.fileno(), 30)
        drop_new(one.fileno())
        assert one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0


@needs_linux
def test_a_connection_that_waits_is_still_accepted_and_later_ones_are_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        address = listener.getsockname()
        early = socket.create_connection(address)
        drop_new(listener.fileno())
        late = socket.socket()
        late.settimeout(0)
        with early, late:
            assert late.connect_ex(address) == errno.EINPROGRESS
            accepted, peer = listener.accept()
            accepted.close()
            assert peer == early.getsockname()
            with pytest.raises(BlockingIOError):
                listener.accept()
            listener.close()
            # It repeats its SYN after a second, and is refused.
            select.select([], [late], [])
            assert late.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


# ---- Open files --------------------------------------------------------------------------------


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Limits of open files as this process would have them: what they were, and what they were set to."""
    known = [(1024, 4096)]
    monkeypatch.setattr(resource, "getrlimit", lambda _what: known[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _what, new: known.append(new))
    return known


def test_the_limit_is_raised_as_far_as_needed(limits: list[tuple[int, int]], caplog: pytest.LogCaptureFixture) -> None:
    allow_open_files(2000)
    assert limits[1:] == [(2000 + OTHER_FILES, 4096)]
    assert not caplog.records


@pytest.mark.parametrize("enough", [1024, resource.RLIM_INFINITY])
def test_a_limit_that_is_high_enough_is_left_alone(limits: list[tuple[int, int]], enough: int) -> None:
    limits[:] = [(enough, resource.RLIM_INFINITY)]
    allow_open_files(1024 - OTHER_FILES)
    assert len(limits) == 1


def test_without_a_hard_limit_it_goes_as_far_as_needed(limits: list[tuple[int, int]]) -> None:
    limits[:] = [(1024, resource.RLIM_INFINITY)]
    allow_open_files(1_000_000)
    assert limits[-1] == (1_000_000 + OTHER_FILES, resource.RLIM_INFINITY)


def test_what_can_not_be_had_is_said(limits: list[tuple[int, int]], caplog: pytest.LogCaptureFixture) -> None:
    allow_open_files(10_000)
    assert limits[-1] == (4096, 4096)
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "may open 4096 files, not enough for 10000 connections" in record.getMessage()


@pytest.mark.parametrize("error", [ValueError, PermissionError])
def test_a_refusal_is_said_too(
    limits: list[tuple[int, int]],
    error: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(resource, "setrlimit", refuse)
    allow_open_files(2000)
    assert "may open 1024 files, not enough for 2000 connections" in caplog.text


def test_the_real_limit_can_be_set() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (900, before[1]))
        allow_open_files(800)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (800 + OTHER_FILES, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
