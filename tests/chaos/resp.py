"""Cutting what a Redis server says into single values (RESP3), as far as a proxy needs it: where each one ends."""

from __future__ import annotations

_LINES = frozenset(b"+-:_#,(")
_TEXTS = frozenset(b"$=!")
_PAIRS = frozenset(b"%|")


class Cutter:
    """Takes bytes as they come, gives whole values."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The values that are whole now."""
        self._rest += data
        values, start = [], 0
        while (end := _end_of_value(self._rest, start)) is not None:
            values.append(self._rest[start:end])
            start = end
        self._rest = self._rest[start:]
        return values


def is_message(value: bytes) -> bool:
    """Whether this is a message on a channel, and not an answer."""
    return value.startswith(b">") and b"$7\r\nmessage\r\n" in value[:20]


def _end_of_value(data: bytes, start: int) -> int | None:
    line_end = data.find(b"\r\n", start)
    if line_end < 0:
        return None
    kind, count, end = data[start], data[start + 1 : line_end], line_end + 2
    if kind in _LINES:
        return end
    number = int(count)
    if kind in _TEXTS:
        end += number + 2 if number >= 0 else 0  # -1: there is none
        return end if end <= len(data) else None
    for _ in range(2 * number if kind in _PAIRS else number):
        following = _end_of_value(data, end)
        if following is None:
            return None
        end = following
    # What an attribute says is said of the value that follows.
    return _end_of_value(data, end) if kind == ord("|") else end
