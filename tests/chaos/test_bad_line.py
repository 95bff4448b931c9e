"""The bad line does to messages what it is told, and to nothing else."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.chaos.bad_line import BadLine, Weather
from tests.chaos.resp import Cutter, is_message
from tests.chaos.site import quiet_ports
from tests.servers.valkey import valkey_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.servers.valkey import Valkey

MESSAGES = 40
NUMBERS = list(range(MESSAGES))


class Talker:
    """Listens and speaks on one connection, as a relay does."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.answers: list[bytes] = []
        self.heard: list[int] = []
        self._reader, self._writer = reader, writer
        self._cutter = Cutter()

    def say(self, *commands: str) -> None:
        """One after the other, without waiting for answers."""
        self._writer.writelines(f"{command}\r\n".encode() for command in commands)

    async def listens(self) -> None:
        """Until it is known to."""
        self.say("HELLO 3", "SUBSCRIBE here")
        await self.hears(answers=2)
        self.answers.clear()

    async def hears(self, *, answers: int = 0, messages: int = 0) -> None:
        """Until so much has come."""
        while len(self.answers) < answers or len(self.heard) < messages:
            data = await self._reader.read(65_536)
            if not data:
                raise ConnectionResetError
            for value in self._cutter.feed(data):
                if is_message(value):
                    self.heard.append(int(value.split(b"\r\n")[-2]))
                else:
                    self.answers.append(value)

    def hang_up(self) -> None:
        """At once."""
        self._writer.transport.abort()


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    with valkey_server() as server:
        yield server


@pytest.fixture
async def line(valkey: Valkey) -> AsyncIterator[BadLine]:
    line = BadLine(valkey.port, Random(1), Counter())
    [port] = quiet_ports(1)
    async with line.serving(port):
        yield line


@asynccontextmanager
async def talking(line: BadLine) -> AsyncIterator[Talker]:
    talker = Talker(*await asyncio.open_connection("127.0.0.1", line.port))
    try:
        await talker.listens()
        yield talker
    finally:
        talker.hang_up()


async def said(talker: Talker, messages: int) -> list[int]:
    """What it hears if it says all numbers; every answer comes, in order, whatever happens to messages."""
    for number in NUMBERS:
        talker.say(f"PUBLISH here {number}", f"ECHO {number}")
    await talker.hears(answers=2 * MESSAGES, messages=messages)
    echoes = [b"$%d\r\n%d\r\n" % (len(str(number)), number) for number in NUMBERS]
    assert talker.answers == [answer for echo in echoes for answer in (b":1\r\n", echo)]
    return talker.heard


async def test_messages_pass_in_order(line: BadLine) -> None:
    async with talking(line) as talker:
        assert await said(talker, MESSAGES) == NUMBERS


async def test_messages_are_dropped_and_answers_are_not(line: BadLine) -> None:
    async with talking(line) as talker:
        with line.weather(Weather(dropped=1.0)):
            await said(talker, 0)
        talker.say("PUBLISH here 99")
        await talker.hears(messages=1)
        assert talker.heard == [99]


async def test_late_messages_keep_their_order_and_come_after_the_answers(line: BadLine) -> None:
    async with talking(line) as talker:
        with line.weather(Weather(late=0.3)):
            assert await said(talker, 0) == []
            await talker.hears(messages=MESSAGES)
        assert talker.heard == NUMBERS


async def test_shuffled_messages_all_come_in_another_order(line: BadLine) -> None:
    async with talking(line) as talker:
        with line.weather(Weather(shuffled=0.3)):
            heard = await said(talker, MESSAGES)
        assert heard != NUMBERS
        assert sorted(heard) == NUMBERS


async def test_repeated_messages_come_twice(line: BadLine) -> None:
    async with talking(line) as talker:
        with line.weather(Weather(repeated=1.0)):
            heard = await said(talker, 2 * MESSAGES)
        assert sorted(heard) == sorted(2 * NUMBERS)


async def test_what_was_held_passes_in_the_end(line: BadLine) -> None:
    async with talking(line) as talker:
        with line.stalled():
            talker.say("PING")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(talker.hears(answers=1), 0.1)
        await talker.hears(answers=1)


async def test_on_a_half_open_line_one_speaks_and_doesnt_hear(line: BadLine) -> None:
    async with talking(line) as deaf, talking(line) as other:
        for talker in (deaf, other):  # only who has heard something is known to listen
            talker.say("PUBLISH here 0")
            await talker.hears(answers=1)
        await deaf.hears(messages=2)
        await other.hears(messages=1)
        with line.half_open(which=2):
            deaf.say("PUBLISH here 7")
            while 7 not in other.heard:
                await other.hears(messages=len(other.heard) + 1)
            assert 7 not in deaf.heard
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(deaf.hears(messages=3), 0.1)
        await deaf.hears(messages=3)
        assert deaf.heard[-1] == 7


async def test_an_unreachable_line_cuts_and_refuses_and_is_back_at_its_port(line: BadLine) -> None:
    async with talking(line) as talker, line.unreachable():
        with pytest.raises(ConnectionResetError):
            await talker.hears(answers=1)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", line.port)
    async with talking(line) as talker:
        assert await said(talker, MESSAGES) == NUMBERS


async def test_cut_connections_are_gone_and_new_ones_are_taken(line: BadLine) -> None:
    async with talking(line) as talker:
        line.cut_all()
        with pytest.raises(ConnectionResetError):
            await talker.hears(answers=1)
    async with talking(line) as talker:
        assert await said(talker, MESSAGES) == NUMBERS
