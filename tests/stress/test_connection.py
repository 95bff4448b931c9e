"""The stress run's own client, where it could accuse a server of what it did itself."""

import asyncio
from contextlib import suppress

import pytest

from tests.stress import connection
from tests.stress.connection import asking, connect


async def test_an_answer_that_comes_too_late_is_taken_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, has_given_up = asyncio.Event(), asyncio.Event()
    ended = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await has_given_up.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n1e\r\ndata: too late\nid: e.1\n\n\r\n")
        answers.set()
        with suppress(ConnectionError):
            await reader.read()
            writer.close()
            await writer.wait_closed()
        ended.set()

    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.05)
    taken: list[bytes] = []
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(TimeoutError):
            await connect(port, asking(""), taken.extend, small=False)
        has_given_up.set()
        await asyncio.wait_for(ended.wait(), 10)
    assert answers.is_set()
    assert taken == []
