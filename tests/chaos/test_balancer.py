"""The balancer finds an instance for each connection, and holds or cuts what it is told to."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.chaos.balancer import MOST_WAITING, Balancer
from tests.chaos.site import quiet_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PLENTY = 32 * 1024 * 1024
"""More bytes than the kernel and the balancer hold together."""


@asynccontextmanager
async def instance(port: int) -> AsyncIterator[None]:
    """Says its port, then repeats what it is told."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"%d\n" % port)
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


@asynccontextmanager
async def balanced(living: int) -> AsyncIterator[tuple[Balancer, list[int]]]:
    """A balancer of three instances, of which so many are there."""
    port, *ports = quiet_ports(4)
    balancer = Balancer(ports, Random(1))
    async with AsyncExitStack() as stack:
        for each in ports[:living]:
            await stack.enter_async_context(instance(each))
        await stack.enter_async_context(balancer.serving(port))
        yield balancer, ports


@asynccontextmanager
async def caller(balancer: Balancer) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Somebody who is connected."""
    reader, writer = await asyncio.open_connection("127.0.0.1", balancer.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def test_connections_are_spread_over_those_who_take_them() -> None:
    async with balanced(living=2) as (balancer, ports):
        answers = set()
        for _ in range(40):
            async with caller(balancer) as (reader, _):
                answers.add(int(await reader.readline()))
    assert answers == set(ports[:2])


async def test_a_connection_for_which_there_is_nobody_is_ended() -> None:
    async with balanced(living=0) as (balancer, _), caller(balancer) as (reader, _):
        assert await reader.readline() == b""


async def test_everything_passes_however_much_and_in_order() -> None:
    async with balanced(living=3) as (balancer, _), caller(balancer) as (reader, writer):
        await reader.readline()
        data = Random(2).randbytes(20 * MOST_WAITING)
        writer.write(data)
        assert await reader.readexactly(len(data)) == data


async def test_what_was_held_passes_in_the_end() -> None:
    async with balanced(living=3) as (balancer, _), caller(balancer) as (reader, writer):
        await reader.readline()
        async with AsyncExitStack() as stack:
            with balancer.stalled():
                writer.write(b"hello\n")
                new, _ = await stack.enter_async_context(caller(balancer))
                for each in (reader, new):
                    with pytest.raises(TimeoutError):
                        await asyncio.wait_for(each.readline(), 0.1)
            assert await reader.readline() == b"hello\n"
            assert await new.readline()


async def test_who_doesnt_read_holds_up_who_writes() -> None:
    async with balanced(living=3) as (balancer, _), caller(balancer) as (_, writer):
        writer.write(bytes(PLENTY))  # it comes back, and nobody reads it
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.drain(), 1)
        waiting = [
            end.transport.get_write_buffer_size()
            for front in balancer.fronts
            for end in (front, front.there)
            if end is not None and end.transport is not None
        ]
        assert max(waiting) < 8 * MOST_WAITING


async def test_cut_connections_are_gone() -> None:
    async with balanced(living=3) as (balancer, _), caller(balancer) as (reader, _):
        await reader.readline()
        balancer.cut_all()
        assert await reader.readline() == b""
