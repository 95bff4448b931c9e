"""What waits to be sent to a broker. It is bounded; when it is full the oldest go, since the newest say the most."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

MAX_MESSAGES: Final = 500
MAX_BYTES: Final = 8 * 1024 * 1024


class Outbox:
    """Messages in order. Putting never waits; taking does."""

    def __init__(self, *, max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._messages: deque[bytes] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()

    def put(self, message: bytes) -> int:
        """Add one; return how many had to go for it."""
        self._messages.append(message)
        self._bytes += len(message)
        gone = 0
        while len(self._messages) > self._max_messages or self._bytes > self._max_bytes:
            self._bytes -= len(self._messages.popleft())
            gone += 1
        self._filled.set()
        return gone

    async def take(self, seconds: float) -> list[bytes]:
        """All that is there, as soon as there is something; nothing, if nothing comes in this time."""
        if not self._messages:
            self._filled.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._filled.wait()
            except TimeoutError:
                return []
        return self._empty()

    def clear(self) -> int:
        """Forget everything; return how many that were."""
        return len(self._empty())

    def _empty(self) -> list[bytes]:
        messages = list(self._messages)
        self._messages.clear()
        self._bytes = 0
        return messages
