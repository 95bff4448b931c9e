"""A stream as it comes: its head, its frames byte by byte, and waiting for one of them."""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pulsestage.cli.conformance.rules import Broken
from pulsestage.cli.conformance.wire import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulsestage.cli.conformance.wire import Connection, Head

# Every line end that browsers accept: other rules can still be tried when the one about line ends is broken.
_LINE_END = re.compile(rb"(?>\r\n|\n|\r)")
_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")


@dataclass(frozen=True)
class Frame:
    """One frame: its bytes, the blank line included, and what they mean."""

    raw: bytes

    @cached_property
    def fields(self) -> list[tuple[str, str]]:
        """Names and values of its lines, comments left out (HTML, section 9.2.6)."""
        lines = (line.decode(errors="replace") for line in _LINE_END.split(self.raw) if line)
        parts = (line.partition(":") for line in lines if not line.startswith(":"))
        return [(name, value.removeprefix(" ")) for name, _, value in parts]

    def values(self, name: str) -> list[str]:
        """The values of one field."""
        return [value for each, value in self.fields if each == name]

    @cached_property
    def event(self) -> dict[str, Any]:
        """The JSON that it carries. Raises Broken."""
        try:
            event = json.loads("\n".join(self.values("data")))
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            raise Broken("a frame whose data is a JSON object with a type", self.raw)
        return event

    @property
    def type(self) -> str:
        """The event's type."""
        return str(self.event["type"])

    @property
    def data(self) -> dict[str, Any]:
        """The event's data. Raises Broken."""
        data = self.event.get("data")
        if not isinstance(data, dict):
            raise Broken("an event with data", self.raw)
        return data

    @property
    def is_logged(self) -> bool:
        """Whether it is of the log, rather than of the stream itself."""
        return ":" in self.type

    @property
    def position(self) -> str:
        """Its id. Raises Broken if there is not one."""
        match self.values("id"):
            case [position] if position:
                return position
        raise Broken(f"an id on {self.type}", self.raw)


def seq_of(position: str) -> int:
    """The number in a position. Raises Broken."""
    number = position.rpartition(".")[2]
    if not (number.isascii() and number.isdecimal()):
        raise Broken("a position, <epoch>.<seq>", position)
    return int(number)


class Stream:
    """An open stream. `deadline` is the event loop's time at which waiting for it ends."""

    def __init__(self, connection: Connection, head: Head, deadline: float) -> None:
        self.connection = connection
        self.head = head
        self.frames: list[Frame] = []
        self._pieces = connection.pieces(head)
        self._deadline = deadline
        self._buffer = bytearray()
        self._length = 0
        # 31: a gzip header and the largest window.
        self._unzip = zlib.decompressobj(31) if head.get("content-encoding") == "gzip" else None

    async def next(self, what: str) -> Frame:
        """The next frame that is a message. Raises Broken, saying that `what` was waited for."""
        while True:
            frame = Frame(await self._block(what))
            self.frames.append(frame)
            if frame.values("data"):
                return frame

    async def until(self, what: str, wanted: Callable[[Frame], bool]) -> Frame:
        """The first frame from here on that is wanted. Raises Broken."""
        while not wanted(frame := await self.next(what)):
            pass
        return frame

    async def first(self, *types: str) -> list[Frame]:
        """The next frames, which must be of these types. Raises Broken."""
        frames: list[Frame] = []
        for type_ in types:
            frame = await self.next(type_)
            if frame.type != type_:
                raise Broken(type_, frame.raw)
            frames.append(frame)
        return frames

    async def of_question(self, type_: str, question: dict[str, Any]) -> Frame:
        """The next event of this type about this question. Raises Broken."""
        return await self.until(
            f"{type_} of {question['id']}",
            lambda frame: frame.type == type_ and frame.data.get("questionId") == question["id"],
        )

    def created(self) -> list[str]:
        """The questions whose question:created has come, in order."""
        return [str(frame.data.get("questionId")) for frame in self.frames if frame.type == "question:created"]

    def close(self) -> None:
        """Break it off."""
        self.connection.close()

    async def _block(self, what: str) -> bytes:
        start = 0
        while (end := _BLANK_LINE.search(self._buffer, start)) is None:
            start = max(0, len(self._buffer) - 4)
            piece = await self._piece(what)
            plain = piece if self._unzip is None else self._unzip.decompress(piece, MOST_BYTES)
            self._buffer += plain
            self._length += len(plain)
            if self._length >= MOST_BYTES:
                raise Broken(what, f"{self._length} bytes without it, {self._so_far()}")
        block = bytes(self._buffer[: end.end()])
        del self._buffer[: end.end()]
        return block

    async def _piece(self, what: str) -> bytes:
        try:
            async with asyncio.timeout_at(self._deadline):
                piece = await anext(self._pieces, b"")
        except TimeoutError:
            raise Broken(what, f"nothing more in time, {self._so_far()}") from None
        except (OSError, EOFError):
            raise Broken(what, f"the end of the connection, {self._so_far()}") from None
        if not piece:
            raise Broken(what, f"the end of the stream, {self._so_far()}")
        return piece

    def _so_far(self) -> str:
        if self._buffer:
            return f"in the middle of {bytes(self._buffer[:80])!r}"
        return f"after {self.frames[-1].raw[-80:]!r}" if self.frames else "before any frame"
